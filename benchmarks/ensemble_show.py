"""Write the ensemble results as a table for docs/consensus.md and as a plot for docs/images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ARTIFACTS

COLUMNS = {
    "random": "random",
    "mean single": "mean single",
    "best prior": "best prior",
    "best single": "best single¹",
    "majority": "equal text",
    "seed": "seed's rule",
    "ours": "**ours**",
    "ours, examples run": "**ours, examples run**",
    "oracle": "oracle",
}
COLOURS = ("#b8c4d0", "#8fa1b3", "#e0b074", "#5b8fd0", "#1f5fb0", "#4a4a4a")


def show(result: Mapping[str, Any]) -> list[Path]:
    """Write both next to the JSON and return the paths; no plot without matplotlib (the extra ``bench``)."""
    table = ARTIFACTS / "bench-ensemble.md"
    table.write_text(_markdown(result), encoding="utf-8")
    try:
        import matplotlib as mpl
    except ImportError:
        print("No plot: install matplotlib (the extra `report`).")
        return [table]
    mpl.use("Agg")
    plot = ARTIFACTS / "bench-ensemble.png"
    _plot(result, plot)
    return [table, plot]


def _markdown(result: Mapping[str, Any]) -> str:
    """Return the share passed by group and rule in %, then the three differences with their intervals."""
    lines = [f"| group | {' | '.join(COLUMNS.values())} |", f"|{' --- |' * (len(COLUMNS) + 1)}"]
    further = ["| group | ours − best prior | ours − seed's rule | examples run − best single |"]
    further.append("|" + " --- |" * 4)
    for name, rows in result["sets"].items():
        for r in rows:
            group = f"{name}, {r['kind']} {r['size']}"
            told = (f"{100 * r['rules'][rule]['mean']:.1f}" for rule in COLUMNS)
            lines.append(f"| {group} | {' | '.join(told)} |")
            pairs = (r["differences"][n] for n in ("prior", "seed", "single"))
            spans = (
                f"{100 * d['mean']:+.1f} [{100 * d['interval'][0]:+.1f}, {100 * d['interval'][1]:+.1f}]"
                for d in pairs
            )
            further.append(f"| {group} | {' | '.join(spans)} |")
    return "\n".join([*lines, "", *further, ""])


def _plot(result: Mapping[str, Any], path: Path) -> None:
    """Plot the pass rates by group, one row per set, and the agreement against the share that passed."""
    from matplotlib import pyplot as plt

    sets = result["sets"]
    figure, axes = plt.subplots(
        len(sets) + 1, 1, figsize=(11, 3.4 * (len(sets) + 1)), squeeze=False
    )
    shown = ("best prior", "best single", "seed", "ours", "ours, examples run", "oracle")
    for axis, (name, rows) in zip(axes[:, 0], sets.items(), strict=False):
        places = np.arange(len(rows))
        for index, (rule, colour) in enumerate(zip(shown, COLOURS, strict=True)):
            heights = [100 * r["rules"][rule]["mean"] for r in rows]
            axis.bar(places + (index - 2.5) * 0.14, heights, 0.14, label=rule, color=colour)
        axis.set_xticks(places, [f"{r['kind']} {r['size']}" for r in rows], fontsize=8)
        axis.set_ylabel("share passed, %")
        axis.set_title(name, loc="left", fontsize=10)
    axes[0, 0].legend(fontsize=8, ncols=3)
    last = axes[-1, 0]
    for name, found in result["calibration"].items():
        bins = [b for b in found["bins"] if b["count"]]
        label = f"{name} ({found['error']:.3f})"
        last.plot([b["said"] for b in bins], [b["passed"] for b in bins], "o-", label=label)
    last.plot([0, 1], [0, 1], "k:")
    last.set_xlabel("agreement (in brackets: calibration error)")
    last.set_ylabel("share passed")
    last.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
