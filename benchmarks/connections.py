"""Measure the time to an answer after a pause in which the provider has closed its idle connections.

The installed server runs over stdio. Its provider speaks TLS on loopback, behind a relay that delays all
bytes by 15 ms each way and the connection by 30 ms, and that closes every connection when the pause begins.
Its address is the machine's name: a model at a loopback address needs no connection ahead.
*next*: requests one after the other; *after the pause*: the first request after it; *at once*: the
first request where the pause ends just after the connections were closed, so that the handshake is not done
when the user types. ``python -m benchmarks.connections [--requests N] [--pause SECONDS]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from aiohttp import web
from tests.support.lsp_client import LspClient, running_server
from tests.support.tls import certificate
from tests.support.wire_formats import Answer, events

from .added_time import open_source
from .common import percentile, save, table
from .provider import REPLY, QuickClient

DELAY = 0.015
_SETTINGS = """
[[models]]
name = "gpt"
provider = "openai"
model = "gpt"
baseUrl = "https://{host}:{port}/v1"
local = false
[complete]
candidates = 1
budgetMs = 60000
debounceMs = 0
"""


class Relay:
    """Passes bytes on after a delay; can close all its connections."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.opened = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        self.opened += 1
        self._writers.add(writer)
        await asyncio.sleep(2 * DELAY)
        out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, out_writer), self._pass(out_reader, writer))
        self._writers.discard(writer)
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(1 << 16):
            loop.call_later(DELAY, writer.write, data)
        loop.call_later(DELAY, writer.close)

    def hang_up(self) -> None:
        """Close every connection, as a server does with idle ones."""
        for writer in self._writers:
            writer.close()


async def _answer(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for event in events("chat", Answer(REPLY, input_tokens=9, output_tokens=3)):
        await response.write(event)
    await response.write_eof()
    return response


@contextlib.asynccontextmanager
async def distant_provider(pem: Path) -> AsyncGenerator[tuple[Relay, int]]:
    """Start a provider and its relay; returns the relay and its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    relay = Relay(runner.addresses[0][1])
    listener = await asyncio.start_server(
        relay.serve, socket.gethostbyname(socket.gethostname()), 0
    )
    try:
        yield relay, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        relay.hang_up()
        await runner.cleanup()


class Typist:
    """Types the start of a new line each time, requests a completion, and finishes the line."""

    def __init__(self, client: LspClient) -> None:
        self._client = client
        self._uri, self._place = open_source(client, 100)
        self._number = 0

    def _type(self, text: str) -> None:
        self._client.insert(self._uri, self._place, text)
        self._place += len(text)

    async def ask(self) -> float:
        """Return the milliseconds from the keystroke to the answer."""
        self._number += 1
        self._type(f"    value_{self._number} = ")
        start = time.perf_counter()
        items = await self._client.inline(self._uri, self._place, 1)
        took = (time.perf_counter() - start) * 1e3
        assert items, self._client.messages()
        self._type(f"{self._number}\n")
        await asyncio.sleep(0.2)
        return took


async def run(requests: int, pause: float) -> dict[str, list[float]]:
    """Return the times of each kind of request, in milliseconds."""
    times: dict[str, list[float]] = {"next": [], "after the pause": [], "at once": []}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pem = certificate(home)
        async with distant_provider(pem) as (relay, port):
            (home / "config.toml").write_text(
                _SETTINGS.format(host=socket.gethostname(), port=port)
            )
            env = {"OPENAI_API_KEY": "none", "SSL_CERT_FILE": str(pem)}
            async with running_server(home, env=env, client=QuickClient) as client:
                await client.initialize()
                typist = Typist(client)
                for _ in range(10):
                    await typist.ask()
                for _ in range(requests):
                    times["next"].append(await typist.ask())
                    relay.hang_up()
                    await asyncio.sleep(pause)
                    times["after the pause"].append(await typist.ask())
                    relay.hang_up()
                    await asyncio.sleep(0.1)
                    times["at once"].append(await typist.ask())
    return times


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--pause", type=float, default=8.0)
    args = parser.parse_args()
    times = asyncio.run(run(args.requests, args.pause))
    rows = [[name, percentile(found, 0.5), percentile(found, 0.9)] for name, found in times.items()]
    table("from the keystroke to the answer, ms", ["request", "p50", "p90"], rows)
    save("connections", times)


if __name__ == "__main__":
    main()
