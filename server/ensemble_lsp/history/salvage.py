"""Copy the newest readable rows of a damaged file into the new one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from . import database, jsonl, queries

Row = TypeVar("Row")

_ROWS = 20_000
"""The most rows of each kind, so that a large file does not block the history for minutes."""
_PAGE = 25
"""Rows read at once: an unreadable row loses at most this many neighbours."""


def salvage(damaged: Path, fresh: sqlite3.Connection) -> int:
    """Copy the readable rows; return how many. Raises ``sqlite3.Error`` for the fresh file only."""
    try:
        source = database.connect_read_only(damaged)
    except sqlite3.Error:
        return 0
    with contextlib.closing(source), database.transaction(fresh, writes=True):
        return sum(
            _write(fresh, row)
            for rows in (
                _rows(source, "suggestions", queries.stored_after),
                _rows(source, "calls", queries.calls_after),
                _rows(source, "preferences", queries.preferences_after),
            )
            for row in rows
        )


def _rows(
    source: sqlite3.Connection,
    table: str,
    page_of: Callable[[sqlite3.Connection, int, int], list[tuple[int, Row]]],
) -> Iterator[Row]:
    try:
        query = f"SELECT max(rowid) FROM {table}"  # noqa: S608 - one of our own names
        top = int(source.execute(query).fetchone()[0] or 0)
    except (sqlite3.Error, TypeError, ValueError):
        return
    at = max(0, top - _ROWS)
    while at < top:
        try:
            page = page_of(source, at, _PAGE)
        except (sqlite3.Error, TypeError, ValueError):
            at += _PAGE
            continue
        if not page:
            return
        yield from (row for _, row in page)
        at = page[-1][0]


def _write(fresh: sqlite3.Connection, row: jsonl.Record) -> int:
    """Return 1 for a new row, 0 for a known one or one with a damaged value."""
    fresh.execute("SAVEPOINT row")
    try:
        # The export format checks the type of every field.
        new = jsonl.write_line(fresh, jsonl.parse_line(jsonl.as_line(row)))
    except (ValueError, TypeError, OverflowError, sqlite3.IntegrityError):
        fresh.execute("ROLLBACK TO row")
        new = False
    fresh.execute("RELEASE row")
    return int(new)
