"""A case of the task ``edit`` while it is asked: what the gate and the parsers need beside the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..next_edit.edit import PredictedEdit
from ..next_edit.edit_history import Hunk
from ..next_edit.prompting import EditPrompt


@dataclass(slots=True)
class EditSituation:
    """The edits just made, and each model's prompt. Picklable."""

    hunks: tuple[Hunk, ...]
    """Oldest first."""
    wanted: str | None
    """The file as it should become; ``None`` if nothing should be offered."""
    prompts: dict[str, EditPrompt] = field(default_factory=dict[str, EditPrompt])
    """By model."""
    located: tuple[PredictedEdit, ...] = ()
    """The locator's edits, best first."""
    located_ms: float = 0.0
