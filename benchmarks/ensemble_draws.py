"""Draw ensembles from a set of generations and apply each rule to them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.ensemble_set import Generations, Sample
from ensemble_lsp.consensus import code as product
from ensemble_lsp.consensus.canonical_form import plain
from ensemble_lsp.consensus.code import VotingParameters, consensus_of_code
from ensemble_lsp.consensus.votes import ConsensusResult, Vote

SIZES = (3, 5, 8)
KINDS = ("strong", "middling", "mixed", "one strong")
EQUALS = 0.04
"""If all priors differ by less than this, the models count as equally strong and form one kind of group."""

product.similarity = lru_cache(maxsize=None)(product.similarity)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """One draw: the members, and the sample of each member for each task."""

    kind: str
    size: int
    members: tuple[str, ...]
    picks: dict[str, tuple[Sample, ...]]


def priors(generations: Generations, tasks: Sequence[str]) -> dict[str, float]:
    """Return the prior of each model: the one in the file, else its share on these tasks."""
    known: dict[str, float] = {}
    for model in generations.models:
        samples = [s for t in tasks for s in generations.samples[t][model]]
        given = [s.prior for s in samples if s.prior is not None]
        by_task = [np.mean([s.passed for s in generations.samples[t][model]]) for t in tasks]
        measured = (float(np.sum(by_task)) + 0.5) / (len(by_task) + 1)
        known[model] = given[0] if given else measured
    return known


def draw(
    generations: Generations, known: Mapping[str, float], draws: int, seed: int = 0
) -> Iterator[Ensemble]:
    """Draw this many ensembles of each kind and size for which the set has enough models."""
    rng = random.Random(seed)
    names = sorted(known, key=lambda m: -known[m])
    for size in SIZES:
        for kind in KINDS:
            for _ in range(draws):
                members = _members(kind, size, names, known, rng)
                if members is None:
                    break
                picks = {
                    task: tuple(rng.choice(by_model[m]) for m in members)
                    for task, by_model in generations.samples.items()
                }
                yield Ensemble(kind, size, tuple(members), picks)


def _members(
    kind: str, size: int, names: Sequence[str], known: Mapping[str, float], rng: random.Random
) -> list[str] | None:
    """Draw the members of one group; ``names`` are ordered best first.

    Strong: from the better half; middling: not from the best or the worst fifth; mixed: from all; one
    strong: one from the best quarter, the others from the worse half.
    """
    count = len(names)
    if known[names[0]] - known[names[-1]] <= EQUALS:
        return rng.sample(list(names), size) if kind == "mixed" and count >= size else None
    pools = {
        "strong": names[: max(size, (count + 1) // 2)],
        "middling": names[count // 5 : count - count // 5],
        "mixed": names,
        "one strong": names[count // 2 :],
    }
    pool = list(pools[kind])
    if kind == "one strong":
        if len(pool) < size - 1:
            return None
        return [rng.choice(names[: max(1, count // 4)]), *rng.sample(pool, size - 1)]
    return rng.sample(pool, size) if len(pool) >= size else None


# -- rules ---------------------------------------------------------------------------------------

Rule = Callable[[Sequence[Sample], Mapping[str, float], random.Random], float]


def answers_of(
    samples: Sequence[Sample], known: Mapping[str, float], *, execute: bool
) -> list[Vote]:
    return [
        Vote(s.model, s.text, known[s.model], s.form, s.trial if execute else None)
        for s in samples
        if s.text.strip()
    ]


def verdict_of(
    samples: Sequence[Sample],
    known: Mapping[str, float],
    *,
    execute: bool,
    tuning: VotingParameters | None = None,
    rule: product.Rule = "weighted",
) -> tuple[ConsensusResult, bool] | None:
    """Return the product's verdict and whether its answer passes; None if there is no answer."""
    answers = answers_of(samples, known, execute=execute)
    if not answers:
        return None
    verdict = consensus_of_code(answers, "python", rule, tuning)
    chosen = next(s for s in samples if s.text == verdict.text and s.model in verdict.models)
    return verdict, chosen.passed


def _product(
    execute: bool, rule: product.Rule = "weighted", tuning: VotingParameters | None = None
) -> Rule:
    def passed(samples: Sequence[Sample], known: Mapping[str, float], _: random.Random) -> float:
        found = verdict_of(samples, known, execute=execute, tuning=tuning, rule=rule)
        return float(found is not None and found[1])

    return passed


def _mean(samples: Sequence[Sample], known: Mapping[str, float], rng: random.Random) -> float:
    return float(np.mean([s.passed for s in samples]))


def _random(samples: Sequence[Sample], known: Mapping[str, float], rng: random.Random) -> float:
    return float(rng.choice(samples).passed)


def _best_prior(samples: Sequence[Sample], known: Mapping[str, float], _: random.Random) -> float:
    return float(max(samples, key=lambda s: known[s.model]).passed)


def _majority(samples: Sequence[Sample], known: Mapping[str, float], rng: random.Random) -> float:
    """Choose the text that occurs most often; break ties at random."""
    counts = Counter(plain(s.text) for s in samples)
    top = max(counts.values())
    first = rng.choice([s for s in samples if counts[plain(s.text)] == top])
    return float(first.passed)


def _oracle(samples: Sequence[Sample], known: Mapping[str, float], _: random.Random) -> float:
    return float(any(s.passed for s in samples))


def rules(tuning: VotingParameters | None = None) -> dict[str, Rule]:
    """Return all rules by name; ``best single`` is known only afterwards and is computed separately."""
    return {
        "random": _random,
        "mean single": _mean,
        "best prior": _best_prior,
        "majority": _majority,
        "seed": _product(False, "seed"),
        "ours": _product(False, tuning=tuning),
        "ours, examples run": _product(True, tuning=tuning),
        "oracle": _oracle,
    }


def scores(
    ensembles: Sequence[Ensemble],
    tasks: Sequence[str],
    known: Mapping[str, float],
    by_name: Mapping[str, Rule],
) -> dict[str, np.ndarray]:
    """Return the share passed by rule, each of shape (draws, tasks)."""
    rng = random.Random(1)
    found = {name: np.zeros((len(ensembles), len(tasks))) for name in by_name}
    best = np.zeros((len(ensembles), len(tasks)))
    for row, ensemble in enumerate(ensembles):
        alone = np.array([[s.passed for s in ensemble.picks[t]] for t in tasks], dtype=float)
        best[row] = alone[:, int(np.argmax(alone.mean(axis=0)))]
        for column, task in enumerate(tasks):
            for name, rule in by_name.items():
                found[name][row, column] = rule(ensemble.picks[task], known, rng)
    return {**found, "best single": best}


def interval(values: np.ndarray, seed: int = 0, times: int = 1000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval over tasks of the mean of a (draws, tasks) array."""
    by_task = values.mean(axis=0)
    rng = np.random.default_rng(seed)
    means = rng.choice(by_task, (times, len(by_task))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
