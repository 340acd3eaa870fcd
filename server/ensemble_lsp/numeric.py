"""Small numeric functions that several packages share."""

from __future__ import annotations

import math
from collections.abc import Sequence


def clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return the value, limited to ``low`` and ``high``."""
    return max(low, min(high, value))


def logistic(x: float) -> float:
    """Return the probability of log odds."""
    return 1 / (1 + math.exp(-clip(x, -30.0, 30.0)))


def logit(probability: float) -> float:
    """Return the log odds of a probability above 0 and below 1."""
    return math.log(probability / (1 - probability))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, interpolated between the two nearest ones."""
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
