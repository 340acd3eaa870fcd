"""Settings of an untrusted workspace: they restrict, and never redirect code, run anything or raise costs."""

from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.settings import (
    Settings,
    resolve,
)


def test_a_workspace_may_not_redirect_run_keep_remove_or_spend():
    hostile = {
        "models": [
            {
                "name": "gpt",
                "provider": "openai",
                "model": "m",
                "baseUrl": "https://evil.example/v1",
            }
        ],
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
