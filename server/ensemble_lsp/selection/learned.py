"""The strategy ``learned``: a contextual bandit with one arm for each model and task.

Each arm estimates a model's reward, with an informed prior worth a few observations, and how it differs
between contexts; the outcomes of all arms decide which contexts matter (``partitions``). One line, fitted
to all arms, corrects the priors for the user's own acceptance level and for the priors' actual predictive
value. Exploration is a small bonus for uncertain arms and a smaller
random draw: published results show that at one user's sample sizes a good prior with little exploration
beats bolder schemes. An arm whose rewards change restarts alone. Timeouts and failures are left to the
circuit breaker; they are not rewards.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..models.interface import Profile
from ..numeric import clip, logistic, logit
from ..types import TASKS, Task
from .arm import MEMORY, NOISE, THRESHOLD, Arm
from .call_stats import finite_numbers, parts_of_kind
from .cascade import Reach, beyond_reach, with_order
from .choice import Choice, Ranked
from .fixed import VERSION, FixedSelector, rank
from .partitions import PARTITIONS, Cells, PartitionWeights, cells_of, describe, feature_values
from .priors import WEIGHT, Prior, prior_for
from .request_context import RequestContext

_SPREAD = 1.64 * 0.48
"""Half the width of a 90 % interval of a reward near one half."""
_LINE_WEIGHT = 17.0
"""Weight in the fit of the line that an arm approaches with many outcomes: models deviate from the line, so one
model's mean is no better evidence of it than about this many outcomes."""
_NEWCOMER_AFTER, _NEWCOMER_OUTCOMES = 30, 8
_CHOICES_AFTER_CHANGE = 60
"""Choices with more exploration after an arm has restarted."""


@dataclass(frozen=True, slots=True)
class BanditParameters:
    """Parameters, tuned on the ``tune`` halves of the benchmarks ``selection`` and ``selection_contexts``.

    Most differences between neighbouring values were within the noise. ``newcomer`` is a judgement.
    """

    prior_weight: float = WEIGHT
    """Observations that a prior is worth."""
    pooling: float = 2.0
    """Outcomes in a context after which it counts as much as the model's mean over all contexts."""
    partition_priors: tuple[float, ...] = tuple(p.prior for p in PARTITIONS)
    """Weight of each way to divide the requests before the first outcome."""
    noise: float = NOISE
    """Variance of a reward around its expectation."""
    bonus: float = 0.35
    """Exploration bonus, times the posterior standard deviation in units of a reward's."""
    width: float = 0.05
    """Scale of a random draw, in the same units, so that equal arms alternate until feedback arrives."""
    newcomer: float = 0.25
    """Extra bonus for a model added later, until it has a few outcomes."""
    level_weight: float = 50.0
    """Outcomes after which the user's own acceptance level (13 % to 57 %) counts by half."""
    slope_weight: float = 0.2
    """Ridge that pulls the slope of the correction to 1: models differ as their priors do."""
    memory: int = MEMORY
    """Latest outcomes that an arm keeps."""
    threshold: float = THRESHOLD
    """Log-likelihood ratio that counts as a change of the model."""
    after_change: float = 0.5
    """Extra bonus for all arms after one has changed, until its successor is clear."""


@dataclass(frozen=True, slots=True)
class _PriorCorrection:
    """The line that maps public priors to this user's rewards."""

    centre: float = 0.45
    level: float = 0.0
    slope: float = 1.0

    def at(self, prior: float) -> float:
        """Return the corrected prior."""
        return clip(self.centre + self.level + self.slope * (prior - self.centre), 0.02, 0.98)


