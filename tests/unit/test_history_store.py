"""The history stores every record once and answers queries from sums."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from ensemble_lsp.errors import HistoryError
from ensemble_lsp.history import CallRecord, History, SuggestionRecord, wilson
from ensemble_lsp.history.migrations import MIGRATIONS
from tests.support.history_rows import NOW, outcome, path, suggestion

__all__ = ["path"]  # a fixture


async def test_opening_returns_at_once_and_makes_private_files(path: Path) -> None:
    history = History.open(path)
    await history.ready()
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    await history.close()
    if os.name == "posix":
        assert modes == [0o600, 0o700]
    assert history.notices == []


async def test_a_suggestion_and_its_outcome_come_back_as_they_were(path: Path) -> None:
    history = History.open(path)
    record = suggestion("s", features={"language": "python", "complexity": 3.5, "block": True})
    assert await asyncio.wrap_future(history.add_suggestion(record))
    settled = outcome("s", "accepted", 0.9, share=1.0, shown_ms=1200.0, survival=0.75)
    assert await asyncio.wrap_future(history.add_outcome(settled, NOW + 2))
    stored = await history.get("s")
    await history.close()
    assert stored is not None
    assert (stored.record, stored.outcome, stored.settled) == (record, settled, NOW + 2)


async def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    first = History.open(path)
    await asyncio.wrap_future(first.add_suggestion(suggestion("s")))
    await first.close()
    second = History.open(path)
    assert await second.get("s") is not None
    await second.close()


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        ("accepted", "rejected", "accepted"),
        ("partial", "accepted", "accepted"),
        ("partial", "rejected", "partial"),
        ("superseded", "accepted", "accepted"),
        ("rejected", "ignored", "rejected"),
        ("ignored", "partial", "partial"),
    ],
)
async def test_one_suggestion_has_one_outcome(
    path: Path, first: str, second: str, stands: str
) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    history.add_outcome(outcome("s", first, 0.5))
    changed = await asyncio.wrap_future(history.add_outcome(outcome("s", second, 0.5)))
    stored = await history.get("s")
    [row] = await history.stats()
    await history.close()
    assert stored is not None and stored.outcome is not None
    assert stored.outcome.kind == stands
    assert changed == (stands == second)
    assert row.shown == 1


async def test_a_revision_replaces_the_outcome_and_its_share_of_the_sums(path: Path) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    history.add_outcome(outcome("s", "accepted", 0.9))
    history.revise_outcome(outcome("s", "rejected", 0.0))
    [row] = await history.stats()
    await history.close()
    assert (row.accepted, row.rejected, row.shown, row.reward) == (0, 1, 1, 0.0)


async def test_survival_changes_the_reward_that_is_counted(path: Path) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    history.add_outcome(outcome("s", "accepted", 0.9))
    lasted = outcome("s", "accepted", 0.5, survival=0.5)
    assert await asyncio.wrap_future(history.revise_outcome(lasted))
    assert not await asyncio.wrap_future(
        history.revise_outcome(outcome("unknown", "accepted", 0.5))
    )
    [row] = await history.stats()
    await history.close()
    assert row.reward == pytest.approx(0.5)


async def test_a_revision_keeps_the_time_at_which_the_suggestion_was_settled(path: Path) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    history.add_outcome(outcome("s", "partial", 0.5), NOW)
    history.revise_outcome(outcome("s", "accepted", 0.9, share=1.0), NOW + 30)
    stored = await history.get("s")
    await history.close()
    assert stored is not None and stored.outcome is not None
    assert (stored.outcome.kind, stored.outcome.share, stored.settled) == ("accepted", 1.0, NOW)


async def test_a_row_and_its_change_are_written_together_or_not_at_all(path: Path) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    await history.ready()
    history.add_outcome(outcome("s", "accepted", 0.9))
    history.add_call(CallRecord(NOW, "complete", "m", id="c"))
    history.add_call(CallRecord(NOW, "complete", "m", id="c"))  # known: no row, no change
    history.add_preference("s", ["m"], [["n"]], 0)
    history.add_outcome(outcome("s", "rejected", 0.0))  # the first one stays
    history.revise_outcome(outcome("s", "accepted", 0.9))  # the reward stays
    history.revise_outcome(outcome("s", "rejected", 0.0))
    wrong = CallRecord(NOW, "complete", "m", total_ms="soon")
    with pytest.raises(TypeError):  # fails after its row was inserted
        await asyncio.wrap_future(history.add_call(wrong))
    assert sum(row.calls for row in await history.stats()) == 1
    rows = (await history.changes_after(0)).rows
    await history.close()
    noted = [(row.n, row.kind, row.old, row.new) for row in rows]
    assert noted == [
        (1, "outcome", None, 0.9),
        (2, "call", None, None),
        (3, "preference", None, None),
        (4, "outcome", 0.9, 0.0),
    ]


async def test_a_file_whose_triggers_noted_the_changes_notes_each_once(path: Path) -> None:
    await asyncio.to_thread(write_file_with_triggers, path)
    history = History.open(path)
    history.add_suggestion(suggestion("s"))
    history.add_outcome(outcome("s", "accepted", 0.9))
    changes = await history.changes_after(1)
    await history.close()
    assert [(row.n, row.kind, row.new) for row in changes.rows] == [(2, "outcome", 0.9)]
    assert await asyncio.to_thread(triggers_of, path) == []


def write_file_with_triggers(path: Path) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, time REAL NOT NULL)")
        for name, step in MIGRATIONS[:3]:
            step(db)
            db.execute("INSERT INTO migrations VALUES (?, 0)", (name,))
        db.execute(
            "CREATE TRIGGER outcome_settled BEFORE INSERT ON outcomes BEGIN INSERT INTO changes"
            " (kind, ref, old, new) VALUES ('outcome', NEW.n, NULL, NEW.reward); END"
        )
        db.execute("INSERT INTO changes (kind, ref, new) VALUES ('outcome', 99, 0.5)")
        db.commit()


def triggers_of(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()


async def test_an_outcome_of_an_unknown_suggestion_is_left_out(path: Path) -> None:
    history = History.open(path)
    assert not await asyncio.wrap_future(history.add_outcome(outcome("nobody", "accepted", 1.0)))
    assert await history.stats() == []
    await history.close()


async def test_stats_count_what_was_judged_and_give_intervals(path: Path) -> None:
    history = History.open(path)
    kinds = ["accepted"] * 3 + ["partial"] + ["rejected"] * 4 + ["typed"] + ["ignored"]
    for number, kind in enumerate(kinds):
        history.add_suggestion(suggestion(f"s{number}"))
        history.add_outcome(outcome(f"s{number}", kind, 0.5))
    history.add_suggestion(suggestion("over"))
    history.add_outcome(outcome("over", "superseded", None))
    history.add_suggestion(suggestion("open"))
    for ms in (100.0, 100.0, 100.0, 1000.0):
        history.add_call(CallRecord(NOW, "complete", "a", "openai", ms / 2, ms, 10, 5, 0, 0.01))
    history.add_call(CallRecord(NOW, "complete", "a", status="TimedOutError"))
    [row] = await history.stats("complete")
    await history.close()
    assert (row.suggestions, row.shown, row.accepted, row.partial) == (12, 10, 4, 1)
    assert (row.typed, row.rejected, row.ignored) == (1, 4, 1)
    assert row.acceptance == pytest.approx(0.4)
    assert row.low == pytest.approx(0.1682, abs=1e-3) and row.high == pytest.approx(
        0.6873, abs=1e-3
    )
    assert (row.calls, row.failures, row.input_tokens) == (5, 1, 40)
    assert row.cost == pytest.approx(0.04)
    assert row.latency.total_p50 == pytest.approx(100, rel=0.06)
    assert row.latency.total_p95 == pytest.approx(1000, rel=0.06)


async def test_every_model_behind_an_ensemble_answer_is_counted(path: Path) -> None:
    history = History.open(path)
    record = SuggestionRecord("s", NOW, "generate", ("a", "b"), group="g")
    history.add_suggestion(record)
    history.add_outcome(outcome("s", "accepted", 1.0))
    history.add_preference("g", ["a", "b"], [["c"], ["d"]], 1, NOW)
    rows = await history.stats("generate")
    rewards = await history.rewards_by_model("generate", 10)
    [choice] = await history.preferences()
    await history.close()
    assert [(row.model, row.accepted) for row in rows] == [("a", 1), ("b", 1)]
    assert [(row.model, row.reward) for row in rewards] == [("a", 1.0), ("b", 1.0)]
    assert (choice.chosen, choice.others, choice.shown_at) == (("a", "b"), (("c",), ("d",)), 1)


async def test_rewards_are_the_latest_ones_oldest_first(path: Path) -> None:
    history = History.open(path)
    for number in range(10):
        history.add_suggestion(suggestion(f"s{number}", time=NOW + number, features={"n": number}))
        history.add_outcome(outcome(f"s{number}", "accepted", number / 10))
    rows = await history.rewards_by_model("complete", 3)
    await history.close()
    assert [row.reward for row in rows] == [0.7, 0.8, 0.9]
    assert [row.features for row in rows] == [{"n": 7}, {"n": 8}, {"n": 9}]


async def test_money_is_summed_from_a_moment_on(path: Path) -> None:
    history = History.open(path)
    for time in (NOW - 10, NOW, NOW + 10):
        history.add_call(CallRecord(time, "complete", "a", cost=0.25))
    assert await history.spent_since(NOW) == pytest.approx(0.5)
    await history.close()


async def test_export_and_import_make_the_same_history_twice_over(path: Path) -> None:
    history = History.open(path)
    history.add_suggestion(suggestion("s", features={"k": 1.0}))
    history.add_outcome(outcome("s", "accepted", 0.9), NOW)
    history.add_suggestion(suggestion("open"))
    history.add_call(CallRecord(NOW, "complete", "a", total_ms=9.0, cost=0.5))
    history.add_preference("g", ["a"], [["b"]], 0, NOW)
    lines = [json.dumps(line) async for line in history.export()]
    before = await history.stats()
    await history.close()

    other = History.open(path.with_name("other.db"))
    report = await other.import_(lines)
    again = await other.import_(lines)
    after = await other.stats()
    stored = await other.get("s")
    await other.close()
    assert (report.added, report.known, report.errors) == (4, 0, [])
    assert (again.added, again.known) == (0, 4)
    assert after == before
    assert stored is not None and stored.outcome == outcome("s", "accepted", 0.9)


async def test_an_import_names_the_lines_it_cannot_read(path: Path) -> None:
    history = History.open(path)
    good = {"type": "call", "time": 1.0, "task": "complete", "model": "a"}
    report = await history.import_(
        ["{", json.dumps(good), '{"type": "song"}', '{"type": "call", "time": "soon"}', "[]"]
    )
    await history.close()
    assert report.added == 1
    assert [fault.split(":")[0] for fault in report.errors] == [
        "line 1",
        "line 3",
        "line 4",
        "line 5",
    ]


async def test_no_code_reaches_the_disk_unless_it_is_asked_for(path: Path) -> None:
    secret = "def very_private_function_name"
    for keep in (False, True):
        file = path.with_name(f"{keep}.db")
        history = History.open(file, keep_text=keep)
        history.add_suggestion(suggestion("s", text=secret, context=secret))
        await history.import_(
            [
                json.dumps(
                    {
                        "type": "suggestion",
                        "id": "t",
                        "time": 1,
                        "task": "complete",
                        "models": ["a"],
                        "text": secret,
                    }
                )
            ]
        )
        await history.ready()
        during = b"".join(each.read_bytes() for each in path.parent.glob(f"{keep}.db*"))
        stored = await history.get("s")
        await history.clear()
        await history.close()
        after = b"".join(each.read_bytes() for each in path.parent.glob(f"{keep}.db*"))
        assert (secret.encode() in during) == keep
        assert secret.encode() not in after
        assert stored is not None and stored.record.text == (secret if keep else None)


async def test_a_record_that_cannot_be_stored_does_not_take_its_neighbours_along(
    path: Path,
) -> None:
    history = History.open(path)
    first = history.add_suggestion(suggestion("a"))
    bad = history.add_suggestion(suggestion("b", shown_at=1 << 80))
    last = history.add_suggestion(suggestion("c", text="\ud800"))
    assert await asyncio.wrap_future(first) and await asyncio.wrap_future(last)
    with pytest.raises(OverflowError):
        await asyncio.wrap_future(bad)
    await history.close()


async def test_a_write_whose_waiter_was_cancelled_is_still_written(path: Path) -> None:
    history = History.open(path)
    waiting = asyncio.wrap_future(history.add_suggestion(suggestion("s")))
    waiting.cancel()
    assert await history.get("s") is not None
    await history.close()


async def test_a_closed_history_says_so(path: Path) -> None:
    history = History.open(path)
    await history.close()
    await history.close()
    with pytest.raises(HistoryError, match="closed"):
        await history.stats()


def test_wilson_interval_matches_published_values() -> None:
    low, high = wilson(0, 10) or (math.nan, math.nan)
    assert (low, high) == (pytest.approx(0.0), pytest.approx(0.2775, abs=1e-3))
    assert wilson(0, 0) is None
