"""Agreement as a calibrated number: the probability that the chosen answer is right.

A logistic regression on the features known at the choice, fitted on the half of the tasks that chose the parameters
(``python -m benchmarks.ensemble --fit``). Its form is the one that fits best on sets of answers that were left out of
the fit; docs/consensus.md has the figures and the sources of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..numeric import clip, logistic
from .votes import Vote, log_odds


@dataclass(frozen=True, slots=True)
class AgreementFeatures:
    """Evidence for and against a choice."""

    best: float
    """Log-odds of the best model that gives the answer."""
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

    def vector(self) -> tuple[float, ...]:
        """Return the evidence beside the best model's record, after a leading one."""
        others = self.agreeing + self.differing
        ran = self.pass_rate is not None
        whole = self.pass_rate is not None and self.pass_rate >= 1
        return (
            1.0,
            0.0 if self.agreeing else 1.0,
            self.agreeing / others if others else 0.0,
            self.mean_similarity,
            1.0 if whole else 0.0,
            1.0 if ran and not whole else 0.0,
            self.failing / (self.failing + others + 1) if ran else 0.0,
        )


@dataclass(frozen=True, slots=True)
class CalibrationTable:
    """A fitted logistic regression.

    The record of the best model is not fitted: it enters with a fixed slope, so that the evidence shifts what is
    known of the models at hand, whatever the models that the table was fitted on can do.
    """

    coefficients: tuple[float, ...]
    slope: float = 1.2
    """Weight of the best model's log-odds; sets of other models are matched best a little above 1."""
    low: float = 0.0
    """Smallest share of right answers in the fitted data; less is not claimed."""
    high: float = 1.0
    """Largest share. More is claimed only of models with a better record: up to half of what it leaves to 1."""
    source: str = ""

    def probability(self, features: AgreementFeatures) -> float:
        """Estimate the probability that the choice is right, 0 to 1."""
        evidence = sum(c * x for c, x in zip(self.coefficients, features.vector(), strict=True))
        highest = max(self.high, (1 + logistic(features.best)) / 2)
        return clip(logistic(self.slope * features.best + evidence), self.low, highest)


def agreement_features(
    behind: Sequence[Vote],
    others: Sequence[Vote],
    mean_similarity: float,
    failing: Sequence[Vote] = (),
) -> AgreementFeatures:
    """Collect the evidence for the answer that the votes in ``behind`` give. A model counts once."""
    mine = {a.model for a in behind}
    theirs = {a.model for a in others} - mine
    worse = {a.model for a in failing} - mine - theirs
    results = [a.checks for a in behind if a.checks is not None and a.checks.total]
    return AgreementFeatures(
        best=max(log_odds(a.weight) for a in behind),
        agreeing=len(mine) - 1,
        differing=len(theirs),
        mean_similarity=mean_similarity if theirs or worse else 1.0,
        pass_rate=max((t.pass_rate for t in results), default=None),
        failing=len(worse),
    )
