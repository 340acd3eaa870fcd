"""Corrects an ensemble's agreement by what this user accepts of it.

The agreement is calibrated on published answers. Another user's code and models may be easier or harder, so
each answer of an ensemble that the user accepts or rejects shifts the log-odds of later agreements: a logistic
regression with one coefficient, whose prior weighs as much as a few outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from ..numeric import clip, logistic, logit

PSEUDO_OUTCOMES = 10
"""Outcomes that the published calibration is worth."""
MAX_SHIFT = 2.5
_EDGE = 0.01
_KEPT = 50.0
"""Information, in squared log-odds, beyond which older outcomes fade: about 250 outcomes."""


class AgreementCorrection:
    """The shift of the log-odds of agreements. One Newton step for each outcome needs no history."""

    def __init__(self) -> None:
        self.shift = 0.0
        self._information = PSEUDO_OUTCOMES / 4
        self._prior = self._information

    def corrected(self, agreement: float) -> float:
        """Return the agreement as this user would find it."""
        if not self.shift:
            return agreement
        return logistic(logit(clip(agreement, _EDGE, 1 - _EDGE)) + self.shift)

    def learn(self, stated: float, old: float | None, new: float | None) -> None:
        """Learn the reward of an answer that was offered with this agreement.

        ``old`` is the reward learned before (None: the first one); ``new`` None withdraws it.
        """
        stated = clip(stated, _EDGE, 1 - _EDGE)
        seen = [(value, sign) for value, sign in ((old, -1.0), (new, 1.0)) if value is not None]
        self._information += sum(sign for _, sign in seen) * stated * (1 - stated)
        surprise = sum(sign * (float(value >= 0.5) - stated) for value, sign in seen)
        self._information = clip(self._information, self._prior, _KEPT)
        self.shift = clip(self.shift + surprise / self._information, -MAX_SHIFT, MAX_SHIFT)

    def save(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {"values": [round(self.shift, 6), round(self._information, 6)]}

    def load(self, raw: Mapping[str, Any]) -> None:
        """Restore the values of ``save``; invalid ones change nothing."""
        values = raw.get("values")
        if not isinstance(values, list) or len(cast("list[Any]", values)) != 2:
            return
        shift, information = cast("list[Any]", values)
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in (shift, information)):
            return
        self.shift = clip(shift, -MAX_SHIFT, MAX_SHIFT)
        self._information = clip(information, self._prior, _KEPT)
