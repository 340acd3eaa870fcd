"""A team's history in PostgreSQL (``history.url``, the extra ``[team]``), through SQLAlchemy Core.

Tables and queries are those of SQLite. Writers take an advisory lock, as SQLite's take the file's: changes
are numbered in the order of their commits, so that a server that reads on from a number never misses one.
SQLAlchemy is imported when a connection is made, on the history's thread.
"""

from __future__ import annotations

import contextlib
import functools
import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import HistoryError
from ..installation import extra_command
from .connection import StatementResult
from .connection_guard import ConnectionGuard
from .migrations import NewerSchemaError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine
    from sqlalchemy.exc import DBAPIError

SCHEMA = "ensemble_lsp"
_LOCK = 0x656E736C
"""Key of the advisory lock: "ensl"."""
_CONNECT_SECONDS = 3
_STATEMENT_SECONDS = 15.0
_MAX_ANSWER = 64 << 20
"""Bytes of one answer; a page of records with their code has a few megabytes."""
_MAX_MESSAGE = 300
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_REQUIRE_AUTH_VERSION = 160000
"""libpq's version that has the option ``require_auth``."""
_STATEMENTS = {
    "BEGIN": "BEGIN ISOLATION LEVEL REPEATABLE READ",  # several queries see one state
    "ROLLBACK TO job": "ROLLBACK TO SAVEPOINT job",
    "RELEASE job": "RELEASE SAVEPOINT job",
}

_NUMBER, _BIG = "DOUBLE PRECISION", "BIGINT NOT NULL DEFAULT 0"
_INITIAL = (
    f"""CREATE TABLE suggestions (
        n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        time {_NUMBER} NOT NULL, task TEXT NOT NULL, models TEXT NOT NULL, language TEXT NOT NULL,
        chars BIGINT NOT NULL, lines BIGINT NOT NULL, trigger TEXT NOT NULL,
        cached INTEGER NOT NULL, agreement {_NUMBER}, shown_at BIGINT NOT NULL, grp TEXT,
        features TEXT NOT NULL, explored INTEGER NOT NULL, project TEXT NOT NULL, text TEXT,
        context TEXT)""",
    "CREATE INDEX suggestions_by_task_time ON suggestions (task, time)",
    f"""CREATE TABLE outcomes (
        n BIGINT PRIMARY KEY REFERENCES suggestions (n), time {_NUMBER} NOT NULL,
        kind TEXT NOT NULL, source TEXT NOT NULL, share {_NUMBER} NOT NULL, reward {_NUMBER},
        shown_ms {_NUMBER}, survival {_NUMBER})""",
    # SQLite gives each row this number by itself, under this name.
    f"""CREATE TABLE calls (
        rowid BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        time {_NUMBER} NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,
        first_token_ms {_NUMBER}, total_ms {_NUMBER}, input_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL, cached_tokens BIGINT NOT NULL, cost {_NUMBER} NOT NULL,
        status TEXT NOT NULL)""",
    "CREATE INDEX calls_by_time ON calls (time, cost)",
    f"""CREATE TABLE preferences (
        rowid BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        time {_NUMBER} NOT NULL, grp TEXT NOT NULL, chosen TEXT NOT NULL, others TEXT NOT NULL,
        shown_at BIGINT NOT NULL)""",
    "CREATE INDEX preferences_by_time ON preferences (time)",
    f"""CREATE TABLE daily (
        day BIGINT NOT NULL, model TEXT NOT NULL, task TEXT NOT NULL, suggestions {_BIG},
        shown {_BIG}, accepted {_BIG}, partial {_BIG}, typed {_BIG}, rejected {_BIG},
        ignored {_BIG}, reward {_NUMBER} NOT NULL DEFAULT 0, calls {_BIG}, failures {_BIG},
        input_tokens {_BIG}, output_tokens {_BIG}, cached_tokens {_BIG},
        cost {_NUMBER} NOT NULL DEFAULT 0, PRIMARY KEY (day, model, task))""",
    """CREATE TABLE latency (
        model TEXT NOT NULL, task TEXT NOT NULL, day BIGINT NOT NULL, measure TEXT NOT NULL,
        bucket BIGINT NOT NULL, calls BIGINT NOT NULL,
        PRIMARY KEY (model, task, day, measure, bucket))""",
    f"""CREATE TABLE changes (
        n BIGINT PRIMARY KEY, kind TEXT NOT NULL, ref BIGINT NOT NULL, old {_NUMBER},
        new {_NUMBER})""",
    """CREATE TABLE learned (
        strategy TEXT NOT NULL, part TEXT NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (strategy, part))""",
    f"""CREATE TABLE reservations (
        id TEXT PRIMARY KEY, time {_NUMBER} NOT NULL, cost {_NUMBER} NOT NULL)""",
    # A PostgreSQL sequence would show uncommitted numbers. Named as SQLite's own table.
    "CREATE TABLE sqlite_sequence (name TEXT PRIMARY KEY, seq BIGINT NOT NULL)",
    "INSERT INTO sqlite_sequence VALUES ('changes', 0)",
)
_CHANGES_BY_THE_PROGRAM = (  # drops the triggers of earlier versions
    "DROP TRIGGER IF EXISTS outcome_noted ON outcomes",
    "DROP TRIGGER IF EXISTS call_noted ON calls",
    "DROP TRIGGER IF EXISTS preference_noted ON preferences",
    "DROP FUNCTION IF EXISTS outcome_noted()",
    "DROP FUNCTION IF EXISTS row_noted()",
    f"DROP FUNCTION IF EXISTS note_change(TEXT, BIGINT, {_NUMBER}, {_NUMBER})",
)
MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0001-initial", _INITIAL),
    ("0002-changes-by-the-program", _CHANGES_BY_THE_PROGRAM),
)
"""Steps are only ever appended."""


