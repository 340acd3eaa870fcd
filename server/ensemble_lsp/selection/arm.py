"""One arm of the bandit: the latest rewards of one model at one task, pooled over contexts.

For each partition of the requests (see ``partitions``) the model has a mean reward, and each cell of the
partition deviates from it: little with few outcomes in the cell, fully with many. The likelihood of the
outcomes is that of a hierarchical Gaussian model. Estimate and likelihood have a closed form in a few
sums, so a reward can be corrected later, the order of the outcomes does not matter, and an update takes
microseconds.

An arm keeps only its own latest outcomes, so memory use is bounded. Only an arm's own outcomes displace its
older ones: a model that is not asked forgets nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, cast

from ..numeric import clip
from .call_stats import finite_numbers
from .partitions import FEATURES, PARTITIONS, Cells, cells_of

MEMORY = 160
"""Latest outcomes that an arm keeps."""
WINDOW = 120
"""Latest outcomes that the change-point test looks at."""
MIN_BEFORE, MIN_AFTER = 12, 6
"""Outcomes needed before and after a change point."""
MIN_OUTCOMES = 5
"""Outcomes needed for an acceptance rate."""
THRESHOLD = 10.0
"""Log-likelihood ratio that counts as a change; 8 gives false alarms, which cost more than a late one."""
NOISE = 0.17
"""Variance of a reward around its expectation."""
CENTRE = 0.45
"""Rewards are kept as differences from this value, about the middle of what models reach."""
_UNPOOLED = 1e9

Values = tuple[str, ...]


class _Pool:
    """Sums over the cells of one partition; ``pooling`` is the outcomes that a model's mean is worth in a cell."""

    __slots__ = ("cells", "effective", "explained", "moment", "pooling", "spread")

    def __init__(self, pooling: float) -> None:
        self.pooling = pooling
        self.cells: dict[str, tuple[int, float]] = {}
        self.effective = self.moment = self.explained = self.spread = 0.0

    def add(self, cell: str, reward: float, count: int) -> None:
        """Add an outcome to a cell; ``count`` -1 removes one, 0 shifts the sum by ``reward``."""
        n, total = self.cells.get(cell, (0, 0.0))
        self._count(n, total, -1)
        n, total = n + count, total + reward
        if n:
            self.cells[cell] = (n, total)
            self._count(n, total, 1)
        else:
            self.cells.pop(cell, None)

    def fill(self, cells: Sequence[str], rewards: Sequence[float]) -> None:
        """Add one outcome for each of the cells to an empty pool; faster than one by one."""
        known = self.cells
        for cell, reward in zip(cells, rewards, strict=True):
            n, total = known.get(cell, (0, 0.0))
            known[cell] = (n + 1, total + reward)
        for n, total in known.values():
            self._count(n, total, 1)

    def _count(self, n: int, total: float, sign: int) -> None:
        if n:
            pooling = self.pooling
            scale = sign / (n + pooling)
            self.effective += n * pooling * scale
            self.moment += total * pooling * scale
            self.explained += total * total * scale
            self.spread += sign * math.log1p(n / pooling)

    def evidence(self, noise: float) -> float:
        """Return the log-likelihood of the rewards, up to a constant that all partitions share."""
        # A prior of one outcome on the model's mean: a wrong public record must not count as a context.
        weight = 1 + self.effective
        fit = (self.explained + self.moment * self.moment / weight) / noise
        return 0.5 * (fit - self.spread - math.log(weight))


