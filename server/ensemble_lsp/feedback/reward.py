"""What an outcome is worth, 0 to 1: the one place of the weights."""

from __future__ import annotations

from ..types import OutcomeKind

GLANCE_MS = 750.0
"""A suggestion shown for less than this was not refused: it was not read."""
TYPED = 0.9
"""Typed by hand just as offered: right, but of little use."""
PARTIAL_FLOOR, PARTIAL_SPAN = 0.3, 0.6
SURVIVAL_FLOOR = 0.2
"""Of an accepted text of which nothing is left: it cost the user more than a refusal seems to."""


def reward_of(kind: OutcomeKind, share: float, shown_ms: float | None) -> float | None:
    """The reward, or None where the outcome teaches nothing."""
    if kind == "accepted":
        return 1.0
    if kind == "typed":
        return TYPED
    if kind == "partial":
        return PARTIAL_FLOOR + PARTIAL_SPAN * max(0.0, min(1.0, share))
    if kind == "rejected":
        return None if shown_ms is not None and shown_ms < GLANCE_MS else 0.0
    return None


def with_survival(reward: float, survival: float) -> float:
    """The reward of an accepted text of which only a share still stands."""
    return reward * (SURVIVAL_FLOOR + (1 - SURVIVAL_FLOOR) * max(0.0, min(1.0, survival)))
