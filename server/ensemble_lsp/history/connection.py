"""What the history asks of a connection: SQLite's own, and the team's database (``team``) alike.

Every statement is written so that SQLite and PostgreSQL both take it, with ``?`` for values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class StatementResult(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """Rows that were written or removed."""
        ...

    def fetchone(self) -> Any:
        """The next row; None where there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Row by row."""
        ...


class Database(Protocol):
    """An open connection; the transactions are told by statements."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not ended."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> StatementResult:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> StatementResult:
        """Run one statement for each set of values."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...
