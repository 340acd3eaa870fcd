"""The strategy ``seed``: mean of past rewards times a factor that falls with complexity.

Score of a model for a task = mean of its rewards (0.5 where there is none) × (1 − gap × how complex
the code is), where gap is the share of its rewards a model loses from simple code to complex code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from ..models.interface import Profile
from .call_stats import numbers, of_kind
from .choice import Choice, Ranked
from .fixed import VERSION, FixedSelector, rank
from .request_context import RequestContext

COMPLEX_ABOVE = 5
"""Cyclomatic complexity above which code counts as complex: radon's rank A ends there."""
WHOLLY_COMPLEX = 20
"""Cyclomatic complexity from which on the factor falls no further."""
ENOUGH = 5
"""Outcomes on simple and on complex code each before they are compared."""


@dataclass(slots=True)
class Tally:
    """Rewards of one model at one task."""

    simple: int = 0
    simple_sum: float = 0.0
    complex: int = 0
    complex_sum: float = 0.0

    @property
    def count(self) -> int:
        """All outcomes."""
        return self.simple + self.complex

    @property
    def mean(self) -> float:
        """Mean reward; 0.5 where there is none."""
        return (self.simple_sum + self.complex_sum) / self.count if self.count else 0.5

    def add(self, complexity: int, reward: float, count: int = 1) -> None:
        """Count a reward in; with a ``count`` of 0 correct the sum alone."""
        if complexity > COMPLEX_ABOVE:
            self.complex = max(0, self.complex + count)
            self.complex_sum = max(0.0, self.complex_sum + reward)
        else:
            self.simple = max(0, self.simple + count)
            self.simple_sum = max(0.0, self.simple_sum + reward)

    def factor(self, complexity: int) -> float:
        """1 on simple code, and for models that do no worse on complex code; else less."""
        if self.simple < ENOUGH or self.complex < ENOUGH or not self.simple_sum:
            return 1.0
        gap = max(0.0, 1 - (self.complex_sum / self.complex) / (self.simple_sum / self.simple))
        level = (complexity - COMPLEX_ABOVE) / (WHOLLY_COMPLEX - COMPLEX_ABOVE)
        return 1 - gap * max(0.0, min(1.0, level))


class SeedSelector(FixedSelector):
    """Models by mean reward times complexity factor; equals in the order they are configured in."""

    strategy = "seed"

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._changed: set[tuple[str, str]] = set()

    def order(
        self, situation: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """Order by score; latency and cost do not count in this strategy."""
        scored = [self._score(p, situation, budget_ms) for p in profiles]
        ranked = tuple(sorted(scored, key=lambda r: -r.expected))
        return Choice(ranked, False, situation.task)

    def learn(self, model: str, situation: RequestContext, reward: float | None) -> None:
        """Take in one outcome; ``None`` teaches nothing."""
        if reward is None:
            return
        self._tally(model, situation).add(situation.complexity, reward)

    def revise(self, model: str, situation: RequestContext, old: float, new: float | None) -> None:
        """Correct a reward that was learned; None takes it back."""
        tally = self._tally(model, situation)
        if not tally.count:
            return
        tally.add(situation.complexity, (new or 0.0) - old, -1 if new is None else 0)

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """The state by part's name, as JSON values; ``changed``: what changed since last asked."""
        keys = self._changed if changed else set(self._tallies)
        if changed:
            self._changed = set()
        parts = {
            f"tally/{task}/{model}": {"tally": list(astuple(self._tallies[(model, task)]))}
            for model, task in keys
        }
        known = super().save(changed=changed)
        return {**known, **parts, "version": VERSION} if parts or known else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take parts of ``save``; what is damaged is left out."""
        super().load(state)
        if state.get("version") != VERSION:
            return
        for task, model, raw in of_kind(state, "tally"):
            values = numbers(raw.get("tally"))
            if len(values) == 4 and min(values) >= 0:
                tally = Tally(int(values[0]), values[1], int(values[2]), values[3])
                self._tallies[(model, task)] = tally

    def _tally(self, model: str, situation: RequestContext) -> Tally:
        key = (model, situation.task)
        self._changed.add(key)
        return self._tallies.setdefault(key, Tally())

    def _score(self, profile: Profile, situation: RequestContext, budget_ms: float) -> Ranked:
        tally = self._tallies.get((profile.name, situation.task)) or Tally()
        score = tally.mean * tally.factor(situation.complexity)
        ranked = rank(
            profile, situation.task, score, self.calls,
            budget_ms=budget_ms, weights=(0.0, 0.0), prior="the same start for all, 0.5",
            spread=0.82 / (tally.count + 2) ** 0.5, observations=tally.count,
        )  # fmt: skip
        return ranked
