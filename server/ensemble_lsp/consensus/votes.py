"""Answers that vote, what a vote is worth, and what voting gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..sandbox.example_process import Check

FLOOR, CEILING = 0.02, 0.98
"""No model is so bad or so good that its vote counts against it or for all."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of the prompt's own examples and of the repository's tests, run on one answer."""

    passed: int
    """Promises that were kept: examples and tests."""
    promised: int
    outputs: tuple[str, ...]
    """What each check printed or returned: answers that behave alike have the same."""
    tests_passed: int = 0
    tests: int = 0
    """Of the promises, those that are tests of the repository."""

    def sentence(self) -> str:
        """What was kept, in a few words: ``3 of 4 tests pass``; empty where nothing was promised."""
        kept, examples = self.passed - self.tests_passed, self.promised - self.tests
        parts = [f"{kept} of {examples} examples hold"] if examples else []
        parts += [f"{self.tests_passed} of {self.tests} tests pass"] if self.tests else []
        return ", ".join(parts)

    @property
    def share(self) -> float:
        """Promises kept, 0 to 1; 1 where nothing was promised."""
        return self.passed / self.promised if self.promised else 1.0

    @classmethod
    def of(
        cls, groups: Sequence[Sequence[Check]], told: Sequence[Sequence[Any]] | None
    ) -> Trial | None:
        """From a run's results (``ok``, ``output``); a run that was killed kept no promise."""
        checks = [check for group in groups for check in group]
        wanted = sum(check.promises for check in checks)
        if told is None:
            return cls(0, wanted, ("!Killed",) * len(checks))
        results = [(bool(one[0]), str(one[1])) for group in told for one in group]
        kept = sum(ok for check, (ok, _) in zip(checks, results, strict=True) if check.promises)
        return cls(kept, wanted, tuple(output for _, output in results))


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's cleaned answer; ``weight`` is the reward expected of the model here, 0 to 1."""

    model: str
    text: str
    weight: float = 0.5
    form: str | None = ""
    """The canonical form where it is known already, ``None`` for what does not parse."""
    trial: Trial | None = None
    """What came of its examples; None where none were run."""


@dataclass(frozen=True, slots=True)
class Group:
    """Models whose answers are equal; ``text`` is the best one's own."""

    models: tuple[str, ...]
    text: str
    weight: float
    """Sum of its votes."""
    trial: Trial | None = None
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
    p = max(FLOOR, min(CEILING, weight))
    return math.log(p / (1 - p))
