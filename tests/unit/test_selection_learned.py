"""The strategy ``learned`` finds the best model and follows its changes."""

from __future__ import annotations

import random

import pytest

from ensemble_lsp.selection.arm import change_point
from ensemble_lsp.selection.choice import Selector
from ensemble_lsp.selection.learned import LearnedSelector
from tests.support.selection import BUDGET, HERE, A, B, C, Call, first, profile


def test_learned_starts_with_the_public_record_and_ends_with_the_users() -> None:
    selector = LearnedSelector(latency_weight=0)
    strong, weak = profile("strong", "claude-sonnet-4"), profile("weak", "llama-3.2-3b")
    assert first(selector, weak, strong) == "strong"
    for _ in range(40):
        selector.learn("strong", HERE, 0.1)
        selector.learn("weak", HERE, 0.8)
    assert first(selector, weak, strong) == "weak"


def test_learned_counts_waiting_and_money_against_a_model() -> None:
    quick, slow = profile("quick"), profile("slow")
    dear = profile("dear", input_price=100.0, output_price=500.0)
    selector = LearnedSelector(latency_weight=1.0, cost_weight=1.0)
    selector.observe_call(Call("quick", total_ms=200, cost=0))
    selector.observe_call(Call("slow", total_ms=2400, cost=0))
    ranked = selector.choose(HERE, [slow, dear, quick], budget_ms=BUDGET).ranked
    by_name = {r.model: r for r in ranked}
    assert [r.model for r in ranked] == ["quick", "slow", "dear"]
    assert by_name["slow"].utility == pytest.approx(by_name["slow"].expected - 2400 / 2500)
    free = LearnedSelector(latency_weight=0, cost_weight=0)
    assert free.choose(HERE, [slow], budget_ms=BUDGET).ranked[0].utility == pytest.approx(
        by_name["slow"].expected
    )


def accept_rates(
    selector: Selector, rates: dict[str, float], count: int, seed: int = 3
) -> list[str]:
    """Play requests: what is chosen is accepted at its model's rate."""
    rng = random.Random(seed)
    profiles = [profile(name) for name in rates]
    chosen: list[str] = []
    for _ in range(count):
        name = first(selector, *profiles)
        selector.learn(name, HERE, float(rng.random() < rates[name]))
        chosen.append(name)
    return chosen


def test_learned_finds_the_best_model_and_stays_with_it() -> None:
    chosen = accept_rates(LearnedSelector(), {"a": 0.2, "b": 0.7, "c": 0.3}, 300)
    assert chosen[-100:].count("b") > 85


def test_learned_leaves_a_model_that_has_become_bad() -> None:
    selector = LearnedSelector()
    accept_rates(selector, {"a": 0.75, "b": 0.45}, 150)
    chosen = accept_rates(selector, {"a": 0.1, "b": 0.45}, 150, seed=4)
    assert chosen[-75:].count("b") > 60


def test_learned_gives_a_model_added_later_its_chance() -> None:
    selector = LearnedSelector()
    accept_rates(selector, {"a": 0.4, "b": 0.3}, 300)
    chosen = accept_rates(selector, {"a": 0.4, "b": 0.3, "new": 0.75}, 120)
    assert chosen[60:].count("new") > 40


def test_learned_is_the_same_for_the_same_seed() -> None:
    rates = {"a": 0.45, "b": 0.5, "c": 0.4}
    runs = [accept_rates(LearnedSelector(seed=s), rates, 80) for s in (1, 1)]
    assert runs[0] == runs[1]


def test_a_preference_raises_the_winner_and_more_so_from_a_lower_place() -> None:
    def lead(shown_at: int) -> float:
        selector = LearnedSelector()
        for _ in range(10):
            selector.prefer("b", ["a", "c"], HERE, shown_at)
        by = {r.model: r for r in selector.choose(HERE, [A, B, C], budget_ms=BUDGET).ranked}
        assert by["a"].expected == pytest.approx(by["c"].expected, abs=0.01)
        return by["b"].expected - by["a"].expected

    assert 0 < lead(0) < lead(2)


def test_a_change_is_found_where_it_is_and_not_where_there_is_none() -> None:
    steady = [1.0, 0.0, 1.0] * 40
    assert change_point(steady) is None
    assert change_point([1.0, 1.0, 0.0, 1.0] * 15 + [0.0] * 12) == pytest.approx(60, abs=2)
    assert change_point([1.0] * 12 + [0.0] * 5) is None, "too few afterwards"
