"""Measure memory and time over 10,000 keystrokes, and whether typing waits for a model.

The keystrokes go to random places of a 5,000-line file, with an automatic request after every tenth.
*Resident memory*: the server's, after the first 1,000 keystrokes and at the end. *didChange*: the server's
time for one change, measured by the client: it sends a change and then a code action request, which is
answered after the change. *Typing never waits*: the same with three requests in flight to a provider that
never answers. ``python -m benchmarks.keystrokes [--keystrokes N]``
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from tests.support.lsp_client import LspClient, running_server
from tests.support.providers import Fault, LoopbackProvider, running

from .added_time import source
from .common import percentile, save, table


def config(home: Path, url: str) -> None:
    """Return the settings of one model on loopback."""
    (home / "config.toml").write_text(
        f'[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\nbaseUrl = "{url}"\n'
        "timeout = 60\n[complete]\nbudgetMs = 60000\ndebounceMs = 0\n"
    )


def ask(client: LspClient, uri: str, place: int, kind: int = 2) -> None:
    """Request an inline completion without waiting for the response."""
    _, future = client.start_inline(uri, place, kind)
    future.add_done_callback(lambda f: f.cancelled() or f.exception())


async def action(client: LspClient, uri: str, place: int) -> float:
    """Return milliseconds until the response to a code action request."""
    where = client.range(client.text(uri), place, place)
    # The preceding change is handled first, so this time includes it.
    start = time.perf_counter()
    params = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}}
    await client.request("textDocument/codeAction", params)
    return (time.perf_counter() - start) * 1e3


async def type_long(keystrokes: int) -> dict[str, Any]:
    """Type, and measure memory and times."""
    chance = random.Random(3)
    changes: list[float] = []
    first = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        running(LoopbackProvider(reply="first + second")) as provider,
    ):
        config(Path(folder), provider.base_url)
        async with running_server(Path(folder)) as client:
            await client.initialize()
            process = psutil.Process(client.process.pid)
            uri = client.open("file:///bench/long.py", source(5_000))
            place = chance.randrange(len(client.text(uri)))
            for number in range(keystrokes):
                if number % 50 == 0:
                    place = client.text(uri).index(
                        "\n", chance.randrange(len(client.text(uri)) - 200)
                    )
                await asyncio.sleep(0.005)  # 200 keystrokes per second: 20 times a typist
                client.insert(uri, place, chance.choice("abc_ (=.\n"))
                place += 1
                if number % 10 == 7:
                    ask(client, uri, place)
                if number % 5 == 0:
                    changes.append(await action(client, uri, place))
                if number == 1_000:
                    first = process.memory_info().rss
            await asyncio.sleep(1)
            last = process.memory_info().rss
    return {
        "rss_1000_mb": first / 2**20,
        "rss_end_mb": last / 2**20,
        "ratio": last / first,
        "change_p50": percentile(changes, 0.5),
        "change_p99": percentile(changes, 0.99),
    }


async def type_while_waiting(keystrokes: int) -> dict[str, Any]:
    """Measure changes and code actions while three requests wait forever."""
    times: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(LoopbackProvider(fault=Fault.never_answer())) as provider,
    ):
        config(Path(folder), provider.base_url)
        async with running_server(Path(folder)) as client:
            await client.initialize()
            uris = [client.open(f"file:///bench/{n}.py", source(5_000)) for n in range(3)]
            for uri in uris:
                client.append(uri, "value = ")
                ask(client, uri, len(client.text(uri)), 1)
            await provider.until(lambda p: len(p.requests) >= 3)
            uri = client.open("file:///bench/typed.py", source(5_000))
            for number in range(keystrokes):
                start = time.perf_counter()
                client.append(uri, "x" if number % 40 else "\n")
                await action(client, uri, len(client.text(uri)))
                times.append((time.perf_counter() - start) * 1e3)
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


def main() -> None:
    """Run both benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keystrokes", type=int, default=10_000)
    count = parser.parse_args().keystrokes
    long = asyncio.run(type_long(count))
    waiting = asyncio.run(type_while_waiting(max(200, count // 10)))
    rows = [
        ["resident memory after 1,000 keystrokes, MiB", long["rss_1000_mb"]],
        [f"resident memory after {count:,}, MiB", long["rss_end_mb"]],
        ["ratio (at most 1.10)", long["ratio"]],
        ["change and code action answered, p50 ms", long["change_p50"]],
        ["change and code action answered, p99 ms", long["change_p99"]],
        ["the same with three requests in flight, p50 ms", waiting["p50"]],
        ["the same with three requests in flight, p99 ms (below 20)", waiting["p99"]],
    ]
    table("keystrokes in a 5,000-line file", ["what", "figure"], rows)
    save("keystrokes", {"keystrokes": count, "long": long, "waiting": waiting})


if __name__ == "__main__":
    main()
