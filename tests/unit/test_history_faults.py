"""The history always opens, reports what it did, and loses nothing that it acknowledged."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from ensemble_lsp.history import CallRecord, History, SuggestionRecord
from ensemble_lsp.types import Outcome
from tests.support.history_writer import writer

DAMAGED_BYTES = int(os.environ.get("ENSEMBLE_LSP_DAMAGED_BYTES", "60"))
KILLS = int(os.environ.get("ENSEMBLE_LSP_KILLS", "4"))


def suggestion(id: str) -> SuggestionRecord:
    return SuggestionRecord(id, 1e9, "complete", ("a",), "python", 20, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


async def filled(path: Path, count: int = 50) -> None:
    history = History.open(path, retention_days=99999)
    for number in range(count):
        history.add_suggestion(suggestion(f"s{number}"))
        history.add_outcome(Outcome(f"s{number}", "accepted", "document", reward=1.0), 1e9)
        history.add_call(CallRecord(1e9, "complete", "a", total_ms=10.0 + number))
    await history.close()


async def use(path: Path, **options: float) -> tuple[History, int]:
    """Open, write one suggestion and run every query; return the number of suggestions."""
    history = History.open(path, **options)
    await asyncio.wrap_future(history.add_suggestion(suggestion("mine")))
    stored = await history.get("mine")
    assert stored is not None
    rows = await history.stats()
    await history.rewards_by_model("complete", 100)
    await history.latencies("a")
    await history.spent_since(0)
    return history, sum(row.suggestions for row in rows)


async def test_a_file_that_is_no_database_is_set_aside_and_named(path: Path) -> None:
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 100)
    history, count = await use(path)
    await history.close()
    [aside] = path.parent.glob("history.db.damaged-*")
    assert count == 1
    assert len(history.notices) == 1 and aside.name in history.notices[0]


async def test_a_cut_file_is_set_aside(path: Path) -> None:
    await filled(path, 300)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    history, count = await use(path)
    await history.close()
    assert count == 1 and "damaged" in history.notices[0]


async def test_a_damaged_byte_anywhere_never_stops_it(path: Path) -> None:
    await filled(path)
    whole = path.read_bytes()
    rng = random.Random(0)
    for case in range(DAMAGED_BYTES):
        file = path.with_name(f"case{case}.db")
        broken = bytearray(whole)
        broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
        file.write_bytes(broken)
        history, count = await use(file)
        await history.close()
        set_aside = any("damaged" in notice for notice in history.notices)
        assert count >= 1 and (not history.notices or set_aside), history.notices


async def test_damage_that_shows_only_later_is_dealt_with_then(path: Path) -> None:
    history = History.open(path)
    for number in range(2000):
        history.add_suggestion(suggestion(f"s{number}"))
    await history.ready()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    for number in range(200):
        history.add_suggestion(suggestion(f"t{number}"))
    assert await history.get("t199") is not None
    await history.close()
    assert any("damaged" in notice for notice in history.notices)


async def test_a_newer_file_is_left_alone(path: Path) -> None:
    await filled(path)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO migrations VALUES ('9999-from-the-future', 1)")
    db.close()
    before = path.read_bytes()
    history, count = await use(path)
    assert history.in_memory and count == 1
    await history.close()
    assert path.read_bytes() == before
    assert "newer" in history.notices[0]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
async def test_a_place_that_cannot_be_written_leaves_it_in_memory(path: Path) -> None:
    path.mkdir()
    history, count = await use(path)
    assert history.in_memory and count == 1
    await history.close()
    assert "cannot be used" in history.notices[0] and len(history.notices) == 1


async def test_a_read_only_history_is_still_read_from(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(path)

    def refuse(*_: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("ensemble_lsp.history.database.connect", refuse)
    history, count = await use(path)
    await history.close()
    assert history.in_memory and count == 51


async def test_what_was_kept_in_memory_is_written_once_the_lock_is_gone(path: Path) -> None:
    await filled(path, 1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    history = History.open(path, busy_seconds=0.05, retry_seconds=0.05)
    on_disk = await asyncio.wrap_future(history.add_suggestion(suggestion("waiting")))
    assert not on_disk and history.in_memory
    holder.execute("COMMIT")
    holder.close()
    while history.in_memory:
        await asyncio.sleep(0.01)
    assert await asyncio.wrap_future(history.add_suggestion(suggestion("after")))
    await history.close()
    again = History.open(path, retention_days=99999)
    assert await again.get("waiting") is not None and await again.get("s0") is not None
    await again.close()
    assert "locked" in history.notices[0] and "again" in history.notices[1]


async def test_closing_writes_what_was_kept_in_memory(path: Path) -> None:
    await filled(path, 1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    history = History.open(path, busy_seconds=0.05, retry_seconds=3600)
    await asyncio.wrap_future(history.add_suggestion(suggestion("waiting")))
    holder.execute("COMMIT")
    holder.close()
    await history.close()
    again = History.open(path, retention_days=99999)
    assert await again.get("waiting") is not None
    await again.close()


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed elsewhere")
async def test_a_file_deleted_while_in_use_is_begun_anew(path: Path) -> None:
    history, _ = await use(path)
    for each in path.parent.glob("history.db*"):
        each.unlink()
    assert await asyncio.wrap_future(history.add_suggestion(suggestion("later")))
    await history.close()
    again = History.open(path, retention_days=99999)
    assert await again.get("later") is not None
    await again.close()
    assert "removed" in history.notices[0]


async def test_a_full_disk_is_outlived(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History.open(path, retry_seconds=0.05)
    await history.ready()
    full = True

    def fill(db: sqlite3.Connection, rec: SuggestionRecord) -> bool:
        file = db.execute("PRAGMA database_list").fetchone()[2]
        if full and file:
            raise sqlite3.OperationalError("database or disk is full")
        return real(db, rec)

    from ensemble_lsp.history import writes

    real = writes.add_suggestion
    monkeypatch.setattr("ensemble_lsp.history.writes.add_suggestion", fill)
    assert not await asyncio.wrap_future(history.add_suggestion(suggestion("s")))
    full = False
    while history.in_memory:
        await asyncio.sleep(0.01)
    assert await history.get("s") is not None
    await history.close()
    assert "full" in history.notices[0]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_nothing_acknowledged_is_lost_by_a_kill(path: Path) -> None:
    rng = random.Random(1)
    acknowledged: list[str] = []
    for round in range(KILLS):
        process = writer(path, f"r{round}", 100_000)
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 60)):
            acknowledged.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split("\n")[:-1]
        process.stdout.close()
        process.wait()
    db = sqlite3.connect(path)
    query = "SELECT s.id FROM suggestions s JOIN outcomes o USING (n) WHERE o.kind = 'accepted'"
    kept = {id for (id,) in db.execute(query)}
    counted = db.execute("SELECT accepted FROM daily").fetchone()[0]
    db.close()
    assert set(acknowledged) <= kept and len(acknowledged) >= KILLS
    assert counted == len(kept)


def test_several_servers_at_once_lose_and_double_nothing(path: Path) -> None:
    servers, each = 4, 60
    running = [writer(path, f"p{number}", each) for number in range(servers)]
    printed = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert "notice" not in "".join(printed)
    db = sqlite3.connect(path)
    counts = [
        db.execute("SELECT count(*) FROM suggestions").fetchone()[0],
        db.execute("SELECT suggestions FROM daily").fetchone()[0],
        db.execute("SELECT accepted FROM daily").fetchone()[0],
        db.execute("SELECT total(cost) FROM calls").fetchone()[0],
        db.execute("SELECT cost FROM daily").fetchone()[0],
    ]
    db.close()
    assert counts == [servers * each] * 5
