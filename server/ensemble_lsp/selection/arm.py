"""One arm of the bandit: a Bayesian linear regression of one model's latest rewards at one task.

An arm keeps only its own latest outcomes, so memory use is bounded, a reward can be corrected later, and
the posterior can be recomputed from the saved outcomes. Only an arm's own outcomes displace its older
ones: a model that is not asked forgets nothing. Plain Python is fast enough: with a dozen features an
update takes tenths of a millisecond and a prediction a few microseconds, and no slow import is needed.
"""

from __future__ import annotations

import base64
import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from operator import mul
from typing import Any

from ..numeric import clip
from .call_stats import finite_numbers
from .request_context import FEATURES

SIZE = len(FEATURES)
MEMORY = 240
"""Latest outcomes that an arm keeps."""
WINDOW = 120
"""Latest outcomes that the change-point test looks at."""
MIN_BEFORE, MIN_AFTER = 12, 6
"""Outcomes needed before and after a change point."""
MIN_OUTCOMES = 5
"""Outcomes needed for an acceptance rate."""
THRESHOLD = 8.0
"""Log-likelihood ratio that counts as a change; 5 gives false alarms."""

Vector = Sequence[float]


class Arm:
    """The posterior of one model's rewards; the prior mean is passed to each prediction."""

    def __init__(
        self,
        intercept_precision: float,
        feature_precision: float,
        memory: int = MEMORY,
        threshold: float = THRESHOLD,
    ) -> None:
        self.prior: float = 0.45
        """Prior reward at the latest choice."""
        self.observations = 0
        self.restarts = 0
        self.joined_at = 0
        """Outcomes of all models at this task before this one was added."""
        self.strength = 0.0
        """Learned from preferences between candidates, in logits."""
        self._precision = (intercept_precision, feature_precision)
        self._memory, self._threshold = memory, threshold
        self._window: deque[tuple[bytes, float]] = deque()
        self._reset()

    def _reset(self) -> None:
        first, rest = self._precision
        self._inverse = [
            [(1 / (rest if i else first)) if i == j else 0.0 for j in range(SIZE)]
            for i in range(SIZE)
        ]
        self._moment = [0.0] * SIZE
        self._beta = [0.0] * SIZE
        self._count, self._sum = 0, 0.0

    @property
    def count(self) -> int:
        """Return the number of outcomes since the last restart: those in the posterior."""
        return self._count

    @property
    def mean(self) -> float:
        """Return the mean reward since the last restart; 0 without outcomes."""
        return self._sum / self._count if self._count else 0.0

    @property
    def acceptance(self) -> float | None:
        """Return the share of kept outcomes with a reward of at least one half; None under five."""
        if len(self._window) < MIN_OUTCOMES:
            return None
        return sum(reward >= 0.5 for _, reward in self._window) / len(self._window)

    def predict(self, x: Vector, prior: float) -> tuple[float, float]:
        """Return the posterior mean and its variance, in units of the variance of one reward."""
        inverse, beta = self._inverse, self._beta
        mean = variance = pull = 0.0
        first = inverse[0]
        for i, v in enumerate(x):
            if v:
                mean += v * beta[i]
                pull += v * first[i]
                variance += v * sum(map(mul, inverse[i], x))
        return mean + prior * self._precision[0] * pull, variance

    def learn(self, x: Vector, reward: float) -> bool:
        """Add one outcome; return whether the arm restarted because the model has changed."""
        if len(self._window) == self._memory:
            self._add(_unpack(self._window[0][0]), self._window[0][1], -1)
            self._window.popleft()
        packed = _pack(x)
        self._window.append((packed, reward))
        self.observations += 1
        self._add(_unpack(packed), reward)
        past = max(0, len(self._window) - WINDOW)
        latest = [r for _, r in islice(self._window, past, None)]
        cut = change_point(latest, self._threshold)
        if cut is not None:
            self._rebuild(list(self._window)[past + cut :])
            self.restarts += 1
        elif self.observations % self._memory == 0:
            self._rebuild(list(self._window))  # rounding errors must not add up
        return cut is not None

    def revise(self, x: Vector, old: float, new: float | None) -> bool:
        """Correct an earlier outcome, or remove it (None); return whether it was still kept."""
        packed = _pack(x)
        for index in range(len(self._window) - 1, -1, -1):
            # Equal outcomes are interchangeable: any match is the right one.
            if self._window[index][0] == packed and abs(self._window[index][1] - old) < 1e-3:
                break
        else:
            return False
        if new is None:
            self._add(_unpack(packed), self._window[index][1], -1)
            del self._window[index]
            self.observations -= 1
            return True
        change = new - self._window[index][1]
        self._window[index] = (packed, new)
        self._shift(_unpack(packed), change)
        return True

    def _rebuild(self, kept: list[tuple[bytes, float]]) -> None:
        """Recompute the posterior from the given outcomes."""
        self._reset()
        self._window = deque(kept)
        first, rest = self._precision
        gram = [[0.0] * SIZE for _ in range(SIZE)]
        for i in range(SIZE):
            gram[i][i] = rest if i else first
        moment = [0.0] * SIZE
        for packed, reward in kept:
            nonzero = [(i, v) for i, v in enumerate(_unpack(packed)) if v]
            for i, v in nonzero:
                moment[i] += v * reward
                row = gram[i]
                for j, w in nonzero:
                    row[j] += v * w
        self._inverse, self._moment = _inverse(gram), moment
        self._beta = [sum(map(mul, row, moment)) for row in self._inverse]
        self._count, self._sum = len(kept), sum(reward for _, reward in kept)

    def _add(self, x: Vector, reward: float, sign: int = 1) -> None:
        """Update the inverse by the Sherman–Morrison formula; ``sign`` -1 removes an outcome."""
        inverse = self._inverse
        nonzero = [(i, v) for i, v in enumerate(x) if v]
        column = [sum([row[j] * v for j, v in nonzero]) for row in inverse]
        scale = sign + sum([v * column[i] for i, v in nonzero])
        for i in range(SIZE):
            row, factor = inverse[i], column[i] / scale
            if factor:
                for j in range(SIZE):
                    row[j] -= factor * column[j]
        self._count += sign
        self._shift(x, sign * reward)

    def _shift(self, x: Vector, reward: float) -> None:
        """Add a reward to the moment and the sum."""
        for i, v in enumerate(x):
            if v:
                self._moment[i] += v * reward
        self._beta = [
            sum([a * m for a, m in zip(row, self._moment, strict=True)]) for row in self._inverse
        ]
        self._sum += reward

    def save(self) -> dict[str, Any]:
        """Return the kept outcomes as plain values; everything else is recomputed from them."""
        return {
            "prior": self.prior,
            "counts": [self.observations, self.restarts, self.joined_at],
            "strength": round(self.strength, 6),
            "window": base64.b64encode(b"".join(x for x, _ in self._window)).decode("ascii"),
            "rewards": [round(r, 4) for _, r in self._window],
        }

    def load(self, raw: Mapping[str, Any]) -> bool:
        """Restore the values of ``save``; return False, and change nothing, if they are invalid."""
        counts, rewards = finite_numbers(raw.get("counts")), finite_numbers(raw.get("rewards"))
        single = finite_numbers([raw.get("prior"), raw.get("strength")])
        try:
            packed = base64.b64decode(str(raw.get("window")), validate=True)
        except ValueError:
            return False
        if (len(counts), len(single), len(packed)) != (3, 2, SIZE * len(rewards)):
            return False
        if min(counts) < 0 or counts[0] < len(rewards) or max(packed, default=0) > 200:
            return False
        if not all(0 <= value <= 1 for value in (single[0], *rewards)) or abs(single[1]) > 1:
            return False
        self.observations, self.restarts, self.joined_at = map(int, counts)
        self.prior, self.strength = single
        pieces = [packed[k : k + SIZE] for k in range(0, len(packed), SIZE)]
        self._rebuild(list(zip(pieces, rewards, strict=True))[-self._memory :])
        return True


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
    q = clip(q, 1e-6, 1 - 1e-6)
    first = p * math.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """Invert a symmetric positive-definite matrix by Gauss-Jordan elimination."""
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = rows[i][i]
        rows[i] = lead = [v / pivot for v in rows[i]]
        for k in range(size):
            factor = rows[k][i]
            if k != i and factor:
                rows[k] = [v - factor * w for v, w in zip(rows[k], lead, strict=True)]
    return [row[size:] for row in rows]


def _pack(x: Vector) -> bytes:
    """Store each number (-1 to 1) in a byte, in hundredths: fine enough, and compact."""
    return bytes(round(clip(v, -1) * 100) + 100 for v in x)


def _unpack(packed: bytes) -> list[float]:
    return [(v - 100) / 100 for v in packed]
