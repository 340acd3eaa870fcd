"""When a stronger model is asked after a cheaper one: a check doubts the cheaper one's answer.

What makes a model cheaper is money or waiting: it came first by utility, though another is expected
to do better. Published results say that features of a request hardly tell beforehand which model it
needs, while a check of the answer does: a cheap model, a check, then the strong one is worth 3 to 9
points at equal cost.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..models.interface import Model
from .choice import Choice, Ranked
from .decision import Decision

LEAD = 0.05
"""Expected reward a model must be better by to be worth a second call."""
UNSURE = 0.5
"""An answer's own confidence (geometric mean of token probabilities) below which it is doubted."""
DISAGREE = 0.5
"""Share of the votes below which an ensemble does not agree."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What checks say of an answer; None where a check could not be made."""

    parses: bool | None = None
    examples: bool | None = None
    """Whether the docstring's own examples give what they promise."""
    agreement: float | None = None
    """Share of the votes behind it, where several models were asked."""
    confidence: float | None = None

    def doubt(self) -> str:
        """The first thing that speaks against the answer, as the end of a sentence; else empty."""
        if self.parses is False:
            return "its answer does not parse"
        if self.examples is False:
            return "its answer fails the examples of the docstring"
        if self.agreement is not None and self.agreement < DISAGREE:
            return f"the models do not agree ({self.agreement:.0%})"
        if self.confidence is not None and self.confidence < UNSURE:
            return f"it was not sure of its answer ({self.confidence:.0%})"
        return ""


def stronger(
    ranked: Sequence[Ranked], asked: Collection[str], left_ms: float | None = None
) -> Ranked | None:
    """The model that is expected to do clearly better than all that were asked, within the time."""
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
    """The order with a stronger model first where the code is too complex for the first.

    The first's ``reach`` is the highest complexity at which its own record holds up; without a
    stronger model whose record does, the order stays.
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
        f"{first.model} was good up to a complexity of {first.reach}, and this code has "
        f"{complexity}, so {better.model} comes first."
    )
    return order, why


@dataclass(slots=True)
class Reach:
    """Rewards of one model by the code's cyclomatic complexity."""

    counts: list[float]
    sums: list[float]

    BOUNDS = (5, 10, 20)
    """Upper ends of radon's ranks A, B and C; above is the rest."""
    ENOUGH = 8
    DROP = 0.15

    @classmethod
    def new(cls) -> Reach:
        """Nothing seen."""
        return cls([0.0] * 4, [0.0] * 4)

    def add(self, complexity: int, reward: float, count: int = 1) -> None:
        """Count a reward in; ``count`` 0 corrects the sum, -1 takes one back."""
        place = sum(complexity > bound for bound in self.BOUNDS)
        self.counts[place] = max(0.0, self.counts[place] + count)
        self.sums[place] = max(0.0, self.sums[place] + reward)
        if self.counts[place] > 60:  # older ones fade
            self.counts[place] /= 2
            self.sums[place] /= 2

    def limit(self) -> int | None:
        """The highest complexity at which it does about as well as on simpler code."""
        count, total = self.counts[0], self.sums[0]
        for place, bound in enumerate(self.BOUNDS, 1):
            here, sum_here = self.counts[place], self.sums[place]
            if min(here, count) >= self.ENOUGH and sum_here / here < total / count - self.DROP:
                return bound
            count, total = count + here, total + sum_here
        return None


def with_order(choice: Choice, order: tuple[Ranked, ...], why: str) -> Choice:
    """The choice in another order, and why."""
    return replace(choice, ranked=order).noted(why) if why else choice
