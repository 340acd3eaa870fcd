"""The strategy ``learned``: a bandit with context, one arm a model and task.

Each arm is a linear model of the reward in the situation's features, with an informed prior worth
a handful of observations. The priors of all arms are corrected together, by a line fitted to what
was seen: the user's own level, and how far the priors are right at all. Exploration is a small
bonus for the unsure and a smaller draw: published results show that at one user's sample sizes a
good prior and little exploration beat every bolder scheme. An arm whose rewards change is restarted
alone; nothing else is forgotten. Time-outs and failures are the circuit breaker's, not a reward.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.interface import Profile
from ..types import TASKS, Task
from .arm import MEMORY, THRESHOLD, Arm
from .call_stats import numbers, of_kind
from .cascade import Reach, beyond_reach, with_order
from .choice import Choice, Ranked
from .fixed import VERSION, FixedSelector, rank
from .priors import WEIGHT, Prior, prior_for
from .request_context import RequestContext

_SPREAD = 1.64 * 0.48
"""Half a 90 % interval of a reward near one half, in rewards."""
_SHARE, _FEW = 30, 8
_SHAKEN = 60
"""Choices after an arm has restarted, in which the others are looked at more."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The parameters, chosen among neighbours on the ``tune`` half of ``benchmarks/selection_replay``.

    Most differences between neighbours lay within the noise. ``newcomer`` is a judgement.
    """

    prior_weight: float = WEIGHT
    """Observations a prior is worth."""
    feature_precision: float = 60.0
    """Ridge on the features: they hardly tell which model is best, and must earn their say."""
    bonus: float = 0.25
    """What an unsure arm gains, times its posterior's standard deviation in units of a reward's."""
    width: float = 0.05
    """The same for a random draw: so that equals take turns while feedback is awaited."""
    newcomer: float = 0.25
    """What a model that came later gains on top, until it has been asked a few times."""
    level_weight: float = 50.0
    """Outcomes after which the user's own level (some accept 13 %, some 57 %) is half believed."""
    slope_weight: float = 0.2
    """Prior squares by which it is believed that models differ as the priors say."""
    memory: int = MEMORY
    """Of a model's own latest outcomes, how many count."""
    threshold: float = THRESHOLD
    """Log-likelihood ratio from which a model is believed to have changed."""
    shaken: float = 0.5
    """What every unsure arm gains on top while it is open who follows one that has changed."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What priors are worth after what was seen."""

    centre: float = 0.45
    level: float = 0.0
    slope: float = 1.0

    def at(self, prior: float) -> float:
        """The corrected prior."""
        return max(0.02, min(0.98, self.centre + self.level + self.slope * (prior - self.centre)))


