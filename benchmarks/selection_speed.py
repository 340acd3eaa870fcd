"""Measure the time of a choice with 20 models and a million suggestions in the history.

    python -m benchmarks.selection_speed [--suggestions 1000000]

The benchmark fills a history, starts a selector with it (as a server does at startup) and measures its choices;
then another server starts from the stored state. The times of a choice are wall-clock time and processor time of
the thread, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from ensemble_lsp.history import History
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection.history_sync import HistorySync
from ensemble_lsp.selection.request_context import PLACES, RequestContext
from ensemble_lsp.settings import SelectorSettings
from ensemble_lsp.types import Outcome

from .common import percentile, save, table

MODELS = [Profile(f"m{n}", "openai", f"gpt-4o-{n}") for n in range(20)]


def contexts(count: int) -> list[RequestContext]:
    """Return different places in code."""
    rng = random.Random(1)
    return [
        RequestContext(
            "complete",
            rng.choice(("python", "rust", "typescript")),
            complexity=rng.randint(1, 30),
            nesting=rng.randint(0, 5),
            function_lines=rng.randint(1, 80),
            prefix_chars=rng.randint(0, 4000),
            multiline=rng.random() < 0.5,
            place=rng.choice(PLACES),
        )
        for _ in range(count)
    ]


def fill(path: Path, count: int) -> None:
    """Write suggestions and outcomes directly into the file."""
    import json

    features = [json.dumps(s.to_json()) for s in contexts(200)]
    rng = random.Random(2)
    start = time.time() - count
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.executemany(
            "INSERT INTO suggestions (id, time, task, models, language, chars, lines, trigger, cached,"
            " shown_at, features, explored, project)"
            " VALUES (?, ?, 'complete', ?, 'python', 30, 1, 'automatic', 0, 0, ?, 0, '')",
            (
                (f"s{n}", start + n, f'["m{n % 20}"]', features[n % len(features)])
                for n in range(count)
            ),
        )
        db.executemany(
            "INSERT INTO outcomes (n, time, kind, source, share, reward) VALUES (?, ?, ?, '', 1, ?)",
            (
                (n + 1, start + n, "accepted" if n % 3 else "rejected", round(rng.random(), 3))
                for n in range(count)
            ),
        )
    db.close()


async def measure(path: Path, count: int) -> dict[str, Any]:
    """Return the times in milliseconds."""
    history = History.open(path)
    await history.ready()
    await asyncio.to_thread(fill, path, count)
    begun: list[float] = []
    for _ in range(2):
        selector = make_selector(SelectorSettings())
        learning = HistorySync(history, selector)
        started = time.perf_counter()
        await learning.start()
        begun.append((time.perf_counter() - started) * 1e3)
        history.add_outcome(Outcome("s0", "accepted", "command", reward=0.5))
        await learning.sync()
    wall: list[float] = []
    thread: list[float] = []
    for context in contexts(3000):
        a, b = time.perf_counter(), time.thread_time()
        selector.choose(context, MODELS, budget_ms=2500)
        wall.append((time.perf_counter() - a) * 1e3)
        thread.append((time.thread_time() - b) * 1e3)
    learned: list[float] = []
    for n, context in enumerate(contexts(300)):
        started = time.thread_time()
        selector.learn(f"m{n % 20}", context, n % 2)
        learned.append((time.thread_time() - started) * 1e3)
    await history.close()
    return {
        "suggestions": count,
        "firstStart": begun[0],
        "laterStart": begun[1],
        **{
            f"{name}{part}": percentile(values, p)
            for name, values in (("choose", wall), ("chooseCpu", thread), ("learn", learned))
            for part, p in (("P50", 0.5), ("P99", 0.99))
        },
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suggestions", type=int, default=1_000_000)
    count = parser.parse_args().suggestions
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(measure(Path(folder) / "history.sqlite3", count))
    rows = [[name, value] for name, value in result.items()]
    table("choosing among 20 models, ms", ["what", "ms"], rows)
    save("selection-speed", result)


if __name__ == "__main__":
    main()
