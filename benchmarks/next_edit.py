"""Measure next-edit prediction: ``python -m benchmarks.next_edit`` (``make bench-next-edit``).

Three parts, each in a separate module: the locator alone (``next_edit_locator.py``), on the recorded scenarios
in ``--data``, on those of this repository's tests, on the history of this repository, and on the steps
between released versions of packages (``--packages`` names a folder for their wheels); the recorded answers
of services (``next_edit_recorded.py``), as they are and with the locator before them; and the time that is
added to a model's own and to each keystroke (``next_edit_time.py``). Prints tables and writes JSON.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import next_edit_locator as locator
from benchmarks import next_edit_recorded as recorded
from benchmarks import next_edit_time
from benchmarks.common import data_folder, percentile, save, table
from benchmarks.next_edit_scenarios import read_scenarios
from benchmarks.next_edit_targets import PACKAGES, commits, releases

_ROOT = Path(__file__).parent.parent
_LONG = _ROOT / "server/ensemble_lsp/lsp/server.py"
_LINES = 20_000
_OWN = _ROOT / "tests/data/next-edit"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    folder = data_folder()
    parser.add_argument("--data", type=Path, default=folder / "next-edit" if folder else None)
    parser.add_argument("--packages", type=Path, help="a folder for the packages' wheels")
    parser.add_argument("--repository", type=Path, default=_ROOT)
    parser.add_argument("--commits", type=int, default=2000, help="the latest, at most")
    parser.add_argument("--requests", type=int, default=100, help="for the added time")
    options = parser.parse_args(arguments)
    result: dict[str, Any] = {"locator": locator_part(options)}
    if options.data is not None and options.data.is_dir():
        result["recorded"] = recorded.measure_all(options.data)
    result["time"] = next_edit_time.measure(options.requests, 4000)
    print(save("next-edit", result))
    return 0


def locator_part(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the locator alone."""
    sets = {"this repository": locator.measure(commits(options.repository, options.commits))}
    if options.packages is not None:
        for name in PACKAGES:
            sets[name] = locator.measure(releases(name, options.packages))
    figures = {
        f"{name}, {part}": one.table()
        for name, parts in sets.items()
        for part, one in parts.items()
    }
    header = [key for key in next(iter(figures.values())) if key != "kinds"]
    rows = [[name, *(one[key] for key in header)] for name, one in figures.items()]
    table("The locator on targets from histories", ["set", *header], rows)
    kinds = [
        [name, kind, count.get("right", 0), count.get("wrong", 0)]
        for name, one in figures.items()
        for kind, count in one["kinds"].items()
    ]
    table("First offers by kind", ["set", "kind", "right", "wrong"], kinds)
    seconds = locator.keystrokes(_LINES, 400, _LONG)
    time_ms = {f"p{share}": percentile(seconds, share / 100) * 1e3 for share in (50, 99)}
    table(
        f"Time of an answer after a keystroke, {_LINES:,} lines, ms",
        ["", *time_ms],
        [["", *time_ms.values()]],
    )
    return {
        "histories": figures,
        "scenarios": _scenarios(options.data),
        "own scenarios": _own_scenarios(),
        "keystroke ms": time_ms,
    }


def _own_scenarios() -> dict[str, int]:
    """Count the verdicts on the scenarios of this repository's tests."""
    found = Counter(
        _verdict(scenario.expected, text)
        for scenario, text, _ in locator.scenarios(read_scenarios(_OWN))
    )
    table("The locator on this repository's scenarios", ["verdict", "count"], list(found.items()))
    return dict(found)


def _scenarios(folder: Path | None) -> dict[str, str]:
    if folder is None or not folder.is_dir():
        print("The recorded scenarios are missing: not measured; give --data.")
        return {}
    found = {
        scenario.name: _verdict(scenario.expected, text)
        for scenario, text, _ in locator.scenarios(read_scenarios(folder))
    }
    table("The locator on recorded scenarios", ["scenario", "verdict"], list(found.items()))
    return found


def _verdict(expected: str | None, text: str | None) -> str:
    if text is None:
        return "quiet, right" if expected is None else "quiet"
    if expected is None:
        return "false alarm"
    return "exact" if expected.rstrip() == text.rstrip() else "other text"


if __name__ == "__main__":
    sys.exit(main())
