"""An answer of one model to one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..types import Usage


@dataclass(slots=True)
class EvalAnswer:
    """An answer with its scores and times in milliseconds."""

    text: str = ""
    """The text the editor would offer; empty if it would offer nothing."""
    written: int = 0
    """Characters that the model produced."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    usage: Usage | None = None
    first_ms: float | None = None
    total_ms: float = 0.0