class Arm:
    """The posterior of one model's rewards; the prior mean is passed to each prediction."""

    def __init__(
        self,
        prior_weight: float = 12.0,
        pooling: float = 2.0,
        memory: int = MEMORY,
        threshold: float = THRESHOLD,
        noise: float = NOISE,
    ) -> None:
        self.prior: float = CENTRE
        """Prior reward at the latest choice."""
        self.observations = 0
        self.restarts = 0
        self.joined_at = 0
        """Outcomes of all models at this task before this one was added."""
        self.strength = 0.0
        """Learned from preferences between candidates, in logits."""
        self._weight, self._pooling, self._noise = prior_weight, pooling, noise
        self._memory, self._threshold = memory, threshold
        self._window: deque[tuple[Values, float]] = deque()
        self._reset()

    def _reset(self) -> None:
        self._pools = [_Pool(self._pooling if p.features else _UNPOOLED) for p in PARTITIONS]
        self._sum = 0.0

    @property
    def count(self) -> int:
        """Return the number of outcomes since the last restart: those in the posterior."""
        return len(self._window)

    @property
    def mean(self) -> float:
        """Return the mean reward since the last restart; 0 without outcomes."""
        return self._sum / len(self._window) if self._window else 0.0

    @property
    def acceptance(self) -> float | None:
        """Return the share of kept outcomes with a reward of at least one half; None under five."""
        return _acceptance([reward for _, reward in self._window])

    def acceptance_in(self, partition: int, cell: str) -> float | None:
        """Return the same for the outcomes in one cell of a partition."""
        return _acceptance([r for values, r in self._window if cells_of(values)[partition] == cell])

    def predict(
        self, cells: Cells, divisions: Sequence[tuple[int, float]], prior: float
    ) -> tuple[float, float]:
        """Return the expected reward and its variance, in units of the variance of one reward.

        ``divisions`` are the partitions to consider, by index, with their weights.
        """
        count, pooling, pools = len(self._window), self._pooling, self._pools
        total = self._sum - CENTRE * count
        level = total / count if count else 0.0
        mean = second = variance = unseen = 0.0
        for index, share in divisions:
            known = pools[index].cells.get(cells[index])
            variance -= share
            if known is None:
                unseen += share
                continue
            n, total_here = known
            own = n + pooling
            shift = share * (total_here - n * level) / own
            mean += shift
            second += shift * shift / share
            variance += share * (count + pooling) / own
        # A cell's variance without its part in the model's mean: 1 / (n + pooling) - 1 / (count + pooling).
        variance = (variance + unseen * (count + pooling) / pooling) / (count + pooling)
        variance += max(0.0, second - mean * mean) / self._noise
        weight = self._weight + count
        base = CENTRE + (self._weight * (prior - CENTRE) + total) / weight
        return base + mean, 1 / weight + variance

    def evidence(self) -> list[float]:
        """Return the log-likelihood of the outcomes under each partition, relative to no partition."""
        found = [pool.evidence(self._noise) for pool in self._pools]
        return [value - found[0] for value in found]

    def learn(self, values: Values, reward: float) -> None:
        """Add one outcome."""
        if len(self._window) == self._memory:
            oldest, old = self._window.popleft()
            self._add(oldest, old, -1)
        self._window.append((values, reward))
        self.observations += 1
        self._add(values, reward, 1)
        if self.observations % self._memory == 0:
            self._rebuild(list(self._window))  # rounding errors must not add up

    def has_changed(self, divisions: Sequence[tuple[int, float]]) -> bool:
        """Test whether the model has changed; if it has, keep only the outcomes after the change.

        The test looks at the rewards without what the contexts explain: a session in another language is no change.
        """
        latest = list(islice(self._window, max(0, len(self._window) - WINDOW), None))
        if len(latest) < MIN_BEFORE + MIN_AFTER:
            return False
        cut = change_point(self._without_context(latest, divisions), self._threshold)
        if cut is None:
            return False
        self._rebuild(latest[cut:])
        self.restarts += 1
        return True

    def _without_context(
        self, outcomes: Sequence[tuple[Values, float]], divisions: Sequence[tuple[int, float]]
    ) -> list[float]:
        """Return the rewards, shifted to the same expectation in every context."""
        known: dict[Values, float] = {}
        middle = self.mean
        found: list[float] = []
        for values, reward in outcomes:
            if (expected := known.get(values)) is None:
                expected = known[values] = self.predict(cells_of(values), divisions, middle)[0]
            found.append(reward - expected)
        level = sum(r for _, r in outcomes) / len(outcomes) - sum(found) / len(found)
        return [value + level for value in found]

    def revise(self, values: Values, old: float, new: float | None) -> bool:
        """Correct an earlier outcome, or remove it (None); return whether it was still kept."""
        for index in range(len(self._window) - 1, -1, -1):
            # Equal outcomes are interchangeable: any match is the right one.
            if self._window[index][0] == values and abs(self._window[index][1] - old) < 1e-3:
                break
        else:
            return False
        kept = self._window[index][1]
        if new is None:
            self._add(values, kept, -1)
            del self._window[index]
            self.observations -= 1
        else:
            self._window[index] = (values, new)
            self._shift(values, new - kept, 0)
            self._sum += new - kept
        return True

    def _rebuild(self, kept: Sequence[tuple[Values, float]]) -> None:
        """Recompute the sums from the given outcomes."""
        self._reset()
        self._window = deque(kept)
        self._sum = sum(reward for _, reward in kept)
        rewards = [reward - CENTRE for _, reward in kept]
        columns = zip(*(cells_of(values) for values, _ in kept), strict=True)
        for pool, cells in zip(self._pools, columns, strict=False):
            pool.fill(cells, rewards)

    def _add(self, values: Values, reward: float, sign: int) -> None:
        self._shift(values, sign * (reward - CENTRE), sign)
        self._sum += sign * reward

    def _shift(self, values: Values, reward: float, count: int) -> None:
        for pool, cell in zip(self._pools, cells_of(values), strict=True):
            pool.add(cell, reward, count)

    def save(self) -> dict[str, Any]:
        """Return the kept outcomes as plain values; everything else is recomputed from them."""
        contexts = {
            values: index for index, values in enumerate(dict.fromkeys(v for v, _ in self._window))
        }
        return {
            "prior": self.prior,
            "counts": [self.observations, self.restarts, self.joined_at],
            "strength": round(self.strength, 6),
            "features": [feature.name for feature in FEATURES],
            "contexts": [list(values) for values in contexts],
            "window": [contexts[values] for values, _ in self._window],
            "rewards": [round(r, 4) for _, r in self._window],
        }

    def load(self, raw: Mapping[str, Any]) -> bool:
        """Restore the values of ``save``; return False, and change nothing, if they are invalid."""
        counts, rewards = finite_numbers(raw.get("counts")), finite_numbers(raw.get("rewards"))
        single = finite_numbers([raw.get("prior"), raw.get("strength")])
        window, contexts = finite_numbers(raw.get("window")), _contexts(raw)
        if (len(counts), len(single), len(window)) != (3, 2, len(rewards)):
            return False
        if min(counts) < 0 or counts[0] < len(rewards):
            return False
        if not all(0 <= index < len(contexts) for index in window):
            return False
        if not all(0 <= value <= 1 for value in (single[0], *rewards)) or abs(single[1]) > 1:
            return False
        self.observations, self.restarts, self.joined_at = map(int, counts)
        self.prior, self.strength = single
        outcomes = [(contexts[int(i)], r) for i, r in zip(window, rewards, strict=True)]
        self._rebuild(outcomes[-self._memory :])
        return True


