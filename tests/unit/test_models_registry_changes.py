"""The registry's changes by hand and by new settings: which models stay, which are closed and when."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ensemble_lsp.errors import AuthenticationError, SettingsError, UnknownModelError
from ensemble_lsp.models.stream_collector import gather
from tests.support.registries import SECRET, FakeAdapters, House, house, names, settings
from tests.support.scripted import PROMPT

__all__ = ["house"]  # a fixture


async def test_a_model_is_added_and_removed_for_the_session(house):
    registry = await house.build(settings("a"))
    both = await registry.add(settings("b"))
    assert names(both) == ["a", "b"]
    assert both.entries()[1].origin == "session"
    with pytest.raises(SettingsError, match="There is a model 'b' already"):
        await both.add(settings("b"))
    one = both.remove("a")
    assert names(one) == ["b"]
    with pytest.raises(UnknownModelError):
        one.remove("a")
    # A request that began before still sees the models that it began with.
    assert (names(registry), names(both)) == (["a"], ["a", "b"])
    await one.close()
    assert [model.closed for model in house.adapters.made] == [1, 1]


async def test_what_was_done_by_hand_outlives_a_change_of_settings(house):
    first = await house.build(settings("a"), settings("b"))
    by_hand = (await first.add(settings("mine"))).remove("a")
    second = await house.build(settings("a"), settings("b"), settings("c"), previous=by_hand)
    assert names(second) == ["b", "c", "mine"]
    changed = await house.build(settings("a", model="new"), settings("mine"), previous=second)
    assert names(changed) == ["a", "mine"]
    assert changed.entries()[1].origin == "config"


async def test_a_removed_model_may_be_added_again(house):
    first = await house.build(settings("a"))
    again = await first.remove("a").add(settings("a"))
    assert names(await house.build(settings("a"), previous=again)) == ["a"]


async def test_models_that_stay_the_same_go_on_and_the_others_are_closed(house):
    first = await house.build(settings("same"), settings("changed"), settings("gone"))
    same, changed, gone = house.adapters.made
    second = await house.build(settings("same"), settings("changed", model="n"), previous=first)
    assert len(house.adapters.made) == 4
    await gather(second.get("same"), PROMPT)
    assert len(same.calls) == 1
    await first.close()  # superseded: closes nothing
    await second.close()
    assert (same.closed, changed.closed, gone.closed, house.adapters["changed"].closed) == (
        1,
        1,
        1,
        1,
    )


async def test_a_dropped_model_is_closed_only_when_its_answer_has_ended(tmp_path):
    gate = asyncio.Event()
    house = House(tmp_path, a=[["x", gate, "y"]])
    first = await house.build(settings("a"))
    async with aclosing(first.get("a").stream(PROMPT)) as chunks:
        await anext(chunks)
        second = await house.build(settings("b"), previous=first)
        await asyncio.sleep(0)
        assert house.adapters["a"].closed == 0
        gate.set()
        assert (await anext(chunks)).text == "y"
    while not house.adapters["a"].closed:
        await asyncio.sleep(0)
    await second.close()


async def test_closing_waits_for_nobody(tmp_path):
    house = House(tmp_path, a=[["x", asyncio.Event()]])
    first = await house.build(settings("a"))
    async with aclosing(first.get("a").stream(PROMPT)) as chunks:
        await anext(chunks)
        second = await house.build(settings("b"), previous=first)
        third = await house.build(settings("b"), previous=second)
        await third.close()
        assert [model.closed for model in house.adapters.made] == [1, 1]


async def test_a_breaker_stays_open_over_a_change_elsewhere_and_closes_with_a_new_key(tmp_path):
    house = House(tmp_path, a=[[AuthenticationError("a", "Wrong key.")]])
    house.env["K"] = "one"
    first = await house.build(settings("a", api_key_env="K"))
    with pytest.raises(AuthenticationError):
        await gather(first.get("a"), PROMPT)
    second = await house.build(settings("a", api_key_env="K"), settings("b"), previous=first)
    assert names(second) == ["b"]
    house.env["K"] = "two"
    third = await house.build(settings("a", api_key_env="K"), settings("b"), previous=second)
    assert names(third) == ["a", "b"]


async def test_a_model_that_had_no_key_is_there_when_it_has_one(house):
    first = await house.build(settings("gpt", base_url=None))
    assert names(first) == []
    house.env["OPENAI_API_KEY"] = SECRET
    assert names(await house.build(settings("gpt", base_url=None), previous=first)) == ["gpt"]


async def test_models_are_made_anew_where_they_are_made_of_something_else(house):
    first = await house.build(settings("a"))
    (old,) = house.adapters.made
    house.adapters = FakeAdapters({"a": [["other"]]})
    second = await house.build(settings("a"), previous=first)
    assert (await gather(second.get("a"), PROMPT)).text == "other"
    await second.close()
    assert old.closed == 1


async def test_calls_are_reported_to_the_newest_registry(house):
    first = await house.build(settings("a"))
    old, house.calls = house.calls, []
    second = await house.build(settings("a"), previous=first)
    await gather(second.get("a"), PROMPT)
    assert (len(old), len(house.calls)) == (0, 1)


async def test_places_at_a_backend_are_shared_over_a_change_of_settings(house):
    first = await house.build(settings("a"))
    second = await house.build(settings("b"), previous=first)
    assert second._parts.scheduler is first._parts.scheduler
