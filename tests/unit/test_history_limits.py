"""Imported records with values that no history has: named and left out, and the rest is read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.evaluation.history_report import week_of
from ensemble_lsp.history import History

SUGGESTION: dict[str, Any] = {
    "type": "suggestion", "version": 1, "id": "s", "time": time.time(), "task": "complete", "models": ["one"],
    "outcome": {"kind": "accepted", "source": "command", "share": 1.0, "reward": 1.0},
}  # fmt: skip
CALL: dict[str, Any] = {
    "type": "call", "version": 1, "id": "c", "time": time.time(), "task": "complete", "model": "one",
}  # fmt: skip
OUTCOME: dict[str, Any] = SUGGESTION["outcome"]
HOSTILE = [
    {"time": 1e300}, {"time": float("nan")}, {"time": float("inf")}, {"time": -5.0}, {"time": 1e12},
    {"settled": 1e300}, {"models": ["x" * 1000]}, {"models": ["m"] * 1000}, {"models": ["a\x1b[2Jb"]},
    {"models": ["a\u202eb"]}, {"chars": 10**30}, {"features": {"complexity": float("nan")}},
    {"features": {str(n): 1.0 for n in range(1000)}}, {"outcome": {**OUTCOME, "reward": 1e308}},
    {"outcome": {**OUTCOME, "share": float("nan")}}, {"text": "x" * 2_000_000},
]  # fmt: skip
CALLS = [
    {"cost": 1e308},
    {"cost": float("nan")},
    {"total_ms": float("inf")},
    {"input_tokens": 2**63},
]
LINES = [{**SUGGESTION, **wrong} for wrong in HOSTILE] + [{**CALL, **wrong} for wrong in CALLS]


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(sorted(line))[:40])
async def test_a_value_out_of_range_is_named_and_stores_nothing(
    tmp_path: Path, line: dict[str, Any]
) -> None:
    history = History.open(tmp_path / "history.sqlite3")
    fine = {**SUGGESTION, "id": "fine"}
    report = await history.import_([json.dumps(line), json.dumps(fine)])
    assert report.added == 1 and len(report.errors) == 1
    assert report.errors[0].startswith("line 1: ") and len(report.errors[0]) < 300
    assert [stored.record.id async for stored in history.suggestions()] == ["fine"]
    [row] = await history.stats()
    assert (row.model, row.accepted, row.calls) == ("one", 1, 0)
    assert history.notices == []
    await history.close()


@pytest.mark.parametrize("when", [1e300, -1e300, float("inf"), 0.0])
def test_every_time_of_a_teams_database_has_a_week(when: float) -> None:
    assert len(week_of(when)) == 10
