"""Measure ensembles on real generations: ``python -m benchmarks.ensemble`` (``make bench-ensemble``).

Reads generations with verdicts (``FILE.jsonl …``, in the format of ``ensemble_set.py``; by default those that
``ensemble_data.py`` makes from the published sets in ``--data``) and draws ensembles of three, five and eight
models. For each kind of group it prints the pass rate of every rule on the half of the tasks that was not used
to choose parameters, with bootstrap intervals over tasks; then calibration, early stopping and speed. It also
writes JSON, a Markdown table and a plot.

``--fit`` chooses the parameters on the other half and prints them with the table for ``calibration.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import ensemble_data, ensemble_fit, ensemble_quorum, ensemble_show
from benchmarks.common import ARTIFACTS, save, table
from benchmarks.ensemble_draws import Ensemble, draw, interval, priors, rules, scores
from benchmarks.ensemble_set import FormatError, Generations, halves, prepare, told_apart

MADE = ARTIFACTS / "ensemble-data"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    paths = options.files or _published(options.data)
    if not paths:
        print(f"{options.data} is missing: nothing measured; give generations, or --data.")
        return 0
    try:
        sets = [
            prepare(p, MADE / f"trials-{p.stem}.jsonl", execute=not options.no_run)
            for p in told_apart(paths)
        ]
    except (FormatError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.fit:
        ensemble_fit.fit(sets, options.draws)
        return 0
    result: dict[str, Any] = {"sets": {}, "speed": ensemble_quorum.speed()}
    for generations in sets:
        result["sets"][generations.name] = measure(generations, options.draws)
    result["calibration"] = ensemble_fit.calibration(sets, options.draws)
    seconds = ensemble_quorum.seconds_of(options.data)
    result["quorum"] = ensemble_quorum.measure(sets, options.draws, seconds)
    print(save("ensemble", result))
    for path in ensemble_show.show(result):
        print(path)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="generations, one JSON object per line")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--draws", type=int, default=20, help="ensembles of each kind and size")
    parser.add_argument("--no-run", action="store_true", help="do not run examples")
    parser.add_argument("--fit", action="store_true", help="choose the parameters instead")
    return parser.parse_args(arguments)


def _published(data: Path) -> list[Path]:
    """Return the published sets in the neutral format; create those that are missing."""
    paths = [MADE / f"{name}.jsonl" for name in ensemble_data.SETS]
    if not all(path.is_file() for path in paths) and data.is_dir():
        asyncio.run(ensemble_data.main(["--data", str(data), "--out", str(MADE)]))
    return [path for path in paths if path.is_file()]


# -- pass rates ----------------------------------------------------------------------------------


def measure(generations: Generations, draws: int) -> list[dict[str, Any]]:
    chosen, test = halves(generations.samples)
    known = priors(generations, chosen)
    if left_out := generations.all_models - set(known):
        print(
            f"{generations.name}: left out, as some task is without: {', '.join(sorted(left_out))}"
        )
    groups: dict[tuple[str, int], list[Ensemble]] = {}
    for ensemble in draw(generations, known, draws):
        groups.setdefault((ensemble.kind, ensemble.size), []).append(ensemble)
    rows = [_group(kind, size, found, test, known) for (kind, size), found in groups.items()]
    names = (
        "random",
        "best prior",
        "best single",
        "majority",
        "seed",
        "ours",
        "ours, examples run",
        "oracle",
    )
    table(
        f"{generations.name}: {len(test)} test tasks, {len(known)} models, share passed (%)",
        ("group", *names, "ours − prior", "ours − seed", "run − best single"),
        [
            [
                f"{r['kind']} {r['size']}",
                *(f"{100 * r['rules'][n]['mean']:.1f}" for n in names),
                *(_told(r["differences"][n]) for n in ("prior", "seed", "single")),
            ]
            for r in rows
        ],
    )
    return rows


def _group(
    kind: str,
    size: int,
    ensembles: Sequence[Ensemble],
    test: Sequence[str],
    known: Mapping[str, float],
) -> dict[str, Any]:
    found = scores(ensembles, test, known, rules())
    by_rule = {
        name: {"mean": float(values.mean()), "interval": interval(values)}
        for name, values in found.items()
    }
    pairs = {
        "prior": ("ours", "best prior"),
        "seed": ("ours", "seed"),
        "single": ("ours, examples run", "best single"),
    }
    differences = {
        name: {
            "mean": float((found[a] - found[b]).mean()),
            "interval": interval(found[a] - found[b]),
        }
        for name, (a, b) in pairs.items()
    }
    return {
        "kind": kind,
        "size": size,
        "draws": len(ensembles),
        "rules": by_rule,
        "differences": differences,
    }


def _told(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"]
    return f"{100 * difference['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


if __name__ == "__main__":
    sys.exit(main())
