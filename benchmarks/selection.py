"""Measure model selection on published results: ``make bench-selection``.

    python -m benchmarks.selection [--data FOLDER] [--table FILE …] [--seeds 20] [--half test]

``FOLDER`` (or ``ENSEMBLE_LSP_BENCH_DATA``, or ``../shared/data``) holds ``editbench``,
``llmrouter-9models`` and ``aider-leaderboards`` as published; ``artifacts/ensemble-data`` (or ``--generated``)
holds the output of ``python -m benchmarks.ensemble_data`` for ClassEval. ``--table`` adds other results in the
format of ``benchmarks/selection_tables.py``; ``--write FOLDER`` writes the published ones in it. Prints tables,
and writes ``artifacts/bench-selection.json`` and a plot of the regret, ``artifacts/bench-selection.png``.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import selection_money as money
from .common import ARTIFACTS, save, table
from .selection_policies import POLICIES
from .selection_replay import CASES, Figures, measure, share_of
from .selection_tables import Row, load, write_table

PARTS = ("choice", "front", "escalation", "budget")
SHOWN = ("learned", "seed", "ε-greedy .1", "Beta-Thompson", "LinUCB .5", "UCB1", "random")
"""Policies in the plot."""


def choice(sets: dict[str, list[Row]], half: str, seeds: int) -> list[dict[str, Any]]:
    """Measure every policy in every scenario; policies without priors are measured once."""
    found: list[dict[str, Any]] = []
    for name, rows in sets.items():
        for kind, prior in CASES:
            own = {k: v for k, v in POLICIES.items() if prior == "shipped" or k == "learned"}
            figures = measure(rows, half, kind, prior, own, seeds=seeds)
            for policy, by in figures.items():
                found.append(
                    {"set": name, "scenario": kind, "prior": prior, "policy": policy, **told(by)}
                )
            _tell(f"{name}: {kind}, prior {prior} ({half} half, {seeds} seeds)", found, figures)
    return found


def told(by: Figures) -> dict[str, Any]:
    """Return a policy's figures as plain values."""
    share, low, high = share_of(by)
    regret = [statistics.fmean(values) for values in zip(*by.regret, strict=True)]
    return {
        "share": share,
        "low": low,
        "high": high,
        "right": statistics.fmean(by.score),
        "lastThirdBelowBest": statistics.fmean(by.gap),
        "newcomerAfter": statistics.median(by.found),
        "regret": [round(v, 2) for v in regret[::10]],
    }


def _tell(title: str, found: Sequence[dict[str, Any]], figures: dict[str, Figures]) -> None:
    rows = sorted(found[-len(figures) :], key=lambda r: -r["share"])
    columns = ["policy", "share", "95 %", "right", "last third below best", "newcomer after"]
    table(
        title,
        columns,
        [
            [
                r["policy"],
                r["share"],
                f"{r['low']:.2f} to {r['high']:.2f}",
                f"{r['right']:.3f}",
                f"{r['lastThirdBelowBest']:+.3f}",
                f"{r['newcomerAfter']:.0f}" if r["scenario"] == "arrival" else "",
            ]
            for r in rows
        ],
    )


