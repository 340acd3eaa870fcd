"""Open the history's file, diagnose its problems, and set a damaged one aside."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..settings.regular_files import require_regular
from .connection import Database
from .migrations import NewerSchemaError, migrate, schema

Problem = Literal["locked", "damaged", "newer", "unusable"]
"""The reason a database cannot be used: another process has locked it; its content is damaged; a newer
program wrote it; the disk is full, or access is denied."""

Result = TypeVar("Result")

_CHECKED_BYTES = 8 << 20
_COPIED_BYTES = 64 << 20
_DAMAGED = (
    "malformed",
    "not a database",
    "encrypted",
    "corrupt",
)
_UNUSABLE = (
    "full",
    "readonly",
    "read-only",
    "unable to open",
    "disk i/o",
    "permission",
    "no such vfs",
)


def problem_of(error: BaseException) -> Problem | None:
    """Return the database's problem; None if the error concerns one statement only."""
    if isinstance(error, NewerSchemaError):
        return "newer"
    if isinstance(error, OSError):
        return "unusable"
    if isinstance(error, UnicodeDecodeError):
        # SQLite's message quotes damaged bytes, and Python cannot decode it.
        return "damaged"
    if not isinstance(error, sqlite3.Error):
        return None
    text = str(error).lower()
    # Python 3.10 has no error codes, so SQLite's fixed English messages decide.
    if "locked" in text or "busy" in text:
        return "locked"
    if any(words in text for words in _DAMAGED):
        return "damaged"
    if any(words in text for words in _UNUSABLE):
        return "unusable"
    return None


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open and migrate the file; create it if missing (0600, its folder 0700).

    Raises ``sqlite3.Error``, ``OSError`` or ``NewerSchemaError``; ``problem_of`` tells them apart.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for side in ("", "-wal", "-shm", "-journal"):
        require_regular(path.with_name(path.name + side))
    # SQLite creates its side files with the mode of the main file.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    db = _plain(str(path), busy_seconds)
    try:
        if path.stat().st_size == 0:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _retry_locked(lambda: db.execute("PRAGMA journal_mode = WAL").fetchone(), busy_seconds)
        # In WAL mode a killed process loses no commit; a power cut may lose the last ones.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        _retry_locked(lambda: migrate(db), busy_seconds)
        _check(db, path)
    except BaseException:
        db.close()
        raise
    return db


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a file that no process writes to, unchanged."""
    return _plain(_uri(path, "mode=ro"), 1.0, uri=True)


def connect_memory(path: Path | None, busy_seconds: float) -> sqlite3.Connection:
    """Return a database in memory, with the content of ``path`` if it is readable and not large."""
    db = _plain(":memory:", busy_seconds)
    if path is not None:
        try:
            _copy(path, db, busy_seconds)
            migrate(db)
        except (sqlite3.Error, OSError, NewerSchemaError, UnicodeDecodeError):
            db.close()
            db = _plain(":memory:", busy_seconds)
    migrate(db)
    return db


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None without one."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def set_aside(path: Path, seen: tuple[int, int] | None) -> Path | None:
    """Rename a damaged file and its side files; return its new name.

    None if another process was first and the name is a new file's. Raises ``OSError``.
    """
    with _alone(path):
        if identity(path) != seen:
            return None
        stem = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
        target = path.with_name(stem)
        number = 1
        while target.exists():
            number += 1
            target = path.with_name(f"{stem}-{number}")
        # The side files first: a new file must never find an old write-ahead log.
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(f"{target}{suffix}")
        path.replace(target)
        return target


@contextlib.contextmanager
def transaction(db: Database, *, writes: bool) -> Generator[None]:
    """Run a transaction. A writer takes the lock first, so it cannot fail half-way for another's lock."""
    db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error, OSError):
                db.execute("ROLLBACK")
        raise


def isolated(db: Database, run: Callable[[Database], Any]) -> Any:
    """Run a job in a savepoint; return its result, or the error that concerns it alone."""
    db.execute("SAVEPOINT job")
    try:
        result = run(db)
    except Exception as error:
        if problem_of(error) is not None:
            raise
        db.execute("ROLLBACK TO job")
        result = error
    db.execute("RELEASE job")
    return result


def _plain(name: str, busy_seconds: float, *, uri: bool = False) -> sqlite3.Connection:
    db = sqlite3.connect(
        name, timeout=busy_seconds, isolation_level=None, uri=uri, check_same_thread=False
    )
    # A damaged byte in a text does not make its row unreadable.
    db.text_factory = _decode
    return db


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Raise ``sqlite3.DatabaseError`` for a wrong table or, in a small file, a damaged page."""
    with contextlib.closing(_plain(":memory:", 0)) as fresh:
        migrate(fresh)
        if schema(db) != schema(fresh):
            raise sqlite3.DatabaseError("database disk image is malformed: its tables differ")
    if path.stat().st_size > _CHECKED_BYTES:
        return
    (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {verdict}")


def _copy(path: Path, target: sqlite3.Connection, busy_seconds: float) -> None:
    for side in ("", "-wal", "-shm", "-journal"):
        require_regular(path.with_name(path.name + side))
    if path.stat().st_size > _COPIED_BYTES:
        raise OSError("too large to hold in memory")
    try:
        _copy_from(_uri(path, "mode=ro"), target, busy_seconds)
    except sqlite3.Error:
        # Without write permission SQLite can read a file in WAL mode, but not share it.
        _copy_from(_uri(path, "immutable=1"), target, busy_seconds)


def _uri(path: Path, options: str) -> str:
    return f"{path.absolute().as_uri()}?{options}"


def _copy_from(uri: str, target: sqlite3.Connection, busy_seconds: float) -> None:
    with contextlib.closing(_plain(uri, min(busy_seconds, 1.0), uri=True)) as source:
        # The read lock first: the copy itself would wait for it forever.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM migrations").fetchone()
        source.backup(target)


def _retry_locked(step: Callable[[], Result], seconds: float) -> Result:
    """Repeat while the file is locked: changing the journal mode does not wait by itself."""
    end = time.monotonic() + seconds
    while True:
        try:
            return step()
        except sqlite3.OperationalError as error:
            if problem_of(error) != "locked" or time.monotonic() >= end:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def _alone(path: Path, patience: float = 5.0) -> Generator[None]:
    """Exclude other processes with a lock file; one older than ``patience`` is stale."""
    lock = path.with_name(path.name + ".lock")
    end = time.monotonic() + patience
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() >= end:
                lock.unlink(missing_ok=True)
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
