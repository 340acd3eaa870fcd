"""A team's history whose database goes away: nothing is lost, and the server works without it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from ensemble_lsp.history import History
from tests.e2e.team_database import all_answers, opened, postgres, write_at_random
from tests.support.history_rows import outcome, suggestion
from tests.support.postgres import PASSWORD, Postgres
from tests.support.waiting import until
from tests.unit import test_selection_history_sync as learning

__all__ = ["postgres"]  # a fixture
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_a_database_that_goes_away_and_comes_back(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    history = opened(tmp_path, url, retry_seconds=0.2)
    assert await asyncio.wrap_future(history.add_suggestion(suggestion("before")))
    postgres.stop()
    try:
        assert await asyncio.wrap_future(history.add_suggestion(suggestion("during")))
        assert await asyncio.wrap_future(history.add_outcome(outcome("during", "accepted", 0.8)))
        late = await asyncio.wrap_future(history.add_outcome(outcome("before", "rejected", 0.0)))
        assert not late, "it could not be told yet"
        assert history.in_memory and history.uses_local_fallback
        assert [s.record.id async for s in history.suggestions()] == ["during"]
    finally:
        postgres.start()
    await until(lambda: not history.in_memory)
    found = {s.record.id: s.outcome async for s in history.suggestions()}
    kinds = {id: o.kind for id, o in found.items() if o}
    assert kinds == {"before": "rejected", "during": "accepted"}
    changes = await history.changes_after(0)
    assert sorted(c.new for c in changes.rows if c.new is not None) == [0.0, 0.8]
    await history.close()
    said = [n for n in history.notices if "cannot be used" in n]
    assert len(said) == 1 and "a history on this machine is used" in said[0]
    assert PASSWORD not in "".join(history.notices)
    assert quote(PASSWORD) not in "".join(history.notices)


async def test_a_server_that_was_started_anew_costs_nothing(
    tmp_path: Path, postgres: Postgres
) -> None:
    history = opened(tmp_path, postgres.new_database())
    await history.ready()
    while history._thread._next_prune <= time.monotonic():
        await asyncio.sleep(0.01)  # the idle thread's own look at the database comes first
    postgres.stop()
    postgres.start()
    assert await asyncio.wrap_future(history.add_suggestion(suggestion("s")))
    assert (history.in_memory, history.notices) == (False, [])
    await history.close()


async def test_what_waited_goes_to_the_team_with_the_next_server(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.new_database()
    postgres.stop()
    try:
        before = opened(tmp_path, url)
        write_at_random(before, 7)
        expected = await all_answers(before)
        await before.close()
    finally:
        postgres.start()
    after = opened(tmp_path, url)
    found = await all_answers(after)
    assert len(found["lines"]) == len(expected["lines"])
    key = lambda line: json.dumps(line, sort_keys=True)
    assert sorted(found["lines"], key=key) == sorted(expected["lines"], key=key)
    assert re.match(r"Moved \d+ records from this machine to postgresql:", after.notices[0])
    await after.close()
    again = opened(tmp_path, url)
    assert len([1 async for _ in again.export()]) == len(expected["lines"])
    assert again.notices == []
    await again.close()


async def test_a_selector_keeps_what_it_knows_while_the_database_is_away(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, local = postgres.new_database(), History.open
    monkeypatch.setattr(History, "open", lambda path: local(path, url=url, retry_seconds=0.2))
    ours = learning.Server(tmp_path / "ours" / "history.sqlite3")
    theirs = learning.Server(tmp_path / "theirs" / "history.sqlite3")
    await ours.learning.start()
    for number in range(3):
        await ours.outcome(f"s{number}", 0.9)
    await theirs.learning.start()
    assert ours.known().observations == theirs.known().observations == 3
    postgres.stop()
    try:
        await ours.outcome("away", 0.9)  # goes away here
        assert ours.history.uses_local_fallback and ours.known().observations >= 3
        await ours.outcome("away too", 0.9)
        assert ours.known().observations >= 4
    finally:
        postgres.start()
    await until(lambda: not ours.history.in_memory)
    await ours.learning.sync()
    await theirs.learning.sync()
    assert ours.known().observations == theirs.known().observations == 5
    await ours.history.close()
    await theirs.history.close()
