"""Storage backends: SQLite's file or a team's PostgreSQL, each with a fallback while it is unusable.

``database_thread`` uses them.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import Protocol, cast

from ..wording import plural
from . import change_log, database, jsonl, postgres, queries
from .connection import Database
from .database import Problem
from .salvage import salvage

_PAGE = 500


class StorageBackend(Protocol):
    """The storage of a history, as the thread that owns the connection uses it."""

    name: str
    """For messages; without a password."""
    remote: bool
    """Whether a connection may be lost while the database is fine."""

    def connect(self, busy_seconds: float) -> Database:
        """Open it. Raises errors that ``database.problem_of`` tells apart."""
        ...

    def identity(self) -> tuple[int, int] | None:
        """Return a value that changes when the database is replaced by another."""
        ...

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """Move a damaged one away; return whether a new one can be created."""
        ...

    def on_open(self, db: Database) -> str:
        """Import leftovers after opening. Return a message for the user, or an empty text."""
        ...

    def fallback(self, problem: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """Return the database to use meanwhile, and whether it outlives this process."""
        ...

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """Return the space of removed rows to the disk, all or some of it."""
        ...

    def fallback_notice(self, problem: Problem, error: BaseException | None) -> str:
        """Return the message for the user when the fallback begins."""
        ...


class SqliteBackend:
    """SQLite's file. The fallback is memory, with the file's content if it is readable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.remote = False
        self._aside: Path | None = None

    def connect(self, busy_seconds: float) -> Database:
        """Open and migrate the file."""
        return database.connect(self.path, busy_seconds)

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode."""
        return database.identity(self.path)

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """Rename it; return whether its name is free, or already a new file's."""
        try:
            target = database.set_aside(self.path, seen)
        except OSError:
            return False
        self._aside = target
        return True

    def on_open(self, db: Database) -> str:
        """Copy the readable rows of a damaged file."""
        if self._aside is None:
            return ""
        target, self._aside = self._aside, None
        saved = 0
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            saved = salvage(target, cast(sqlite3.Connection, db))
        return (
            f"The history {self.path} was damaged; it is kept as {target.name},"
            f" and a new one has {plural(saved, 'record')} that could still be read."
        )

    def fallback(self, problem: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """Return a database in memory."""
        readable = self.path if problem in {"locked", "unusable"} else None
        return database.connect_memory(readable, busy_seconds), False

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """Free pages; if all of them, truncate the write-ahead log too."""
        # With ``execute`` it would free a single page, whatever the number.
        script = "PRAGMA incremental_vacuum" + ("" if pages is None else f"({pages})")
        cast(sqlite3.Connection, db).executescript(script)
        if pages is None:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def fallback_notice(self, problem: Problem, error: BaseException | None) -> str:
        """Say what is wrong, what to do, and what happens until then."""
        reasons = {
            "locked": "is locked by another program; close that one",
            "damaged": "is damaged and cannot be set aside; move it away",
            "newer": "was written by a newer ensemble-lsp; update this one",
            "unusable": f"cannot be used ({_reason(error)}); check its permissions and the disk's free space",
        }
        return (
            f"The history {self.path} {reasons[problem]}."
            " Until then the history is kept in memory only."
        )


def _reason(error: BaseException | None) -> str:
    """Return an error without the number of the system's call."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


class PostgresBackend:
    """A team's PostgreSQL. The fallback is a local file, whose records are moved to it later."""

    def __init__(self, url: str, waiting: Path) -> None:
        self._url = url
        self._local = SqliteBackend(waiting)
        self.name = postgres.without_password(url)
        self.remote = True

    def connect(self, busy_seconds: float) -> Database:
        """Connect and migrate."""
        return postgres.connect(self._url, busy_seconds)

    def identity(self) -> tuple[int, int] | None:
        """Return None: another process cannot replace it."""
        return None

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """Do nothing: repairing it is its administrator's task."""
        return False

    def on_open(self, db: Database) -> str:
        """Move the records that servers of this machine wrote while it could not be reached."""
        if not self._local.path.exists():
            return ""
        try:
            local = self._local.connect(1.0)
        except Exception as error:
            if database.problem_of(error) is None:
                raise
            return ""  # at the next opening
        try:
            moved = 0
            while count := _move_page(local, db):
                moved += count
            waited = plural(moved, "record")
            return f"Moved {waited} from this machine to {self.name}." if moved else ""
        except sqlite3.Error:
            return ""  # the rest stays for the next opening
        finally:
            local.close()

    def fallback(self, problem: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """Return the local file, or memory if that cannot be used either."""
        try:
            local = self._local.connect(busy_seconds)
            with database.transaction(local, writes=True):
                if not change_log.epoch(local):
                    change_log.forget(local)  # also sets one
            return local, True
        except Exception as error:
            if (local_problem := database.problem_of(error)) is None:
                raise
            if local_problem == "damaged":
                self._local.set_aside(self._local.identity())
            return database.connect_memory(None, busy_seconds), False

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """Do nothing: PostgreSQL frees space by itself."""

    def fallback_notice(self, problem: Problem, error: BaseException | None) -> str:
        """Say what is wrong and what happens until then."""
        reason = "was written by a newer ensemble-lsp; update this one"
        if problem != "newer":
            reason = f"cannot be used ({error})"
        return (
            f"The team's history {self.name} {reason}."
            f" Until then a history on this machine is used; its records are moved later."
        )


def _move_page(local: Database, db: Database) -> int:
    """Move a page of records; return how many. One that was moved but not removed is known there."""
    with database.transaction(local, writes=True):
        suggestions = queries.stored_after(local, 0, _PAGE)
        calls = queries.calls_after(local, 0, _PAGE)
        preferences = queries.preferences_after(local, 0, _PAGE)
        if not (suggestions or calls or preferences):
            return 0
        with database.transaction(db, writes=True):
            for _, kept in (*suggestions, *calls, *preferences):
                database.isolated(db, functools.partial(_write, kept))
        _remove(local, "outcomes", "n", [n for n, _ in suggestions])
        _remove(local, "suggestions", "n", [n for n, _ in suggestions])
        _remove(local, "calls", "rowid", [n for n, _ in calls])
        _remove(local, "preferences", "rowid", [n for n, _ in preferences])
        local.execute("DELETE FROM daily")
        local.execute("DELETE FROM latency")
    return len(suggestions) + len(calls) + len(preferences)


def _write(kept: jsonl.Record, db: Database) -> bool:
    return jsonl.write_line(db, kept)


def _remove(local: Database, table: str, key: str, numbers: list[int]) -> None:
    local.executemany(
        f"DELETE FROM {table} WHERE {key} = ?",  # noqa: S608 - our own names
        [(number,) for number in numbers],
    )
