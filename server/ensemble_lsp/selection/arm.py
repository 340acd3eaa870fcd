"""One arm of the bandit: a Bayesian linear regression of one model's rewards at one task.

Plain Python: with a dozen features an update costs tens of microseconds, a prediction a few, and
nothing slow is imported.
"""

from __future__ import annotations

import base64
import math
from collections import deque
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Any

from .calls import numbers
from .situation import FEATURES

SIZE = len(FEATURES)
WINDOW = 120
"""Latest outcomes, among which a change is looked for."""
BEFORE, AFTER = 12, 6
"""Outcomes there must be before and after a change."""
THRESHOLD = 8.0
"""Log-likelihood ratio from which a change is believed; 5 fires falsely."""

Vector = Sequence[float]


class Arm:
    """Rewards seen, as a posterior; the prior of the intercept is given when it is asked."""

    def __init__(self, intercept_precision: float, feature_precision: float) -> None:
        self.prior: float = 0.45
        """The prior reward the model was last chosen with."""
        self.observations = 0
        self.restarts = 0
        self.joined = 0
        """How many outcomes its task had seen when the model came."""
        self.strength = 0.0
        """From preferences between candidates, in logits."""
        self._precision = (intercept_precision, feature_precision)
        self._window: deque[tuple[bytes, float]] = deque(maxlen=WINDOW)
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
        """Outcomes the posterior rests on: those since the last restart."""
        return self._count

    @property
    def mean(self) -> float:
        """Mean reward since the last restart; 0 before the first."""
        return self._sum / self._count if self._count else 0.0

    def predict(self, x: Vector, prior: float) -> tuple[float, float]:
        """Posterior mean reward, and its variance in units of a reward's own variance."""
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
        """Take in one outcome; tells whether the arm restarted, the model having changed."""
        packed = _pack(x)
        self._window.append((packed, reward))
        self.observations += 1
        self._add(_unpack(packed), reward)
        cut = change_point([r for _, r in self._window])
        if cut is None:
            return False
        kept = list(self._window)[cut:]
        self._window.clear()
        self._reset()
        for old, value in kept:
            self._window.append((old, value))
            self._add(_unpack(old), value)
        self.restarts += 1
        return True

    def _add(self, x: Vector, reward: float) -> None:
        """Sherman and Morrison's update of the inverse."""
        inverse = self._inverse
        nonzero = [(i, v) for i, v in enumerate(x) if v]
        column = [sum([row[j] * v for j, v in nonzero]) for row in inverse]
        scale = 1 + sum([v * column[i] for i, v in nonzero])
        for i in range(SIZE):
            row, factor = inverse[i], column[i] / scale
            if factor:
                for j in range(SIZE):
                    row[j] -= factor * column[j]
        for i, v in nonzero:
            self._moment[i] += v * reward
        self._beta = [
            sum([a * m for a, m in zip(row, self._moment, strict=True)]) for row in inverse
        ]
        self._count += 1
        self._sum += reward

    def save(self) -> dict[str, Any]:
        """Plain values: half of the symmetric inverse, the moments, and the window."""
        return {
            "inverse": [
                float(f"{self._inverse[i][j]:.9g}") for i in range(SIZE) for j in range(i + 1)
            ],
            "moment": [float(f"{v:.9g}") for v in self._moment],
            "prior": self.prior,
            "counts": [self.observations, self.restarts, self._count, self.joined],
            "sums": [self._sum, self.strength],
            "window": base64.b64encode(b"".join(x for x, _ in self._window)).decode("ascii"),
            "rewards": [round(r, 4) for _, r in self._window],
        }

    def load(self, raw: Mapping[str, Any]) -> bool:
        """Take back ``save``'s values; tells whether they were whole, else nothing is changed."""
        inverse, moment = numbers(raw.get("inverse")), numbers(raw.get("moment"))
        counts, sums = numbers(raw.get("counts")), numbers(raw.get("sums"))
        rewards, prior = numbers(raw.get("rewards")), numbers([raw.get("prior")])
        try:
            packed = base64.b64decode(str(raw.get("window")), validate=True)
        except ValueError:
            return False
        sizes = (len(inverse), len(moment), len(counts), len(sums), len(packed))
        if sizes != (SIZE * (SIZE + 1) // 2, SIZE, 4, 2, SIZE * len(rewards)) or not prior:
            return False
        square = [[0.0] * SIZE for _ in range(SIZE)]
        values = iter(inverse)
        for i in range(SIZE):
            for j in range(i + 1):
                square[i][j] = square[j][i] = next(values)
        if any(square[i][i] <= 0 for i in range(SIZE)) or min(counts) < 0:
            return False
        self._inverse, self._moment, self.prior = square, moment, prior[0]
        self._beta = [sum(a * m for a, m in zip(row, moment, strict=True)) for row in square]
        self.observations, self.restarts, self._count, self.joined = map(int, counts)
        self._sum, self.strength = sums
        pieces = [packed[k : k + SIZE] for k in range(0, len(packed), SIZE)]
        self._window = deque(zip(pieces, rewards, strict=True), maxlen=WINDOW)
        return True


def change_point(rewards: Sequence[float]) -> int | None:
    """Where a series of rewards in [0, 1] changed its mean; ``None`` where it did not clearly.

    Generalised likelihood ratio: over all cuts, both parts' Kullback-Leibler divergence from the
    common mean, for Bernoulli rewards (Besson and Kaufmann 2019).
    """
    total, count = sum(rewards), len(rewards)
    if count < BEFORE + AFTER:
        return None
    mean = total / count
    best, cut = THRESHOLD, None
    head = sum(rewards[: BEFORE - 1])
    for k in range(BEFORE, count - AFTER + 1):
        head += rewards[k - 1]
        before, after = head / k, (total - head) / (count - k)
        if abs(before - after) < 0.1:
            continue
        ratio = k * _divergence(before, mean) + (count - k) * _divergence(after, mean)
        if ratio > best:
            best, cut = ratio, k
    return cut


def _divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of two Bernoulli distributions, in nats."""
    q = min(1 - 1e-6, max(1e-6, q))
    first = p * math.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def _pack(x: Vector) -> bytes:
    """Each number, within -1 to 1, in a byte: hundredths are fine enough, and the window small."""
    return bytes(round(max(-1.0, min(1.0, v)) * 100) + 100 for v in x)


def _unpack(packed: bytes) -> list[float]:
    return [(v - 100) / 100 for v in packed]
