"""What ensemble-lsp and tabby-agent add to a model's own time, side by side.

Both servers over stdio, driven by the same client through ``textDocument/completion`` (the method of the
protocol that both serve), each with a provider on loopback that answers at once in its own format, by
turns in one run. tabby-agent's debounce is set to 0; ours does not apply to an invoked request. Times
as in ``benchmarks.added_time``. Needs Node and ``npm install tabby-agent`` in a folder.
``python -m benchmarks.beside_tabby --tabby FOLDER [--requests N]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.support.lsp_client import CAPABILITIES, LspClient, running_server
from tests.support.providers import LoopbackProvider, running

from .added_time import LENGTHS, source
from .common import percentile, save, table

Seen = Callable[[int], tuple[float, float] | None]
"""When the provider got its n-th request, and when it had written its answer."""


class TabbyProvider:
    """Speaks what tabby-agent asks of a Tabby server."""

    def __init__(self) -> None:
        self.times: list[list[float]] = []

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/completions``."""
        times = [time.monotonic()]
        self.times.append(times)
        await request.read()
        choices = [{"index": 0, "text": "first + second"}]
        response = web.json_response({"id": "cmpl-1", "choices": choices})
        await response.prepare(request)
        await response.write_eof()
        times.append(time.monotonic())
        return response

    async def health(self, _request: web.Request) -> web.Response:
        """``/v1/health`` and whatever else is looked up."""
        version = {"build_date": "2025-01-01", "git_sha": "x", "git_describe": "v0.30.0"}
        return web.json_response({"model": "m", "device": "cpu", "version": version})

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/completions", self.complete)
        app.router.add_route("*", "/{path:.*}", self.health)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def tabby(folder: Path, home: Path, address: str) -> AsyncIterator[LspClient]:
    """A running tabby-agent with a home of its own."""
    settings = home / ".tabby-client" / "agent" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        f'[server]\nendpoint = "{address}"\ntoken = "x"\n[anonymousUsageTracking]\ndisable = true\n'
        '[completion.debounce]\nmode = "fixed"\ninterval = 0\n'
    )
    process = await asyncio.create_subprocess_exec(
        "node",
        str(folder / "node_modules" / "tabby-agent" / "dist" / "cli.js"),
        "--lsp",
        "--stdio",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(home)},
        limit=2**26,
    )
    client = LspClient(process, "plain")
    try:
        yield client
    finally:
        await client.close()


async def one(client: LspClient, uri: str, place: int, number: int, seen: Seen) -> Any:
    """Type a line's beginning, ask, and finish the line: the times, and the place after."""
    line = f"    value_{number} = "
    client.insert(uri, place, line)
    place += len(line)
    await asyncio.sleep(0.02)
    start = time.monotonic()
    params = {**client.at(uri, place), "context": {"triggerKind": 1}}
    result = await client.request("textDocument/completion", params)
    end = time.monotonic()
    times = seen(number)
    client.insert(uri, place, f"{number}\n")
    place += len(f"{number}\n")
    if times is None or not (result or {}).get("items"):
        return None, place
    got, finished = times
    return (got - start + max(0.0, end - finished)) * 1e3, place


def seen_by_tabby(provider: TabbyProvider) -> Seen:
    """Of the requests from now on."""
    base = len(provider.times)

    def seen(number: int) -> tuple[float, float] | None:
        times = provider.times[base + number :]
        return (times[0][0], times[0][1]) if times and len(times[0]) > 1 else None

    return seen


def seen_by_ours(provider: LoopbackProvider) -> Seen:
    """Of the requests from now on."""
    base = len(provider.requests)

    def seen(number: int) -> tuple[float, float] | None:
        made = provider.requests[base + number :]
        return (made[0].at, made[0].finished_at or made[0].at) if made else None

    return seen


async def run(folder: Path, requests: int) -> dict[str, dict[str, list[float]]]:
    """Both servers, by turns, for each length."""
    result: dict[str, dict[str, list[float]]] = {}
    provider = TabbyProvider()
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(running(LoopbackProvider(reply="first + second")))
        (home / "config.toml").write_text(
            '[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\n'
            f'baseUrl = "{ours.base_url}"\n[complete]\ncandidates = 1\n'
        )
        address = await stack.enter_async_context(provider.serving())
        clients = {
            "ensemble-lsp": await stack.enter_async_context(running_server(home, "plain")),
            "tabby-agent": await stack.enter_async_context(tabby(folder, home, address)),
        }

        for client in clients.values():
            await client.initialize(capabilities=CAPABILITIES["plain"])
        await asyncio.sleep(3)
        for lines in LENGTHS:
            text = source(lines)
            uri = f"file:///bench/file_{lines}.py"
            found: dict[str, list[float]] = {name: [] for name in clients}
            places = dict.fromkeys(clients, text.index("    return total\n\n\n", len(text) // 2))
            looks = {
                "ensemble-lsp": seen_by_ours(ours),
                "tabby-agent": seen_by_tabby(provider),
            }
            for client in clients.values():
                client.open(uri, text)
            for number in range(requests + 5):
                for name, client in clients.items():
                    added, places[name] = await one(client, uri, places[name], number, looks[name])
                    if added is not None and number >= 5:
                        found[name].append(added)
            for client in clients.values():
                client.close_document(uri)
            result[str(lines)] = found
    return result


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabby", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--requests", type=int, default=200)
    args = parser.parse_args()
    measured = asyncio.run(run(args.tabby, args.requests))
    rows: list[list[Any]] = []
    figures: dict[str, Any] = {}
    for lines, found in measured.items():
        row = {
            name: (percentile(times, 0.5), percentile(times, 0.99))
            for name, times in found.items()
            if times
        }
        figures[lines] = row
        both = row.get("ensemble-lsp", (0.0, 0.0)), row.get("tabby-agent", (0.0, 0.0))
        ratio = [f"{a / b:.2f}" if b else "-" for a, b in zip(*both, strict=True)]
        counts = "/".join(str(len(times)) for times in found.values())
        rows.append([lines, counts, *both[0], *both[1], *ratio])
    header = ["lines", "answers", "ours p50", "p99", "tabby p50", "p99", "ratio p50", "p99"]
    table("added to the provider's own time, ms", header, rows)
    save("beside-tabby", {"requests": args.requests, "lines": figures})


if __name__ == "__main__":
    main()
