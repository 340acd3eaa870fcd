"""Priors measured on the user's own code by a comparison, kept between sessions.

They take the place of the public records, and weigh as little: as a handful of outcomes, so what the
user really accepts soon counts for more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from ..types import TASKS, Task
from .choice import Selector
from .learned import LearnedSelector
from .priors import Prior

FILE = "measured.json"
"""Its name in the data folder."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What one model was worth at one task."""

    model: str
    """The configured name."""
    id: str
    """Provider and the provider's own name: a name that stands for another model now has no measure."""
    task: Task
    reward: float
    """Expected, 0 to 1."""
    cases: int
    time: float
    """Unix seconds."""

    @property
    def prior(self) -> Prior:
        """As a selector takes it."""
        day = time.strftime("%Y-%m-%d", time.localtime(self.time))
        return Prior(self.reward, f"a comparison on your own code ({self.cases} cases, {day})")


def load(data_dir: Path) -> list[Measured]:
    """What was measured; what is damaged is left out. Reads the disk."""
    try:
        raw: Any = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(raw, dict) or cast("dict[str, Any]", raw).get("version") != VERSION:
        return []
    rows: Any = cast("dict[str, Any]", raw).get("measured")
    found = (_row(row) for row in cast("list[Any]", rows)) if isinstance(rows, list) else ()
    return [row for row in found if row is not None]


def save(data_dir: Path, new: Iterable[Measured]) -> None:
    """Keep new measures in place of older ones of the same model and task. Raises ``OSError``."""
    kept = {(m.model, m.task): m for m in (*load(data_dir), *new)}
    data_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {"version": VERSION, "measured": [asdict(m) for m in kept.values()]}, indent=2
    )
    path = data_dir / FILE
    # Renamed into place: another server may be reading it.
    part = path.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def teach(selector: Selector, measured: Iterable[Measured], ids: Mapping[str, str]) -> None:
    """Give a selector that learns the measures of the models that still are what they were.

    ``ids``: the provider and the provider's name behind each configured name.
    """
    if isinstance(selector, LearnedSelector):
        for each in measured:
            if ids.get(each.model) == each.id:
                selector.set_prior(each.model, each.task, each.prior)


def _row(raw: Any) -> Measured | None:
    if not isinstance(raw, dict):
        return None
    row = cast("dict[str, Any]", raw)
    numbers = all(isinstance(row.get(k), int | float) for k in ("reward", "cases", "time"))
    texts = all(isinstance(row.get(k), str) for k in ("model", "id"))
    if not numbers or not texts or row.get("task") not in TASKS or not 0 <= row["reward"] <= 1:
        return None
    return Measured(
        row["model"], row["id"], cast(Task, row["task"]), row["reward"], row["cases"], row["time"]
    )