class LearnedSelector(FixedSelector):
    """The learning selector; its draws depend on ``seed`` and the number of choices alone."""

    strategy = "learned"

    def __init__(
        self,
        *,
        latency_weight: float = 0.3,
        cost_weight: float = 0.1,
        seed: int = 0,
        tuning: Tuning | None = None,
        escalate: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tuning = tuning or Tuning()
        self._seed = seed
        self._priors: dict[tuple[str, str], Prior] = {}
        self._escalate = escalate
        super().__init__(latency_weight=latency_weight, cost_weight=cost_weight, clock=clock)

    def reset(self) -> None:
        """Forget everything that was learned from outcomes and calls."""
        super().reset()
        self._choices = 0
        self._arms: dict[str, dict[str, Arm]] = {task: {} for task in TASKS}
        self._lines: dict[str, _Line] = dict.fromkeys(TASKS, _Line())
        self._reach: dict[tuple[str, str], Reach] = {}
        self._changed: set[tuple[str, str]] = set()
        self._shaken: dict[str, int] = dict.fromkeys(TASKS, 0)

    def order(
        self, situation: RequestContext, profiles: Sequence[Profile], budget_ms: float
    ) -> Choice:
        """The one to ask first by utility and what is to be learned; the rest by utility."""
        task = situation.task
        x = situation.vector()
        self._set_priors(task, profiles)
        pairs = [self._ranked(p, situation, x, budget_ms) for p in profiles]
        pairs.sort(key=lambda pair: -pair[0].utility)
        order = [ranked for ranked, _ in pairs]
        first = self._draw(task, pairs)
        explored = first is not order[0]
        final = (first, *(r for r in order if r is not first))
        choice = Choice(final, explored, task)
        if not self._escalate or explored:
            return choice
        return with_order(choice, *beyond_reach(final, situation.complexity))

    def learn(self, model: str, situation: RequestContext, reward: float | None) -> None:
        """Take in one outcome; ``None`` teaches nothing."""
        if reward is None:
            return
        key = (model, situation.task)
        self._reach.setdefault(key, Reach.new()).add(situation.complexity, reward)
        if self._touched(model, situation.task).learn(situation.vector(), _unit(reward)):
            self._shaken[situation.task] = _SHAKEN
        self._fit_line(situation.task)

    def revise(self, model: str, situation: RequestContext, old: float, new: float | None) -> None:
        """Correct a reward that was learned; None takes it back.

        One that is so old that it is no longer remembered counts no more.
        """
        arm = self._touched(model, situation.task)
        if arm.revise(situation.vector(), _unit(old), None if new is None else _unit(new)):
            self._fit_line(situation.task)
            if reach := self._reach.get((model, situation.task)):
                reach.add(situation.complexity, (new or 0.0) - old, -1 if new is None else 0)

    def prefer(
        self, winner: str, losers: Sequence[str], situation: RequestContext, shown_at: int = 0
    ) -> None:
        """One step of a Bradley-Terry model up for the winner, down for the others.

        People take the first of a list (92 of 112 pairs): a win from the top says less.
        """
        rate = 0.3 / max(1, len(losers))
        mine = self._touched(winner, situation.task)
        bias = 1.5 if shown_at == 0 else -1.5 / max(1, len(losers))
        for loser in losers:
            other = self._touched(loser, situation.task)
            lead = self._standing(mine) - self._standing(other) + bias
            surprise = 1 - 1 / (1 + math.exp(-lead))
            mine.strength = min(1.0, mine.strength + rate * surprise)
            other.strength = max(-1.0, other.strength - rate * surprise)

    def set_prior(self, model: str, task: Task, prior: Prior | None) -> None:
        """Use a prior of the user's own, as from a comparison run, not the public record.

        It is kept by who measured it (``measured``), and stays when everything else is forgotten.
        """
        if prior is None:
            self._priors.pop((model, task), None)
        else:
            self._priors[(model, task)] = prior

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """The state by part's name, as JSON values; ``changed``: what changed since last asked."""
        arms = {
            f"arm/{task}/{model}": {**arm.save(), "reach": self._reach_of(model, task)}
            for task, by_model in self._arms.items()
            for model, arm in by_model.items()
            if not changed or (model, task) in self._changed
        }
        if changed:
            self._changed = set()
        parts = {**super().save(changed=changed), **arms}
        return {**parts, "version": VERSION, "choices": self._choices} if parts else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take parts of ``save``; what is damaged or of another version is left out."""
        super().load(state)
        if state.get("version") != VERSION:
            return
        choices = state.get("choices")
        self._choices = choices if isinstance(choices, int) and choices >= 0 else self._choices
        for task, model, raw in of_kind(state, "arm"):
            arm = self._new_arm()
            if arm.load(raw):
                self._arms[task][model] = arm
                reach = numbers(raw.get("reach"))
                if len(reach) == 8 and min(reach) >= 0:
                    self._reach[(model, task)] = Reach(reach[:4], reach[4:])
        for task in TASKS:
            self._fit_line(task)

    def _ranked(
        self, profile: Profile, situation: RequestContext, x: Sequence[float], budget_ms: float
    ) -> tuple[Ranked, float]:
        """What is thought of a model, and how unsure that is, in a reward's standard deviations."""
        task = situation.task
        prior = self._prior(profile, task)
        arm = self._arm(profile.name, task)
        mean, variance = arm.predict(x, self._lines[task].at(prior.reward))
        mean = max(0.0, min(1.0, mean))
        if arm.strength:
            mean = _logistic(_logit(mean) + arm.strength)
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
        """Let the arms know their priors; the line is fitted again where one is new."""
        changed = False
        for profile in profiles:
            arm, prior = self._arm(profile.name, task), self._prior(profile, task).reward
            changed |= arm.prior != prior
            arm.prior = prior
        if changed:
            self._fit_line(task)

    def _draw(self, task: Task, pairs: Sequence[tuple[Ranked, float]]) -> Ranked:
        """The one to ask first: the highest utility with its bonus and one draw."""
        rng = random.Random(self._seed * 1_000_003 + self._choices)  # noqa: S311 - no secret
        self._choices += 1
        tuning = self._tuning
        shaken = tuning.shaken if self._shaken[task] else 0.0
        self._shaken[task] = max(0, self._shaken[task] - 1)
        best, chosen = -math.inf, pairs[0][0]
        for r, sigma in pairs:
            arm = self._arms[task][r.model]
            late = arm.joined >= _SHARE and arm.observations < _FEW
            bonus = tuning.bonus + shaken + tuning.newcomer * late + tuning.width * rng.gauss(0, 1)
            value = r.utility + bonus * sigma
            if value > best:
                best, chosen = value, r
        return chosen

    def _fit_line(self, task: Task) -> None:
        """Fit level and slope of what was seen over the priors, by ridge regression."""
        # Of a model that has changed since, its prior says nothing, nor it of the priors.
        arms = [arm for arm in self._arms[task].values() if not arm.restarts]
        if not arms:
            return
        centre = sum(arm.prior for arm in arms) / len(arms)
        weight, slope_weight = self._tuning.level_weight, self._tuning.slope_weight
        a, b, c, u, v = weight, 0.0, slope_weight, 0.0, slope_weight
        for arm in arms:
            # A model that was asked often tells no more of the others than one asked so often.
            share, x, y = min(_SHARE, arm.count), arm.prior - centre, arm.mean - centre
            a, b, c = a + share, b + share * x, c + share * x * x
            u, v = u + share * y, v + share * x * y
        determinant = a * c - b * b
        slope = max(-0.5, min(1.5, (a * v - b * u) / determinant))
        self._lines[task] = _Line(centre, (u * c - v * b) / determinant, slope)

    def _standing(self, arm: Arm) -> float:
        weight = self._tuning.prior_weight
        mean = (arm.mean * arm.count + arm.prior * weight) / (arm.count + weight)
        return _logit(mean) + arm.strength

    def _arm(self, model: str, task: str) -> Arm:
        arms = self._arms[task]
        if model not in arms:
            arms[model] = self._new_arm()
            arms[model].joined = sum(arm.observations for arm in arms.values())
        return arms[model]

    def _reach_of(self, model: str, task: str) -> list[float]:
        reach = self._reach.get((model, task))
        return [round(v, 4) for v in (*reach.counts, *reach.sums)] if reach else []

    def _touched(self, model: str, task: str) -> Arm:
        self._changed.add((model, task))
        return self._arm(model, task)

    def _new_arm(self) -> Arm:
        tuning = self._tuning
        return Arm(
            tuning.prior_weight, tuning.feature_precision, tuning.memory, tuning.threshold,
        )  # fmt: skip


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))


def _logit(p: float) -> float:
    p = max(0.01, min(0.99, p))
    return math.log(p / (1 - p))


def _logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))
