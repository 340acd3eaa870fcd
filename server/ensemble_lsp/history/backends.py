"""Where a history lives: SQLite's file, or a team's database; and what stands in while it cannot be used.

The thread (``worker``) asks a place for a connection and for what is particular to it.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import Protocol, cast

from . import change_log, database, jsonl, postgres, queries
from .connection import Database
from .database import Problem
from .salvage import salvage

_PAGE = 500


class StorageBackend(Protocol):
    """What the thread that owns the connection wants of the place."""

    name: str
    """For sentences; shows no password."""
    remote: bool
    """Whether a connection may be cut while the place is well."""

    def connect(self, busy_seconds: float) -> Database:
        """Open it. Raises errors that ``database.trouble_of`` tells apart."""
        ...

    def identity(self) -> tuple[int, int] | None:
        """What changes when another one stands in its place."""
        ...

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """Put a damaged one away; whether a new one can be begun."""
        ...

    def on_open(self, db: Database) -> str:
        """After it was opened: take in what is left from before; a sentence where that is to be told."""
        ...

    def fallback(self, trouble: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """What is used meanwhile, and whether that lasts beyond this process."""
        ...

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """Give the disk back what was removed, all of it or a little."""
        ...

    def fallback_notice(self, trouble: Problem, error: BaseException | None) -> str:
        """What the user is told when the stand-in is taken."""
        ...


class SqliteBackend:
    """SQLite's file. Memory stands in for it, with what it holds where that can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.remote = False
        self._aside: Path | None = None

    def connect(self, busy_seconds: float) -> Database:
        """Open and migrate the file."""
        return database.connect(self.path, busy_seconds)

    def identity(self) -> tuple[int, int] | None:
        """Device and inode."""
        return database.identity(self.path)

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """Rename it; whether the name is free for a new file, or already another one's."""
        try:
            target = database.set_aside(self.path, seen)
        except OSError:
            return False
        self._aside = target
        return True

    def on_open(self, db: Database) -> str:
        """Copy what a damaged file still gives."""
        if self._aside is None:
            return ""
        target, self._aside = self._aside, None
        saved = 0
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            saved = salvage(target, cast(sqlite3.Connection, db))
        return (
            f"The history {self.path} was damaged; it is kept as {target.name},"
            f" and a new one was begun with the {saved} records that could still be read."
        )

    def fallback(self, trouble: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """Memory."""
        readable = self.path if trouble in {"locked", "unusable"} else None
        return database.connect_memory(readable, busy_seconds), False

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """Free pages, and with all of them what lives on in the write-ahead log."""
        # By ``execute`` it would give back one page, whatever the number.
        script = "PRAGMA incremental_vacuum" + ("" if pages is None else f"({pages})")
        cast(sqlite3.Connection, db).executescript(script)
        if pages is None:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def fallback_notice(self, trouble: Problem, error: BaseException | None) -> str:
        """What is wrong, what to do, and what happens meanwhile."""
        reasons = {
            "locked": "is locked by another program; close that one",
            "damaged": "is damaged and cannot be set aside; move it away",
            "newer": "was written by a newer ensemble-lsp; update this one",
            "unusable": f"cannot be used ({error}); see to its permissions and the disk's free space",
        }
        return (
            f"The history {self.path} {reasons[trouble]}."
            " Until then what is learned is kept in memory only."
        )


class PostgresBackend:
    """A team's database. A file of its own on this machine stands in, and is emptied into it later."""

    def __init__(self, url: str, waiting: Path) -> None:
        self._url = url
        self._local = SqliteBackend(waiting)
        self.name = postgres.without_password(url)
        self.remote = True

    def connect(self, busy_seconds: float) -> Database:
        """Connect and migrate."""
        return postgres.connect(self._url, busy_seconds)

    def identity(self) -> tuple[int, int] | None:
        """Nothing stands for it."""
        return None

    def set_aside(self, seen: tuple[int, int] | None) -> bool:
        """A server's database is mended by whoever keeps it."""
        return False

    def on_open(self, db: Database) -> str:
        """Carry over what was written while it could not be reached, by any server of this machine."""
        if not self._local.path.exists():
            return ""
        try:
            local = self._local.connect(1.0)
        except Exception as error:
            if database.problem_of(error) is None:
                raise
            return ""  # the next time
        try:
            moved = 0
            while count := _move_page(local, db):
                moved += count
            return f"{moved} records that waited here are in {self.name} now." if moved else ""
        except sqlite3.Error:
            return ""  # what is not yet moved is still there
        finally:
            local.close()

    def fallback(self, trouble: Problem, busy_seconds: float) -> tuple[Database, bool]:
        """The file for what waits; memory where that cannot be used either."""
        try:
            local = self._local.connect(busy_seconds)
            with database.transaction(local, writes=True):
                if not change_log.epoch(local):
                    change_log.forget(local)  # gives it one
            return local, True
        except Exception as error:
            if (trouble_there := database.problem_of(error)) is None:
                raise
            if trouble_there == "damaged":
                self._local.set_aside(self._local.identity())
            return database.connect_memory(None, busy_seconds), False

    def shrink(self, db: Database, pages: int | None = None) -> None:
        """PostgreSQL does so by itself."""

    def fallback_notice(self, trouble: Problem, error: BaseException | None) -> str:
        """What is wrong, and what happens meanwhile."""
        told = "was written by a newer ensemble-lsp; update this one"
        if trouble != "newer":
            told = f"cannot be used ({error})"
        return (
            f"The team's history {self.name} {told}."
            f" Until then a history on this machine is used, and its records follow later."
        )


def _move_page(local: Database, db: Database) -> int:
    """Move a page of records; how many. What was moved and not yet removed is moved twice, and known."""
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
