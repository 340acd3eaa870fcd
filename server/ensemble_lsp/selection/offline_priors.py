"""Priors measured by a comparison on the user's own code, saved in the data folder.

They replace the public records and weigh as little as those, so that real outcomes soon count more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from ..settings.regular_files import read_regular
from ..types import TASKS, Task
from ..wording import plural
from .choice import Selector
from .learned import LearnedSelector
from .priors import Prior

FILE = "measured.json"
"""File name in the data folder."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class OfflinePrior:
    """The measured reward of one model at one task."""

    model: str
    """The configured name."""
    id: str
    """Provider and the provider's model id: the prior no longer applies if the name gets another model."""
    task: Task
    reward: float
    """Expected reward, 0 to 1."""
    cases: int
    time: float
    """Unix seconds."""

    @property
    def prior(self) -> Prior:
        """Return the prior for a selector."""
        day = time.strftime("%Y-%m-%d", time.localtime(self.time))
        return Prior(
            self.reward, f"a comparison on your own code ({plural(self.cases, 'case')}, {day})"
        )


def load_priors(data_dir: Path) -> list[OfflinePrior]:
    """Return the saved priors; invalid entries are skipped. Reads the disk."""
    try:
        raw: Any = json.loads(read_regular(data_dir / FILE))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(raw, dict) or cast("dict[str, Any]", raw).get("version") != VERSION:
        return []
    rows: Any = cast("dict[str, Any]", raw).get("measured")
    found = (_row(row) for row in cast("list[Any]", rows)) if isinstance(rows, list) else ()
    return [row for row in found if row is not None]


def save_priors(data_dir: Path, new: Iterable[OfflinePrior]) -> None:
    """Save new priors, replacing those of the same model and task. Raises ``OSError``."""
    kept = {(m.model, m.task): m for m in (*load_priors(data_dir), *new)}
    data_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {"version": VERSION, "measured": [asdict(m) for m in kept.values()]}, indent=2
    )
    path = data_dir / FILE
    # Rename into place: another server may be reading the file.
    part = path.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def apply_priors(
    selector: Selector, measured: Iterable[OfflinePrior], ids: Mapping[str, str]
) -> None:
    """Set the priors of the configured models whose id is unchanged, if the selector learns.

    ``ids`` maps each configured name to provider and model id.
    """
    if isinstance(selector, LearnedSelector):
        for each in measured:
            if ids.get(each.model) == each.id:
                selector.set_prior(each.model, each.task, each.prior)


def _row(raw: Any) -> OfflinePrior | None:
    if not isinstance(raw, dict):
        return None
    row = cast("dict[str, Any]", raw)
    numbers = all(isinstance(row.get(k), int | float) for k in ("reward", "cases", "time"))
    texts = all(isinstance(row.get(k), str) for k in ("model", "id"))
    if not numbers or not texts or row.get("task") not in TASKS or not 0 <= row["reward"] <= 1:
        return None
    return OfflinePrior(
        row["model"], row["id"], cast(Task, row["task"]), row["reward"], row["cases"], row["time"]
    )
