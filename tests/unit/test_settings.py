"""Settings: layers resolve, faults are named in plain words, nothing wrong sends code elsewhere."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.settings import (
    ModelSettings,
    Settings,
    add_model_to_config,
    default_config_path,
    default_data_dir,
    json_schema,
    read_config,
    remove_model_from_config,
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


# -- trust


def test_a_workspace_may_not_redirect_run_keep_remove_or_spend():
    hostile = {
        "models": [{**GPT, "baseUrl": "https://evil.example/v1"}],
        "discover": True,
        "complete": {"enabled": True, "candidates": 8, "ensemble": 3},
        "explain": {"hover": True},
        "ensemble": {"runExamples": True, "size": 9},
        "history": {"keepText": True, "retentionDays": 1},
        "privacy": {"redactSecrets": False, "exclude": ["!.env"]},
    }
    own = (
        "config",
        {"complete": {"enabled": False}, "explain": {"hover": False}, "discover": False},
    )
    settings, faults = resolve([own, ("workspace", hostile)], untrusted={"workspace"})
    assert settings == resolve([own])[0]
    assert {fault.path for fault in faults} == {
        "models",
        "discover",
        "complete.enabled",
        "complete.candidates",
        "complete.ensemble",
        "explain.hover",
        "ensemble.runExamples",
        "ensemble.size",
        "history.keepText",
        "history.retentionDays",
        "privacy.redactSecrets",
        "privacy.exclude",
    }


def test_a_workspace_may_be_more_careful() -> None:
    careful = {
        "complete": {
            "enabled": False,
            "debounceMs": 200,
            "maxLines": 3,
            "ensemble": 1,
            "candidates": 1,
            "disabledLanguages": ["sql"],
        },
        "explain": {"hover": False},
        "selector": {"escalate": False, "dailyBudget": 0.5},
        "ensemble": {"size": 2, "maxCost": 0.1, "judge": "", "runTests": ""},
        "privacy": {"redactSecrets": True, "exclude": ["customers/"]},
        "history": {"keepText": False},
    }
    settings, faults = resolve(
        [
            ("workspace", careful),
            ("editor", {"privacy": {"exclude": ["own/"], "redactSecrets": False}}),
        ],
        untrusted={"workspace"},
    )
    assert faults == []
    assert not settings.complete.enabled
    assert (settings.complete.debounce_ms, settings.complete.max_lines) == (200, 3)
    assert settings.complete.candidates == 1
    assert settings.complete.disabled_languages == ("sql",)
    assert settings.selector.daily_budget == 0.5
    assert (settings.ensemble.size, settings.ensemble.max_cost) == (2, 0.1)
    assert settings.privacy.exclude == ("own/", "customers/")
    assert settings.privacy.redact_secrets


COSTS_MORE: list[tuple[str, str, Any]] = [
    ("complete", "debounceMs", 99),
    ("complete", "budgetMs", 60000),
    ("complete", "budgetMs", 50),
    ("complete", "maxLines", 6),
    ("complete", "ensemble", 3),
    ("complete", "candidates", 3),
    ("complete", "threshold", 0.9),
    ("complete", "threshold", 0.1),
    ("explain", "ensemble", 5),
    ("selector", "strategy", "fixed"),
    ("selector", "pin", {"complete": "far"}),
    ("selector", "latencyWeight", 0),
    ("selector", "costWeight", 0),
    ("selector", "escalate", True),
    ("selector", "dailyBudget", 2),
    ("selector", "seed", 7),
    ("ensemble", "size", 3),
    ("ensemble", "budgetMs", 600000),
    ("ensemble", "rule", "seed"),
    ("ensemble", "threshold", 1),
    ("ensemble", "judge", "far"),
    ("ensemble", "maxCost", 2),
    ("ensemble", "testSeconds", 600),
    ("history", "url", "postgresql://evil.example/db"),
]


@pytest.mark.parametrize(("table", "key", "value"), COSTS_MORE)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_workspace_cannot_raise_costs_or_choose_models(
    table: str, key: str, value: Any, wrapped: bool
) -> None:
    own = {
        "complete": {"debounceMs": 100, "maxLines": 5, "ensemble": 2, "candidates": 2}
        | {"threshold": 0.2},
        "selector": {"dailyBudget": 1, "escalate": False},
        "ensemble": {"size": 2, "maxCost": 1},
    }
    theirs = {table: {key: value}}
    layers = [("config", own), ("workspace", {"ensemble": theirs} if wrapped else theirs)]
    settings, faults = resolve(layers, untrusted={"workspace"})
    assert settings == resolve([("config", own)])[0]
    assert [fault.path for fault in faults] == [f"{table}.{key}"]


def test_the_cautious_direction_is_that_of_all_workspace_layers_and_the_user() -> None:
    layers = [
        ("config", {"complete": {"maxLines": 9, "debounceMs": 300}}),
        ("options", {"complete": {"maxLines": 4, "debounceMs": 400}}),
        ("settings", {"complete": {"maxLines": 8, "debounceMs": 350}}),
    ]
    settings, faults = resolve(layers, untrusted={"options", "settings"})
    assert (settings.complete.max_lines, settings.complete.debounce_ms) == (4, 400)
    assert len(faults) == 2


def test_a_workspace_cannot_add_so_many_patterns_that_they_stall() -> None:
    for patterns in ([f"a{n}" for n in range(1001)], ["a" * 501]):
        settings, faults = resolve(
            [("workspace", {"privacy": {"exclude": patterns}})], untrusted={"workspace"}
        )
        assert settings == Settings()
        assert [fault.path for fault in faults] == ["privacy.exclude"]


@pytest.mark.parametrize(
    "layer", [{"models": "x"}, {"complete": 5}, {"privacy": {"exclude": [5]}}, 7]
)
def test_a_workspace_layer_of_nonsense_is_named_and_changes_nothing(layer: Any):
    settings, faults = resolve([("workspace", layer)], untrusted={"workspace"})
    assert settings == Settings()
    assert faults


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


# -- files


def test_a_config_file_is_read_and_a_missing_one_is_empty(tmp_path):
    path = tmp_path / "config.toml"
    assert read_config(path) == ({}, [])
    path.write_bytes(b"\xef\xbb\xbf[complete]\r\nmaxLines = 3\r\n")
    assert read_config(path) == ({"complete": {"maxLines": 3}}, [])


ONLY_RECALL = {"models": [{"name": "recall", "provider": "recall"}], "discover": False}


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_a_config_file_that_is_no_toml_is_named(tmp_path, content: bytes):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    raw, faults = read_config(path)
    assert raw == ONLY_RECALL
    assert "until then none of its settings apply, and only recall is used" in str(faults[0])


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    raw, faults = read_config(tmp_path)
    assert (raw, "cannot be read" in str(faults[0])) == (ONLY_RECALL, True)


def test_a_model_is_added_to_a_new_file_only_the_user_can_read(tmp_path):
    path = tmp_path / "new" / "config.toml"
    add_model_to_config(path, ModelSettings(name="gpt", provider="openai", model="gpt-6-luna"))
    assert resolve([("config", read_config(path)[0])])[0].models == (ModelSettings(**GPT),)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "start",
    [
        "# mine\n[complete]\nmaxLines = 4 # few\n",
        '# mine\n[[models]]\nname = "a" # first\nprovider = "recall"\n\n'
        "[complete]\nmaxLines = 4 # few\n",
        '# mine\nmodels = [{ name = "a", provider = "recall" }]\n[complete]\nmaxLines = 4 # few\n',
        "# mine\r\nmodels = []\r\n[complete]\r\nmaxLines = 4 # few\r\n",
    ],
)
def test_adding_and_removing_models_keeps_the_rest_of_the_file(tmp_path, start: str):
    path = tmp_path / "config.toml"
    path.write_bytes(start.encode())
    model = ModelSettings(
        name="local",
        provider="openai",
        model="m",
        base_url="http://127.0.0.1:1/v1",
        tasks=("explain",),
    )
    before = resolve([("config", read_config(path)[0])])[0]
    add_model_to_config(path, model)
    settings, faults = resolve([("config", read_config(path)[0])])
    assert faults == []
    assert settings.models == (*before.models, model)
    assert settings.complete.max_lines == 4
    assert remove_model_from_config(path, "local")
    assert resolve([("config", read_config(path)[0])]) == (before, [])
    text = path.read_bytes().decode()
    assert "# mine" in text and "# few" in text
    assert ("# first" in text) == ("# first" in start)


def test_a_name_that_is_taken_and_one_that_is_not_there(tmp_path):
    path = tmp_path / "config.toml"
    add_model_to_config(path, ModelSettings(name="r", provider="recall"))
    with pytest.raises(SettingsError, match="already has a model 'r'"):
        add_model_to_config(path, ModelSettings(name="r", provider="recall"))
    assert not remove_model_from_config(path, "other")


def test_a_broken_file_is_never_overwritten(tmp_path):
    path = tmp_path / "config.toml"
    for text in ("a = ", "models = 5\n"):
        path.write_text(text)
        with pytest.raises(SettingsError):
            add_model_to_config(path, ModelSettings(name="r", provider="recall"))
        assert path.read_text() == text


def test_a_symbolic_link_stays_one(tmp_path):
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\n")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    add_model_to_config(link, ModelSettings(name="r", provider="recall"))
    assert link.is_symlink()
    assert "# mine" in target.read_text()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be"):
        add_model_to_config(
            tmp_path / "file" / "config.toml", ModelSettings(name="r", provider="recall")
        )


def test_paths_come_from_the_environment_or_the_platform(tmp_path):
    env = {"ENSEMBLE_LSP_CONFIG": str(tmp_path / "c.toml"), "ENSEMBLE_LSP_DATA_DIR": str(tmp_path)}
    assert default_config_path(env) == tmp_path / "c.toml"
    assert default_data_dir(env) == tmp_path
    assert default_config_path({}).name == "config.toml"
    assert default_data_dir({}).name == "ensemble-lsp"


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[2] / "docs" / "settings.schema.json"
    assert json.loads(published.read_text()) == json_schema(), "run `make schema`"
