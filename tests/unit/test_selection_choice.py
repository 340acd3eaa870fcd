"""A choice among models, whatever the strategy: what it learns, keeps and explains."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection.choice import Choice, Latency, Ranked, Selector
from ensemble_lsp.selection.fixed import FixedSelector, pin
from ensemble_lsp.selection.format_choice import table_rows
from ensemble_lsp.selection.learned import LearnedSelector
from ensemble_lsp.selection.seed import SeedSelector
from ensemble_lsp.settings import SelectorSettings
from tests.support.selection import BUDGET, HERE, A, B, C, Call, first, profile, selector

__all__ = ["selector"]  # a fixture


def test_only_models_that_do_the_task_are_ranked(selector: Selector) -> None:
    only_explains = profile("e", tasks=("explain",))
    assert selector.choose(HERE, [only_explains, A], budget_ms=BUDGET).names == ("a",)
    none = selector.choose(HERE, [only_explains], budget_ms=BUDGET)
    assert none.ranked == ()
    assert "complete" in none.why


def test_the_pinned_model_comes_first_whatever_the_strategy(selector: Selector) -> None:
    for _ in range(10):
        selector.learn("a", HERE, 1.0)
        selector.learn("c", HERE, 0.0)
    choice = selector.choose(HERE, [A, B, C], budget_ms=BUDGET, pinned="c")
    assert choice.ranked[0].model == "c"
    assert sorted(choice.names) == ["a", "b", "c"]
    assert choice.why.startswith("c is pinned")
    assert pin(choice, "c", alone=True).names == ("c",)
    assert pin(choice, "gone") is choice


def test_what_calls_took_is_known_by_model_and_task(selector: Selector) -> None:
    assert selector.latency("a", "complete") is None
    selector.observe_latency("a", "complete", Latency(50, 60, 70))
    assert selector.latency("a", "complete") == Latency(50, 60, 70)
    for ms in range(10, 110, 10):
        selector.observe_call(Call("a", first_token_ms=ms, total_ms=ms * 2))
    selector.observe_call(Call("a", status="TimedOutError", total_ms=20_000))
    selector.observe_call(Call("a", status="cancelled", total_ms=1))
    assert selector.latency("a", "complete") == Latency(55, 91, 110)
    assert selector.latency("a", "explain") is None
    ranked = selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0]
    assert (ranked.latency_ms, ranked.cost) == (110, pytest.approx(0.001))


@pytest.mark.parametrize("strategy", ["fixed", "seed", "learned"])
def test_the_state_survives_a_restart_and_any_damage(strategy: str) -> None:
    selector = make_selector(SelectorSettings(strategy=strategy))
    for n in range(60):
        selector.learn("a", HERE, float(n % 3 == 0))
        selector.learn("b", HERE, float(n % 3 != 0))
    selector.observe_call(Call("a"))
    saved = json.loads(json.dumps(selector.save()))
    again = make_selector(SelectorSettings(strategy=strategy))
    again.load(saved)
    before, after = (s.choose(HERE, [A, B], budget_ms=BUDGET) for s in (selector, again))
    assert after.names == before.names
    for mine, theirs in zip(after.ranked, before.ranked, strict=True):
        assert mine.expected == pytest.approx(theirs.expected, abs=1e-6)
        assert (mine.observations, mine.latency_ms) == (theirs.observations, theirs.latency_ms)
    for damaged in ({}, {"version": 99}, dict.fromkeys(saved, 7), *_spoiled(saved)):
        fresh = make_selector(SelectorSettings(strategy=strategy))
        fresh.load(damaged)
        assert fresh.choose(HERE, [A, B], budget_ms=BUDGET).ranked


def _spoiled(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The state with each value of each part wrong in some way."""
    for part, table in state.items():
        for key in table if isinstance(table, dict) else ():
            for wrong in (None, "NaN", [], [float("nan")], -1, {}, "%%"):
                yield {**state, part: {**table, key: wrong}}


@pytest.mark.parametrize("strategy", ["seed", "learned"])
def test_only_what_changed_is_saved_and_the_parts_make_the_whole(strategy: str) -> None:
    selector = make_selector(SelectorSettings(strategy=strategy))
    kept: dict[str, Any] = {}
    for n in range(30):
        selector.learn("ab"[n % 2], HERE, float(n % 3 == 0))
        parts = selector.save(changed=True)
        assert len([p for p in parts if "/" in p]) == 1
        kept |= json.loads(json.dumps(parts))
    assert selector.save(changed=True) == {}
    again = make_selector(SelectorSettings(strategy=strategy))
    again.load(kept)
    mine, theirs = (s.choose(HERE, [A, B], budget_ms=BUDGET) for s in (selector, again))
    assert {r.model: r.expected for r in mine.ranked} == pytest.approx(
        {r.model: r.expected for r in theirs.ranked}
    )
    again.reset()
    assert again.choose(HERE, [A], budget_ms=BUDGET).ranked[0].observations == 0


