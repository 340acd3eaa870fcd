"""A provider in a process of its own, which answers at once and keeps the times of every request.

It speaks OpenAI's chat format (a stream) and Tabby's (one piece); the clock is ``time.monotonic``, the
same for all processes of a machine. One process for the client and one for the provider: in one, the
client's work on the server's other messages would count as the server's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from tests.support.lsp_client import LspClient
from tests.support.wire_formats import Answer, events

REPLY = ("first", " +", " second")


class QuickClient(LspClient):
    """Takes the server's messages as they come: checking them is the tests' work."""

    def _validate(self, message: dict[str, Any]) -> None:
        del message


class _Provider:
    """The handlers; each request's times are when it came, and when its answer was whole."""

    def __init__(self) -> None:
        self.times: list[list[float]] = []

    def _came(self) -> list[float]:
        times = [time.monotonic()]
        self.times.append(times)
        return times

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/chat/completions``. Whole with the event that tells that it is finished."""
        times = self._came()
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in events("chat", Answer(REPLY, input_tokens=9, output_tokens=3)):
            await response.write(event)
            if b'"finish_reason": "stop"' in event:
                times.append(time.monotonic())
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def tabby(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/completions`` of a Tabby server."""
        times = self._came()
        await request.read()
        choices = [{"index": 0, "text": "".join(REPLY)}]
        response = web.json_response({"id": "cmpl-1", "choices": choices})
        await response.prepare(request)
        await response.write_eof()
        times.append(time.monotonic())
        return response

    async def tell(self, _request: web.Request) -> web.Response:
        """The times of all requests so far."""
        return web.json_response(self.times)

    async def health(self, _request: web.Request) -> web.Response:
        """Whatever a client of Tabby looks up."""
        version = {"build_date": "2025-01-01", "git_sha": "x", "git_describe": "v0.30.0"}
        return web.json_response({"model": "m", "device": "cpu", "version": version})

    async def serve(self) -> None:
        """Print the port and answer until the process is ended."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/v1/completions", self.tabby)
        app.router.add_get("/times", self.tell)
        app.router.add_route("*", "/{path:.*}", self.health)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class TimedProvider:
    """The running process, from outside."""

    address: str

    async def times(self) -> list[tuple[float, float]]:
        """When each request came, and when its answer was written."""

        def read() -> Any:
            with urllib.request.urlopen(f"{self.address}/times") as answer:
                return json.load(answer)

        return [tuple(each) for each in await asyncio.to_thread(read)]


@contextlib.asynccontextmanager
async def timed_provider() -> AsyncGenerator[TimedProvider]:
    """A provider process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.provider", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield TimedProvider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_Provider().serve())