class UnreachableError(OSError):
    """The database does not answer or denies access; the message has no password and no values."""


def without_password(url: str) -> str:
    """Return a database's address without password and options."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        user = f"{unquote(parts.username)}@" if parts.username else ""
        return f"postgresql://{user}{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return "the team's database"


def password_of(url: str) -> str:
    """Return the password in an address or in its query, or an empty text."""
    try:
        parts = urlsplit(url)
        in_query = dict(parse_qsl(parts.query))
    except ValueError:
        return ""
    return unquote(parts.password or "") or in_query.get("password", "")


class PostgresConnection:
    """A connection. Raises ``UnreachableError``, or ``HistoryError`` if a statement is at fault."""

    def __init__(
        self, connection: Connection, place: str, secret: str, guard: ConnectionGuard | None = None
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._place = place
        self._secret = secret
        self.in_transaction = False

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> StatementResult:
        """Run a portable statement, or one that begins or ends a transaction."""
        if sql == "BEGIN IMMEDIATE":
            self._run("BEGIN", ())
            self._run("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        result = (
            None if sql == "BEGIN IMMEDIATE" else self._run(_STATEMENTS.get(sql, sql), parameters)
        )
        if sql.startswith("BEGIN"):
            self.in_transaction = True
        elif sql in {"COMMIT", "ROLLBACK"}:
            self.in_transaction = False
        return _Rows(result)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> StatementResult:
        """Run one statement for each set of values."""
        rows: StatementResult = _Rows(None)
        for values in parameters:
            rows = self.execute(sql, values)
        return rows

    def close(self) -> None:
        """Close the connection; never fails."""
        try:
            with self._limited():
                self._connection.close()
                self._connection.engine.dispose()
        except Exception:  # the server is gone
            self._connection.invalidate()
        finally:
            if self._guard is not None:
                self._guard.close()

    def _run(self, sql: str, parameters: Sequence[Any]) -> CursorResult[Any]:
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        statement, names = _prepared(sql)
        values = {n: _storable(v) for n, v in zip(names, parameters, strict=True)}
        try:
            with self._limited():
                return self._connection.execute(statement, values)
        except DBAPIError as error:
            raise self._translated(error) from None  # the cause would show values
        except SQLAlchemyError as error:
            raise UnreachableError(_first_line(error, self._secret)) from None

    def _limited(self) -> contextlib.AbstractContextManager[None]:
        return self._guard.statement() if self._guard else contextlib.nullcontext()

    def _translated(self, error: DBAPIError) -> Exception:
        from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

        message = _first_line(error.orig or error, self._secret)
        lost = (InterfaceError, InternalError, OperationalError, ProgrammingError)
        if error.connection_invalidated or isinstance(error, lost):
            return UnreachableError(message)
        return HistoryError(f"a record cannot be stored in {self._place} ({type(error).__name__})")


class _Rows:
    """A statement's result, with numbers as SQLite returns them."""

    def __init__(self, result: CursorResult[Any] | None) -> None:
        self._result = result
        self.rowcount = -1 if result is None else result.rowcount

    def fetchone(self) -> Any:
        row = None if self._result is None else self._result.fetchone()
        return None if row is None else _plain(row)

    def fetchall(self) -> list[Any]:
        return [] if self._result is None else [_plain(row) for row in self._result.fetchall()]

    def __iter__(self) -> Any:
        return iter(self.fetchall())


def connect(url: str, busy_seconds: float) -> PostgresConnection:
    """Connect, and bring the tables up to date.

    Raises ``UnreachableError`` (including if the extra is missing) or ``NewerSchemaError``.
    """
    db = _open_connection(url)
    try:
        db.execute(f"SET search_path TO {SCHEMA}")
        db.execute(f"SET lock_timeout TO {max(1000, int(busy_seconds * 1000))}")
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _open_connection(url: str) -> PostgresConnection:
    secret = password_of(url)
    try:
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    except ImportError:
        raise UnreachableError(f"SQLAlchemy is missing: run `{extra_command('team')}`") from None
    guarding = _Guarding()
    try:
        connection = guarding.run(_engine(url, guarding).connect)
    except ImportError as error:
        message = f"{error.name} is missing: run `{extra_command('team')}`"
        raise UnreachableError(message) from None
    except ArgumentError:
        raise UnreachableError(
            "history.url is not an address; write postgresql://user@host/database"
        ) from None
    except SQLAlchemyError as error:
        orig = getattr(error, "orig", None)
        raise UnreachableError(_first_line(orig or error, secret)) from None
    return PostgresConnection(connection, without_password(url), secret, guarding.guard)


