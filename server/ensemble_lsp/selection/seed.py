"""The strategy ``seed``: mean of past rewards times a factor that falls with complexity.

Score of a model for a task = mean reward (0.5 without outcomes) × (1 − gap × complexity level), where gap
is the share of its reward that the model loses from simple to complex code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from ..models.interface import Profile
from ..numeric import clip
from .call_stats import finite_numbers, parts_of_kind
from .choice import Choice, Ranked
from .fixed import VERSION, FixedSelector, rank
from .request_context import RequestContext

COMPLEX_ABOVE = 5
"""Cyclomatic complexity above which code counts as complex: the end of radon's rank A."""
MAX_COMPLEXITY = 20
"""Cyclomatic complexity at which the factor stops falling."""
MIN_OUTCOMES = 5
"""Outcomes needed on simple and on complex code each to compare them."""


@dataclass(slots=True)
class Tally:
    """Rewards of one model at one task."""

    simple: int = 0
    simple_sum: float = 0.0
    complex: int = 0
    complex_sum: float = 0.0

    @property
    def count(self) -> int:
        """Return the number of outcomes."""
        return self.simple + self.complex

    @property
    def mean(self) -> float:
        """Return the mean reward; 0.5 without outcomes."""
        return (self.simple_sum + self.complex_sum) / self.count if self.count else 0.5

    def add(self, complexity: int, reward: float, count: int = 1) -> None:
        """Add a reward; ``count`` 0 corrects the sum, -1 removes one."""
        if complexity > COMPLEX_ABOVE:
            self.complex = max(0, self.complex + count)
            self.complex_sum = max(0.0, self.complex_sum + reward)
        else:
            self.simple = max(0, self.simple + count)
            self.simple_sum = max(0.0, self.simple_sum + reward)

    def factor(self, complexity: int) -> float:
        """Return 1 on simple code or without a gap, else less."""
        if self.simple < MIN_OUTCOMES or self.complex < MIN_OUTCOMES or not self.simple_sum:
            return 1.0
        gap = max(0.0, 1 - (self.complex_sum / self.complex) / (self.simple_sum / self.simple))
        level = (complexity - COMPLEX_ABOVE) / (MAX_COMPLEXITY - COMPLEX_ABOVE)
        return 1 - gap * clip(level)


class SeedSelector(FixedSelector):
    """Models by mean reward times complexity factor; ties keep the configured order."""

    strategy = "seed"

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._changed: set[tuple[str, str]] = set()

    def order(
        self, context: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """Order by score; latency and cost do not count."""
        scored = [self._score(p, context, budget_ms) for p in profiles]
        ranked = tuple(sorted(scored, key=lambda r: -r.expected))
        return Choice(ranked, False, context.task)

    def learn(self, model: str, context: RequestContext, reward: float | None) -> None:
        """Learn one outcome; None is ignored."""
        if reward is None:
            return
        self._tally(model, context).add(context.complexity, reward)

    def revise(self, model: str, context: RequestContext, old: float, new: float | None) -> None:
        """Correct a learned reward; None removes it."""
        tally = self._tally(model, context)
        if not tally.count:
            return
        tally.add(context.complexity, (new or 0.0) - old, -1 if new is None else 0)

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Return the state by part, as JSON values; ``changed``: only what changed since the last such call."""
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
        """Restore parts of ``save``; invalid ones are skipped."""
        super().load(state)
        if state.get("version") != VERSION:
            return
        for task, model, raw in parts_of_kind(state, "tally"):
            values = finite_numbers(raw.get("tally"))
            if len(values) == 4 and min(values) >= 0:
                tally = Tally(int(values[0]), values[1], int(values[2]), values[3])
                self._tallies[(model, task)] = tally

    def _tally(self, model: str, context: RequestContext) -> Tally:
        key = (model, context.task)
        self._changed.add(key)
        return self._tallies.setdefault(key, Tally())

    def _score(self, profile: Profile, context: RequestContext, budget_ms: float) -> Ranked:
        tally = self._tallies.get((profile.name, context.task)) or Tally()
        score = tally.mean * tally.factor(context.complexity)
        ranked = rank(
            profile, context.task, score, self.calls,
            budget_ms=budget_ms, weights=(0.0, 0.0), prior="the same start for all, 0.5",
            spread=0.82 / (tally.count + 2) ** 0.5, observations=tally.count,
        )  # fmt: skip
        return ranked