@pytest.mark.parametrize("strategy", ["seed", "learned"])
def test_a_corrected_reward_counts_as_if_it_had_been_so_from_the_start(strategy: str) -> None:
    right, wrong = (make_selector(SelectorSettings(strategy=strategy)) for _ in range(2))
    contexts = [replace(HERE, complexity=c) for c in (1, 3, 9, 20)]
    for context in contexts:
        right.learn("a", context, 0.2)
        wrong.learn("a", context, 0.9)
    wrong.learn("a", HERE, 0.7)
    for context in contexts:
        wrong.revise("a", context, 0.9, 0.2)
    wrong.revise("a", HERE, 0.7, None)
    for context in contexts:
        mine, theirs = (s.choose(context, [A], budget_ms=BUDGET).ranked[0] for s in (right, wrong))
        assert mine.expected == pytest.approx(theirs.expected)
        assert mine.observations == theirs.observations == 4


def test_a_correction_of_what_is_long_forgotten_changes_nothing() -> None:
    selector = LearnedSelector()
    selector.learn("a", HERE, 0.9)
    for _ in range(2000):
        selector.learn("a", replace(HERE, complexity=9), 0.5)
    before = selector.save()
    selector.revise("a", HERE, 0.9, 0.0)
    assert selector.save() == before


def test_a_model_that_fails_or_times_out_lately_is_worth_less_and_is_forgiven() -> None:
    now = [1_750_000_000.0]
    selector = LearnedSelector(clock=lambda: now[0])
    for n in range(20):
        selector.observe_call(Call("a", time=now[0], status="TimedOutError" if n % 2 else "ok"))
    failing = selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0]
    assert failing.failures == pytest.approx(10 / 30)
    later = replace(failing, failures=0.0)
    assert failing.utility == pytest.approx(later.expected * 2 / 3 - 0.3 * 400 / BUDGET - 0.01)
    now[0] += 24 * 3600 + 4 * 3600  # another hour of the day, of which nothing bad is known
    assert selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0].failures < 0.01
    now[0] += 20 * 3600  # the hour at which it failed
    assert selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0].failures > 0.25
    now[0] += 28 * 86400  # the model may have been avoided at this hour since
    assert selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0].failures < 0.03
    again = LearnedSelector(clock=lambda: now[0])
    again.load(json.loads(json.dumps(selector.save())))
    assert again.choose(HERE, [A], budget_ms=BUDGET).ranked[0].failures < 0.03


@pytest.mark.parametrize("ahead", [0.0, 5 * 365 * 86400.0])
def test_failures_are_forgiven_without_an_answer_and_after_a_wrong_clock(ahead: float) -> None:
    now = [1_750_000_000.0]
    selector = LearnedSelector(clock=lambda: now[0])
    for _ in range(30):
        selector.observe_call(Call("a", time=now[0] + ahead, status="AuthenticationError"))
        if ahead:
            selector.observe_call(Call("a", time=now[0] + ahead))
    now[0] += 28 * 3600
    assert selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0].failures < 0.01


def test_latency_is_learned_by_the_hour_of_the_day() -> None:
    now = [1_750_000_000.0]
    selector = FixedSelector(clock=lambda: now[0])

    def expected() -> float:
        return selector.choose(HERE, [A], budget_ms=BUDGET).ranked[0].latency_ms

    start = now[0]
    for day in range(4):
        for hour, ms in ((0, 2000.0), (6, 200.0)):
            now[0] = start + day * 86400 + hour * 3600
            for _ in range(10):
                selector.observe_call(Call("a", time=now[0], total_ms=ms, first_token_ms=ms / 2))
    assert expected() < 700, "what it took lately"
    now[0] = start + 4 * 86400
    assert 1200 < expected() <= 2000, "this hour is slow"
    now[0] += 6 * 3600
    assert expected() < 400, "this one is not"
    again = FixedSelector(clock=lambda: now[0])
    again.load(json.loads(json.dumps(selector.save())))
    assert again.choose(HERE, [A], budget_ms=BUDGET).ranked[0].latency_ms == pytest.approx(
        expected(), rel=1e-3
    )


def test_fixed_keeps_the_order_of_the_configuration() -> None:
    selector = FixedSelector()
    for _ in range(20):
        selector.learn("b", HERE, 1.0)
    assert selector.choose(HERE, [A, B, C], budget_ms=BUDGET).names == ("a", "b", "c")


def test_seed_scores_the_mean_reward_and_one_half_where_there_is_none() -> None:
    selector = SeedSelector()
    selector.learn("a", HERE, 0.4)
    selector.learn("c", HERE, 0.9)
    selector.learn("c", HERE, None)
    choice = selector.choose(HERE, [A, B, C], budget_ms=BUDGET)
    assert [(r.model, r.expected) for r in choice.ranked] == [("c", 0.9), ("b", 0.5), ("a", 0.4)]
    explain = replace(HERE, task="explain")
    assert selector.choose(explain, [A, C], budget_ms=BUDGET).ranked[0].expected == 0.5


