"""Helpers for all benchmarks: statistics, tables, paths of results."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ARTIFACTS = Path(__file__).parent.parent / "artifacts"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile of the values for this share (linear between neighbours)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def processor_ms(pid: int) -> float:
    """Return the milliseconds of processor time that a process has used, all threads counted."""
    import psutil

    times = psutil.Process(pid).cpu_times()
    return (times.user + times.system) * 1e3


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title)
    for name in header:
        drawn.add_column(name, justify="left" if name == header[0] else "right")
    for row in rows:
        drawn.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row))
    Console(width=max(100, os.get_terminal_size(2).columns) if os.isatty(2) else 120).print(drawn)


def save(name: str, result: Any) -> Path:
    """Write a result as JSON."""
    ARTIFACTS.mkdir(exist_ok=True)
    path = ARTIFACTS / f"bench-{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def data_folder() -> Path | None:
    """Return the folder of the published data sets (``ENSEMBLE_LSP_BENCH_DATA``), or None if it is missing."""
    folder = os.environ.get("ENSEMBLE_LSP_BENCH_DATA")
    return Path(folder) if folder and Path(folder).is_dir() else None
