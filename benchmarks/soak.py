"""Soak test: a day of requests in minutes, with edits, cancellations, faults and accepts mixed in.

The installed server runs over stdio, with two providers on loopback (OpenAI's and Anthropic's protocol); one
answer in twelve fails. The run has twenty parts. After each part the operating system's figures for memory,
threads, file descriptors and sockets are recorded, and plain completions are timed with nothing else in flight.
The slope over the second half shows growth.

``python -m benchmarks.soak [--requests 100000] [--seconds 3600]`` ends at the first limit; the seconds count only
the load. The last line is the verdict; the exit code is 1 if it does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from tests.support.lsp_client import LspClient, LspError, running_server
from tests.support.providers import Fault, LoopbackProvider, Recorded, running

from .common import percentile, save, table

PIECES = 20
MEASURED = 60
"""Number of plain completions timed in each part."""
CODE = "def area_{n}(width, height):\n    total = width * height\n    return "
FAULTS = (
    Fault.status(500), Fault.status(429, headers={"retry-after": "0"}), Fault.cut(), Fault.garbage(),
    Fault.empty_choices(), Fault.disconnect(), Fault.html(), Fault.invalid_utf8(), Fault.refusal(),
)  # fmt: skip
CONFIG = """
[[models]]
name = "gpt"
provider = "openai"
model = "gpt"
baseUrl = "{openai}"
timeout = 5.0
[[models]]
name = "claude"
provider = "anthropic"
model = "claude"
baseUrl = "{anthropic}"
apiKeyEnv = "SOAK_KEY"
timeout = 5.0
[[models]]
name = "recall"
provider = "recall"
model = "recall"
[complete]
debounceMs = 0
budgetMs = 30000
candidates = 1
"""


class Faulty:
    """A provider whose answers fail one time in twelve while faults are on."""

    def __init__(self, seed: int) -> None:
        self.on = False
        self._rng = random.Random(seed)

    def __call__(self, _: Recorded) -> Fault | None:
        """Return the fault for one request."""
        wrong = self.on and self._rng.random() < 1 / 12
        return self._rng.choice(FAULTS) if wrong else None


class Soak:
    """A client that acts like an editor, as fast as the server answers."""

    def __init__(self, client: LspClient, seed: int = 1) -> None:
        self.client = client
        self.rng = random.Random(seed)
        self.count = 0
        self.ends: Counter[str] = Counter()

    def document(self, number: int) -> str:
        """Return one of a few open documents."""
        uri = f"file:///soak/file_{number}.py"
        if uri not in self.client.documents:
            self.client.open(uri, CODE.format(n=number))
        return uri

    async def burst(self) -> None:
        """Type in one document with a request per keystroke, and occasionally do more."""
        client, rng = self.client, self.rng
        uri = self.document(rng.randrange(12))
        if len(client.text(uri)) > 20_000 or rng.random() < 0.02:
            client.close_document(uri)
            uri = self.document(rng.randrange(12))
        asked: list[asyncio.Future[Any]] = []
        for char in rng.choice(("width", "x = 1\n    ", "he", "\n\ndef f(a):\n    return ", "😀")):
            client.append(uri, char)
            id_, future = client.start_inline(uri, kind=2)
            asked.append(future)
            if rng.random() < 0.15:
                client.cancel(id_)
        if rng.random() < 0.15:
            _, future = client.start("textDocument/hover", client.at(uri, rng.randrange(20)))
            asked.append(future)
        if rng.random() < 0.1:
            range_ = client.range(client.text(uri), 0, 10)
            params = {"textDocument": {"uri": uri}, "range": range_}
            context: dict[str, Any] = {"diagnostics": []}
            asked.append(client.start("textDocument/codeAction", {**params, "context": context})[1])
        self.count += len(asked)
        for result in await asyncio.gather(*asked, return_exceptions=True):
            await self.take(uri, result)

    async def take(self, uri: str, result: Any) -> None:
        """Count an answer; accept some suggestions."""
        if isinstance(result, LspError):
            assert result.code == -32800, result
            self.ends["cancelled"] += 1
        elif isinstance(result, BaseException):
            raise result
        elif isinstance(result, dict) and result.get("items"):
            self.ends["offered"] += 1
            if self.rng.random() < 0.2:
                item = result["items"][0]
                id_ = item["command"]["arguments"][0]["id"]
                await self.client.command("ensemble.accept", {"id": id_})
                self.count += 1
        else:
            self.ends["nothing" if result is None or "items" in result else "told"] += 1

    async def plain(self) -> list[float]:
        """Return milliseconds of completions with nothing else in flight."""
        await self.recovered()
        uri = self.client.open("file:///soak/plain.py", CODE.format(n=0))
        times: list[float] = []
        for number in range(MEASURED):
            self.client.append(uri, f"value_{self.count}_{number} = ")
            start = time.perf_counter()
            items = await self.client.inline(uri)
            times.append((time.perf_counter() - start) * 1e3)
            assert items
            self.client.append(uri, "1\n    ")
        self.client.close_document(uri)
        self.count += MEASURED
        return times

    async def recovered(self) -> None:
        """Wait until no model is paused because of the faults before."""
        for _ in range(100):
            if all(model["available"] for model in await self.client.command("ensemble.models")):
                return
            await asyncio.sleep(0.1)


async def settled(process: psutil.Process) -> dict[str, float]:
    """Return the resources of the process, shortly after the last request."""
    await asyncio.sleep(1.0)
    connections = process.net_connections("tcp")
    return {
        "megabytes": process.memory_info().rss / 2**20,
        "threads": process.num_threads(),
        "descriptors": process.num_fds(),
        "sockets": sum(c.status == psutil.CONN_ESTABLISHED for c in connections),
    }


def slope(values: list[float]) -> float:
    """Return the growth per part over the second half, by least squares."""
    half = values[len(values) // 2 :]
    middle = (len(half) - 1) / 2
    mean = sum(half) / len(half)
    across = sum((n - middle) * (v - mean) for n, v in enumerate(half))
    return across / sum((n - middle) ** 2 for n in range(len(half)))


async def run(requests: int, seconds: float) -> dict[str, Any]:
    """Run all parts."""
    faults = Faulty(1), Faulty(2)
    one = LoopbackProvider("width * height", fault=faults[0])
    two = LoopbackProvider("height * width", fault=faults[1])
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, running(one), running(two):
        home = Path(folder)
        config = CONFIG.format(openai=one.base_url, anthropic=two.origin)
        (home / "config.toml").write_text(config)
        async with running_server(home, env={"SOAK_KEY": "none"}) as client:
            await client.initialize()
            soak = Soak(client)
            process = psutil.Process(client.process.pid)
            began = time.monotonic()
            await soak.plain()  # warm-up
            for piece in range(1, PIECES + 1):
                for fault in faults:
                    fault.on = True
                until = time.monotonic() + seconds / PIECES
                while soak.count < requests * piece / PIECES and time.monotonic() < until:
                    await soak.burst()
                    forget(client, one, two)
                for fault in faults:
                    fault.on = False
                await asyncio.sleep(0)
                times = await soak.plain()
                held = await settled(process)
                row = {"requests": soak.count, "p50": percentile(times, 0.5)}
                rows.append({**row, "p99": percentile(times, 0.99), **held})
            pending = len(client._pending)
            code = await client.shutdown()
    grown = {name: slope([row[name] for row in rows]) for name in rows[0] if name != "requests"}
    return {
        "rows": rows,
        "growth a piece": grown,
        "ends": dict(soak.ends),
        "unanswered": pending,
        "exit code": code,
        "seconds": time.monotonic() - began,
    }


def mean_of(rows: list[dict[str, float]], name: str) -> float:
    """Return the mean of some parts."""
    return sum(row[name] for row in rows) / len(rows)


def shortcomings(result: dict[str, Any], requests: int) -> list[str]:
    """Describe each goal that is missed; compares the first five parts with the last five."""
    rows = result["rows"]
    first, last = rows[:5], rows[-5:]
    found: list[str] = []
    if rows[-1]["requests"] < requests:
        found.append(f"{rows[-1]['requests']:,} of {requests:,} requests in the time given")
    if result["unanswered"] or result["exit code"]:
        found.append(f"{result['unanswered']} unanswered, exit code {result['exit code']}")
    for name, most in (("megabytes", 1.1), ("p99", 1.2)):
        ratio = mean_of(last, name) / mean_of(first, name)
        if ratio > most:
            found.append(
                f"{name} at the end is {ratio:.2f} times that at the start (at most {most})"
            )
    for name in ("threads", "descriptors", "sockets"):
        more = mean_of(last, name) - mean_of(first, name)
        if more > 3:
            found.append(f"{more:.1f} more {name} at the end")
    return found


def forget(client: LspClient, *providers: LoopbackProvider) -> None:
    """Clear the records of the client and the providers, which are not measured."""
    client.answers.clear()
    client.notifications.clear()
    client.requests.clear()
    client._methods = {k: v for k, v in client._methods.items() if k in client._pending}
    client.conformance._answered.clear()
    for provider in providers:
        provider.requests.clear()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3600)
    given = parser.parse_args()
    result = asyncio.run(run(given.requests, given.seconds))
    rows = result["rows"]
    table("under load", list(rows[0]), [list(row.values()) for row in rows])
    print(
        "growth a piece, second half:",
        {k: round(v, 3) for k, v in result["growth a piece"].items()},
    )
    print({k: v for k, v in result.items() if k not in ("rows", "growth a piece")})
    short = shortcomings(result, given.requests)
    save("soak", {**result, "short": short})
    print(f"verdict: {'falls short: ' + '; '.join(short) if short else 'holds'}")
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
