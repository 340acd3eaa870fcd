"""Settings: layers resolve, faults are named in plain words, nothing wrong sends code elsewhere."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.settings import (
    Settings,
    json_schema,
    resolve,
    resolve_strict,
)

GPT = {"name": "gpt", "provider": "openai", "model": "gpt-6-luna"}


def faults_of(raw: Any, **options: Any) -> list[str]:
    return [str(fault) for fault in resolve([("editor", raw)], **options)[1]]


def only_fault(raw: Any) -> str:
    faults = faults_of(raw)
    assert len(faults) == 1, faults
    return faults[0]


# -- layers


def test_with_no_layers_everything_has_its_default():
    assert resolve([]) == (Settings(), [])


def test_the_last_layer_wins_tables_merge_and_lists_are_replaced():
    settings, faults = resolve(
        [
            ("config", {"complete": {"debounceMs": 10, "maxLines": 3}, "models": [GPT]}),
            ("editor", {"complete": {"maxLines": 5}, "models": [{**GPT, "name": "other"}]}),
        ]
    )
    assert faults == []
    assert (settings.complete.debounce_ms, settings.complete.max_lines) == (10, 5)
    assert [model.name for model in settings.models] == ["other"]


def test_a_wrong_value_does_not_hide_the_lower_layers_good_one():
    settings, faults = resolve(
        [("config", {"complete": {"maxLines": 5}}), ("editor", {"complete": {"maxLines": 0}})]
    )
    assert settings.complete.max_lines == 5
    assert [fault.source for fault in faults] == ["editor"]


def test_null_means_not_given():
    settings, faults = resolve(
        [("config", {"complete": {"maxLines": 5}}), ("editor", {"complete": {"maxLines": None}})]
    )
    assert (settings.complete.max_lines, faults) == (5, [])


def test_an_empty_list_stands_for_an_empty_table_as_lua_writes_it():
    raw = {"complete": [], "selector": {"pin": []}, "models": {}}
    assert resolve([("editor", raw)]) == (Settings(), [])


def test_one_text_stands_for_a_list_of_one():
    settings, faults = resolve([("editor", {"privacy": {"exclude": "secret/"}})])
    assert (settings.privacy.exclude, faults) == (("secret/",), [])


# -- plain words


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"complete": {"debounce_ms": 1}},
            "complete.debounce_ms: unknown setting; did you mean debounceMs?",
        ),
        ({"complte": {}}, "complte: unknown setting; did you mean complete?"),
        (
            {"debounceMs": 1},
            "debounceMs: unknown setting here; it belongs in complete or nextEdit",
        ),
        (
            {"complete": {"budgetMs": 10}},
            "complete.budgetMs: must be a whole number from 50 to 60000, not 10; ignored "
            "(the default is 2500)",
        ),
        (
            {"complete": {"enabled": "perhaps"}},
            'complete.enabled: must be true or false, not "perhaps"; ignored (the default is true)',
        ),
        (
            {"selector": {"strategy": "best"}},
            'selector.strategy: must be one of "learned", "seed", "fixed", not "best"; ignored '
            '(the default is "learned")',
        ),
        (
            {"selector": {"latencyWeight": True}},
            "selector.latencyWeight: must be a number from 0 to 10, not true; ignored "
            "(the default is 0.3)",
        ),
        ({"complete": 7}, "complete: must be a table, not 7; ignored"),
        (
            {"discover": "?"},
            'discover: must be true or false, not "?"; ignored (the default is true)',
        ),
        (
            {"privacy": {"exclude": ["a", 5]}},
            "privacy.exclude[1]: must be a string, not 5; ignored",
        ),
        (
            {"selector": {"pin": {"completee": "gpt"}}},
            "selector.pin.completee: the task must be one of complete, explain, generate, edit; "
            "did you mean complete?; ignored",
        ),
        (
            {"selector": {"pin": {"complete": 3}}},
            "selector.pin.complete: must be a string, not 3; ignored",
        ),
        (
            {"models": [{**GPT, "timeout": 0}]},
            "models[0].timeout: must be a number above 0 and at most 600, not 0; ignored "
            "(the default is 20.0)",
        ),
        (
            {"models": [GPT, {**GPT, "contextTokens": 5, "name": "b"}]},
            "models[1].contextTokens: must be a whole number of at least 256, not 5; ignored",
        ),
    ],
)
def test_a_fault_says_where_what_is_wanted_and_what_happens(raw: Any, expected: str):
    assert only_fault(raw) == f"editor: {expected}"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e400, "x" * 10_000, [[]], 10**400]
)
def test_a_number_that_is_none_is_refused_in_one_short_sentence(value: Any):
    for raw in ({"complete": {"budgetMs": value}}, {"selector": {"costWeight": value}}):
        assert len(only_fault(raw)) < 250


def test_a_message_carries_no_control_characters():
    fault = only_fault({"\x1b[2J\u202e": 1})
    assert fault.isprintable()


def test_a_layer_that_is_no_table_is_named():
    assert faults_of([1]) == ["editor: settings: must be a table, not a list"]
    assert faults_of(None) == ["editor: settings: must be a table, not nothing"]


def test_several_bad_items_of_one_list_go_and_the_good_ones_stay():
    raw = {"privacy": {"exclude": [1, "a", 2, "b", 3]}}
    settings, faults = resolve([("editor", raw)])
    assert settings.privacy.exclude == ("a", "b")
    assert [f.path for f in faults] == [f"privacy.exclude[{i}]" for i in (0, 2, 4)]


def test_nesting_without_end_is_no_harm():
    deep: Any = 1
    for _ in range(100_000):
        deep = {"a": [deep]}
    assert only_fault({"complete": {"maxLines": deep}})
    assert only_fault(deep)


# -- models: what decides where code goes


@pytest.mark.parametrize(
    "wrong",
    [
        {"baseUrl": "localhost:8000/v1"},
        {"baseUrl": "https://user:hunter2hunter2@host/v1"},
        {"baseUrl": 5},
        {"baseURL": "http://localhost/v1"},
        {"base_url": "http://localhost/v1"},
        {"endpoint": "http://localhost/v1"},
        {"apiBase": "http://localhost/v1"},
        {"provider": "openia"},
        {"api": "chats"},
        {"apiKeyEnv": "sk-proj-not-a-variable"},
        {"apiKey": "sk-proj-not-a-variable"},
        {"model": 5},
        {"model": ""},
        {"name": " "},
        {"name": "a\nb"},
        {"tasks": []},
        {"tasks": ["explaining"]},
    ],
)
def test_a_model_with_a_fault_that_would_send_code_elsewhere_is_left_out_whole(wrong: Any):
    settings, faults = resolve([("editor", {"models": [{**GPT, **wrong}, {**GPT, "name": "b"}]})])
    assert [model.name for model in settings.models] == ["b"]
    assert any("this model is ignored until" in str(fault) for fault in faults)
    text = " ".join(map(str, faults))
    assert "sk-proj" not in text
    assert "hunter2" not in text


def test_a_model_with_a_harmless_fault_stays():
    raw = {"models": [{**GPT, "temprature": 1, "timeout": -1, "tasks": ["explain", "what"]}]}
    settings, faults = resolve([("editor", raw)])
    assert (settings.models[0].timeout, settings.models[0].tasks) == (20.0, ("explain",))
    assert len(faults) == 3


def test_what_a_model_lacks_is_named_and_the_model_left_out():
    settings, faults = resolve([("editor", {"models": [{"name": "x"}, GPT]})])
    assert [model.name for model in settings.models] == ["gpt"]
    assert str(faults[0]) == (
        "editor: models[0].provider: is missing; this model is ignored until it is set"
    )


def test_recall_needs_no_model_id():
    settings, faults = resolve([("editor", {"models": [{"name": "r", "provider": "recall"}]})])
    assert (len(settings.models), faults) == (1, [])


def test_the_second_model_of_a_name_is_left_out_and_told_by_its_own_index():
    raw = {"models": [{"name": "x"}, GPT, GPT]}
    settings, faults = resolve([("editor", raw)])
    assert len(settings.models) == 1
    assert faults[-1].path == "models[2].name"


@pytest.mark.parametrize(
    "models", ["gpt", {"name": "gpt", "provider": "openai"}, [GPT["name"]], [{}], 5]
)
def test_where_no_given_model_is_sound_none_is_discovered_instead(models: Any):
    settings, faults = resolve([("editor", {"models": models})])
    assert (settings.models, settings.discover) == ((), False)
    assert any("no other is used until one is corrected" in str(fault) for fault in faults)


def test_a_broken_list_of_models_does_not_bring_back_the_lower_layers():
    settings, _ = resolve([("config", {"models": [GPT]}), ("editor", {"models": [{"name": "x"}]})])
    assert (settings.models, settings.discover) == ((), False)


def test_an_empty_list_of_models_asks_for_discovery():
    settings, faults = resolve([("config", {"models": [GPT]}), ("editor", {"models": []})])
    assert (settings.models, settings.discover, faults) == ((), True, [])


def test_strict_stops_at_the_first_fault():
    with pytest.raises(SettingsError, match="did you mean"):
        resolve_strict([("config", {"complte": {}})])
    assert resolve_strict([("config", {"models": [GPT]})]).models[0].name == "gpt"


# -- the schema

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("aA1!\x1b\n\u202e ", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["models", "name", "provider", "complete", "pin", "exclude", "tasks", "?"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings_of_hypothesis(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*Settings.model_fields, "other"]), JSON, max_size=4),
    st.booleans(),
)
def test_no_json_whatever_makes_resolve_fail(raw: dict[str, Any], trusted: bool):
    settings, faults = resolve([("x", raw)], untrusted=() if trusted else {"x"})
    assert isinstance(settings, Settings)
    assert all(str(fault).isprintable() for fault in faults)


def test_the_json_schema_is_valid_stable_and_accepts_the_defaults():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.dumps(schema) == json.dumps(json_schema())
    jsonschema.validate(json.loads(Settings().model_dump_json(by_alias=True)), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"complete": {"budgetMs": 1}}, schema)


def test_every_setting_has_a_description():
    schema = json_schema()
    for table in (schema, *schema["$defs"].values()):
        for name, prop in table["properties"].items():
            assert "$ref" in prop or prop.get("description"), name


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[2] / "docs" / "settings.schema.json"
    assert json.loads(published.read_text()) == json_schema(), "run `make schema`"
