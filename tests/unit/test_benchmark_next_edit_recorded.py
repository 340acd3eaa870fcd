"""The benchmark of recorded answers, on scenarios written here in the recordings' form."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import next_edit_recorded as benchmark

from ensemble_lsp.next_edit.edit import PredictedEdit

WANTED = """\
The call lacks an argument.
id: python-argument
language: python
file: shop/cart.py
row: 5
col: 10
fim-row: 5
fim-col: 10
-- buffer.txt --
def total(prices, rate):
    return sum(prices) * rate


print(tot([1]))
-- history --
<|file|> shop/cart.py
<|old|>
def total(prices):
<|new|>
def total(prices, rate):
-- steps --
request-completion manual
-- expected --
def total(prices, rate):
    return sum(prices) * rate


print(total([1], 0.2))
"""
QUIET = """\
Nothing to do.
id: python-quiet
language: python
file: done.py
row: 1
col: 5
modified: true
-- buffer.txt --
a = 1
-- steps --
request-completion manual
  expect !shown
"""
UNTOUCHED = QUIET.replace("modified: true", "modified: false").replace("done.py", "untouched.py")
REGION = (
    "def total(prices, rate):\n    return sum(prices) * rate\n\n\nprint(tot<|user_cursor|>([1]))"
)
ZETA2 = (
    "<[fim-suffix]>\n<[fim-prefix]><filename>edit_history\n--- a/shop/cart.py\n+++ b/shop/cart.py\n"
    "@@ -1,1 +1,1 @@\n-def total(prices):\n+def total(prices, rate):\n\n<filename>shop/cart.py\n"
    f"<<<<<<< CURRENT\n{REGION}\n=======\n<[fim-middle]>"
)
ANSWER = "def total(prices, rate):\n    return sum(prices) * rate\n\n\nprint(total([1], 0.2))\n"
EDIT = {
    "range": {"start": {"line": 4, "character": 0}, "end": {"line": 4, "character": 15}},
    "text": "print(total([1], 0.2))",
}


def record(folder: Path, service: str, request: Any, response: Any) -> None:
    events = [
        {"kind": "meta"},
        {"kind": "request", "interaction": 0, "body_b64": encoded(request)},
        {
            "kind": "response",
            "interaction": 0,
            "body_b64": encoded(response),
            "duration_ms": 40,
        },
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{service}.ndjson").write_text("\n".join(map(json.dumps, events)))


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for name, text in (("01-wanted", WANTED), ("02-quiet", QUIET), ("03-untouched", UNTOUCHED)):
        (folder / f"{name}.txtar").write_text(text)
    completion = {"choices": [{"text": ANSWER, "finish_reason": "stop"}]}
    record(folder / "01-wanted", "zeta-2", {"prompt": ZETA2}, completion)
    record(folder / "01-wanted", "copilot", {}, [EDIT])
    end = WANTED.index("-- history") - WANTED.index("def total") - 1
    sweep = {"start_index": end - 15, "end_index": end, "completion": EDIT["text"]}
    record(folder / "01-wanted", "sweepapi", {}, sweep)
    alarm = "<<<<<<< CURRENT\na = 1<|user_cursor|>\n=======\n<[fim-middle]>"
    change = {"choices": [{"text": "a = 2\n", "finish_reason": "stop"}]}
    record(folder / "02-quiet", "zeta-2", {"prompt": alarm}, change)
    record(folder / "03-untouched", "zeta-2", {"prompt": alarm}, change)
    filled = {"choices": [{"text": "al", "finish_reason": "stop"}]}
    record(folder / "01-wanted", "qwen", {"prompt": "<|fim_prefix|>"}, filled)
    return tmp_path


@pytest.mark.parametrize(
    ("service", "exact", "alarms", "prompts"),
    [
        ("zeta-2", 1, 1, "1/3"),
        ("copilot", 1, 0, "-"),
        ("sweepapi", 1, 0, "-"),
        ("qwen", 0, 0, "-"),
    ],
)
def test_recorded_answers(data: Path, service: str, exact: int, alarms: int, prompts: str) -> None:
    assert benchmark.services(data) == ["copilot", "qwen", "sweepapi", "zeta-2"]
    found = benchmark.scenarios(data)
    scores, details = benchmark.measure(found, service)
    assert (scores.exact, scores.wanted) == (exact, 1)
    # The file that was never edited is no alarm: no model is asked there.
    assert (scores.false_alarms, scores.unwanted) == (alarms, 2)
    assert details["prompts"] == prompts
    assert json.loads(json.dumps(benchmark.as_json(scores, details)))["exact"] == exact


def test_an_edit_before_the_services(data: Path) -> None:
    found = benchmark.scenarios(data)

    def first(scenario: benchmark.RecordedScenario) -> PredictedEdit | None:
        if scenario.wanted is None:
            return None
        answer = benchmark.recorded_answer(scenario, "copilot")
        return answer and benchmark.read(scenario, "copilot", answer, None)

    scores, details = benchmark.measure(found, "qwen", first)
    assert scores.exact == 1
    assert details["p50"] is None
