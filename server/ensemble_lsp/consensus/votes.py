"""Answers that vote, what a vote is worth, and what voting gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..numeric import clip, logit
from ..sandbox.trial import CheckResults

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
    trial: CheckResults | None = None
    """What came of its examples; None where none were run."""


@dataclass(frozen=True, slots=True)
class Group:
    """Models whose answers are equal; ``text`` is the best one's own."""

    models: tuple[str, ...]
    text: str
    weight: float
    """Sum of its votes."""
    trial: CheckResults | None = None
    """What came of its examples and tests."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an ensemble says."""

    text: str
    models: tuple[str, ...]
    """Those behind the text, best first."""
    agreement: float
    """Estimated chance that the text is right, 0 to 1."""
    groups: tuple[Group, ...]
    """All that was said, best first; the first is the verdict's."""
    rule_used: str
    why: str
    """For the user, one sentence."""


SURPRISE = 1.6
"""Added to each vote: the logarithm of how many different wrong answers there are to choose from,
about five. So two agreeing models of middling record outvote a good one alone."""

LEAST = 0.05
"""Below this a vote dwindles instead of turning against its answer."""


def vote_of(weight: float, surprise: float = SURPRISE) -> float:
    """What one model's answer counts; never nothing, and always less than a better model's."""
    value = log_odds(weight) + surprise
    return value if value > LEAST else LEAST * math.exp(value - LEAST)


def log_odds(weight: float) -> float:
    """A vote's value: the log-odds of a model's expected reward."""
    return logit(clip(weight, FLOOR, CEILING))
