"""Measure the cost of the history for a heavy user's year, at 10³, 10⁴, 10⁵ and 10⁶ suggestions.

Each suggestion has its call and its outcome, written as the server writes them and spread evenly over the days
of the year. Measured at each size: the file, writing an event to disk, opening the file, building an app context
(settings, selector with the history), a selection, the queries of a report, and the installed server from its
start to the first completion. At the end the clock advances and retention removes records.

``python -m benchmarks.year [--sizes 1000,10000] [--folder DIR]``. With a folder, a later run continues from the
existing size; a million suggestions take a while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.lsp_client import running_server

from ensemble_lsp.app import open_app
from ensemble_lsp.history import CallRecord, History, SuggestionRecord
from ensemble_lsp.types import Document, Outcome, Position

from .common import ARTIFACTS, percentile, save, table

DAY = 86_400.0
LAST = 1.9e9
"""Last second of the year, as Unix time."""
MODELS = ("recall", "local", "mini", "large")
CONFIG = "".join(
    f'[[models]]\nname = "{name}"\nprovider = "recall"\nmodel = "recall"\n\n' for name in MODELS
)
LANGUAGES = ("python", "typescript", "go")
KINDS = ("accepted", "partial", "typed", "rejected", "ignored", "superseded")
WEIGHTS = (22, 5, 3, 20, 45, 5)
REWARDS = {"accepted": 1.0, "partial": 0.6, "typed": 0.8, "rejected": 0.0, "ignored": 0.1}
CODE = "def area(width, height):\n    return width * height\n\n\ndef again(width, height):\n    ret"
BATCH = 500


def events(
    number: int, rng: random.Random, total: int
) -> tuple[SuggestionRecord, CallRecord, Outcome]:
    """Return suggestion ``number`` of a year with this many."""
    when = LAST - 365 * DAY + 365 * DAY * number / total
    model = rng.choices(MODELS, (1, 2, 4, 3))[0]
    kind = rng.choices(KINDS, WEIGHTS)[0]
    features = {"language": rng.choice(LANGUAGES), "complexity": rng.randrange(30), "lines": 3}
    suggestion = SuggestionRecord(
        f"s{number}", when, "complete", (model,), features["language"], 60, 2, features=features,
        project="0123456789ab",
    )  # fmt: skip
    first = rng.lognormvariate(5.5, 0.6)
    call = CallRecord(
        when, "complete", model, "openai", first, first * 2, 1500, 40, 900, 0.0007, id=f"c{number}"
    )  # fmt: skip
    reward = REWARDS.get(kind)
    return suggestion, call, Outcome(f"s{number}", kind, "document", 1.0, reward)


async def fill(history: History, start: int, end: int, total: int) -> None:
    """Write the suggestions from ``start`` until before ``end``."""
    rng = random.Random(start)
    for first in range(start, end, BATCH):
        last = None
        for number in range(first, min(end, first + BATCH)):
            suggestion, call, outcome = events(number, rng, total)
            history.add_suggestion(suggestion)
            history.add_call(call)
            last = history.add_outcome(outcome, suggestion.time + 5)
        if last is not None:
            await asyncio.wrap_future(last)


async def timed(work: Callable[[], Awaitable[Any]], repeats: int = 9) -> float:
    """Return the median in milliseconds."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        await work()
        times.append((time.perf_counter() - start) * 1e3)
    return percentile(times, 0.5)


async def record(history: History, size: int, count: int = 200) -> list[float]:
    """Return milliseconds until a suggestion and its outcome are on disk, each written separately."""
    times: list[float] = []
    for number in range(count):
        id_ = f"timed-{size}-{time.time_ns()}-{number}"
        start = time.perf_counter()
        history.add_suggestion(SuggestionRecord(id_, LAST, "complete", ("mini",)))
        outcome = Outcome(id_, "accepted", "document", 1.0, 1.0)
        await asyncio.wrap_future(history.add_outcome(outcome, LAST))
        times.append((time.perf_counter() - start) * 1e3)
    return times


async def opening(path: Path) -> None:
    """Open the history, wait until it is ready, close it."""
    history = History.open(path, retention_days=100_000)
    await history.ready()
    await history.close()


