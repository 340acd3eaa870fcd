"""A scripted HTTP server on 127.0.0.1, of which no connection outlives its event loop."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import web


class HttpServer:
    """An aiohttp application on a port of 127.0.0.1.

    A transport that is collected after its loop ended fails the test that runs at that moment. So ``stop`` leaves
    none, neither a connection that is accepted at the last moment (a client connects anew when its kept connection
    closes) nor one with unsent text that nobody reads.
    """

    def __init__(self, app: web.Application, port: int = 0, **options: Any) -> None:
        """``port`` 0: any free one; ``options`` go to ``web.AppRunner``."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, **options)
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]

    async def start(self) -> None:
        """Listen, on the running loop."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        asyncio.get_running_loop().remove_reader(self._listening)
        await _steps()  # accepted sockets get their transports
        server = self._runner.server
        transports = [] if server is None else [c.transport for c in server.connections]
        await self._runner.cleanup()
        for transport in transports:
            if transport is not None:
                transport.abort()
        await _steps()  # aborted transports close their sockets


async def _steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
