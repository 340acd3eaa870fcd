"""The schema: steps that are applied once each, in order, and recorded by name."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from ..errors import HistoryError


class NewerSchemaError(HistoryError):
    """The file was written by a newer version of the program."""


def _initial(db: sqlite3.Connection) -> None:
    db.execute(
        """
        CREATE TABLE suggestions (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time REAL NOT NULL, task TEXT NOT NULL,
            models TEXT NOT NULL, language TEXT NOT NULL, chars INTEGER NOT NULL,
            lines INTEGER NOT NULL, trigger TEXT NOT NULL, cached INTEGER NOT NULL, agreement REAL,
            shown_at INTEGER NOT NULL, grp TEXT, features TEXT NOT NULL, explored INTEGER NOT NULL,
            project TEXT NOT NULL, text TEXT, context TEXT
        )"""
    )
    db.execute("CREATE INDEX suggestions_by_task_time ON suggestions (task, time)")
    # The suggestion's own number is the key: one suggestion has one outcome.
    db.execute(
        """
        CREATE TABLE outcomes (
            n INTEGER PRIMARY KEY REFERENCES suggestions (n), time REAL NOT NULL,
            kind TEXT NOT NULL, source TEXT NOT NULL, share REAL NOT NULL, reward REAL,
            shown_ms REAL, survival REAL
        )"""
    )
    db.execute(
        """
        CREATE TABLE calls (
            id TEXT NOT NULL UNIQUE, time REAL NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL,
            provider TEXT NOT NULL, first_token_ms REAL, total_ms REAL,
            input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL, cost REAL NOT NULL, status TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX calls_by_time ON calls (time, cost)")
    db.execute(
        """
        CREATE TABLE preferences (
            id TEXT NOT NULL UNIQUE, time REAL NOT NULL, grp TEXT NOT NULL, chosen TEXT NOT NULL,
            others TEXT NOT NULL, shown_at INTEGER NOT NULL
        )"""
    )
    db.execute("CREATE INDEX preferences_by_time ON preferences (time)")


def _aggregates(db: sqlite3.Connection) -> None:
    """Tables of sums that every write updates, so that no query scans the suggestions."""
    db.execute(
        """
        CREATE TABLE daily (
            day INTEGER NOT NULL, model TEXT NOT NULL, task TEXT NOT NULL,
            suggestions INTEGER NOT NULL DEFAULT 0, shown INTEGER NOT NULL DEFAULT 0,
            accepted INTEGER NOT NULL DEFAULT 0, partial INTEGER NOT NULL DEFAULT 0,
            typed INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
            ignored INTEGER NOT NULL DEFAULT 0, reward REAL NOT NULL DEFAULT 0,
            calls INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
            input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
            cached_tokens INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL DEFAULT 0,
            PRIMARY KEY (day, model, task)
        ) WITHOUT ROWID"""
    )
    db.execute(
        """
        CREATE TABLE latency (
            model TEXT NOT NULL, task TEXT NOT NULL, day INTEGER NOT NULL, measure TEXT NOT NULL,
            bucket INTEGER NOT NULL, calls INTEGER NOT NULL,
            PRIMARY KEY (model, task, day, measure, bucket)
        ) WITHOUT ROWID"""
    )


def _learning(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE changes (n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
        " ref INTEGER NOT NULL, old REAL, new REAL)"
    )
    db.execute(
        "CREATE TABLE learned (strategy TEXT NOT NULL, part TEXT NOT NULL, state TEXT NOT NULL,"
        " PRIMARY KEY (strategy, part)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE reservations (id TEXT PRIMARY KEY, time REAL NOT NULL, cost REAL NOT NULL)"
    )


def _changes_by_the_program(db: sqlite3.Connection) -> None:
    """Drop the triggers of earlier versions: ``history.writes`` notes the changes.

    A server of such a version that has the file open still writes its rows and sums, but no server
    learns from them. When it next opens the file, it finds a newer schema, reports that and works in memory.
    """
    for trigger in (
        "outcome_settled",
        "outcome_revised",
        "preferences_added",
        "calls_added",
        "changes_kept",
    ):
        db.execute(f"DROP TRIGGER IF EXISTS {trigger}")


MIGRATIONS: tuple[tuple[str, Callable[[sqlite3.Connection], None]], ...] = (
    ("0001-initial", _initial),
    ("0002-aggregates", _aggregates),
    ("0003-learning", _learning),
    ("0004-changes-by-the-program", _changes_by_the_program),
)
"""Steps are only ever appended."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring a database up to date in one transaction; several processes may do it at once.

    Raises ``NewerSchemaError`` if the file records a step that this program does not know.
    """
    if _applied(db) == {name for name, _ in MIGRATIONS}:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        applied = _applied(db)
        unknown = applied - {name for name, _ in MIGRATIONS}
        if unknown:
            raise NewerSchemaError(
                "the history was written by a newer ensemble-lsp; update this one to use it"
            )
        db.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, time REAL NOT NULL)"
        )
        for name, step in MIGRATIONS:
            if name not in applied:
                step(db)
                db.execute("INSERT INTO migrations VALUES (?, ?)", (name, time.time()))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _applied(db: sqlite3.Connection) -> set[str]:
    known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
    if known is None:
        return set()
    return {str(name) for (name,) in db.execute("SELECT name FROM migrations")}


def schema(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the name and definition of each table, index and trigger."""
    return db.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
