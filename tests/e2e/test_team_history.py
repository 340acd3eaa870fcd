"""A team's history in a real PostgreSQL gives the same results as one in SQLite."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ensemble_lsp.errors import HistoryError
from ensemble_lsp.history import History
from tests.e2e.team_database import all_answers, opened, postgres, url, write_at_random
from tests.support.cli import User
from tests.support.history_rows import suggestion
from tests.support.postgres import PASSWORD, Postgres
from tests.unit import test_history_retention as retention
from tests.unit import test_history_store as store

__all__ = ["postgres", "url"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SAME = [
    store.test_a_suggestion_and_its_outcome_come_back_as_they_were,
    store.test_what_was_written_is_there_after_reopening,
    store.test_a_revision_replaces_the_outcome_and_its_share_of_the_sums,
    store.test_survival_changes_the_reward_that_is_counted,
    store.test_an_outcome_of_an_unknown_suggestion_is_left_out,
    store.test_stats_count_what_was_judged_and_give_intervals,
    store.test_every_model_behind_an_ensemble_answer_is_counted,
    store.test_rewards_are_the_latest_ones_oldest_first,
    store.test_money_is_summed_from_a_moment_on,
    retention.test_rows_past_the_retention_go_and_their_sums_too,
    retention.test_a_clock_far_in_the_future_does_not_empty_the_history,
    retention.test_clear_removes_rows_and_sums,
    store.test_an_import_names_the_lines_it_cannot_read,
    store.test_a_write_whose_waiter_was_cancelled_is_still_written,
    store.test_a_closed_history_says_so,
]


@pytest.mark.parametrize("test", SAME, ids=lambda test: test.__name__)
async def test_it_behaves_as_the_local_history(
    test: Any, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = History.open
    monkeypatch.setattr(History, "open", lambda path, **more: local(path, **{"url": url, **more}))
    await test(tmp_path / "data" / "history.db")
    assert not list(tmp_path.rglob("*.sqlite3")), "nothing had to wait on this machine"


async def test_every_question_has_the_same_answer_as_with_sqlite(tmp_path: Path, url: str) -> None:
    ours = History.open(tmp_path / "sqlite.db", retention_days=99999)
    theirs = opened(tmp_path, url)
    for history in (ours, theirs):
        write_at_random(history, 5)
    expected, found = await all_answers(ours), await all_answers(theirs)
    for what, value in expected.items():
        assert _rounded(found[what]) == _rounded(value), what
    assert len(expected["changes"]) > 200
    await ours.close()
    await theirs.close()
    assert ours.notices == theirs.notices == []


def _rounded(value: Any) -> Any:
    """Round sums: their last digit depends on the order of the rows."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {n: round(v, 9) if isinstance(v, float) else _rounded(v) for n, v in fields.items()}


async def test_an_export_of_the_local_history_moves_it_to_the_team(
    tmp_path: Path, url: str
) -> None:
    ours, theirs = History.open(tmp_path / "sqlite.db", retention_days=99999), opened(tmp_path, url)
    write_at_random(ours, 6)
    lines = [line async for line in ours.export()]
    first, again = await theirs.import_(lines), await theirs.import_(lines)
    assert (first.added, first.errors, again.added) == (len(lines), [], 0)
    assert [line async for line in theirs.export()] == lines
    await ours.close()
    await theirs.close()


async def test_what_postgresql_cannot_store_costs_that_record_alone(
    tmp_path: Path, url: str
) -> None:
    history = opened(tmp_path, url, keep_text=True)
    first = history.add_suggestion(suggestion("a", text="nul \0 and \ud800"))
    bad = history.add_suggestion(suggestion("b", shown_at=1 << 80))
    last = history.add_suggestion(suggestion("c"))
    assert await asyncio.wrap_future(first) and await asyncio.wrap_future(last)
    with pytest.raises(HistoryError, match="a record cannot be stored in postgresql://ensemble@"):
        await asyncio.wrap_future(bad)
    stored = await history.get("a")
    assert stored is not None and stored.record.text == "nul \ufffd and ?"
    assert not history.in_memory
    await history.close()


async def test_a_newer_programs_database_is_left_alone(
    tmp_path: Path, postgres: Postgres, url: str
) -> None:
    first = opened(tmp_path, url)
    await first.ready()
    await first.close()
    postgres.psql(
        url.rsplit("/", 1)[1], "INSERT INTO ensemble_lsp.migrations VALUES ('9999-new', 0)"
    )
    second = opened(tmp_path, url)
    assert await asyncio.wrap_future(second.add_suggestion(suggestion("s")))
    assert second.uses_local_fallback and "written by a newer ensemble-lsp" in second.notices[0]
    await second.close()


async def test_settings_may_move_the_history_while_it_is_in_use(tmp_path: Path, url: str) -> None:
    history = History.open(tmp_path / "history.sqlite3")
    history.add_suggestion(suggestion("local"))
    history.configure(url=url, retention_days=365, keep_text=False)
    history.add_suggestion(suggestion("team"))
    assert [s.record.id async for s in history.suggestions()] == ["team"]
    history.configure(url=None, retention_days=365, keep_text=False)
    assert [s.record.id async for s in history.suggestions()] == ["local"]
    await history.close()


def test_the_command_line_names_the_place_and_never_the_password(
    tmp_path: Path, postgres: Postgres, url: str
) -> None:
    user = User(tmp_path)
    user.model("r", "", provider="recall")
    user.lines = ["discover = false", "[[models]]", 'name = "r"', 'provider = "recall"']
    user.table("history", url=url)
    shown = []
    done = user.spawn("doctor")
    assert f"✓ history: postgresql://ensemble@127.0.0.1:{postgres.port}/" in done.out, done
    shown.append(done)
    shown.append(user.spawn("history", "stats"))
    assert shown[-1].code == 0
    wrong = "wrong " + PASSWORD
    user.lines[-2] = f"url = {json.dumps(postgres.url('postgres', wrong))}"
    user.table("privacy", redactSecrets=True)
    done = user.spawn("doctor")
    assert "✗ history: The team's history postgresql://ensemble@" in done.out
    assert "password authentication failed" in done.out
    shown += [done, user.spawn("history", "clear", "--yes")]
    assert shown[-1].code == 1 and "cannot be used" in shown[-1].err
    for result in shown:
        for secret in (PASSWORD, quote(PASSWORD), wrong, quote(wrong)):
            assert secret not in result.out + result.err
        assert "Traceback" not in result.err