class LearnedSelector(FixedSelector):
    """The learning selector; its random draws depend only on ``seed`` and the number of choices."""

    strategy = "learned"

    def __init__(
        self,
        *,
        latency_weight: float = 0.3,
        cost_weight: float = 0.1,
        seed: int = 0,
        tuning: BanditParameters | None = None,
        escalate: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._parameters = tuning or BanditParameters()
        self._seed = seed
        self._priors: dict[tuple[str, str], Prior] = {}
        self._escalate = escalate
        super().__init__(latency_weight=latency_weight, cost_weight=cost_weight, clock=clock)

    def reset(self) -> None:
        """Forget everything learned from outcomes and calls."""
        super().reset()
        self._choices = 0
        self._arms: dict[str, dict[str, Arm]] = {task: {} for task in TASKS}
        self._corrections: dict[str, _PriorCorrection] = dict.fromkeys(TASKS, _PriorCorrection())
        self._weights_of: dict[str, PartitionWeights] = {
            task: PartitionWeights(self._parameters.partition_priors) for task in TASKS
        }
        self._reach: dict[tuple[str, str], Reach] = {}
        self._changed: set[tuple[str, str]] = set()
        self._choices_after_change: dict[str, int] = dict.fromkeys(TASKS, 0)

    def order(
        self, context: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """Choose the first model by utility and exploration bonus; order the rest by utility."""
        task = context.task
        values = feature_values(context)
        cells = cells_of(values)
        self._set_priors(task, profiles)
        pairs = [self._ranked(p, context, cells, budget_ms) for p in profiles]
        pairs.sort(key=lambda pair: -pair[0].utility)
        order = [ranked for ranked, _ in pairs]
        first = self._draw(task, pairs)
        explored = first is not order[0]
        final = (first, *(r for r in order if r is not first))
        choice = Choice(final, explored, task)
        if self._escalate and not explored:
            choice = with_order(choice, *beyond_reach(final, context.complexity))
        return self._with_acceptance_here(choice, values)

    def _with_acceptance_here(self, choice: Choice, values: tuple[str, ...]) -> Choice:
        """Return the choice with the first model's acceptance in this context, if contexts differ."""
        first, task = choice.ranked[0], choice.task
        leading = self._weights_of[task].leading
        if leading is None:
            return choice
        share = self._arm(first.model, task).acceptance_in(leading, cells_of(values)[leading])
        if share is None:
            return choice
        scope = describe(leading, values)
        first = replace(first, acceptance=share, acceptance_scope=scope)
        return replace(choice, ranked=(first, *choice.ranked[1:]))

    def learn(self, model: str, context: RequestContext, reward: float | None) -> None:
        """Learn one outcome; None is ignored."""
        if reward is None:
            return
        key = (model, context.task)
        self._reach.setdefault(key, Reach.new()).add(context.complexity, reward)
        arm, weights = self._changed_arm(model, context.task), self._weights_of[context.task]
        arm.learn(feature_values(context), clip(reward))
        weights.update(model, arm.evidence())
        if arm.has_changed(weights.divisions):
            weights.update(model, arm.evidence())
            self._choices_after_change[context.task] = _CHOICES_AFTER_CHANGE
        self._fit_correction(context.task)

    def revise(self, model: str, context: RequestContext, old: float, new: float | None) -> None:
        """Correct a learned reward, or remove it (None), if the arm still keeps it."""
        arm = self._changed_arm(model, context.task)
        if arm.revise(feature_values(context), clip(old), None if new is None else clip(new)):
            self._weights_of[context.task].update(model, arm.evidence())
            self._fit_correction(context.task)
            if reach := self._reach.get((model, context.task)):
                reach.add(context.complexity, (new or 0.0) - old, -1 if new is None else 0)

    def prefer(
        self, winner: str, losers: Sequence[str], context: RequestContext, shown_at: int = 0
    ) -> None:
        """Take one Bradley-Terry step: up for the winner, down for the losers.

        Users mostly take the first of a list (92 of 112 pairs), so a win from the top counts less.
        """
        rate = 0.3 / max(1, len(losers))
        winning = self._changed_arm(winner, context.task)
        bias = 1.5 if shown_at == 0 else -1.5 / max(1, len(losers))
        for loser in losers:
            losing = self._changed_arm(loser, context.task)
            lead = self._preference_logit(winning) - self._preference_logit(losing) + bias
            surprise = 1 - logistic(lead)
            winning.strength = min(1.0, winning.strength + rate * surprise)
            losing.strength = max(-1.0, losing.strength - rate * surprise)

    def set_prior(self, model: str, task: Task, prior: Prior | None) -> None:
        """Set a prior measured on the user's own code, replacing the public record; None removes it.

        ``offline_priors`` keeps it; ``reset`` does not forget it.
        """
        if prior is None:
            self._priors.pop((model, task), None)
        else:
            self._priors[(model, task)] = prior

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Return the state by part, as JSON values; ``changed``: only what changed since the last such call."""
        arms = {
            f"arm/{task}/{model}": {**arm.save(), "reach": self._saved_reach(model, task)}
            for task, by_model in self._arms.items()
            for model, arm in by_model.items()
            if not changed or (model, task) in self._changed
        }
        if changed:
            self._changed = set()
        parts = {**super().save(changed=changed), **arms}
        return {**parts, "version": VERSION, "choices": self._choices} if parts else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore parts of ``save``; invalid ones and those of another version are skipped."""
        super().load(state)
        if state.get("version") != VERSION:
            return
        choices = state.get("choices")
        self._choices = choices if isinstance(choices, int) and choices >= 0 else self._choices
        for task, model, raw in parts_of_kind(state, "arm"):
            arm = self._new_arm()
            if arm.load(raw):
                self._arms[task][model] = arm
                self._weights_of[task].update(model, arm.evidence())
                reach = finite_numbers(raw.get("reach"))
                if len(reach) == 8 and min(reach) >= 0:
                    self._reach[(model, task)] = Reach(reach[:4], reach[4:])
        for task in TASKS:
            self._fit_correction(task)

    def _ranked(
        self, profile: Profile, context: RequestContext, cells: Cells, budget_ms: float
    ) -> tuple[Ranked, float]:
        """Return the estimates for a model, and their uncertainty in standard deviations of a reward."""
        task = context.task
        prior = self._prior(profile, task)
        arm = self._arm(profile.name, task)
        mean, variance = arm.predict(
            cells, self._weights_of[task].divisions, self._corrections[task].at(prior.reward)
        )
        mean = clip(mean)
        if arm.strength:
            mean = logistic(logit(clip(mean, 0.01, 0.99)) + arm.strength)
        sigma = math.sqrt(variance)
        ranked = rank(
            profile, task, mean, self.calls,
            budget_ms=budget_ms, weights=self._weights, prior=prior.source,
            spread=_SPREAD * sigma, observations=arm.observations,
            reach=reach.limit() if (reach := self._reach.get((profile.name, task))) else None,
            acceptance=arm.acceptance,
        )  # fmt: skip
        return ranked, sigma

    def _prior(self, profile: Profile, task: Task) -> Prior:
        return self._priors.get((profile.name, task)) or prior_for(profile, task)

    def _set_priors(self, task: Task, profiles: Sequence[Profile]) -> None:
        """Pass the priors to the arms; refit the correction if one changed."""
        changed = False
        for profile in profiles:
            arm, prior = self._arm(profile.name, task), self._prior(profile, task).reward
            changed |= arm.prior != prior
            arm.prior = prior
        if changed:
            self._fit_correction(task)

    def _draw(self, task: Task, pairs: Sequence[tuple[Ranked, float]]) -> Ranked:
        """Return the model with the highest utility plus bonus and random draw."""
        rng = random.Random(self._seed * 1_000_003 + self._choices)  # noqa: S311 - no secret
        self._choices += 1
        tuning = self._parameters
        after_change = tuning.after_change if self._choices_after_change[task] else 0.0
        self._choices_after_change[task] = max(0, self._choices_after_change[task] - 1)
        best, chosen = -math.inf, pairs[0][0]
        for r, sigma in pairs:
            arm = self._arms[task][r.model]
            late = arm.joined_at >= _NEWCOMER_AFTER and arm.observations < _NEWCOMER_OUTCOMES
            bonus = tuning.bonus + after_change + tuning.newcomer * late
            bonus += tuning.width * rng.gauss(0, 1)
            value = r.utility + bonus * sigma
            if value > best:
                best, chosen = value, r
        return chosen

    def _fit_correction(self, task: Task) -> None:
        """Fit level and slope of the observed rewards over the priors, by ridge regression."""
        # A model that has changed no longer matches its prior: leave it out.
        arms = [arm for arm in self._arms[task].values() if not arm.restarts]
        if not arms:
            return
        centre = sum(arm.prior for arm in arms) / len(arms)
        weight, slope_weight = self._parameters.level_weight, self._parameters.slope_weight
        a, b, c, u, v = weight, 0.0, slope_weight, 0.0, slope_weight
        for arm in arms:
            # One frequent model must not dominate the others.
            share = arm.count * _LINE_WEIGHT / (arm.count + _LINE_WEIGHT)
            x, y = arm.prior - centre, arm.mean - centre
            a, b, c = a + share, b + share * x, c + share * x * x
            u, v = u + share * y, v + share * x * y
        determinant = a * c - b * b
        slope = clip((a * v - b * u) / determinant, -0.5, 1.5)
        self._corrections[task] = _PriorCorrection(centre, (u * c - v * b) / determinant, slope)

    def _preference_logit(self, arm: Arm) -> float:
        weight = self._parameters.prior_weight
        mean = (arm.mean * arm.count + arm.prior * weight) / (arm.count + weight)
        return logit(clip(mean, 0.01, 0.99)) + arm.strength

    def _arm(self, model: str, task: str) -> Arm:
        arms = self._arms[task]
        if model not in arms:
            arms[model] = self._new_arm()
            arms[model].joined_at = sum(arm.observations for arm in arms.values())
        return arms[model]

    def _saved_reach(self, model: str, task: str) -> list[float]:
        reach = self._reach.get((model, task))
        return [round(v, 4) for v in (*reach.counts, *reach.sums)] if reach else []

    def _changed_arm(self, model: str, task: str) -> Arm:
        self._changed.add((model, task))
        return self._arm(model, task)

    def _new_arm(self) -> Arm:
        tuning = self._parameters
        return Arm(
            tuning.prior_weight, tuning.pooling, tuning.memory, tuning.threshold, tuning.noise,
        )  # fmt: skip
