"""Agreement as a number that means something: the chance that the chosen answer is right.

A logistic regression on seven things known when the choice is made, then an isotonic table (Zadrozny and Elkan
2002), both fitted on the half of the tasks that chose the parameters and checked on the other half
(``python -m benchmarks.ensemble --fit``; docs/consensus.md has the figures and where the data came from).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..numeric import logistic
from .votes import Vote, log_odds


@dataclass(frozen=True, slots=True)
class AgreementFeatures:
    """What speaks for a choice."""

    best: float
    """Log-odds of the best model behind it."""
    rival: float
    """Log-odds of the best model that says otherwise; -4 where there is none."""
    agreeing: int
    """Further models behind it."""
    differing: int
    """Models that say otherwise."""
    mean_similarity: float
    """Mean similarity of all others' answers to it, 0 to 1, of those behind it 1."""
    pass_rate: float | None
    """Share of the promised examples it keeps; None where none were run."""
    failing: int = 0
    """Models whose answers kept fewer promises."""
    checks: int = 0
    """Examples and tests that were run: to keep many tells more, and to break one of one may be its own fault."""

    def vector(self) -> tuple[float, ...]:
        """As numbers, with a leading one."""
        ran = self.pass_rate is not None
        whole = self.pass_rate is not None and self.pass_rate >= 1
        many = math.log1p(self.checks) if ran else 0.0
        return (
            1.0,
            self.best,
            math.log1p(self.agreeing),
            math.log1p(self.differing),
            self.mean_similarity,
            1.0 if whole else 0.0,
            1.0 if ran and not whole else 0.0,
            math.log1p(self.failing) if ran else 0.0,
            many if whole else 0.0,
            0.0 if whole else many,
        )


@dataclass(frozen=True, slots=True)
class CalibrationTable:
    """A fitted calibration: a logistic regression's coefficients, then steps."""

    coefficients: tuple[float, ...]
    edges: tuple[float, ...] = ()
    """Raw chances, ascending, at which ``values`` are known; between two it is linear."""
    values: tuple[float, ...] = ()
    source: str = ""

    def probability(self, signs: AgreementFeatures) -> float:
        """The estimated chance that the choice is right, 0 to 1."""
        total = sum(c * x for c, x in zip(self.coefficients, signs.vector(), strict=True))
        raw = logistic(total)
        return _between(raw, self.edges, self.values) if self.edges else raw


def agreement_features(
    behind: Sequence[Vote],
    others: Sequence[Vote],
    alike: float,
    sorted_out: Sequence[Vote] = (),
) -> AgreementFeatures:
    """What speaks for the answer of those ``behind`` it. A model counts once."""
    mine = {a.model for a in behind}
    theirs = {a.model: a.weight for a in others if a.model not in mine}
    worse = {a.model for a in sorted_out} - mine - set(theirs)
    trials = [a.checks for a in behind if a.checks is not None and a.checks.total]
    return AgreementFeatures(
        best=max(log_odds(a.weight) for a in behind),
        rival=max((log_odds(w) for w in theirs.values()), default=-4.0),
        agreeing=len(mine) - 1,
        differing=len(theirs),
        mean_similarity=alike if theirs or worse else 1.0,
        pass_rate=max((t.pass_rate for t in trials), default=None),
        failing=len(worse),
        checks=max((t.total for t in trials), default=0),
    )


def _between(x: float, edges: Sequence[float], values: Sequence[float]) -> float:
    place = bisect_right(edges, x)
    if place == 0:
        return values[0]
    if place == len(edges):
        return values[-1]
    low, high = edges[place - 1], edges[place]
    share = (x - low) / (high - low) if high > low else 0.0
    return values[place - 1] + share * (values[place] - values[place - 1])
