"""Replay published results of real models and let each policy choose among the models.

Protocol: a run draws a pool of 8 models and 500 requests from one half of a data set. ``tune`` was used to
choose the parameters, ``test`` was not. A right answer (reward ≥ .999) is accepted with probability .75, a wrong
one with .15, and the policy learns it three requests later. The metric is the share of the way from a random
choice to the best fixed model, which is known only afterwards: the quotient of the means over the seeds, with a
95 % bootstrap interval over them. ``selection_tables`` reads the tables.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection.priors import prior_for

from .selection_policies import Maker, Policy
from .selection_tables import GOOD, Row, half_of

RIGHT, WRONG, DELAY = 0.75, 0.15, 3
FALLEN = 0.3
"""Share of right answers of the best model after its fall."""
CASES = (
    ("stationary", "shipped"), ("stationary", "good"), ("stationary", "flat"),
    ("stationary", "reversed"), ("fall", "shipped"), ("fall", "good"),
    ("arrival", "shipped"), ("arrival", "good"),
)  # fmt: skip
"""Scenario and prior."""


@dataclass(frozen=True)
class Requests:
    """The requests of one scenario, with values by arm."""

    rows: list[Row]
    right: list[list[bool]]
    able: Callable[[int], list[int]]
    """Return the arms that are available at a request."""
    best: int
    """The best arm over all drawn requests."""


@dataclass(frozen=True)
class Run:
    """One replay of one policy."""

    got: list[bool]
    choices: list[int]


@dataclass
class Figures:
    """The figures of a policy, one value per seed."""

    score: list[float] = field(default_factory=list[float])
    above: list[float] = field(default_factory=list[float])
    """Reward above random;"""
    way: list[float] = field(default_factory=list[float])
    """reward from random to the best fixed model."""
    gap: list[float] = field(default_factory=list[float])
    """Reward below the best fixed model in the last third."""
    found: list[float] = field(default_factory=list[float])
    """Requests until the newcomer had most of the latest 20; 250 if it never had."""
    regret: list[list[float]] = field(default_factory=list[list[float]])
    """Cumulative regret against the best fixed model."""


def priors_for(
    kind: str, pool: Sequence[str], other: Sequence[Row], rows: Sequence[Row]
) -> list[float]:
    """Return the expected rewards: shipped, flat, good (from the half that is not replayed) or reversed."""
    if kind == "flat":
        return [0.45] * len(pool)
    if kind == "shipped":
        given = rows[0].priors
        table = {
            m: prior_for(Profile(m, "openai", m, fim="suffix"), "generate").reward for m in pool
        }
        return [WRONG + (RIGHT - WRONG) * given[m] if m in given else table[m] for m in pool]
    means = [statistics.fmean(r.right[m] >= GOOD for r in other) for m in pool]
    good = [WRONG + (RIGHT - WRONG) * m for m in means]
    if kind == "good":
        return good
    order = sorted(range(len(pool)), key=lambda i: good[i])
    values = sorted(good, reverse=True)
    return [values[order.index(i)] for i in range(len(pool))]


def drawn(rows: Sequence[Row], count: int, rng: random.Random) -> Iterator[Row]:
    """Yield all rows in random order, repeatedly."""
    left: list[Row] = []
    for _ in range(count):
        if not left:
            left = rng.sample(list(rows), len(rows))
        yield left.pop()


def replay(policy: Policy, requests: Requests, rng: random.Random) -> Run:
    """Play a sequence of requests; feedback arrives ``DELAY`` requests late."""
    waiting: list[tuple[int, Row, float]] = []
    run = Run([], [])
    for n, (row, right) in enumerate(zip(requests.rows, requests.right, strict=True)):
        if len(waiting) >= DELAY:
            arm, old, reward = waiting.pop(0)
            policy.learn(arm, old.context, reward)
        arm = policy.choose(row.context, requests.able(n))
        waiting.append((arm, row, float(rng.random() < (RIGHT if right[arm] else WRONG))))
        run.got.append(right[arm])
        run.choices.append(arm)
    return run


def scenario(
    name: str, rows: Sequence[Row], pool: Sequence[str], count: int, rng: random.Random
) -> Requests:
    """Draw the requests of one scenario."""
    these = list(drawn(rows, count, rng))
    right = [[r.right[m] >= GOOD for m in pool] for r in these]
    sums = [sum(one[i] for one in right) for i in range(len(pool))]
    best = max(range(len(pool)), key=lambda i: sums[i])
    everyone = list(range(len(pool)))
    if name == "fall":
        for one in right[count // 2 :]:
            one[best] = rng.random() < FALLEN
    before = [i for i in everyone if i != best] if name == "arrival" else everyone
    return Requests(these, right, lambda n: everyone if n >= count // 2 else before, best)


def measure(
    rows: Sequence[Row], half: str, name: str, prior: str, policies: dict[str, Maker],
    *, seeds: int, count: int = 500, size: int = 8,
) -> dict[str, Figures]:  # fmt: skip
    """Return the figures of every policy in one scenario."""
    mine, other = half_of(rows, half), half_of(rows, "test" if half == "tune" else "tune")
    figures: dict[str, Figures] = {}
    for seed in range(seeds):
        rng = random.Random(f"{seed}{name}{half}")
        pool = rng.sample(sorted(mine[0].right), min(size, len(mine[0].right)))
        requests = scenario(name, mine, pool, count, rng)
        priors = priors_for(prior, pool, other, mine)
        runs = {
            label: replay(make(pool, priors, seed, "generate"), requests, random.Random(seed))
            for label, make in policies.items()
        }
        fixed, oracle = best_fixed(name, requests), perfect(requests)
        _take(figures, {**runs, "best fixed": fixed, "oracle": oracle}, requests, fixed)
    return figures


def best_fixed(name: str, requests: Requests) -> Run:
    """Return the best model over all requests; with a newcomer, the best before it and then the newcomer."""
    count, arms = len(requests.right), range(len(requests.right[0]))
    if name != "arrival":
        sums = [sum(one[i] for one in requests.right) for i in arms]
        choices = [max(arms, key=lambda i: sums[i])] * count
    else:
        early = [sum(one[i] for one in requests.right[: count // 2]) for i in requests.able(0)]
        first = requests.able(0)[max(range(len(early)), key=lambda i: early[i])]
        choices = [first if n < count // 2 else requests.best for n in range(count)]
    return Run([one[c] for one, c in zip(requests.right, choices, strict=True)], choices)


def perfect(requests: Requests) -> Run:
    """Return the choices that are right whenever a model is right."""
    choices = [
        max(requests.able(n), key=lambda i, one=one: one[i]) for n, one in enumerate(requests.right)
    ]
    return Run([one[c] for one, c in zip(requests.right, choices, strict=True)], choices)


def _take(
    figures: dict[str, Figures], runs: dict[str, Run], requests: Requests, fixed: Run
) -> None:
    count = len(requests.right)
    floor = statistics.fmean(
        statistics.fmean(one[i] for i in requests.able(n)) for n, one in enumerate(requests.right)
    )
    late = statistics.fmean(fixed.got[count * 2 // 3 :])
    for label, run in runs.items():
        into = figures.setdefault(label, Figures())
        into.score.append(statistics.fmean(run.got))
        into.above.append(statistics.fmean(run.got) - floor)
        into.way.append(statistics.fmean(fixed.got) - floor)
        into.gap.append(late - statistics.fmean(run.got[count * 2 // 3 :]))
        into.found.append(float(_until(run.choices[count // 2 :], requests.best)))
        into.regret.append(_sums([a - b for a, b in zip(fixed.got, run.got, strict=True)]))


def _until(choices: Sequence[int], arm: int, window: int = 20) -> int:
    """Return the number of requests after which an arm has most of the latest ones."""
    for end in range(window, len(choices) + 1):
        if choices[end - window : end].count(arm) * 2 > window:
            return end
    return len(choices)


def _sums(values: Sequence[int]) -> list[float]:
    total, found = 0.0, []
    for value in values:
        total += value
        found.append(total)
    return found


def share_of(figures: Figures) -> tuple[float, float, float]:
    """Return the share of the way from random to the best fixed model, and its 95 % interval."""
    rng = random.Random(0)
    pairs = list(zip(figures.above, figures.way, strict=True))

    def quotient(sample: Sequence[tuple[float, float]]) -> float:
        return sum(a for a, _ in sample) / max(1e-9, sum(w for _, w in sample))

    found = sorted(quotient(rng.choices(pairs, k=len(pairs))) for _ in range(500))
    return quotient(pairs), found[12], found[487]