def _engine(url: str, on_connect: Callable[[Any, object], None]) -> Engine:
    """Return an engine that calls ``on_connect`` before it sends the first query."""
    from sqlalchemy import create_engine, event, make_url
    from sqlalchemy.pool import NullPool

    address = make_url(url)
    if address.drivername in {"postgresql", "postgres"}:
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "postgresql":
        raise UnreachableError("only PostgreSQL can be used: postgresql://user@host/database")
    engine = create_engine(
        address,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",  # statements begin and end transactions
        hide_parameters=True,  # a record may hold code
        connect_args=_connect_args(address),
    )
    # Before SQLAlchemy's own listener, which already sends queries.
    event.listen(engine, "connect", on_connect, insert=True)
    return engine


class _Guarding:
    """Guards a connection from its first query on. Called by SQLAlchemy for a new connection."""

    def __init__(self) -> None:
        self.guard: ConnectionGuard | None = None
        self._first = contextlib.ExitStack()

    def __call__(self, raw: Any, record: object) -> None:
        if hasattr(raw, "fileno"):  # not with drivers in pure Python
            self.guard = ConnectionGuard(
                raw.fileno(), seconds=_STATEMENT_SECONDS, max_bytes=_MAX_ANSWER
            )
            self._first.enter_context(self.guard.statement(_CONNECT_SECONDS))

    def run(self, connect: Callable[[], Connection]) -> Connection:
        """Return the new connection; without one, end the guard."""
        try:
            with self._first:
                return connect()
        except BaseException:
            if self.guard is not None:
                self.guard.close()
            raise


def _connect_args(address: URL) -> dict[str, Any]:
    if not address.get_driver_name().startswith("psycopg"):
        return {}
    args: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "ensemble-lsp",
        # A lost network is noticed within seconds, not hours.
        "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }  # fmt: skip
    if address.query.get("sslmode") not in _ENCRYPTED and "require_auth" not in address.query:
        from psycopg import pq

        # A program that answers at this address must not get the password by asking for it.
        if pq.version() >= _REQUIRE_AUTH_VERSION:
            args["require_auth"] = "!password"
    return args


def _migrate(db: PostgresConnection) -> None:
    """Create or update the tables in one transaction; several servers may do it at once."""
    known = {name for name, _ in MIGRATIONS}
    if _applied(db) == known:
        return
    db.execute("BEGIN IMMEDIATE")
    applied = _applied(db)
    if applied - known:
        db.execute("ROLLBACK")
        raise NewerSchemaError(
            "the history was written by a newer ensemble-lsp; update this one to use it"
        )
    db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    db.execute(
        f"CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, time {_NUMBER} NOT NULL)"
    )
    for name, statements in MIGRATIONS:
        for statement in statements if name not in applied else ():
            db.execute(statement)
        if name not in applied:
            db.execute("INSERT INTO migrations VALUES (?, ?)", (name, time.time()))
    if not applied:
        # Its changes are numbered from the start: a selector that comes from another history starts again.
        epoch = f'"{secrets.token_hex(8)}"'
        db.execute("INSERT INTO learned VALUES ('', 'epoch', ?)", (epoch,))
    db.execute("COMMIT")


def _applied(db: PostgresConnection) -> set[str]:
    # By a query: PostgreSQL resolves names from a cache, which may be out of date after a wait for
    # the lock.
    known = db.execute(
        "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'migrations'", (SCHEMA,)
    ).fetchone()
    if known is None:
        return set()
    rows = db.execute(f"SELECT name FROM {SCHEMA}.migrations")  # noqa: S608 - our own name
    return {str(name) for (name,) in rows}


@functools.cache
def _prepared(sql: str) -> tuple[Any, tuple[str, ...]]:
    """Return a statement with named values, and their names in order."""
    from sqlalchemy import text

    first, *rest = sql.split("?")
    names = tuple(f"v{number}" for number in range(len(rest)))
    marked = first + "".join(f":{name}{part}" for name, part in zip(names, rest, strict=True))
    return text(marked), names


def _storable(value: Any) -> Any:
    """Return a value as PostgreSQL accepts it; NaN becomes NULL, as with SQLite."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if isinstance(value, float) and math.isnan(value):
        return None
    return int(value) if isinstance(value, bool) else value


def _plain(row: Any) -> tuple[Any, ...]:
    """Return a row with integers instead of decimals (PostgreSQL's sums of integers)."""
    return tuple(int(value) if isinstance(value, Decimal) else value for value in row)


def _first_line(error: BaseException, secret: str) -> str:
    """Return an error's first line, bounded and printable: the server may have written it."""
    lines = str(error)[: 10 * _MAX_MESSAGE].strip().splitlines() or [type(error).__name__]
    line = lines[0].replace(secret, "…") if secret else lines[0]
    line = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}…"
