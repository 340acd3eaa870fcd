# ruff: noqa: D102 - the protocol documents the methods
"""Policies that choose one model per request: the product's selector, and common ones for comparison.

Each has ``choose(features) -> index`` and ``learn(index, features, reward)``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.numeric import clip
from ensemble_lsp.selection.learned import BanditParameters, LearnedSelector
from ensemble_lsp.selection.priors import Prior
from ensemble_lsp.selection.request_context import RequestContext
from ensemble_lsp.selection.seed import SeedSelector
from ensemble_lsp.types import Task

BUDGET_MS = 20_000.0


class Policy(Protocol):
    """Chooses one of the available arms and learns from the reward."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        """Return one of ``able``."""
        ...

    def learn(self, arm: int, context: RequestContext, reward: float) -> None:
        """Learn one outcome."""
        ...


class _Counting:
    """Base class with counts and sums by arm."""

    def __init__(self, arms: int, rng: random.Random) -> None:
        self.n = [0] * arms
        self.sum = [0.0] * arms
        self.asked = 0
        self.rng = rng

    def mean(self, arm: int) -> float:
        return self.sum[arm] / self.n[arm] if self.n[arm] else 0.5

    def learn(self, arm: int, context: RequestContext, reward: float) -> None:
        self.n[arm] += 1
        self.sum[arm] += reward


class Uniform(_Counting):
    """Chooses at random."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        return self.rng.choice(able)


class RoundRobin(_Counting):
    """Chooses each arm in turn."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        self.asked += 1
        return able[self.asked % len(able)]


class EpsilonGreedy(_Counting):
    """Chooses the best mean, and one time in ten at random."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        if self.rng.random() < 0.1:
            return self.rng.choice(able)
        return max(able, key=lambda a: (self.mean(a), self.rng.random()))


class Ucb1(_Counting):
    """UCB1 (Auer, Cesa-Bianchi and Fischer 2002)."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        total = max(2, sum(self.n))

        def index(a: int) -> float:
            bonus = math.sqrt(2 * math.log(total) / self.n[a]) if self.n[a] else math.inf
            return self.mean(a) + bonus

        return max(able, key=lambda a: (index(a), self.rng.random()))


class BetaThompson(_Counting):
    """Thompson sampling with a flat Beta prior."""

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        def draw(a: int) -> float:
            return self.rng.betavariate(1 + self.sum[a], 1 + self.n[a] - self.sum[a])

        return max(able, key=draw)


VECTOR = (
    "intercept", "complexity", "nesting", "function_lines", "prefix_chars", "multiline", "invoked",
    "instruction_words", "in_call", "in_prose", "in_test", "python", "script",
)  # fmt: skip
"""Names of the numbers in ``vector``, in order."""
_SCRIPTS = frozenset(
    ("javascript", "javascriptreact", "typescript", "typescriptreact", "html", "css", "vue")
)


def vector(context: RequestContext) -> tuple[float, ...]:
    """Return the features of the linear policies, each from -1 to 1, and 0 if ordinary."""
    return (
        1.0,
        _log(context.complexity, 4, 2.5),
        clip((context.nesting - 1.5) / 3, -1),
        _log(context.function_lines, 16, 3),
        _log(context.prefix_chars, 1000, 4),
        0.5 if context.multiline else -0.5,
        0.5 if context.trigger == "invoked" else -0.5,
        _log(context.instruction_words, 16, 3) if context.instruction_words else 0.0,
        float(context.place == "call"),
        float(context.place in ("comment", "string")),
        float(context.place == "test"),
        float(context.language == "python"),
        float(context.language in _SCRIPTS),
    )


def _log(value: float, middle: float, doublings: float) -> float:
    """Return 0 at ``middle``, and ±1 from ``doublings`` doublings away."""
    return clip(math.log2((1 + value) / (1 + middle)) / doublings, -1)


class LinUcb:
    """LinUCB (Li, Chu, Langford and Schapire 2010), disjoint arms, with a flat prior."""

    def __init__(self, arms: int, rng: random.Random, alpha: float = 0.5) -> None:
        size = len(VECTOR)
        self.inverse = [np.eye(size) for _ in range(arms)]
        self.moment = [np.zeros(size) for _ in range(arms)]
        for moment in self.moment:
            moment[0] = 0.45  # one outcome of an ordinary model
        self.rng, self.alpha = rng, alpha

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        x = np.array(vector(context))

        def index(a: int) -> tuple[float, float]:
            spread = self.inverse[a] @ x
            mean = float(spread @ self.moment[a])
            return mean + self.alpha * math.sqrt(float(x @ spread)), self.rng.random()

        return max(able, key=index)

    def learn(self, arm: int, context: RequestContext, reward: float) -> None:
        x = np.array(vector(context))
        spread = self.inverse[arm] @ x
        self.inverse[arm] -= np.outer(spread, spread) / (1 + x @ spread)
        self.moment[arm] += reward * x


class Product:
    """A selector of the product as a policy; latency and cost have no weight here."""

    def __init__(self, selector: Any, profiles: Sequence[Profile]) -> None:
        self.selector, self.profiles = selector, profiles
        self.index = {p.name: i for i, p in enumerate(profiles)}

    def choose(self, context: RequestContext, able: Sequence[int]) -> int:
        profiles = [self.profiles[a] for a in able]
        choice = self.selector.choose(context, profiles, budget_ms=BUDGET_MS)
        return self.index[choice.ranked[0].model]

    def learn(self, arm: int, context: RequestContext, reward: float) -> None:
        self.selector.learn(self.profiles[arm].name, context, reward)


Maker = Callable[[Sequence[str], "Sequence[float] | None", int, Task], Policy]
"""Builds a policy from model names, priors, seed and task."""


def profiles_of(names: Sequence[str]) -> list[Profile]:
    return [Profile(name, "openai", name) for name in names]


def learned(
    names: Sequence[str],
    priors: Sequence[float] | None,
    seed: int,
    task: Task = "generate",
    **tuning: Any,
) -> Policy:
    """Take ``priors`` as expected rewards, else those of the shipped table."""
    selector = LearnedSelector(
        latency_weight=0, cost_weight=0, seed=seed, tuning=BanditParameters(**tuning)
    )
    for name, prior in zip(names, priors or (), strict=False):
        selector.set_prior(name, task, Prior(prior, "the replay"))
    return Product(selector, profiles_of(names))


def seed_strategy(
    names: Sequence[str], priors: Sequence[float] | None, seed: int, task: Task
) -> Policy:
    return Product(SeedSelector(), profiles_of(names))


def _plain(kind: Callable[[int, random.Random], Policy]) -> Maker:
    return lambda names, priors, seed, task: kind(len(names), random.Random(seed))


POLICIES: dict[str, Maker] = {
    "random": _plain(Uniform),
    "round-robin": _plain(RoundRobin),
    "ε-greedy .1": _plain(EpsilonGreedy),
    "UCB1": _plain(Ucb1),
    "Beta-Thompson": _plain(BetaThompson),
    "LinUCB .5": _plain(LinUcb),
    "seed": seed_strategy,
    "learned": learned,
}
