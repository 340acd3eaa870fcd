"""Share of recorded and scripted provider answers that come out right, by task, kind and service.

``python -m benchmarks.wires [ID-OR-SERVICE …]``: the cases are in ``tests/data/wires``; each goes
through the real server. With names only those cases run, and each wrong one is printed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.support.wire_cases import WireCase, load_cases
from tests.support.wire_runner import WireResult, wire_runner

from .common import save, table

CASES = Path(__file__).parent.parent / "tests" / "data" / "wires"
SERVERS = 2
"""Servers that run side by side."""


async def run_all(cases: Sequence[WireCase]) -> list[WireResult]:
    """Run the cases, a share on each server."""

    async def share(part: Sequence[WireCase]) -> list[WireResult]:
        with tempfile.TemporaryDirectory() as folder:
            async with wire_runner(Path(folder)) as runner:
                return [await runner.run(case) for case in part]

    parts = await asyncio.gather(*(share(cases[n::SERVERS]) for n in range(SERVERS)))
    return [result for part in parts for result in part]


def show(results: Sequence[WireResult]) -> dict[str, dict[str, tuple[int, int]]]:
    """Print the shares; return right and all by grouping."""
    groups: dict[str, dict[str, tuple[int, int]]] = {}
    for name in ("task", "kind", "service"):
        total = Counter(getattr(r.case, name) for r in results)
        right = Counter(getattr(r.case, name) for r in results if r.right)
        groups[name] = {key: (right[key], total[key]) for key in sorted(total)}
        rows = [[key, good, every, good / every] for key, (good, every) in groups[name].items()]
        rows.append(["all", sum(right.values()), len(results), sum(right.values()) / len(results)])
        table(f"Right answers by {name}", [name, "right", "cases", "share"], rows)
    return groups


def main(arguments: Sequence[str]) -> int:
    """Run and print; the exit code is 1 if a case is wrong."""
    wanted = [*arguments]
    cases = [
        case
        for case in load_cases(CASES)
        if not wanted or any(name in (case.id, case.service, case.kind) for name in wanted)
    ]
    results = asyncio.run(run_all(cases))
    wrong = [result for result in results if not result.right]
    for result in sorted(wrong, key=lambda r: (r.case.kind, r.case.id)):
        print(result)
    groups = show(results)
    save("wires", {"groups": groups, "wrong": [str(result) for result in wrong]})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
