"""Run a provider in a separate process that answers at once and records the times of every request.

It speaks OpenAI's chat format (a stream) and Tabby's (one piece). Its clock is ``time.monotonic``, which all
processes of a machine share. Client and provider are separate processes: in a single process, the client's work
on other messages from the server would count as the server's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from tests.support.lsp_client import LspClient, running_server
from tests.support.wire_formats import Answer, events

R = TypeVar("R")
REPLY = ("first", " +", " second")


class QuickClient(LspClient):
    """A client that does not validate the server's messages, unlike in the tests."""

    def _validate(self, message: dict[str, Any]) -> None:
        del message


class _Provider:
    """Request handlers; they record when each request arrived and when its answer was complete."""

    def __init__(self) -> None:
        self.times: list[list[float]] = []

    def _came(self) -> list[float]:
        times = [time.monotonic()]
        self.times.append(times)
        return times

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Serve ``POST /v1/chat/completions``; the answer is complete with the finish event."""
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
        """Serve ``POST /v1/completions`` of a Tabby server."""
        times = self._came()
        await request.read()
        choices = [{"index": 0, "text": "".join(REPLY)}]
        response = web.json_response({"id": "cmpl-1", "choices": choices})
        await response.prepare(request)
        await response.write_eof()
        times.append(time.monotonic())
        return response

    async def tell(self, _request: web.Request) -> web.Response:
        """Return the times of all requests so far."""
        return web.json_response(self.times)

    async def health(self, _request: web.Request) -> web.Response:
        """Serve all other requests of a Tabby client."""
        version = {"build_date": "2025-01-01", "git_sha": "x", "git_describe": "v0.30.0"}
        return web.json_response({"model": "m", "device": "cpu", "version": version})

    async def serve(self) -> None:
        """Print the port and serve until the process is stopped."""
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
    """Handle of the running process."""

    address: str

    async def times(self) -> list[tuple[float, float]]:
        """Return the arrival time of each request and the time when its answer was written."""

        def read() -> Any:
            with urllib.request.urlopen(f"{self.address}/times") as answer:
                return json.load(answer)

        return [tuple(each) for each in await asyncio.to_thread(read)]

    async def around(self, answer: Awaitable[R]) -> tuple[R, float, float]:
        """Wait for a server's answer; return it with the milliseconds before and after the provider's work."""
        seen = len(await self.times())
        start = time.monotonic()
        given = await answer
        end = time.monotonic()
        came, whole = (await self.times())[seen]
        return given, (came - start) * 1e3, max(0.0, end - whole) * 1e3


@contextlib.asynccontextmanager
async def timed_provider() -> AsyncGenerator[TimedProvider]:
    """Start a provider process."""
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


@contextlib.asynccontextmanager
async def timed_server(settings: str) -> AsyncGenerator[tuple[QuickClient, TimedProvider]]:
    """Run a server with one model, whose provider is timed; ``settings`` is TOML."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with timed_provider() as provider:
            (home / "config.toml").write_text(
                f'[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\n'
                f'baseUrl = "{provider.address}/v1"\n{settings}'
            )
            async with running_server(home, client=QuickClient) as client:
                await client.initialize()
                yield client, provider