def _acceptance(rewards: Sequence[float]) -> float | None:
    if len(rewards) < MIN_OUTCOMES:
        return None
    return sum(reward >= 0.5 for reward in rewards) / len(rewards)


def _contexts(raw: Mapping[str, Any]) -> list[Values]:
    """Return the saved contexts in the order of today's features; a feature that is new is empty."""
    names, rows = raw.get("features"), raw.get("contexts")
    if not isinstance(names, list) or not isinstance(rows, list):
        return []
    found: list[Values] = []
    for row in cast("list[Any]", rows):
        if not isinstance(row, list) or len(cast("list[Any]", row)) != len(
            cast("list[Any]", names)
        ):
            return []
        by_name = dict(zip(map(str, names), map(str, row), strict=True))
        found.append(tuple(by_name.get(feature.name, "") for feature in FEATURES))
    return found


def change_point(rewards: Sequence[float], threshold: float = THRESHOLD) -> int | None:
    """Return the index where the mean of rewards in [0, 1] changed; None without a clear change.

    Generalised likelihood ratio test for Bernoulli rewards (Besson and Kaufmann 2019): the best split
    by the Kullback-Leibler divergence of both parts from the common mean.
    """
    total, count = sum(rewards), len(rewards)
    if count < MIN_BEFORE + MIN_AFTER:
        return None
    mean = total / count
    best, cut = threshold, None
    head = sum(rewards[: MIN_BEFORE - 1])
    for k in range(MIN_BEFORE, count - MIN_AFTER + 1):
        head += rewards[k - 1]
        before, after = head / k, (total - head) / (count - k)
        if abs(before - after) < 0.1:
            continue
        ratio = k * _divergence(before, mean) + (count - k) * _divergence(after, mean)
        if ratio > best:
            best, cut = ratio, k
    return cut


def _divergence(p: float, q: float) -> float:
    """Return the Kullback-Leibler divergence of two Bernoulli distributions, in nats."""
    p, q = clip(p), clip(q, 1e-6, 1 - 1e-6)
    first = p * math.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)
