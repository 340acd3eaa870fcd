"""Answers that vote, what a vote is worth, and what voting gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..sandbox.check_results import CheckResults

FLOOR, CEILING = 0.02, 0.98
"""No model is so bad or so good that its vote counts against it or for all."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One model's cleaned answer; ``weight`` is the reward expected of the model here, 0 to 1."""

    model: str
    text: str
    weight: float = 0.5
    form: str | None = ""
    """The canonical form where it is known already, ``None`` for what does not parse."""
    checks: CheckResults | None = None
    """What came of its examples; None where none were run."""


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Models whose answers are equal; ``text`` is the best one's own."""

    models: tuple[str, ...]
    text: str
    weight: float
    """Sum of its votes."""
    checks: CheckResults | None = None
    """What came of its examples and tests."""


@dataclass(frozen=True, slots=True)
class ConsensusResult:
    """What an ensemble says."""

    text: str
    models: tuple[str, ...]
    """Those behind the text, best first."""
    agreement: float
    """Estimated chance that the text is right, 0 to 1."""
    groups: tuple[AnswerGroup, ...]
    """All that was said, best first; the first is the verdict's."""
    rule_used: str
    why: str
    """For the user, one sentence."""


LOG_ALTERNATIVES = 1.6
"""Added to each vote: the logarithm of how many different wrong answers there are to choose from,
about five. So two agreeing models of middling record outvote a good one alone."""

MIN_LINEAR_VOTE = 0.05
"""Below this a vote dwindles instead of turning against its answer."""


def vote_weight(weight: float, surprise: float = LOG_ALTERNATIVES) -> float:
    """What one model's answer counts; never nothing, and always less than a better model's."""
    value = log_odds(weight) + surprise
    return value if value > MIN_LINEAR_VOTE else MIN_LINEAR_VOTE * math.exp(value - MIN_LINEAR_VOTE)


def log_odds(weight: float) -> float:
    """A vote's value: the log-odds of a model's expected reward."""
    p = max(FLOOR, min(CEILING, weight))
    return math.log(p / (1 - p))
