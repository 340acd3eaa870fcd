"""The reward of an outcome, from 0 to 1: the only place with the formula and its weights.

    reward = worth(kind, share) × survival        accepted, partial, typed
    reward = refused(seconds on the screen)       rejected
    reward = IGNORED                              ignored, but on the screen long enough
    reward = None                                 everything else: it teaches nothing

The weights come from a study (a log of 21 programmers with Copilot, 386 accepts and 710 rejections with the
edits made at five later checks: Mozannar et al., Reading Between the Lines, CHI 2024):

- 7 % of an accepted text is edited by the first check and 13 % by the fifth, and acceptance alone does
  not say which; so survival is a factor. An accepted text that is thrown away is worth 0: less than a
  rejected one, because it cost more;
- before survival is measured, its mean is expected;
- no one reads within 300 ms, and a decision takes 2 s in the median: a suggestion that left the screen
  within 750 ms was not judged;
- of suggestions on the screen for 0.75 to 6 s, 40 % are accepted, after 12 s 18 %: the longer a rejected
  text was studied, the more it cost (a little, on a logarithmic scale).

Longer texts are accepted more often (13 % up to 14 characters, 52 % above 47). The reward does not
correct that; the history keeps the length, so that a selector can compare with a baseline.
"""

from __future__ import annotations

import math

from ..numeric import clip
from ..types import OutcomeKind

GLANCE_MS = 750.0
"""A suggestion shown for less than this was not judged."""
EXPECTED_SURVIVAL = 0.9
"""Survival of an accepted text before it is measured."""
FLOOR = 0.15
"""The reward of an accept of nearly nothing, and of a rejection at first sight."""
LEAST_REFUSED = 0.05
"""The reward of a rejection after ``LONG_LOOK_MS`` or more."""
LONG_LOOK_MS = 20_000.0
IGNORED = 0.2
"""Seen and not used: weaker evidence than a rejection."""
AWAY_MS = 60_000.0
"""A suggestion left untouched for longer than this was not looked at."""
TYPED = 0.85
"""Factor of a text that was right but typed by hand: it saved no typing."""


def reward_of(
    kind: OutcomeKind,
    share: float = 1.0,
    shown_ms: float | None = None,
    survival: float | None = None,
) -> float | None:
    """Return the reward, or None if the outcome teaches nothing.

    ``share``: of the text that was accepted, 0 to 1. ``shown_ms``: time on the screen, None if
    unknown. ``survival``: of the accepted part, None before it is measured.
    """
    if kind in ("accepted", "partial", "typed"):
        worth = FLOOR + (1 - FLOOR) * clip(share)
        stands = EXPECTED_SURVIVAL if survival is None else clip(survival)
        return worth * stands * (TYPED if kind == "typed" else 1.0)
    if kind not in ("rejected", "ignored") or (shown_ms is not None and shown_ms < GLANCE_MS):
        return None
    if kind == "ignored":
        return IGNORED if shown_ms is not None and shown_ms <= AWAY_MS else None
    looked = GLANCE_MS if shown_ms is None else shown_ms
    long = clip(math.log(looked / GLANCE_MS) / math.log(LONG_LOOK_MS / GLANCE_MS))
    return FLOOR - (FLOOR - LEAST_REFUSED) * long


UNDONE = 0.0
"""The reward of an accept that was undone at once."""
