"""The LLM cascade: ask a stronger model when a check doubts the answer of a cheaper or faster one.

The first model won by utility, though another one is expected to give better answers. Published results
say that the features of a request hardly predict which model it needs, while a check of the answer does:
a cheap model, a check, then the strong model gains 3 to 9 points at equal cost.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..models.interface import Model
from .choice import Choice, Ranked
from .decision import Decision

LEAD = 0.05
"""Gain in expected reward that is worth a second call."""
UNSURE = 0.5
"""Confidence (geometric mean of token probabilities) below which an answer is doubted."""
DISAGREE = 0.5
"""Share of the votes below which an ensemble disagrees."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Results of the checks of an answer; None for a check that was not possible."""

    parses: bool | None = None
    examples: bool | None = None
    """Whether the examples in the docstring pass."""
    agreement: float | None = None
    """Share of the votes for the answer, if several models were asked."""
    confidence: float | None = None

    def doubt(self) -> str:
        """Return the first objection to the answer as a clause; empty without one."""
        if self.parses is False:
            return "its answer does not parse"
        if self.examples is False:
            return "its answer fails the examples in the docstring"
        if self.agreement is not None and self.agreement < DISAGREE:
            return f"only {self.agreement:.0%} of the votes agree"
        if self.confidence is not None and self.confidence < UNSURE:
            return f"its confidence was only {self.confidence:.0%}"
        return ""


def stronger(
    ranked: Sequence[Ranked], asked: Collection[str], left_ms: float | None = None
) -> Ranked | None:
    """Return the model expected to beat all that were asked, in the time left; None if no model is."""
    best = max((r.expected for r in ranked if r.model in asked), default=1.0)
    able = [
        r
        for r in ranked
        if r.model not in asked
        and r.expected * (1 - r.failures) >= best + LEAD
        and (left_ms is None or r.latency_ms <= left_ms)
    ]
    return max(able, key=lambda r: r.expected, default=None)


def with_escalation(choice: Choice, first: str, second: str, doubt: str) -> Choice:
    """Return the choice with a sentence on the escalation, for ``ensemble.why``."""
    return choice.noted(f"{first} was asked first, but {doubt}, so {second} was asked too.")


def could_escalate(decision: Decision, asked: Collection[str]) -> bool:
    """Return whether a doubted answer of ``asked`` could lead to another call.

    Checks that cost time are worth running only then.
    """
    return not decision.pinned and stronger(decision.choice.ranked, asked) is not None


def escalate(
    decision: Decision,
    findings: Findings,
    asked: Collection[str],
    *,
    deadline: float | None = None,
) -> tuple[Model, Decision] | None:
    """Return the stronger model to ask after ``asked``, and the decision that records why.

    None if no check doubts the answer, or no model is expected to do better before ``deadline``
    (on ``perf_counter``). Models over the daily budget were already removed from the decision.
    """
    doubt = findings.doubt()
    if not doubt:
        return None
    left = None if deadline is None else (deadline - time.perf_counter()) * 1e3
    better = stronger(decision.choice.ranked, asked, left)
    models = {m.profile.name: m for m in decision.models}
    if better is None or better.model not in models:
        return None
    choice = with_escalation(decision.choice, " and ".join(asked), better.model, doubt)
    return models[better.model], Decision(decision.models, choice, decision.context)


def beyond_reach(ranked: Sequence[Ranked], complexity: int) -> tuple[tuple[Ranked, ...], str]:
    """Return the order, and why it changed: a stronger model first if the code is too complex.

    Compares the complexity with the first model's ``reach``, the highest complexity at which its record
    holds up. The order stays without a stronger model that reaches this complexity.
    """
    first = ranked[0]
    if first.reach is None or complexity <= first.reach:
        return tuple(ranked), ""
    better = stronger(
        [r for r in ranked if r is first or r.reach is None or r.reach >= complexity], {first.model}
    )
    if better is None:
        return tuple(ranked), ""
    order = (better, *(r for r in ranked if r is not better))
    why = (
        f"{first.model} does well up to a complexity of {first.reach}; this code has "
        f"{complexity}, so {better.model} is asked first."
    )
    return order, why


@dataclass(slots=True)
class Reach:
    """Rewards of one model by cyclomatic complexity of the code."""

    counts: list[float]
    sums: list[float]

    BOUNDS = (5, 10, 20)
    """Upper ends of radon's ranks A, B and C; one more band is above."""
    ENOUGH = 8
    DROP = 0.15

    @classmethod
    def new(cls) -> Reach:
        """Return an empty record."""
        return cls([0.0] * 4, [0.0] * 4)

    def add(self, complexity: int, reward: float, count: int = 1) -> None:
        """Add a reward; ``count`` 0 corrects the sum, -1 removes one."""
        place = sum(complexity > bound for bound in self.BOUNDS)
        self.counts[place] = max(0.0, self.counts[place] + count)
        self.sums[place] = max(0.0, self.sums[place] + reward)
        if self.counts[place] > 60:  # older ones fade
            self.counts[place] /= 2
            self.sums[place] /= 2

    def limit(self) -> int | None:
        """Return the highest complexity at which it does about as well as on simpler code."""
        count, total = self.counts[0], self.sums[0]
        for place, bound in enumerate(self.BOUNDS, 1):
            here, sum_here = self.counts[place], self.sums[place]
            if min(here, count) >= self.ENOUGH and sum_here / here < total / count - self.DROP:
                return bound
            count, total = count + here, total + sum_here
        return None


def with_order(choice: Choice, order: tuple[Ranked, ...], why: str) -> Choice:
    """Return the choice in this order, with the reason as a note."""
    return replace(choice, ranked=order).noted(why) if why else choice