def overall(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over the data sets for each scenario, prior and policy."""
    keys = dict.fromkeys((r["scenario"], r["prior"], r["policy"]) for r in found)
    mean: list[dict[str, Any]] = []
    for key in keys:
        rows = [r for r in found if (r["scenario"], r["prior"], r["policy"]) == key]
        mean.append(
            {
                **dict(zip(("scenario", "prior", "policy"), key, strict=True)),
                "share": statistics.fmean(r["share"] for r in rows),
                "gap": statistics.fmean(r["lastThirdBelowBest"] for r in rows),
                "newcomerAfter": statistics.fmean(r["newcomerAfter"] for r in rows),
            }
        )
    columns = ["policy", *(f"{kind} / {prior}" for kind, prior in CASES)]
    policies = dict.fromkeys(r["policy"] for r in mean)
    by = {(r["scenario"], r["prior"], r["policy"]): r["share"] for r in mean}
    lines = [
        [p, *(f"{by[k, q, p]:.2f}" if (k, q, p) in by else "" for k, q in CASES)] for p in policies
    ]
    table("share of the way from random to the best fixed model, mean of the sets", columns, lines)
    return mean


def plot(found: Sequence[dict[str, Any]], path: Path) -> Path | None:
    """Plot the mean regret over time, with one panel per data set and scenario."""
    try:
        import matplotlib as mpl
    except ImportError:
        print('no plot: install "ensemble-lsp[report]"')
        return None
    mpl.use("agg")
    from matplotlib import pyplot

    sets = list(dict.fromkeys(r["set"] for r in found))
    kinds = ("stationary", "fall", "arrival")
    figure, axes = pyplot.subplots(
        len(sets), len(kinds), figsize=(12, 3.2 * len(sets)), squeeze=False, layout="constrained"
    )
    for line, name in zip(axes, sets, strict=True):
        for axis, kind in zip(line, kinds, strict=True):
            for row in found:
                here = (row["set"], row["scenario"], row["prior"]) == (name, kind, "shipped")
                if here and row["policy"] in SHOWN:
                    axis.plot(
                        range(0, 10 * len(row["regret"]), 10),
                        row["regret"],
                        label=row["policy"],
                        linewidth=2.2 if row["policy"] == "learned" else 1.0,
                    )
            axis.set_title(f"{name}: {kind}", fontsize=10)
            axis.axhline(0, color="grey", linewidth=0.6)
    axes[-1][1].set_xlabel("requests")
    axes[0][0].set_ylabel("regret: right answers lost\nagainst the best fixed model")
    axes[0][-1].legend(fontsize=7)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return path


def fronts(sets: dict[str, list[Row]], seeds: int) -> dict[str, Any]:
    """Measure reward against cost if the costs of at least three models are known."""
    found: dict[str, Any] = {}
    for name, rows in sets.items():
        if len(rows[0].cost) < 3:
            continue
        found[name] = one = money.front(rows, seeds=seeds)
        lines = [
            [f"learned, costWeight {r['costWeight']:g}", f"{r['right']:.3f} ± {r['interval']:.3f}",
             f"{r['cost']:.5f}", f"{r['ms'] / 1e3:.1f}", f"{r['aboveMix']:+.3f}"]
            for r in one["learned"]
        ]  # fmt: skip
        lines += [
            [n, f"{p['right']:.3f}", f"{p['cost']:.5f}", f"{p['ms'] / 1e3:.1f}",
             f"{p['right'] - money.mix(one['fixed'], p['cost']):+.3f}"]
            for n, p in sorted(one["fixed"].items(), key=lambda kv: kv[1]["cost"])
        ]  # fmt: skip
        columns = ["choice", "right", "USD a request", "seconds", "above the mix at equal cost"]
        table(f"{name}: reward against cost", columns, lines)
    return found


def escalations(sets: dict[str, list[Row]]) -> dict[str, Any]:
    """Measure escalation (cheap model, check, strong model) if checks are known."""
    found: dict[str, Any] = {}
    for name, rows in sets.items():
        if rows[0].check and (pairs := money.escalation(rows)):
            found[name] = pairs
            lines = [
                [f"{p['cheap']} → {p['strong']}", f"{p['asked']:.0%}", f"{p['rightCheap']:.3f}",
                 f"{p['right']:.3f}", f"{p['rightStrong']:.3f}", f"{p['cost'] / p['costStrong']:.0%}",
                 f"{p['aboveMix']:+.3f} ({p['low']:+.3f} to {p['high']:+.3f})"]
                for p in pairs
            ]  # fmt: skip
            columns = [
                "pair", "escalated", "cheap", "right", "strong", "cost of the strong one's",
                "above the mix at equal cost",
            ]  # fmt: skip
            table(f"{name}: escalation", columns, lines)
    return found


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    default = os.environ.get("ENSEMBLE_LSP_BENCH_DATA") or "../shared/data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--generated", type=Path, default=ARTIFACTS / "ensemble-data")
    parser.add_argument("--table", type=Path, action="append", default=[])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--half", choices=("tune", "test"), default="test")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument(
        "--write", type=Path, help="write the tables to this folder, in the neutral format"
    )
    args = parser.parse_args()
    try:
        sets = load(args.data, args.table, args.generated)
    except ValueError as error:
        parser.error(str(error))
    if not sets:
        print(f"skipped: no data in {args.data}; give --data or --table (docs/benchmarks.md)")
        return 0
    for name, rows in sets.items() if args.write else ():
        args.write.mkdir(parents=True, exist_ok=True)
        write_table(rows, args.write / f"{name}.jsonl")
    wanted = args.only or PARTS
    result: dict[str, Any] = {"half": args.half, "seeds": args.seeds}
    if "choice" in wanted:
        result["choice"] = choice(sets, args.half, args.seeds)
        result["overall"] = overall(result["choice"])
        plot(result["choice"], ARTIFACTS / "bench-selection.png")
    if "front" in wanted:
        result["front"] = fronts(sets, args.seeds)
    if "escalation" in wanted:
        result["escalation"] = escalations(sets)
    if "budget" in wanted:
        for name, rows in sets.items():
            if len(rows[0].cost) >= 3:
                days = result.setdefault("budget", {})[name] = money.budgets(rows)
                lines = [
                    [f"{d['budget']:.2f}", d["spent"], f"{d['share']:.1%}", d["refused"]]
                    for d in days
                ]
                table(f"{name}: daily budget", ["USD", "spent", "share", "refused calls"], lines)
    print(f"written: {save('selection', result)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
