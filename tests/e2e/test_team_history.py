"""A team's history in a real PostgreSQL: the same results as SQLite, several servers, and a lost connection."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ensemble_lsp.errors import HistoryError
from ensemble_lsp.history import CallRecord, History, SuggestionRecord
from ensemble_lsp.selection.daily_budget import day_start
from tests.server.conftest import Home
from tests.support.cli import User
from tests.support.postgres import PASSWORD, Postgres, folder_of_programs
from tests.support.providers import LoopbackProvider
from tests.support.waiting import until
from tests.unit import test_history_store as store
from tests.unit import test_selection_history_sync as learning
from tests.unit.test_history_store import NOW, outcome, suggestion
from tests.unit.test_selection_daily_budget import Priced, Server, spent

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
    store.test_rows_past_the_retention_go_and_their_sums_too,
    store.test_a_clock_far_in_the_future_does_not_empty_the_history,
    store.test_clear_removes_rows_and_sums,
    store.test_an_import_names_the_lines_it_cannot_read,
    store.test_a_write_whose_waiter_was_cancelled_is_still_written,
    store.test_a_closed_history_says_so,
]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    programs = folder_of_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL here (Debian: apt-get install postgresql)")
    pytest.importorskip("sqlalchemy", reason="the extra [team] is not installed")
    pytest.importorskip("psycopg", reason="the extra [team] is not installed")
    cluster = Postgres(programs)
    yield cluster
    cluster.close()


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database()


def opened(tmp_path: Path, url: str, name: str = "one", **more: Any) -> History:
    """One member's server: its own data folder, the team's database."""
    return History.open(tmp_path / name / "history.sqlite3", url=url, retention_days=99999, **more)


@pytest.mark.parametrize("test", SAME, ids=lambda test: test.__name__)
async def test_it_behaves_as_the_local_history(
    test: Any, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = History.open
    monkeypatch.setattr(History, "open", lambda path, **more: local(path, **{"url": url, **more}))
    await test(tmp_path / "data" / "history.db")
    assert not list(tmp_path.rglob("*.sqlite3")), "nothing had to wait on this machine"


def _at_random(history: History, seed: int) -> None:
    """Make some hundred writes of all kinds, the same for the same seed."""
    rng = random.Random(seed)
    kinds = ["accepted", "partial", "typed", "rejected", "ignored", "superseded", "cancelled"]
    for number in range(150):
        models = tuple(rng.sample(["a", "b", "ö'\"%:x"], rng.choice([1, 1, 2])))
        when, task = NOW + rng.random() * 1e6, rng.choice(["complete", "generate"])
        features = {"complexity": rng.random(), "language": "python", "block": rng.random() < 0.5}
        history.add_suggestion(
            SuggestionRecord(f"s{number}", when, task, models, "python", 9, 1, features=features)
        )
        for _ in range(rng.choice([0, 1, 1, 2])):
            kind = rng.choice(kinds)
            reward = None if kind in {"superseded", "cancelled"} else rng.random()
            act = rng.choice([history.add_outcome, history.add_outcome, history.revise_outcome])
            act(outcome(f"s{rng.randrange(number + 1)}", kind, reward), when)
        if rng.random() < 0.2:
            settled = f"s{rng.randrange(number + 1)}"
            lasted = outcome(settled, "accepted", rng.random(), survival=rng.random())
            history.revise_outcome(lasted, when)
        status = rng.choice(["ok", "ok", "cancelled", "TimedOutError"])
        history.add_call(
            CallRecord(when, task, models[0], "openai", rng.random() * 300, rng.random() * 3000,
                       rng.randrange(5000), rng.randrange(900), 0, rng.random() / 100, status,
                       f"c{number}")
        )  # fmt: skip
        if rng.random() < 0.1:
            history.add_preference(f"s{number}", models[:1], [["b"]], 0, when)


async def _answers(history: History) -> Any:
    lines = [line async for line in history.export()]
    for line in lines:
        line.pop("id") if line["type"] == "preference" else None  # drawn anew each time
    changes = await history.changes_after(0, 5000)
    return {
        "lines": lines,
        "stats": await history.stats(),
        "stats of a task": await history.stats("generate", NOW + 5e5),
        "latencies": await history.latencies("a", "complete"),
        "rewards": await history.rewards_by_model("complete"),
        "preferences": [(p.time, p.chosen, p.others) for p in await history.preferences()],
        "changes": changes.rows,
        "last": (await history.load_learned("learned")).last,
        "spent": round(await history.spent_since(NOW + 3e5), 9),
    }


async def test_every_question_has_the_same_answer_as_with_sqlite(tmp_path: Path, url: str) -> None:
    ours = History.open(tmp_path / "sqlite.db", retention_days=99999)
    theirs = opened(tmp_path, url)
    for history in (ours, theirs):
        _at_random(history, 5)
    expected, found = await _answers(ours), await _answers(theirs)
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
    _at_random(ours, 6)
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


_WRITER = """
import asyncio, sys
from pathlib import Path
from ensemble_lsp.history import History, SuggestionRecord, CallRecord
from ensemble_lsp.types import Outcome

