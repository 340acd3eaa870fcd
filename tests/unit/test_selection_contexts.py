"""What the learning strategy makes of contexts: languages, complexity, places, and models that change."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection import arm as arm_module
from ensemble_lsp.selection import partitions
from ensemble_lsp.selection.arm import CENTRE, NOISE, Arm
from ensemble_lsp.selection.learned import LearnedSelector
from ensemble_lsp.selection.partitions import (
    FEATURES,
    PARTITIONS,
    ContextFeature,
    PartitionWeights,
    cells_of,
    divisions_of,
    feature_values,
)
from ensemble_lsp.selection.request_context import PLACES, RequestContext
from ensemble_lsp.types import TASKS, Task

HERE = RequestContext("complete", "python", complexity=4)
RUST, GO = replace(HERE, language="rust"), replace(HERE, language="go")
MODELS = [Profile(name, "openai", "unheard-of") for name in ("a", "b")]
PRIOR = tuple(p.prior for p in PARTITIONS)


def named(name: str) -> int:
    return next(n for n, p in enumerate(PARTITIONS) if p.name == name)


def play(
    selector: LearnedSelector,
    contexts: list[RequestContext],
    rate: Callable[[str, RequestContext], float],
    seed: int = 1,
) -> list[str]:
    """Play requests; a model's answer is accepted at its rate in the context."""
    rng = random.Random(seed)
    chosen: list[str] = []
    for context in contexts:
        name = selector.choose(context, MODELS, budget_ms=2500).names[0]
        selector.learn(name, context, float(rng.random() < rate(name, context)))
        chosen.append(name)
    return chosen


def test_partitions_are_distinct_and_their_weights_sum_to_one() -> None:
    assert sum(PRIOR) == pytest.approx(1)
    assert min(PRIOR) > 0
    assert len({p.features for p in PARTITIONS}) == len(PARTITIONS)
    assert PARTITIONS[named("none")].features == ()
    assert named("language \u00d7 complexity above 5")
    kinds = [{FEATURES[i].kind or FEATURES[i].name for i in p.features} for p in PARTITIONS]
    assert all(len(k) == len(p.features) for k, p in zip(kinds, PARTITIONS, strict=True))


@pytest.mark.parametrize("task", TASKS)
def test_the_better_model_of_each_language_is_learned(task: Task) -> None:
    contexts = [replace(c, task=task) for c in (RUST, GO) * 60]
    rate = lambda name, c: 0.75 if (name == "a") == (c.language == "rust") else 0.2
    chosen = play(LearnedSelector(latency_weight=0), contexts, rate)
    right = [(n == "a") == (c.language == "rust") for n, c in zip(chosen, contexts, strict=True)]
    assert sum(right[-40:]) >= 34


def test_the_better_model_of_a_language_and_complexity_is_learned() -> None:
    places = [replace(c, complexity=n) for c in (RUST, GO) for n in (2, 30)]
    contexts = random.Random(2).choices(places, k=300)
    rate = lambda name, c: (
        0.8 if (name == "a") == ((c.language == "rust") == (c.complexity > 10)) else 0.15
    )
    chosen = play(LearnedSelector(latency_weight=0), contexts, rate)
    right = [rate(n, c) > 0.5 for n, c in zip(chosen, contexts, strict=True)]
    assert sum(right[-80:]) >= 68


@pytest.mark.parametrize(
    "other", [GO, replace(RUST, multiline=False), replace(RUST, complexity=30)]
)
def test_a_session_in_another_context_is_no_change_of_the_model(other: RequestContext) -> None:
    selector = LearnedSelector(latency_weight=0)
    contexts = ([RUST] * 25 + [other] * 25) * 5
    chosen = play(selector, contexts, lambda name, c: float((name == "a") == (c == RUST)))
    assert all(arm.restarts == 0 for arm in selector._arms["complete"].values())
    right = [(n == "a") == (c == RUST) for n, c in zip(chosen, contexts, strict=True)]
    assert sum(right[50:]) >= 195


def test_a_model_that_falls_in_every_context_is_found_to_have_changed() -> None:
    selector = LearnedSelector(latency_weight=0)
    for n in range(80):
        selector.learn("a", (RUST, GO)[n % 2], float(n % 2 == 0 or n % 5 == 0))
    for n in range(40):
        selector.learn("a", (RUST, GO)[n % 2], float(n % 20 == 0))
    arm = selector._arms["complete"]["a"]
    assert arm.restarts >= 1
    assert arm.mean < 0.3


def test_false_alarms_of_the_change_test_are_rare() -> None:
    rng = random.Random(5)
    restarts = 0
    for _ in range(20):
        arm, weights = Arm(), PartitionWeights()
        for _ in range(300):
            context = replace(
                HERE, language=rng.choice(("go", "rust")), complexity=rng.choice((2, 9))
            )
            arm.learn(feature_values(context), float(rng.random() < 0.5))
            weights.update("a", arm.evidence())
            arm.has_changed(weights.divisions)
        restarts += arm.restarts
    assert restarts <= 15, "of 6,000 outcomes"


