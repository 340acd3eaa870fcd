"""The strategy ``learned``: a bandit with context, one arm a model and task.

Each arm is a linear model of the reward in the situation's features, with an informed prior worth a
handful of observations. Exploration is Thompson's, narrowed: published results show that at one
user's sample sizes a good prior and little exploration beat every bolder scheme. An arm whose
rewards change is restarted alone; nothing else is forgotten. Time-outs and failures are the circuit
breaker's, not a reward.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..models.base import Profile
from ..types import TASKS, Task
from .arm import Arm
from .calls import rows
from .choice import Choice, Ranked, explain
from .fixed import VERSION, FixedSelector, rank
from .priors import WEIGHT, Prior, prior_for
from .situation import Situation


@dataclass(frozen=True, slots=True)
class Tuning:
    """The parameters; chosen on one half of public data, see ``docs/selection.md``."""

    prior_weight: float = WEIGHT
    """Observations a prior is worth."""
    feature_precision: float = 40.0
    """Ridge on the features: they hardly tell which model is best, and must earn their say."""
    width: float = 0.15
    """Standard deviations of a reward that Thompson's draw spreads by."""
    epsilon: float = 0.0
    """Share of choices that try a model at random among those that may be best."""
    newcomer: float = 0.0
    """Extra spread of an arm with few outcomes while others have many."""
    level_weight: float = 10.0
    """Outcomes after which the user's own level (some accept 13 %, some 57 %) is half believed."""


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
    ) -> None:
        super().__init__(latency_weight=latency_weight, cost_weight=cost_weight)
        self._tuning = tuning or Tuning()
        self._seed = seed
        self._choices = 0
        self._arms: dict[str, dict[str, Arm]] = {task: {} for task in TASKS}
        self._levels: dict[str, float] = dict.fromkeys(TASKS, 0.0)
        self._priors: dict[tuple[str, str], Prior] = {}

    def order(self, situation: Situation, profiles: Sequence[Profile], budget_ms: float) -> Choice:
        """Order by drawn utility first, then the rest by expected utility."""
        task = situation.task
        x = situation.vector()
        ranked = [self._ranked(p, situation, x, budget_ms) for p in profiles]
        order = sorted(ranked, key=lambda r: -r.utility)
        first = self._draw(task, order)
        explored = first is not order[0]
        final = (first, *(r for r in order if r is not first))
        return Choice(final, explored, explain(task, final, explored))

    def learn(self, model: str, situation: Situation, reward: float | None) -> None:
        """Take in one outcome; ``None`` teaches nothing."""
        if reward is None:
            return
        self._arm(model, situation.task).learn(situation.vector(), max(0.0, min(1.0, reward)))
        self._update_level(situation.task)

    def prefer(
        self, winner: str, losers: Sequence[str], situation: Situation, shown_at: int = 0
    ) -> None:
        """One step of a Bradley-Terry model up for the winner, down for the others.

        People take the first of a list (92 of 112 pairs): a win from the top says less.
        """
        rate = 0.3 / max(1, len(losers))
        mine = self._arm(winner, situation.task)
        bias = 1.5 if shown_at == 0 else -1.5 / max(1, len(losers))
        for loser in losers:
            other = self._arm(loser, situation.task)
            lead = self._standing(mine) - self._standing(other) + bias
            surprise = 1 - 1 / (1 + math.exp(-lead))
            mine.strength = min(1.0, mine.strength + rate * surprise)
            other.strength = max(-1.0, other.strength - rate * surprise)

    def set_prior(self, model: str, task: Task, prior: Prior | None) -> None:
        """Use a prior of the user's own, as from a comparison run, not the public record."""
        if prior is None:
            self._priors.pop((model, task), None)
        else:
            self._priors[(model, task)] = prior

    def save(self) -> dict[str, Any]:
        """The state, as JSON values."""
        arms = [
            {"model": model, "task": task, "arm": arm.save()}
            for task, by_model in self._arms.items()
            for model, arm in by_model.items()
        ]
        priors = [
            {"model": model, "task": task, "reward": p.reward, "source": p.source}
            for (model, task), p in self._priors.items()
        ]
        return {**super().save(), "arms": arms, "priors": priors, "choices": self._choices}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take the state of ``save``; what is damaged or of another version is left out."""
        super().load(state)
        if state.get("version") != VERSION:
            return
        choices = state.get("choices")
        self._choices = choices if isinstance(choices, int) and choices >= 0 else self._choices
        for raw in rows(state.get("arms")):
            model, task, saved = raw.get("model"), raw.get("task"), raw.get("arm")
            if isinstance(model, str) and task in TASKS and isinstance(saved, Mapping):
                arm = self._new_arm()
                if arm.load(cast("Mapping[str, Any]", saved)):
                    self._arms[task][model] = arm
        for raw in rows(state.get("priors")):
            model, task, reward = raw.get("model"), raw.get("task"), raw.get("reward")
            good = isinstance(reward, int | float) and 0 <= reward <= 1
            if isinstance(model, str) and task in TASKS and good:
                prior = Prior(float(cast(float, reward)), str(raw.get("source", "measured")))
                self._priors[(model, task)] = prior
        for task in TASKS:
            self._update_level(task)

    def _ranked(
        self, profile: Profile, situation: Situation, x: Sequence[float], budget_ms: float
    ) -> Ranked:
        task = situation.task
        prior = self._priors.get((profile.name, task)) or prior_for(profile, task)
        arm = self._arm(profile.name, task)
        arm.prior = prior.reward
        start = max(0.02, min(0.98, prior.reward + self._levels[task]))
        mean, variance = arm.predict(x, start)
        mean = max(0.0, min(1.0, mean))
        if arm.strength:
            mean = _logistic(_logit(mean) + arm.strength)
        return rank(
            profile, task, mean, self.calls,
            budget_ms=budget_ms, weights=self._weights, prior=prior.source,
            spread=1.64 * 0.48 * math.sqrt(variance), observations=arm.observations,
        )  # fmt: skip

    def _draw(self, task: Task, order: Sequence[Ranked]) -> Ranked:
        """The one to ask first: the highest of one draw each."""
        rng = random.Random(self._seed * 1_000_003 + self._choices)  # noqa: S311 - no secret
        self._choices += 1
        tuning = self._tuning
        if tuning.epsilon and rng.random() < tuning.epsilon:
            bar = order[0].low - order[0].expected + order[0].utility
            return rng.choice([r for r in order if r.high - r.expected + r.utility >= bar])
        most = max(r.observations for r in order)
        best, chosen = -math.inf, order[0]
        for r in order:
            sigma = (r.high - r.low) / (2 * 1.64 * 0.48)
            wide = tuning.width + tuning.newcomer * (r.observations < 12 < most)
            value = r.utility + wide * sigma * rng.gauss(0, 1)
            if value > best:
                best, chosen = value, r
        return chosen

    def _update_level(self, task: Task) -> None:
        """How far this user's rewards lie above the priors, shrunk; no arm counts above 30."""
        gap = weight = 0.0
        for arm in self._arms[task].values():
            share = min(30, arm.count)
            gap += share * (arm.mean - arm.prior)
            weight += share
        self._levels[task] = gap / (weight + self._tuning.level_weight)

    def _standing(self, arm: Arm) -> float:
        weight = self._tuning.prior_weight
        mean = (arm.mean * arm.count + arm.prior * weight) / (arm.count + weight)
        return _logit(mean) + arm.strength

    def _arm(self, model: str, task: str) -> Arm:
        arms = self._arms[task]
        if model not in arms:
            arms[model] = self._new_arm()
        return arms[model]

    def _new_arm(self) -> Arm:
        return Arm(self._tuning.prior_weight, self._tuning.feature_precision)


def _logit(p: float) -> float:
    p = max(0.01, min(0.99, p))
    return math.log(p / (1 - p))


def _logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))
