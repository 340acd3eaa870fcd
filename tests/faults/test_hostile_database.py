"""A team's database that means harm: it is given up in time, and gets no password in clear text."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path

import psutil
import pytest

from ensemble_lsp.history import History
from ensemble_lsp.history import postgres as postgres_module
from tests.server.conftest import Home
from tests.support.postgres import Postgres, folder_of_programs
from tests.support.providers import LoopbackProvider

pytest.importorskip("psycopg", reason='pip install -e ".[team]"')
pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.timeout(120)

PASSWORD = "correct-horse-battery"
Behave = Callable[[socket.socket], None]


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def parameter(name: bytes, value: bytes) -> bytes:
    return message(b"S", name + b"\0" + value + b"\0")


READY = message(b"Z", b"I")
LOGGED_IN = (
    message(b"R", struct.pack("!I", 0))
    + parameter(b"server_version", b"16.0")
    + parameter(b"client_encoding", b"UTF8")
    + parameter(b"standard_conforming_strings", b"on")
    + READY
)
ROW = message(b"D", struct.pack("!HI", 1, 1 << 20) + b"x" * (1 << 20))
COLUMN = message(b"T", struct.pack("!H", 1) + b"a\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0))


def silent(peer: socket.socket) -> None:
    """Take queries and answer none."""
    peer.sendall(LOGGED_IN)
    while peer.recv(65536):
        pass


def endless(peer: socket.socket) -> None:
    peer.sendall(LOGGED_IN)
    peer.recv(65536)
    peer.sendall(COLUMN)
    while True:
        peer.sendall(ROW)


def chatty(peer: socket.socket) -> None:
    peer.sendall(LOGGED_IN)
    while True:
        peer.sendall(message(b"N", b"SNOTICE\0C00000\0Mwait\0\0"))
        time.sleep(0.1)


def abusive(peer: socket.socket) -> None:
    peer.sendall(LOGGED_IN)
    text = b"\x1b]0;title\x07\x1b[2J " + PASSWORD.encode() + b" evil" * 50_000
    while peer.recv(65536):
        peer.sendall(message(b"E", b"SERROR\0VERROR\0C42P01\0M" + text + b"\0\0") + READY)


@contextlib.contextmanager
def hostile(behave: Behave) -> Generator[str]:
    """A server of that behaviour; yields its address."""

    def serve(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            while True:
                (size,) = struct.unpack("!I", peer.recv(4))
                (code,) = struct.unpack_from("!I", peer.recv(size - 4))
                if code not in (80877103, 80877104):  # TLS, GSS
                    break
                peer.sendall(b"N")
            behave(peer)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"postgresql://me:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/team"


async def notice_of(url: str, folder: Path) -> str:
    """The message about a database that is given up; the history works meanwhile."""
    history = History.open(folder / "history.sqlite3", url=url, busy_seconds=2)
    await asyncio.wait_for(history.ready(), 30)
    assert history.in_memory and await history.stats() == []
    await asyncio.wait_for(history.close(), 30)
    [notice] = history.notices
    assert notice.isprintable() and len(notice) < 700 and PASSWORD not in notice
    return notice


@pytest.mark.parametrize("behave", [silent, endless, chatty, abusive], ids=lambda b: b.__name__)
async def test_a_hostile_database_is_given_up_soon(behave: Behave, tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    with hostile(behave) as url:
        start = time.monotonic()
        assert "cannot be used" in await notice_of(url, tmp_path)
        assert time.monotonic() - start < 25
    assert psutil.Process().memory_info().rss - before < 500 << 20


async def test_a_query_that_is_never_answered_after_others_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "_STATEMENT_SECONDS", 1.0)
    answered = 0

    def later(peer: socket.socket) -> None:
        nonlocal answered
        peer.sendall(LOGGED_IN)
        while peer.recv(65536):
            if answered < 3:
                answered += 1
                peer.sendall(message(b"C", b"SET\0") + READY)

    with hostile(later) as url:
        await notice_of(url, tmp_path)


async def test_a_password_is_not_sent_in_clear_text(tmp_path: Path) -> None:
    got: list[bytes] = []

    def curious(peer: socket.socket) -> None:
        peer.sendall(message(b"R", struct.pack("!I", 3)))
        got.append(peer.recv(1000))

    with hostile(curious) as url:
        notice = await notice_of(url, tmp_path)
    from psycopg import pq

    if pq.version() < 160000:
        pytest.skip("this libpq has no option for it")
    assert "clear" in notice
    assert got and PASSWORD.encode() not in got[0]


@pytest.mark.e2e
async def test_the_editor_does_not_wait_for_a_hostile_database(
    home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "width * height"
    home.model("one", provider.base_url)
    with hostile(silent) as url:
        home.tables["history"] = {"url": url}
        async with home.server() as client:
            uri = client.open(
                (home.workspace / "a.py").as_uri(), "def area(width, height):\n    ret"
            )
            assert await client.inline(uri)
            start = time.monotonic()
            assert await client.shutdown() == 0
            assert time.monotonic() - start < 20


# -- a teammate's rows -----------------------------------------------------------------------------

DEEP = "[" * 60_000
ROWS: list[dict[str, object]] = [
    {"time": "1e300"}, {"time": "nan"}, {"time": "-inf"}, {"task": "unknown"}, {"models": "{"}, {"models": DEEP},
    {"models": '[{"a": 1}, null, 3]'}, {"features": DEEP}, {"features": '{"complexity": NaN, "a": [1], "b": 1e999}'},
    {"chars": 2**62}, {"models": '["<img src=x>", "![x](https://evil.example/i)"]'}, {"language": "a\x1b[2J"},
]  # fmt: skip
SUGGESTION: dict[str, object] = {
    "time": 1.7e9, "task": "complete", "models": '["one"]', "language": "python", "chars": 5, "lines": 1,
    "trigger": "automatic", "cached": 0, "shown_at": 0, "features": "{}", "explored": 0, "project": "p",
}  # fmt: skip
OTHERS = (
    "INSERT INTO outcomes (n, time, kind, source, share, reward)"
    " SELECT n, time, 'accepted', 'command', 'nan', CASE n % 2 WHEN 0 THEN 1 ELSE 'inf'::float END FROM suggestions",
    "INSERT INTO daily (day, model, task, calls, cost, shown, accepted) VALUES (9000000000000, '<b>', 'complete', 5,"
    " 'nan', 5, 9), (20000, 'one', 'complete', 5, 'inf', -5, 9)",
    "INSERT INTO latency VALUES ('one', 'complete', 20000, 'total', 9000000000000, 5),"
    " ('one', 'complete', 20000, 'first', -9000000000000, 5)",
    "INSERT INTO calls (id, time, task, model, provider, input_tokens, output_tokens, cached_tokens, cost, status)"
    " VALUES ('c', '1e300', 'complete', 'one', 'x', 1, 1, 1, 'nan', 'ok')",
    "INSERT INTO preferences (id, time, grp, chosen, others, shown_at) VALUES ('p', 'nan', 'g', '{', '[[1], 2]', 0)",
    "INSERT INTO changes VALUES (98, 'outcome', 1, 'nan', 'inf'), (99, 'outcome', 5, NULL, 1)",
    "UPDATE sqlite_sequence SET seq = 99",
    f"INSERT INTO learned VALUES ('learned', 'bad', '{DEEP}')",
)  # fmt: skip


@pytest.mark.e2e
@pytest.mark.skipif(folder_of_programs() is None, reason="no PostgreSQL")
async def test_a_teammates_rows_stop_no_server(
    home: Home, provider: LoopbackProvider, tmp_path: Path
) -> None:
    import psycopg

    programs = folder_of_programs()
    assert programs is not None
    with contextlib.closing(Postgres(programs)) as postgres:
        url = postgres.new_database()
        history = History.open(tmp_path / "history.sqlite3", url=url)
        await history.ready()
        with psycopg.connect(url, autocommit=True, options="-c search_path=ensemble_lsp") as db:
            for number, row in enumerate(ROWS):
                values = {"id": f"s{number}", **SUGGESTION, **row}
                marks = ", ".join(["%s"] * len(values))
                statement = f"INSERT INTO suggestions ({', '.join(values)}) VALUES ({marks})"
                db.execute(statement, [*values.values()])
            for statement in OTHERS:
                db.execute(statement)
        assert [row.cost for row in await history.stats()] == [0, 0]
        assert await history.spent_since(0) == await history.used_since(0) == 0
        assert len([1 async for _ in history.suggestions()]) == len(ROWS)
        assert [json.dumps(line, allow_nan=False) async for line in _without_calls(history)]
        assert [change.n for change in (await history.changes_after(97)).rows] == [99]
        await history.close()
        assert history.notices == []

        provider.reply = "width * height"
        home.model("one", provider.base_url)
        home.tables["history"] = {"url": url}
        async with home.server() as client:
            uri = client.open(
                (home.workspace / "a.py").as_uri(), "def area(width, height):\n    return "
            )
            assert await client.inline(uri)
            assert await client.command("ensemble.models")
            assert (await client.command("ensemble.report", timeout=60))["markdown"]


async def _without_calls(history: History) -> AsyncIterator[object]:
    async for line in history.export():
        if line["type"] == "suggestion":
            yield line
