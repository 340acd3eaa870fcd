"""The strategy ``fixed`` (models in their configured order), and pins, which apply to every strategy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..models.interface import Profile
from ..types import Task
from .agreement_correction import AgreementCorrection
from .call_stats import CallStatistics, utility
from .choice import Choice, Latency, ObservedCall, Ranked
from .priors import prior_for
from .request_context import RequestContext

VERSION = 3
"""Version of the saved state. With another one, servers learn the history again."""


def pin(choice: Choice, name: str | None, *, alone: bool = False) -> Choice:
    """Put the pinned model first; ``alone`` removes the others.

    The choice is unchanged if no model is pinned or the pinned one cannot do the task.
    """
    chosen = next((r for r in choice.ranked if r.model == name), None)
    if chosen is None:
        return choice
    others = () if alone else tuple(r for r in choice.ranked if r is not chosen)
    reason = f"{name} is pinned for this task."
    return replace(choice, ranked=(chosen, *others), explored=False, reason=reason)


class FixedSelector:
    """Models in their configured order; learns only latency, cost and failures."""

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
        self.agreement = AgreementCorrection()
        self._agreement_changed = False

    def choose(
        self,
        context: RequestContext,
        profiles: Sequence[Profile],
        *,
        budget_ms: float,
        pinned: str | None = None,
    ) -> Choice:
        """Order the models that can do the task, the pinned one first."""
        able = [p for p in profiles if context.task in p.tasks]
        if not able:
            return Choice((), False, context.task)
        return pin(self.order(context, able, budget_ms), pinned)

    def order(
        self, context: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """Order one or more models that can all do the task: here, keep their order."""
        task = context.task
        ranked = tuple(self._by_prior(p, task, budget_ms) for p in profiles)
        reason = f"{ranked[0].model} comes first in the order of the configured models."
        return Choice(ranked, False, task, reason)

    def learn(self, model: str, context: RequestContext, reward: float | None) -> None:
        """Do nothing: the order is fixed."""

    def revise(self, model: str, context: RequestContext, old: float, new: float | None) -> None:
        """Do nothing: the order is fixed."""

    def prefer(
        self, winner: str, losers: Sequence[str], context: RequestContext, shown_at: int = 0
    ) -> None:
        """Do nothing: the order is fixed."""

    def learn_agreement(self, stated: float, old: float | None, new: float | None) -> None:
        """Learn the reward of an ensemble's answer that was offered with this agreement."""
        self.agreement.learn(stated, old, new)
        self._agreement_changed = True

    def observe_call(self, call: ObservedCall) -> None:
        """Learn latency, cost and failure of a call."""
        self.calls.observe(call)

    def observe_latency(self, model: str, task: Task, latency: Latency) -> None:
        """Use the latency of earlier runs until the first call."""
        self.calls.set_baseline(model, task, latency)

    def latency(self, model: str, task: Task) -> Latency | None:
        """Return the recent latency; None before the first call."""
        return self.calls.latency(model, task)

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Return the state by part, as JSON values; ``changed``: only what changed since the last such call."""
        parts = self.calls.save(changed=changed)
        if self._agreement_changed or not changed:
            parts["agreement"] = self.agreement.save()
        if changed:
            self._agreement_changed = False
        return {**parts, "version": VERSION} if parts or not changed else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore parts of ``save``; invalid ones and those of another version are skipped."""
        if state.get("version") == VERSION:
            self.calls.load(state)
            agreement = state.get("agreement")
            if isinstance(agreement, Mapping):
                self.agreement.load(cast("Mapping[str, Any]", agreement))

    def _by_prior(self, profile: Profile, task: Task, budget_ms: float) -> Ranked:
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
    """Return the estimates for one model; ``spread`` is half the interval of its reward."""
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
        timed=call.measured,
        cost=call.cost,
        failures=call.failures,
        reach=reach,
        acceptance=acceptance,
        utility=value,
        observations=observations,
        prior=prior,
    )
