"""A team's history that several servers use at once."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from ensemble_lsp.history import History
from ensemble_lsp.selection.daily_budget import day_start
from tests.e2e.team_database import opened, postgres, url
from tests.server.conftest import Home
from tests.support.history_writer import writer
from tests.support.postgres import PASSWORD, Postgres
from tests.support.providers import LoopbackProvider
from tests.unit.test_selection_daily_budget import Priced, Server, spent

__all__ = ["postgres", "url"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def member(folder: Path, url: str, name: str, count: int) -> subprocess.Popen[str]:
    """Start a member's process with its own data folder, which writes to the team's history."""
    return writer(folder / name / "history.sqlite3", name, count, url)


async def test_several_servers_lose_and_double_nothing_and_who_reads_on_misses_nothing(
    tmp_path: Path, url: str
) -> None:
    servers, each = 4, 60
    reader = opened(tmp_path, url, "reader")
    await reader.ready()
    running = [member(tmp_path, url, f"p{number}", each) for number in range(servers)]
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
        process = member(tmp_path, url, f"r{turn}", 100_000)
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
