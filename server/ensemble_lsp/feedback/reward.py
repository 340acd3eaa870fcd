"""What an outcome is worth, from 0 to 1: the one place of the formula and its weights.

    reward = worth(kind, share) × survival        accepted, partial, typed
    reward = refused(seconds it was looked at)    rejected
    reward = IGNORED                              ignored after a look
    reward = None                                 all that teaches nothing

Where the weights come from (a log of 21 programmers with Copilot, 386 accepts and 710 refusals with the
edits made at five later checks: Mozannar et al., Reading Between the Lines, CHI 2024):

- an accept is not the end: 7 % of an accepted text is edited by the first check and 13 % by the fifth,
  and acceptance alone does not tell which (so survival multiplies, and an accept that was
  thrown away again is worth 0: less than a refusal, because it cost more);
- before anything is known of survival, its mean is expected;
- within 300 ms nobody has read anything, and a decision takes 2 s in the median; a suggestion that left the
  screen within 750 ms was not judged;
- of what is looked at for 0.75 to 6 s, 40 % is accepted, after 12 s 18 %: the longer a refused text was
  studied, the more it cost (a little, on a logarithmic scale).

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
"""Of an accepted text, before it was looked at again."""
FLOOR = 0.15
"""The worth of an accepted text of length nothing, and of a refusal at first sight."""
LEAST_REFUSED = 0.05
"""The worth of a refusal after ``LONG_LOOK_MS`` or more."""
LONG_LOOK_MS = 20_000.0
IGNORED = 0.2
"""Seen and left: weaker evidence than a refusal."""
AWAY_MS = 60_000.0
"""What stood there longer than this untouched was not looked at."""
TYPED = 0.85
"""Right, but it saved no typing."""


def reward_of(
    kind: OutcomeKind,
    share: float = 1.0,
    shown_ms: float | None = None,
    survival: float | None = None,
) -> float | None:
    """The reward, or None where the outcome teaches nothing.

    ``share`` of the text that was taken, 0 to 1; ``shown_ms`` on the screen, None where unknown;
    ``survival`` of what was taken, None before it was looked at.
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
"""An accept that was taken back at once."""