async def selecting(home: Path) -> dict[str, float]:
    """Measure building an app context, and one selection in it."""
    built: list[float] = []
    decided: list[float] = []
    document = Document.from_text("file:///w/a.py", 1, "python", CODE)
    for _ in range(3):
        start = time.perf_counter()
        app = await open_app(config_path=home / "config.toml", data_dir=home / "data")
        built.append((time.perf_counter() - start) * 1e3)
        for line in range(200):
            start = time.perf_counter()
            app.decide("complete", document, Position(line % 5, 0))
            decided.append((time.perf_counter() - start) * 1e3)
        await app.close()
    return {
        "session ms": percentile(built, 0.5),
        "select p50 ms": percentile(decided, 0.5),
        "select p99 ms": percentile(decided, 0.99),
    }


async def serving(home: Path) -> float:
    """Return milliseconds from the start of the process to its first completion."""
    times: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        async with running_server(home) as client:
            await client.initialize()
            uri = client.open("file:///w/a.py", CODE)
            assert await client.inline(uri)
            times.append((time.perf_counter() - start) * 1e3)
            await client.shutdown()
    return percentile(times, 0.5)


async def reporting(history: History) -> None:
    """Measure the queries of ``report`` and ``history stats``."""
    await history.stats()
    await history.stats("complete", LAST - 30 * DAY)
    await history.spent_since(LAST - 30 * DAY)
    for model in MODELS:
        await history.latencies(model, "complete")


async def measure(home: Path, size: int, done: int) -> dict[str, float]:
    """Measure one size; the file already has ``done`` suggestions."""
    path = home / "data" / "history.sqlite3"
    history = History.open(path, retention_days=100_000)
    start = time.perf_counter()
    await fill(history, done, size, size)
    written = time.perf_counter() - start
    commits = await record(history, size)
    row: dict[str, float] = {
        "suggestions": size,
        "written per second": (size - done) / written if size > done else float("nan"),
        "record p50 ms": percentile(commits, 0.5),
        "record p99 ms": percentile(commits, 0.99),
        "report ms": await timed(lambda: reporting(history)),
        "rewards ms": await timed(lambda: history.rewards_by_model("complete", 5000), 5),
    }
    await history.close()
    row["megabytes"] = path.stat().st_size / 1e6
    row["open ms"] = await timed(lambda: opening(path), 5)
    row |= await selecting(home)
    row["first completion ms"] = await serving(home)
    return row


def kept(path: Path) -> int:
    """Return the number of suggestions in a file."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM suggestions").fetchone()[0])


async def retained(path: Path, seconds: float) -> dict[str, float]:
    """Measure retention within a time limit when eleven months of rows expire at once."""
    before = path.stat().st_size
    history = History.open(path, retention_days=30, clock=lambda: LAST)
    await history.ready()
    rows = kept(path)
    waits: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        waits.append(await timed(history.stats, 1))
        await asyncio.sleep(0.2)
    await history.close()
    left = kept(path)
    return {
        "rows before": rows,
        "rows after": left,
        "seconds": seconds,
        "megabytes before": before / 1e6,
        "megabytes after": path.stat().st_size / 1e6,
        "a question meanwhile p99 ms": percentile(waits, 0.99),
    }


def sizes_of(folder: Path) -> list[dict[str, float]]:
    """Return the results of an earlier run."""
    path = folder / "sizes.json"
    return json.loads(path.read_text()) if path.exists() else []


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--folder", type=Path, help="keep the history here and continue from it")
    parser.add_argument("--retention", type=float, default=0.0, metavar="SECONDS")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home: Path = given.folder or Path(temporary)
        (home / "data").mkdir(parents=True, exist_ok=True)
        (home / "config.toml").write_text(CONFIG + "[history]\nretentionDays = 3650\n")
        rows = sizes_of(home)
        for size in (int(s) for s in given.sizes.split(",") if s):
            done = int(rows[-1]["suggestions"]) if rows else 0
            if size > done:
                rows.append(asyncio.run(measure(home, size, done)))
                (home / "sizes.json").write_text(json.dumps(rows))
        result: dict[str, Any] = {"sizes": rows, "cpus": os.cpu_count()}
        if given.retention:
            path = home / "data" / "history.sqlite3"
            result["retention"] = asyncio.run(retained(path, given.retention))
            print(json.dumps(result["retention"], indent=1))
    names = [name for name in rows[0] if name != "suggestions"]
    table(
        "a year of one user",
        ["", *(f"{int(r['suggestions']):,}" for r in rows)],
        [[name, *(r.get(name, float("nan")) for r in rows)] for name in names],
    )
    print(save("year", result), ARTIFACTS)


if __name__ == "__main__":
    main()
