"""Agreement as a calibrated number: the probability that the chosen answer is right.

A logistic regression on the features known at the choice, then an isotonic table (Zadrozny and Elkan 2002). Both are
fitted on the half of the tasks that chose the parameters and checked on the other half (``python -m
benchmarks.ensemble --fit``; docs/consensus.md has the figures and the sources of the data).
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
    """Evidence for and against a choice."""

    best: float
    """Log-odds of the best model that gives the answer."""
    rival: float
    """Log-odds of the best model with another answer; -4 without one."""
    agreeing: int
    """Further models that give the answer."""
    differing: int
    """Models with another answer."""
    mean_similarity: float
    """Mean similarity of the other models' answers to it, 0 to 1; 1 for those that give it."""
    pass_rate: float | None
    """Share of the checks it passes; None if nothing was run."""
    failing: int = 0
    """Models whose answers pass fewer checks."""
    checks: int = 0
    """Examples and tests that were run. Passing many is stronger evidence; a single failing check may itself be wrong."""

    def vector(self) -> tuple[float, ...]:
        """Return the features as numbers, after a leading one."""
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
    """A fitted calibration: coefficients of a logistic regression, then a table."""

    coefficients: tuple[float, ...]
    edges: tuple[float, ...] = ()
    """Raw probabilities, ascending, at which ``values`` are known; linear in between."""
    values: tuple[float, ...] = ()
    source: str = ""

    def probability(self, features: AgreementFeatures) -> float:
        """Estimate the probability that the choice is right, 0 to 1."""
        total = sum(c * x for c, x in zip(self.coefficients, features.vector(), strict=True))
        raw = logistic(total)
        return _between(raw, self.edges, self.values) if self.edges else raw


def agreement_features(
    behind: Sequence[Vote],
    others: Sequence[Vote],
    mean_similarity: float,
    failing: Sequence[Vote] = (),
) -> AgreementFeatures:
    """Collect the evidence for the answer that the votes in ``behind`` give. A model counts once."""
    mine = {a.model for a in behind}
    theirs = {a.model: a.weight for a in others if a.model not in mine}
    worse = {a.model for a in failing} - mine - set(theirs)
    results = [a.checks for a in behind if a.checks is not None and a.checks.total]
    return AgreementFeatures(
        best=max(log_odds(a.weight) for a in behind),
        rival=max((log_odds(w) for w in theirs.values()), default=-4.0),
        agreeing=len(mine) - 1,
        differing=len(theirs),
        mean_similarity=mean_similarity if theirs or worse else 1.0,
        pass_rate=max((t.pass_rate for t in results), default=None),
        failing=len(worse),
        checks=max((t.total for t in results), default=0),
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
