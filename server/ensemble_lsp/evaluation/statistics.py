"""Means with their uncertainty, and differences between models on the same cases.

Intervals are percentiles of the bootstrap (B. Efron, Annals of Statistics 1979), which draws cases with
replacement. They are too narrow for a few cases, so the percentiles lie as far out as Student's t demands (the expanded
percentile interval: T. Hesterberg, The American Statistician 2015). From a thousand cases on, the normal approximation
gives the same at once. A difference compares both
models on the same drawn cases, which removes the cases' own difficulty. A fixed seed makes reports reproducible.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, stdev
from typing import Any

from .. import numeric

ROUNDS = 2000
SEED = 20240601
MIN_CASES = 2
"""Cases below which there is no interval."""
MAX_DRAWN = 1000
"""Cases above which the normal approximation replaces the bootstrap."""
_TAIL = 0.025
"""Share of the results on each side of a 95 % interval."""
_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(1 - _TAIL)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean or quantile of ``n`` cases with its 95 % interval, which too few cases lack."""

    value: float
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """One model's mean minus another's, on the cases both answered."""

    value: float
    low: float
    high: float
    n: int

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def mean(values: Sequence[float], tail: float = _TAIL) -> Estimate | None:
    """Estimate the mean; None without values. ``tail`` of the results are on each side of the interval."""
    if len(values) <= MAX_DRAWN:
        return _bootstrap(values, fmean, tail)
    z = -_NORMAL.inv_cdf(tail)
    value, margin = fmean(values), z * stdev(values) / math.sqrt(len(values))
    return Estimate(value, value - margin, value + margin, len(values))


def quantile(values: Sequence[float], share: float) -> Estimate | None:
    """Estimate a quantile, such as the median; a few slow answers distort the mean of times."""
    if len(values) <= MAX_DRAWN:
        return _bootstrap(values, lambda drawn: numeric.quantile(sorted(drawn), share))
    ordered, margin = sorted(values), _Z * math.sqrt(share * (1 - share) / len(values))
    low, high = max(0.0, share - margin), min(1.0, share + margin)
    value, first, last = (numeric.quantile(ordered, at) for at in (share, low, high))
    return Estimate(value, first, last, len(values))


def difference(
    one: Mapping[str, float], other: Mapping[str, float], measures: int = 1
) -> Difference | None:
    """Estimate the mean of ``one`` minus ``other`` over their common cases; None for fewer than two.

    One of ``measures`` intervals misses the truth in 5 % of comparisons, not each of them (Bonferroni).
    """
    gaps = [one[case] - other[case] for case in sorted(one.keys() & other.keys())]
    gap = mean(gaps, _TAIL / measures)
    if gap is None or gap.low is None or gap.high is None:
        return None
    return Difference(gap.value, gap.low, gap.high, gap.n)


def _bootstrap(
    values: Sequence[float], statistic: Callable[[Sequence[float]], float], tail: float = _TAIL
) -> Estimate | None:
    if not values:
        return None
    value = statistic(values)
    if len(values) < MIN_CASES or min(values) == max(values):
        known = None if len(values) < MIN_CASES else value
        return Estimate(value, known, known, len(values))
    rounds = sorted(statistic([values[i] for i in draw]) for draw in _draws(len(values)))
    tail = _expanded(tail, len(values))
    low, high = numeric.quantile(rounds, tail), numeric.quantile(rounds, 1 - tail)
    return Estimate(value, low, high, len(values))


@lru_cache(maxsize=64)
def _expanded(tail: float, count: int) -> float:
    """Return the share of the bootstrap's results to leave out on each side, for ``count`` cases.

    Student's quantile is expanded around the normal one (Abramowitz and Stegun, 26.7.5).
    """
    z, freedom = -_NORMAL.inv_cdf(tail), count - 1
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return _NORMAL.cdf(-t * math.sqrt(count / freedom))


@lru_cache(maxsize=8)
def _draws(count: int) -> tuple[Sequence[int], ...]:
    """Return the indices of the cases that each round draws."""
    places, rng = range(count), random.Random(SEED)  # noqa: S311 - not a secret
    return tuple(array("H", rng.choices(places, k=count)) for _ in range(ROUNDS))