def test_seed_lets_a_model_that_does_worse_on_complex_code_fall_with_complexity() -> None:
    selector = SeedSelector()
    simple, complex_ = replace(HERE, complexity=2), replace(HERE, complexity=20)
    for _ in range(6):
        selector.learn("a", simple, 0.9)
        selector.learn("a", complex_, 0.3)
        selector.learn("b", simple, 0.5)
        selector.learn("b", complex_, 0.5)
    scores = [
        {r.model: r.expected for r in selector.choose(s, [A, B], budget_ms=BUDGET).ranked}
        for s in (simple, replace(HERE, complexity=12), complex_)
    ]
    assert [s["b"] for s in scores] == [0.5, 0.5, 0.5]
    assert scores[0]["a"] == pytest.approx(0.6)
    assert scores[0]["a"] > scores[1]["a"] > scores[2]["a"]
    assert scores[2]["a"] == pytest.approx(0.2)
    assert first(selector, A, B, context=simple) == "a"
    assert first(selector, A, B, context=complex_) == "b"


def test_the_reason_is_one_sentence_with_acceptance_and_speed() -> None:
    selector = LearnedSelector()
    for n in range(12):
        selector.learn("b", HERE, float(n % 4 > 0))
    choice = selector.choose(HERE, [A, B], budget_ms=BUDGET)
    assert choice.why == (
        "b: you accept 75 % of its suggestions here, and its speed is not measured yet."
    )
    selector.observe_call(Call("b", total_ms=700))
    choice = selector.choose(HERE, [A, B], budget_ms=BUDGET)
    assert choice.why == "b: you accept 75 % of its suggestions here, and it answers in 0.7 s."


def test_a_speed_that_nobody_measured_is_not_stated_as_one() -> None:
    selector = LearnedSelector()
    choice = selector.choose(HERE, [A], budget_ms=BUDGET)
    assert "its speed is not measured yet" in choice.why
    assert "answers in" not in choice.why
    assert table_rows(choice)[0][3].startswith("not measured (typically ")
    selector.observe_latency("a", "complete", Latency(400, 500, 900))
    choice = selector.choose(HERE, [A], budget_ms=BUDGET)
    assert choice.why.endswith("it answers in 0.9 s.")
    assert table_rows(choice)[0][3] == "900 ms"


def test_a_model_without_a_record_is_explained_by_its_prior() -> None:
    selector = LearnedSelector()
    choice = selector.choose(HERE, [A], budget_ms=BUDGET)
    assert choice.why.startswith("a is the only model for this task: no suggestion judged yet")
    selector.learn("a", HERE, 1.0)
    choice = selector.choose(HERE, [A], budget_ms=BUDGET)
    assert "only 1 suggestion judged so far" in choice.why
    assert choice.ranked[0].prior not in choice.why  # it is among the details


def test_exploration_is_said_to_be_exploration() -> None:
    selector = LearnedSelector(latency_weight=0)
    for n in range(400):
        selector.learn("a", HERE, float(n % 2))
    known = selector.choose(HERE, [A], budget_ms=BUDGET)
    assert not known.explored
    choice = selector.choose(HERE, [A, profile("new")], budget_ms=BUDGET)
    assert choice.names == ("new", "a")
    assert choice.ranked[0].utility < choice.ranked[1].utility
    assert choice.explored
    assert "new is tried to learn more" in choice.why


def test_a_choice_among_twenty_models_is_quick() -> None:
    selector = LearnedSelector()
    profiles = [profile(f"m{n}", f"gpt-4o-{n}") for n in range(20)]
    for n in range(400):
        selector.learn(f"m{n % 20}", HERE, float(n % 2))
    times: list[float] = []
    for _ in range(300):
        start = time.perf_counter()
        selector.choose(HERE, profiles, budget_ms=BUDGET)
        times.append(time.perf_counter() - start)
    assert sorted(times)[150] < 1e-3


def test_a_choice_names_its_models_in_order() -> None:
    row = Ranked("a", 0.5, 0.4, 0.6, 100, 0, 0.5, 0, "x")
    assert Choice((row, replace(row, model="b")), False).names == ("a", "b")


def test_the_situation_and_each_models_figures_are_told() -> None:
    from ensemble_lsp.selection.format_choice import (
        COLUMNS,
        format_context,
        prior_sources,
        table_rows,
    )

    selector = LearnedSelector()
    for _ in range(9):
        selector.learn("b", HERE, 1.0)
    choice = selector.choose(HERE, [A, B], budget_ms=BUDGET)
    told = table_rows(choice)
    assert [row[0] for row in told] == list(choice.names)
    assert {len(row) for row in told} == {len(COLUMNS)}
    assert told[0][2] == "9"
    assert prior_sources(choice) == [
        "a: by what models usually reach, less for no fill-in-the-middle"
    ]
    here = replace(HERE, place="call", multiline=False, nesting=2)
    assert format_context(here).startswith(
        "complete in python, complexity 4, nesting 2, in a call, the rest"
    )