def test_without_contexts_an_arm_is_the_mean_of_its_outcomes_and_its_prior() -> None:
    arm, values = Arm(8.0), feature_values(HERE)
    for n in range(12):
        arm.learn(values, float(n % 3 == 0))
    mean, variance = arm.predict(cells_of(values), divisions_of(PRIOR), 0.6)
    assert mean == pytest.approx((4 + 8 * 0.6) / 20)
    assert variance == pytest.approx(1 / 20)


def test_a_cell_is_pooled_with_the_model_by_the_number_of_its_outcomes() -> None:
    arm = Arm(8.0, 2.0)
    for context, rewards in ((RUST, [1.0] * 12), (GO, [0.0] * 4)):
        for reward in rewards:
            arm.learn(feature_values(context), reward)
    only = [(named("language"), 1.0)]

    def expected(context: RequestContext) -> float:
        return arm.predict(cells_of(feature_values(context)), only, 0.5)[0]

    base = (12 + 4) / 24
    assert expected(RUST) == pytest.approx(base + (12 - 12 * 0.75) / 14)
    assert expected(GO) == pytest.approx(base + (0 - 4 * 0.75) / 6)
    assert expected(HERE) == pytest.approx(base), "a language without outcomes"


def test_the_evidence_is_the_likelihood_of_the_hierarchical_model() -> None:
    np = pytest.importorskip("numpy")
    rng, arm = random.Random(3), Arm(8.0, 2.0)
    outcomes = [(rng.choice((RUST, GO, HERE)), float(rng.random() < 0.6)) for _ in range(30)]
    for context, reward in outcomes:
        arm.learn(feature_values(context), reward)
    rewards = np.array([r for _, r in outcomes]) - CENTRE
    same = np.array([[a.language == b.language for b, _ in outcomes] for a, _ in outcomes])

    def likelihood(cells: object) -> float:
        covariance = NOISE * (np.eye(30) + 1.0 + cells)
        _, size = np.linalg.slogdet(covariance)
        return float(-0.5 * (rewards @ np.linalg.solve(covariance, rewards) + size))

    found = arm.evidence()
    assert found[named("none")] == 0
    assert found[named("language")] == pytest.approx(
        likelihood(same / 2.0) - likelihood(0.0), abs=1e-4
    )


def test_the_reason_gives_the_acceptance_in_the_context_that_matters() -> None:
    selector = LearnedSelector(latency_weight=0)
    for n in range(60):
        for name, context in (("a", RUST), ("b", GO), ("a", GO), ("b", RUST)):
            good = (name == "a") == (context == RUST)
            selector.learn(name, context, float(good and n % 10 > 0))
    rust, go = (selector.choose(c, MODELS, budget_ms=2500).why for c in (RUST, GO))
    assert rust.startswith("a: you accept 90 % of its suggestions in rust, and its speed")
    assert go.startswith("b: you accept 90 % of its suggestions in go, and")
    other = selector.choose(replace(HERE, language="lua"), MODELS, budget_ms=2500).why
    assert "you accept 45 % of its suggestions here" in other


def test_every_cell_of_every_partition_has_words() -> None:
    for place in PLACES:
        values = feature_values(replace(HERE, place=place, multiline=False))
        words = [partitions.describe(n, values) for n in range(len(PARTITIONS))]
        assert words[0] == "here"
        assert all(words)


def test_weights_follow_the_evidence_of_all_models_together() -> None:
    weights = PartitionWeights()
    language = named("language")
    for model in ("a", "b"):
        weights.update(model, [3.0 * (n == language) for n in range(len(PARTITIONS))])
    assert sum(weights.values) == pytest.approx(1)
    odds = weights.values[language] / weights.values[0]
    assert odds == pytest.approx(PRIOR[language] / PRIOR[0] * math.exp(6))
    weights.update("a", [0.0] * len(PARTITIONS))
    assert weights.values[language] / weights.values[0] == pytest.approx(odds / math.exp(3))


def test_the_state_survives_a_new_feature_of_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    selector = LearnedSelector(latency_weight=0)
    play(selector, [RUST, GO] * 30, lambda name, c: 0.9 * ((name == "a") == (c == RUST)))
    saved = json.loads(json.dumps(selector.save()))
    newer = (*FEATURES, ContextFeature("deep", lambda c: str(c.nesting > 3), str))
    monkeypatch.setattr(partitions, "FEATURES", newer)
    monkeypatch.setattr(arm_module, "FEATURES", newer)
    again = LearnedSelector(latency_weight=0)
    again.load(saved)
    before, after = (s.choose(GO, MODELS, budget_ms=2500).ranked for s in (selector, again))
    for mine, theirs in zip(after, before, strict=True):
        assert mine.expected == pytest.approx(theirs.expected, abs=1e-3)
        assert mine.observations == theirs.observations
