"""Means with their uncertainty, and differences between models on the same cases.

Intervals are percentiles of the bootstrap (B. Efron, Annals of Statistics 1979): cases are drawn again
with replacement. For a difference both models' results of the same drawn cases are compared, which
takes out how hard the cases were. One seed serves all, so a report can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

ROUNDS = 2000
SEED = 20240601
MIN_CASES = 2
"""Cases below which there is no interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean (or median) of ``n`` cases with its 95 % interval; without one of too few."""

    value: float
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much one model's mean lies below (negative) or above another's, on the cases both have."""

    value: float
    low: float
    high: float
    n: int

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def mean(values: Sequence[float]) -> Estimate | None:
    """The mean; None without values."""
    return _estimate(values, None)


def quantile(values: Sequence[float], share: float) -> Estimate | None:
    """A quantile, as the median: for times, whose means a few slow ones rule."""
    return _estimate(values, share)


def difference(one: Mapping[str, float], other: Mapping[str, float]) -> Difference | None:
    """Mean of ``one`` less ``other`` over the cases (keys) both have; None with fewer than two."""
    np: Any = import_module("numpy")
    both = sorted(one.keys() & other.keys())
    if len(both) < MIN_CASES:
        return None
    gaps = np.array([one[case] - other[case] for case in both])
    means = gaps[_draws(len(gaps))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(gaps.mean()), float(low), float(high), len(both))


def _estimate(values: Sequence[float], share: float | None) -> Estimate | None:
    if not values:
        return None
    np: Any = import_module("numpy")
    data = np.array(values, dtype=float)
    middle = float(data.mean() if share is None else np.quantile(data, share))
    if len(values) < MIN_CASES:
        return Estimate(middle, None, None, len(values))
    drawn = data[_draws(len(values))]
    rounds = drawn.mean(axis=1) if share is None else np.quantile(drawn, share, axis=1)
    low, high = np.percentile(rounds, [2.5, 97.5])
    return Estimate(middle, float(low), float(high), len(values))


def _draws(count: int) -> Any:
    """Which cases each round draws: rounds × count places."""
    np: Any = import_module("numpy")
    return np.random.default_rng(SEED).integers(0, count, size=(ROUNDS, count))
