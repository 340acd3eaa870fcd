"""A team's database that means harm: it is given up in time, and gets no password in clear text."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import pytest

from ensemble_lsp.history import History
from ensemble_lsp.history import postgres as postgres_module
from tests.server.conftest import Home
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
