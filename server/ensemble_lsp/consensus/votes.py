"""Votes, their weights, and the result of a consensus."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..numeric import clip, logit
from ..sandbox.check_results import CheckResults

FLOOR, CEILING = 0.02, 0.98
"""Bounds on an expected reward, so that no vote is infinite."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One model's cleaned answer; ``weight`` is the reward expected of the model in this context, 0 to 1."""

    model: str
    text: str
    weight: float = 0.5
    form: str | None = ""
    """The canonical form; empty if not computed yet, ``None`` if the text does not parse."""
    checks: CheckResults | None = None
    """Results of its examples and tests; None if nothing was run."""


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Models with equal answers; ``text`` is that of the best one."""

    models: tuple[str, ...]
    text: str
    weight: float
    """Sum of its votes."""
    checks: CheckResults | None = None
    """Results of its examples and tests."""
    agreement: float | None = None
    """Estimated probability that its answer is right; None if only the chosen one's is known."""


@dataclass(frozen=True, slots=True)
class ConsensusResult:
    """The answer of an ensemble and the support for it."""

    text: str
    models: tuple[str, ...]
    """The models that gave the text, best first."""
    agreement: float
    """Estimated probability that the text is right, 0 to 1."""
    groups: tuple[AnswerGroup, ...]
    """All groups of equal answers, best first; the first is the chosen one."""
    rule_used: str
    why: str
    """The reason, in one sentence for the user."""


LOG_ALTERNATIVES = 1.6
"""Added to each vote: the logarithm of the number of plausible wrong answers, about five. With it two agreeing
models of average record outvote a single good one."""

MIN_LINEAR_VOTE = 0.05
"""Below this a vote shrinks exponentially instead of becoming negative."""


def vote_weight(weight: float, log_alternatives: float = LOG_ALTERNATIVES) -> float:
    """Return the weight of one model's vote; always positive, and increasing with the expected reward."""
    value = log_odds(weight) + log_alternatives
    return value if value > MIN_LINEAR_VOTE else MIN_LINEAR_VOTE * math.exp(value - MIN_LINEAR_VOTE)


def log_odds(weight: float) -> float:
    """Return the log-odds of a model's expected reward."""
    return logit(clip(weight, FLOOR, CEILING))