async def main(folder, url, name, count):
    history = History.open(Path(folder, name, "history.sqlite3"), url=url, retention_days=99999)
    for number in range(count):
        id = f"{name}-{number}"
        history.add_suggestion(SuggestionRecord(id, 1e9, "complete", ("a",)))
        history.add_call(CallRecord(1e9, "complete", "a", cost=1.0))
        outcome = Outcome(id, "accepted", "document", reward=1.0)
        if await asyncio.wrap_future(history.add_outcome(outcome, 1e9)):
            print(id, flush=True)
    await history.close()
    for notice in history.notices:
        print("notice", notice, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


def writer(folder: Path, url: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(folder), url, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_several_servers_lose_and_double_nothing_and_who_reads_on_misses_nothing(
    tmp_path: Path, url: str
) -> None:
    servers, each = 4, 60
    reader = opened(tmp_path, url, "reader")
    await reader.ready()
    running = [writer(tmp_path, url, f"p{number}", each) for number in range(servers)]
    seen: list[tuple[str, int]] = []
    upto = 0
    while True:  # reads on from its number while the others write, as a selector does
        ended = all(process.poll() is not None for process in running)
        changes = await reader.changes_after(upto)
        seen += [(change.kind, change.n) for change in changes.rows]
        if ended and changes.last == upto:
            break
        upto = changes.last
        await asyncio.sleep(0.005)
    printed = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert "notice" not in "".join(printed)
    assert sorted(n for _, n in seen) == list(range(1, 2 * servers * each + 1))
    [row] = await reader.stats()
    total = servers * each
    assert (row.suggestions, row.accepted, row.calls, row.cost) == (total, total, total, total)
    await reader.close()


async def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path, url: str) -> None:
    rng = random.Random(1)
    acknowledged: list[str] = []
    for turn in range(3):
        process = writer(tmp_path, url, f"r{turn}", 100_000)
        assert process.stdout is not None
        for _ in range(rng.randrange(5, 60)):
            acknowledged.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split("\n")[:-1]
        process.stdout.close()
        process.wait()
    history = opened(tmp_path, url)
    kept = {s.record.id async for s in history.suggestions() if s.outcome is not None}
    assert set(acknowledged) <= kept and len(acknowledged) >= 15
    assert (await history.stats())[0].accepted == len(kept)
    await history.close()


async def test_the_daily_budget_holds_over_all_servers(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = History.open
    monkeypatch.setattr(History, "open", lambda path: local(path, url=url))
    models = [Priced("dear", 900), Priced("cheap", 500)]
    servers = [Server(tmp_path / f"{n}" / "h.sqlite3", 0.5, *models) for n in range(3)]
    work = [s.use(30, random.Random(n)) for n, s in enumerate(servers * 2)]
    refused = await asyncio.gather(*work)
    total = await spent(servers[0].history)
    assert sum(refused) > 0 and 0.4 <= total <= 0.5
    assert await servers[1].history.used_since(day_start(time.time())) <= 0.5
    for server in servers:
        await server.history.close()


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
        _at_random(before, 7)
        expected = await _answers(before)
        await before.close()
    finally:
        postgres.start()
    after = opened(tmp_path, url)
    found = await _answers(after)
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


async def test_two_editors_of_a_team_learn_from_one_another_and_one_starts_without_it(
    home: Home, provider: LoopbackProvider, postgres: Postgres, url: str, tmp_path: Path
) -> None:
    from tests.server.test_learning import accepted, score

    provider.reply = "width * height"
    home.tables["complete"] = {"budgetMs": 20000}
    home.tables["history"] = {"url": url}
    home.model("gpt", provider.base_url)
    uri = (home.workspace / "a.py").as_uri()
    async with home.server() as one, home.server() as two:
        await accepted(one, uri)
        for number in range(50):
            if (await score(two, f"{uri}.{number}.py"))["observations"] >= 1:
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the other member's outcome was never learned")
    assert not (home.path / "data" / "history.sqlite3").exists()
    postgres.stop()
    try:
        async with home.server() as alone:
            await accepted(alone, f"{uri}.away.py")
            told = [p["message"] for m, p in alone.notifications if m == "window/showMessage"]
            assert len([t for t in told if "a history on this machine is used" in t]) == 1, told
    finally:
        postgres.start()
    assert PASSWORD not in home.log() and quote(PASSWORD) not in home.log()
    async with home.server() as again:
        assert (await score(again, f"{uri}.again.py"))["observations"] >= 2
