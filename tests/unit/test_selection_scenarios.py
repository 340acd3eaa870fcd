"""The file of simulated contexts that the benchmark of selection reads."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy")

from benchmarks.selection_contexts import FILE, figures, measure
from benchmarks.selection_policies import POLICIES
from benchmarks.selection_scenarios import draw_requests, read_scenarios

PLAIN: dict[str, Any] = {
    "name": "go / rust",
    "requests": 60,
    "features": {"complexity": {"from": 3, "to": 5}, "multiline": [True, False]},
    "contexts": {
        "go": {"features": {"language": "go"}},
        "rust": {"features": {"language": "rust"}},
    },
    "models": {"a": {"right": {"go": 1, "rust": 0}}, "b": {"right": {"go": 0, "rust": 1}}},
}


def written(tmp_path: Path, *scenarios: dict[str, Any]) -> Path:
    path = tmp_path / "scenarios.json"
    path.write_text(json.dumps({"scenarios": list(scenarios)}), encoding="utf-8")
    return path


def test_the_shipped_scenarios_can_be_read_and_have_two_halves() -> None:
    scenarios = read_scenarios(FILE)
    halves = [s.half for s in scenarios]
    assert 0.4 <= halves.count("tune") / len(halves) <= 0.6
    for scenario in scenarios:
        requests = draw_requests(scenario, random.Random(1))
        assert len(requests) == scenario.requests
        assert {r.name for r in requests} == {c.name for c in scenario.contexts}


def test_requests_follow_sessions_features_and_changes(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            **PLAIN,
            "order": {"session": 20},
            "changes": [{"at": 40, "model": "a", "right": 0.5}],
        },
    )
    requests = draw_requests(read_scenarios(path)[0], random.Random(1))
    names = [r.name for r in requests]
    assert names == [names[0]] * 20 + [names[20]] * 20 + [names[0]] * 20
    assert names[0] != names[20]
    assert {r.context.complexity for r in requests} == {3, 4, 5}
    assert {r.context.multiline for r in requests} == {True, False}
    assert all(r.context.language == r.name for r in requests)
    assert {r.right for r in requests[:40]} == {(1.0, 0.0), (0.0, 1.0)}
    assert {r.right for r in requests[40:]} < {(0.5, 0.0), (0.5, 1.0)}


def test_a_learning_policy_is_near_the_best_and_a_random_one_is_not(tmp_path: Path) -> None:
    path = written(tmp_path, {**PLAIN, "requests": 200, "feedback": {"right": 1, "wrong": 0}})
    scenario = read_scenarios(path)[0]
    learned = figures(measure(scenario, POLICIES["learned"], 3))
    chance = figures(measure(scenario, POLICIES["random"], 3))
    assert learned["share"] > 0.8
    assert learned["until"] < 25
    assert abs(chance["share"]) < 0.2
    assert chance["until"] > learned["until"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contexts": {"go": {"features": {"language": 3}}}}, "language"),
        ({"features": {"colour": "red"}}, "colour"),
        ({"features": {"place": "moon"}}, "moon"),
        ({"models": {"a": {"right": 1}}}, "two models"),
        ({"models": {"a": {"right": {"go": 1}}, "b": {"right": 1}}}, "rust"),
        ({"models": {"a": {"right": 2}, "b": {"right": 1}}}, "0 to 1"),
        ({"changes": [{"at": 3, "model": "c", "right": 1}]}, "'c'"),
        ({"task": "sing"}, "task"),
        ({"half": "third"}, "half"),
        ({"feedback": {"right": 0.1, "wrong": 0.4}}, "feedback"),
        ({"requests": 0}, "requests"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_mistake_is_named_with_its_scenario(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        read_scenarios(written(tmp_path, {**PLAIN, **change}))
    assert "scenario go / rust" in str(raised.value)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"scenarios\.json"):
        read_scenarios(path)
    with pytest.raises(ValueError, match="same name"):
        read_scenarios(written(tmp_path, PLAIN, PLAIN))
