"""The registry: which models there are, why one cannot be asked, and how each is tested."""

from __future__ import annotations

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ServiceUnavailableError,
    UnknownModelError,
)
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.registry import model_slot
from ensemble_lsp.registry.discovery import DiscoveredModel
from tests.support.registries import SECRET, House, house, names, settings
from tests.support.scripted import PROMPT, prompt

__all__ = ["house"]  # a fixture


async def test_configured_models_are_exactly_the_models_in_their_order(house):
    house.found = [DiscoveredModel(settings("found"), "there")]
    registry = await house.build(settings("b"), settings("a"), settings("c", tasks=("explain",)))
    assert names(registry) == ["b", "a"]
    assert names(registry, "explain") == ["b", "a", "c"]
    assert house.searched == 0
    assert {(e.origin, e.available, e.reason) for e in registry.entries()} == {("config", True, "")}
    await registry.close()
    assert [model.closed for model in house.adapters.made] == [1, 1, 1]


async def test_with_no_models_configured_what_is_found_is_used_and_says_why(house):
    house.found = [DiscoveredModel(settings("local"), "Ollama serves it")]
    registry = await house.build()
    (entry,) = registry.entries()
    assert (entry.profile.name, entry.origin, entry.why) == (
        "local",
        "discovered",
        "Ollama serves it",
    )
    assert house.asked == []  # what was merely found asks no keyring


async def test_without_leave_to_discover_nothing_is_looked_for(house):
    registry = await house.build(discover=False)
    assert (registry.entries(), house.searched) == ([], 0)


async def test_an_unknown_name_is_named_with_the_nearest_and_all_there_are(house):
    registry = await house.build(settings("claude"), settings("local"))
    with pytest.raises(UnknownModelError) as caught:
        registry.get("cluade")
    assert str(caught.value) == (
        "no model is called 'cluade'; did you mean 'claude'? the models are claude, local"
    )
    assert registry.get("local").profile.name == "local"


async def test_a_pin_on_a_model_that_is_not_there_is_a_fault(house):
    registry = await house.build(
        settings("gpt"), selector={"pin": {"complete": "gptt", "explain": "gpt"}}
    )
    assert [str(fault) for fault in registry.faults] == [
        "settings: selector.pin.complete: no model is called 'gptt'; did you mean 'gpt'? "
        "the models are gpt"
    ]


# -- keys and what cannot be asked


async def test_a_service_without_a_key_is_listed_with_what_to_do_and_says_so_when_asked(house):
    registry = await house.build(settings("gpt", base_url=None), settings("b"))
    entry = registry.entries()[0]
    assert (entry.available, entry.key_source) == (False, "none")
    assert entry.reason == (
        "no key: set the environment variable OPENAI_API_KEY, or store the key in the system "
        "keyring (keyring set ensemble-lsp gpt)"
    )
    assert names(registry) == ["b"]
    with pytest.raises(AuthenticationError, match="gpt: no key"):
        await gather(registry.get("gpt"), PROMPT)
    assert house.calls == []
    await registry.close()


async def test_where_a_key_comes_from_is_told_and_the_key_is_kept_out_of_the_log(house):
    house.env["OPENAI_API_KEY"] = SECRET
    house.keys["b"] = SECRET + "-b"
    registry = await house.build(settings("a", base_url=None), settings("b"))
    assert [entry.key_source for entry in registry.entries()] == [
        "environment variable OPENAI_API_KEY",
        "system keyring (ensemble-lsp/b)",
    ]
    assert SECRET not in repr(registry.entries())
    assert house.redact.redact(f"{SECRET} {SECRET}-b") == "[key] [key]"


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"fim": "wrong"}, "fim 'wrong' is not known"), ({"model": "broken"}, "ImportError")],
)
async def test_a_model_that_cannot_be_made_does_not_take_the_others_along(house, values, reason):
    registry = await house.build(settings("a", **values), settings("b"))
    entry = registry.entries()[0]
    assert not entry.available
    assert reason in entry.reason
    assert names(registry) == ["b"]
    with pytest.raises(ConnectionFailedError, match=f"a: .*{reason}"):
        await gather(registry.get("a"), PROMPT)


# -- policies


async def test_a_call_is_metered_once_under_its_configured_name(house):
    registry = await house.build(settings("a"))
    answer = await gather(registry.get("a"), PROMPT)
    assert (answer.text, answer.model) == ("text", "a")
    assert [(call.model, call.status) for call in house.calls] == [("a", "ok")]


async def test_a_model_whose_breaker_is_open_is_not_offered_and_the_list_says_why(tmp_path):
    house = House(tmp_path, a=[[AuthenticationError("a", "Wrong key.")]])
    registry = await house.build(settings("a"), settings("b"))
    with pytest.raises(AuthenticationError):
        await gather(registry.get("a"), PROMPT)
    assert names(registry) == ["b"]
    entry = registry.entries()[0]
    assert (entry.available, entry.reason) == (
        False,
        "Wrong key (paused, tried again in 300 s).",
    )


async def test_a_connection_is_opened_for_no_model_that_was_found_or_cannot_be_asked(house):
    expected = []

    def watch(registry):
        for model in house.adapters.made:
            model.expect_request = lambda name=model.profile.name: expected.append(name)
        return registry

    registry = watch(await house.build(settings("a"), settings("b"), settings("c", model="broken")))
    registry.expect_request(["b", "c", "nobody"], "complete")
    assert expected == ["b"]
    house.found = [DiscoveredModel(settings("d"), "it runs here")]
    found = watch(await house.build())
    assert names(found) == ["d"]
    found.expect_request(["d"], "complete")
    assert expected == ["b"]


async def test_a_time_limit_is_put_on_every_model(house, monkeypatch):
    limits = []

    class Spy(model_slot.Timeout):
        def __init__(self, inner, total):
            limits.append(total)
            super().__init__(inner, total)

    monkeypatch.setattr(model_slot, "Timeout", Spy)
    await house.build(settings("a"))
    assert limits == [20.0]


# -- testing a model


async def test_a_model_is_tested_with_one_tiny_question_of_a_task_it_does(house):
    registry = await house.build(settings("a"), settings("b", tasks=("explain",)))
    result = await registry.test("a")
    assert (result.ok, result.message) == (True, "answers")
    assert result.total_ms >= result.first_token_ms > 0
    await registry.test("b")
    (asked,) = house.adapters["b"].calls
    assert (asked.task, bool(asked.selection)) == ("explain", True)
    assert asked.max_tokens <= 16
    assert house.calls == []  # it says nothing about the work


async def test_a_test_that_fails_says_the_sentence_and_one_that_succeeds_closes_the_breaker(
    tmp_path,
):
    down = ServiceUnavailableError("a", "a is overloaded.")
    house = House(tmp_path, a=[[down], [down], [down], [down], ["ok"]])
    registry = await house.build(settings("a"))
    for _ in range(3):
        with pytest.raises(ServiceUnavailableError):
            await gather(registry.get("a"), prompt())
    assert names(registry) == []
    assert (await registry.test("a")).message == "a is overloaded."
    assert names(registry) == []
    assert (await registry.test("a")).ok
    assert names(registry) == ["a"]


async def test_a_model_that_cannot_be_asked_is_tested_by_its_reason(house):
    registry = await house.build(settings("gpt", base_url=None))
    result = await registry.test("gpt")
    assert (result.ok, "OPENAI_API_KEY" in result.message) == (False, True)
    with pytest.raises(UnknownModelError):
        await registry.test("other")
