"""Settings in every shape that clients send: nothing is lost, and nothing is misunderstood silently."""

from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.settings import EnsembleSettings, Settings, resolve
from ensemble_lsp.settings.messages import keys_of
from ensemble_lsp.settings.shape import without_other_servers

GPT = {"name": "gpt", "provider": "openai", "model": "gpt"}
ALL: dict[str, Any] = {
    "privacy": {"exclude": ["private/**"]},
    "ensemble": {"budgetMs": 9000, "size": 2},
    "models": [GPT],
}


def test_no_key_is_both_a_setting_of_the_table_and_a_table() -> None:
    """Otherwise the shape could not tell the two meanings of ``ensemble`` apart."""
    assert not set(keys_of(EnsembleSettings)) & set(keys_of(Settings))


@pytest.mark.parametrize(
    "shape",
    [
        ALL,
        {"ensemble": ALL},
        {"ensemble": {"ensemble": ALL}},
        {"ensemble-lsp": ALL},
        {"settings": {"ensemble": ALL}},
        {"privacy": ALL["privacy"], "ensemble": {"models": [GPT], "ensemble": ALL["ensemble"]}},
        {"privacy": ALL["privacy"], "ensemble": {"models": [GPT], "budgetMs": 9000, "size": 2}},
        {
            "ensemble.privacy.exclude": ["private/**"],
            "ensemble.ensemble.size": 2,
            "ensemble.budgetMs": 9000,
            "ensemble.models": [GPT],
        },
        {
            "privacy.exclude": ["private/**"],
            "ensemble.size": 2,
            "ensemble": {"ensemble.budgetMs": 9000},
            "models": [GPT],
        },
        {"ensemble": {"privacy.exclude": ["private/**"], "size": 2, "models": [GPT]}}
        | {"ensemble.ensemble": {"budgetMs": 9000}},
        {"ensemble": [], "settings": ALL},
        {"Ensemble": ALL},
        {"initializationOptions": ALL},
        {"init_options": {"ensemble": ALL}},
        {"lsp": {"ensemble-lsp": {"settings": ALL}}},
        {"ensemble": [ALL]},
        {**ALL, "privacy": {"exclude": {"private/**": True, "public/**": False}}},
        {**ALL, "privacy": {"exclude": {"1": "private/**"}}},
        {**ALL, "privacy": {"exclude": [["private/**"]]}},
        {**ALL, "privacy": {"Exclude": "private/**"}},
        {**ALL, "privacy": [{"exclude": ["private/**"]}]},
        {"models": [GPT], "ensemble": ALL["ensemble"], "Privacy": ALL["privacy"]},
    ],
)
def test_every_shape_means_the_same(shape: dict[str, Any]) -> None:
    settings, issues = resolve([("options", shape)])
    assert issues == []
    assert settings == resolve([("options", ALL)])[0]
    assert settings.privacy.exclude == ("private/**",)
    assert (settings.ensemble.budget_ms, settings.ensemble.size) == (9000, 2)
    assert [model.name for model in settings.models] == ["gpt"]


def test_lists_of_two_forms_are_joined() -> None:
    other = {**GPT, "name": "other"}
    shape = {
        "privacy": {"exclude": ["a"]},
        "models": [GPT],
        "ensemble": {"privacy": {"exclude": ["b"]}, "models": [GPT, other]},
    }
    settings, issues = resolve([("options", shape)])
    assert issues == []
    assert settings.privacy.exclude == ("a", "b")
    assert [model.name for model in settings.models] == ["gpt", "other"]


def test_a_value_that_another_form_overrides_is_named() -> None:
    shape = {"complete": {"maxLines": 3}, "ensemble": {"complete": {"maxLines": 4}}}
    settings, issues = resolve([("options", shape)])
    assert settings.complete.max_lines == 4
    assert [issue.path for issue in issues] == ["complete.maxLines"]


@pytest.mark.parametrize(
    ("shape", "path", "hint"),
    [
        ({"ensemble": {"budgtMs": 1}, "privacy": {}}, "ensemble.budgtMs", "budgetMs"),
        ({"ensemble": {"privcy": {"exclude": ["a"]}}}, "privcy", "privacy"),
        ({"ensemble": {"nonsense": {"a": 1}}}, "nonsense", "unknown"),
        ({"ensemble": {"nonsense": 1}}, "ensemble.nonsense", "unknown"),
        ({"ensemble": {"ensemble": {"siz": 1}}}, "ensemble.siz", "size"),
        ({"ensemble": 3, "privacy": {}}, "ensemble", "must be a table"),
        ({"ensemble.privcy.exclude": ["a"]}, "privcy", "privacy"),
        ({"ensemble-lsp": 3}, "ensemble-lsp", "ensemble"),
        ({"complete.maxLins": 3}, "complete.maxLins", "maxLines"),
        ({"ensemble": {"ensemble": "both", "size": 2}}, "ensemble", "given twice"),
    ],
)
def test_what_is_not_understood_is_named(shape: dict[str, Any], path: str, hint: str) -> None:
    _, issues = resolve([("options", shape)])
    assert [issue.path for issue in issues] == [path]
    assert hint in issues[0].problem


def test_sections_of_other_servers_are_not_ours_and_misspelled_ones_are() -> None:
    pushed = {"python": {"analysis": {}}, "ensemble": {"size": 2}, "privcy": {}, "go.lint": True}
    own, foreign = without_other_servers(pushed)
    assert own == {"ensemble": {"size": 2}, "privcy": {}}
    assert foreign == ["python", "go.lint"]
    assert without_other_servers({"python": {}}) == ({"python": {}}, [])


@pytest.mark.parametrize("key", ["a." * 50_000, "ensemble." * 20_000 + "size", "." * 50_000])
def test_keys_of_many_dots_are_unknown_and_stall_nothing(key: str) -> None:
    settings, issues = resolve([("options", {key: 1, "complete.maxLines": 3})])
    assert settings.complete.max_lines == 3
    assert len(issues) == 1 and len(str(issues[0])) < 400
