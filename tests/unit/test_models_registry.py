"""The registry: which models there are, what outlives a change of settings, what is closed when."""

from __future__ import annotations

import asyncio
import types
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ServiceUnavailableError,
    SettingsError,
    UnknownModelError,
)
from ensemble_lsp.models.api_keys import Keyring, missing_key
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.log_redaction import RedactKeys
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import ModelCall
from ensemble_lsp.registry import model_slot
from ensemble_lsp.registry.discovery import DiscoveredModel
from ensemble_lsp.registry.model_registry import Registry
from ensemble_lsp.settings import ModelSettings, Settings
from tests.support.scripted import PROMPT, ScriptedModel, prompt

SECRET = "sk-0123456789"


def settings(name: str, **values) -> ModelSettings:
    return ModelSettings(
        **{"name": name, "provider": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
        | values
    )


@dataclass
class FakeAdapters:
    """Makes scripted models, and remembers them in order."""

    answers: dict[str, list] = field(default_factory=dict)
    made: list[ScriptedModel] = field(default_factory=list)

    def profile(self, settings: ModelSettings) -> Profile:
        if settings.fim == "wrong":
            raise SettingsError("fim 'wrong' is not known")
        return Profile(settings.name, settings.provider, settings.model, settings.tasks)

    def obstacle(self, settings, key):
        problem = None if key else missing_key(settings)
        return AuthenticationError(settings.name, problem) if problem else None

    def make(self, settings, profile, key):
        if settings.model == "broken":
            raise ImportError("no such module")
        model = ScriptedModel(settings.name, self.answers.get(settings.name, [["text"]]))
        model._profile = profile
        self.made.append(model)
        return model

    def __getitem__(self, name: str) -> ScriptedModel:
        return [m for m in self.made if m.profile.name == name][-1]


class House:
    """Builds registries that share one set of adapters."""

    def __init__(self, tmp_path, **answers) -> None:
        self.adapters = FakeAdapters(answers)
        self.calls: list[ModelCall] = []
        self.env: dict[str, str] = {}
        self.found: list[DiscoveredModel] = []
        self.searched = 0
        self.path = tmp_path
        self.redact = RedactKeys()
        self.keys: dict[str, str] = {}
        self.asked: list[str] = []

    async def discover(self, env, data_dir):
        self.searched += 1
        return self.found

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        return self.keys.get(username)

    async def build(self, *models: ModelSettings, previous=None, **more) -> Registry:
        return await Registry.build(
            Settings(models=models, **more),
            env=self.env,
            data_dir=self.path,
            document_index=None,
            on_call=self.calls.append,
            previous=previous,
            adapters=self.adapters,
            keyring=Keyring(lambda: types.SimpleNamespace(get_password=self.get_password)),
            redact=self.redact,
            discover=self.discover,
        )


@pytest.fixture
def house(tmp_path) -> House:
    return House(tmp_path)


def names(registry: Registry, task="complete") -> list[str]:
    return [model.profile.name for model in registry.for_task(task)]


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


# -- by hand


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


# -- a change of settings


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
