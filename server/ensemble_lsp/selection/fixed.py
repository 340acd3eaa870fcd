"""The strategy ``fixed`` (the order of the configured models), and pins, which hold for any."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..models.interface import Profile
from ..types import Task
from .call_stats import CallStatistics, utility
from .choice import Call, Choice, Latency, Ranked
from .priors import prior_for
from .request_context import RequestContext

VERSION = 2


def pin(choice: Choice, name: str | None, *, alone: bool = False) -> Choice:
    """Put the model the user pinned first, whatever was chosen; ``alone`` leaves the others out.

    The choice stays as it is where nothing is pinned or the pinned model does not do the task.
    """
    chosen = next((r for r in choice.ranked if r.model == name), None)
    if chosen is None:
        return choice
    others = () if alone else tuple(r for r in choice.ranked if r is not chosen)
    reason = f"{name} is pinned for this task."
    return replace(choice, ranked=(chosen, *others), explored=False, reason=reason)


class FixedSelector:
    """Models in the order they are configured in; learns only what calls take."""

    strategy = "fixed"

    def __init__(
        self,
        *,
        latency_weight: float = 0.3,
        cost_weight: float = 0.1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._weights = (latency_weight, cost_weight)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.calls = CallStatistics(self._clock)

    def choose(
        self,
        situation: RequestContext,
        profiles: Sequence[Profile],
        *,
        budget_ms: float,
        pinned: str | None = None,
    ) -> Choice:
        """Order those of ``profiles`` that do the task; the pinned one, if among them, first."""
        able = [p for p in profiles if situation.task in p.tasks]
        if not able:
            return Choice((), False, situation.task)
        return pin(self.order(situation, able, budget_ms), pinned)

    def order(
        self, situation: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """Keep the order; ``profiles`` has at least one, and all do the task."""
        task = situation.task
        ranked = tuple(self._known(p, task, budget_ms) for p in profiles)
        reason = f"{ranked[0].model} comes first in the order of the configured models."
        return Choice(ranked, False, task, reason)

    def learn(self, model: str, situation: RequestContext, reward: float | None) -> None:
        """Nothing: the order is fixed."""

    def revise(self, model: str, situation: RequestContext, old: float, new: float | None) -> None:
        """Nothing: the order is fixed."""

    def prefer(
        self, winner: str, losers: Sequence[str], situation: RequestContext, shown_at: int = 0
    ) -> None:
        """Nothing: the order is fixed."""

    def observe_call(self, call: Call) -> None:
        """Take in what a call took."""
        self.calls.observe(call)

    def observe_latency(self, model: str, task: Task, latency: Latency) -> None:
        """Take in what calls took before this start."""
        self.calls.start_with(model, task, latency)

    def latency(self, model: str, task: Task) -> Latency | None:
        """What calls took lately."""
        return self.calls.latency(model, task)

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """The state by part's name, as JSON values; ``changed``: what changed since last asked."""
        parts = self.calls.save(changed=changed)
        return {**parts, "version": VERSION} if parts or not changed else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take parts of ``save``; what is damaged or of another version is left out."""
        if state.get("version") == VERSION:
            self.calls.load(state)

    def _known(self, profile: Profile, task: Task, budget_ms: float) -> Ranked:
        prior = prior_for(profile, task)
        return rank(
            profile, task, prior.reward, self.calls,
            budget_ms=budget_ms, weights=self._weights, prior=prior.source,
        )  # fmt: skip


def rank(
    profile: Profile,
    task: Task,
    expected: float,
    calls: CallStatistics,
    *,
    budget_ms: float,
    weights: tuple[float, float],
    prior: str,
    spread: float = 0.3,
    observations: int = 0,
    reach: int | None = None,
    acceptance: float | None = None,
) -> Ranked:
    """What is thought of a model; ``spread`` is half its interval."""
    call = calls.expected(profile, task)
    value = utility(
        expected * (1 - call.failures), call.total_ms, call.cost, task,
        budget_ms=budget_ms, latency_weight=weights[0], cost_weight=weights[1],
    )  # fmt: skip
    return Ranked(
        model=profile.name,
        expected=expected,
        low=max(0.0, expected - spread),
        high=min(1.0, expected + spread),
        first_ms=call.first_ms,
        latency_ms=call.total_ms,
        cost=call.cost,
        failures=call.failures,
        reach=reach,
        acceptance=acceptance,
        utility=value,
        observations=observations,
        prior=prior,
    )
