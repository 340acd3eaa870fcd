"""Compare the time that ensemble-lsp and tabby-agent add to a model's own time.

Both servers run over stdio, alternating in one run. The same client drives them through
``textDocument/completion``, the method that both implement. The same provider on loopback, in a separate
process, answers each server at once in its format. The debounce of both is 0. The times are those of
``benchmarks.added_time``. Needs Node and ``npm install tabby-agent`` in a
folder. ``python -m benchmarks.beside_tabby --tabby FOLDER [--requests N]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient, running_server

from .added_time import LENGTHS, source
from .common import percentile, processor_ms, save, table
from .provider import QuickClient, TimedProvider, timed_provider


@contextlib.asynccontextmanager
async def tabby(folder: Path, home: Path, address: str) -> AsyncGenerator[LspClient]:
    """Run tabby-agent with its own home folder."""
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
    client = QuickClient(process, "plain")
    try:
        yield client
    finally:
        await client.close()


async def one(
    client: LspClient, provider: TimedProvider, uri: str, place: int, number: int
) -> tuple[float | None, int]:
    """Type the start of a line, request a completion, finish the line; return the added time and the next place."""
    line = f"    value_{number} = "
    client.insert(uri, place, line)
    place += len(line)
    await asyncio.sleep(0.02)
    seen = len(await provider.times())
    start = time.monotonic()
    params = {**client.at(uri, place), "context": {"triggerKind": 1}}
    result = await client.request("textDocument/completion", params)
    end = time.monotonic()
    client.insert(uri, place, f"{number}\n")
    place += len(f"{number}\n")
    made = (await provider.times())[seen:]
    if not made or not (result or {}).get("items"):
        return None, place
    came, whole = made[0]
    return (came - start + max(0.0, end - whole)) * 1e3, place


async def run(folder: Path, requests: int) -> dict[str, dict[str, list[float]]]:
    """Measure both servers alternately for each length."""
    result: dict[str, dict[str, list[float]]] = {}
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = await stack.enter_async_context(timed_provider())
        (home / "config.toml").write_text(
            '[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\n'
            f'baseUrl = "{provider.address}/v1"\n[complete]\ncandidates = 1\nbudgetMs = 60000\ndebounceMs = 0\n'
        )
        ours = running_server(home, "plain", client=QuickClient)
        clients = {
            "ensemble-lsp": await stack.enter_async_context(ours),
            "tabby-agent": await stack.enter_async_context(tabby(folder, home, provider.address)),
        }
        for client in clients.values():
            await client.initialize(capabilities=CAPABILITIES["plain"])
        await asyncio.sleep(3)
        for lines in LENGTHS:
            text = source(lines)
            uri = f"file:///bench/file_{lines}.py"
            found: dict[str, list[float]] = {name: [] for name in clients}
            places = dict.fromkeys(clients, text.index("    return total\n\n\n", len(text) // 2))
            for client in clients.values():
                client.open(uri, text)
            used: dict[str, float] = {}
            for number in range(requests + 5):
                if number == 5:
                    used = {name: processor_ms(c.process.pid) for name, c in clients.items()}
                for name, client in clients.items():
                    added, places[name] = await one(client, provider, uri, places[name], number)
                    if added is not None and number >= 5:
                        found[name].append(added)
            for name, client in clients.items():
                spent = processor_ms(client.process.pid) - used[name]
                found[f"{name} processor"] = [spent / requests]
                client.close_document(uri)
            result[str(lines)] = found
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabby", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--requests", type=int, default=200)
    args = parser.parse_args()
    measured = asyncio.run(run(args.tabby, args.requests))
    rows: list[list[Any]] = []
    figures: dict[str, Any] = {}
    for lines, found in measured.items():
        processor = [found.pop(f"{name} processor")[0] for name in tuple(found)[:2]]
        row = {
            name: (percentile(times, 0.5), percentile(times, 0.99))
            for name, times in found.items()
            if times
        }
        figures[lines] = row
        both = row.get("ensemble-lsp", (0.0, 0.0)), row.get("tabby-agent", (0.0, 0.0))
        ratio = [f"{a / b:.2f}" if b else "-" for a, b in zip(*both, strict=True)]
        counts = "/".join(str(len(times)) for times in found.values())
        rows.append([lines, counts, *both[0], *both[1], *ratio, *processor])
    header = ["lines", "answers", "ours p50", "p99", "tabby p50", "p99", "ratio p50", "p99"]
    header += ["processor", "tabby's"]
    table("added to the provider's own time, ms", header, rows)
    save("beside-tabby", {"requests": args.requests, "lines": figures})


if __name__ == "__main__":
    main()
