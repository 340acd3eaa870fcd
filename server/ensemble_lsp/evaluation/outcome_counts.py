"""Counts of what users did with suggestions.

They follow ``History.stats``: a suggestion is judged once its outcome has a reward, and accepted if it was taken
whole or in part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..history import StoredSuggestion, wilson
from .statistics import Estimate, mean

_JUDGED = {"accepted", "partial", "typed", "rejected", "ignored"}


@dataclass(slots=True)
class OutcomeCounts:
    """Counts for one model in one part of the history."""

    offered: int = 0
    judged: int = 0
    accepted: int = 0
    typed: int = 0
    chars: float = 0.0
    """Accepted characters."""
    lasting: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> Estimate | None:
        """Acceptance rate, with Wilson's 95 % interval."""
        interval = wilson(self.accepted, self.judged)
        if interval is None:
            return None
        return Estimate(self.accepted / self.judged, *interval, self.judged)

    @property
    def survival(self) -> Estimate | None:
        """Mean share of an accepted text that was still there at the latest check."""
        return mean(self.lasting)

    def add(self, stored: StoredSuggestion) -> None:
        """Add one suggestion."""
        self.offered += 1
        outcome = stored.outcome
        if outcome is None or outcome.reward is None or outcome.kind not in _JUDGED:
            return
        self.judged += 1
        self.typed += outcome.kind == "typed"
        if outcome.kind in ("accepted", "partial"):
            self.accepted += 1
            self.chars += stored.record.chars * (outcome.share or 0.0)
            if outcome.survival is not None:
                self.lasting.append(outcome.survival)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "offered": self.offered, "judged": self.judged, "accepted": self.accepted,
            "typed": self.typed, "acceptedCharacters": round(self.chars),
            "rate": self.rate.to_json() if self.rate else None,
            "survival": self.survival.to_json() if self.survival else None,
        }  # fmt: skip
