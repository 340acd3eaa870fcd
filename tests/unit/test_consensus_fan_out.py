from __future__ import annotations

import asyncio
import dataclasses

import pytest

from ensemble_lsp.consensus.fan_out import FanOutProgress, query_all
from ensemble_lsp.errors import TimedOutError
from ensemble_lsp.types import Completion, Prompt
from tests.support.scripted import PROMPT, ScriptedModel

LONG = 60_000.0


def model(name: str, *items: object) -> ScriptedModel:
    return ScriptedModel(name, [items])


async def test_all_are_asked_at_once_and_all_that_comes_is_kept() -> None:
    gate = asyncio.Event()
    models = [model("a", gate, "one"), model("b", gate, "two"), model("c", gate, "three")]
    asking = asyncio.create_task(query_all(models, PROMPT, budget_ms=LONG))
    while not all(m.running for m in models):
        await asyncio.sleep(0)
    gate.set()
    asked = await asking
    assert {c.model: c.text for c in asked.completions} == {"a": "one", "b": "two", "c": "three"}
    assert (asked.errors, asked.cancelled) == ({}, [])


async def test_a_model_that_fails_does_not_take_the_others_answers_away() -> None:
    error = TimedOutError("b", "b did not answer in time.")
    asked = await query_all(
        [model("a", "one"), model("b", error), model("c", RuntimeError("a bug"))],
        PROMPT,
        budget_ms=LONG,
    )
    assert [c.text for c in asked.completions] == ["one"]
    assert asked.errors["b"] is error
    assert "see the log" in str(asked.errors["c"])


async def test_what_still_runs_when_the_budget_is_up_is_closed() -> None:
    slow = model("slow", "begun", asyncio.Event())
    asked = await query_all([model("a", "one"), slow], PROMPT, budget_ms=30)
    assert [c.model for c in asked.completions] == ["a"]
    assert asked.cancelled == ["slow"]
    assert (slow.running, slow.ended) == (0, 1)


async def test_a_settled_outcome_closes_the_others() -> None:
    slow = model("slow", asyncio.Event())
    seen: list[tuple[int, list[str]]] = []

    async def settled(completions: list[Completion], running: dict[str, str]) -> bool:
        seen.append((len(completions), list(running)))
        return True

    asked = await query_all([model("a", "one"), slow], PROMPT, budget_ms=LONG, should_stop=settled)
    assert seen == [(1, ["slow"])]
    assert asked.cancelled == ["slow"]
    assert slow.running == 0


async def test_cancelling_the_caller_closes_every_stream() -> None:
    models = [model("a", asyncio.Event()), model("b", asyncio.Event())]
    asking = asyncio.create_task(query_all(models, PROMPT, budget_ms=LONG))
    while not all(m.running for m in models):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [m.ended for m in models] == [1, 1]


async def test_each_model_gets_its_own_prompt_and_none_where_it_must_not_be_asked() -> None:
    models = [model("a", "one"), model("remote", "two")]

    def prompt(asked: ScriptedModel) -> Prompt | None:
        name = asked.profile.name
        return dataclasses.replace(PROMPT, path=name) if name == "a" else None

    asked = await query_all(models, prompt, budget_ms=LONG)
    assert [c.model for c in asked.completions] == ["a"]
    assert models[0].calls[0].path == "a"
    assert models[1].calls == []


async def test_nobody_to_ask_is_no_answer() -> None:
    asked = await query_all([], PROMPT, budget_ms=LONG)
    assert asked.completions == []


async def test_progress_tells_of_each_model() -> None:
    steps: list[FanOutProgress] = []
    error = TimedOutError("b", "late")
    await query_all(
        [model("a", "one"), model("b", error), model("c", asyncio.Event())],
        PROMPT,
        budget_ms=30,
        progress=steps.append,
    )
    assert {(s.model, s.state) for s in steps} == {
        ("a", "asked"),
        ("b", "asked"),
        ("c", "asked"),
        ("a", "answered"),
        ("b", "failed"),
        ("c", "closed"),
    }
    assert steps[-1] == FanOutProgress("c", "closed", 3, 3)


async def test_to_find_out_whether_it_is_settled_takes_no_longer_than_the_budget() -> None:
    async def never(completions: list[Completion], running: list[str]) -> bool:
        return await asyncio.Event().wait()

    asked = await query_all(
        [model("a", "one"), model("b", asyncio.Event())], PROMPT, budget_ms=30, should_stop=never
    )
    assert [c.model for c in asked.completions] == ["a"]
    assert asked.cancelled == ["b"]
