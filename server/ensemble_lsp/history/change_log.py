"""The changes that selectors learn from, the state of each selector, and reservations of the budget.

``history.writes`` notes each new or corrected reward, each choice between answers and each call in
``changes``, for this server, for others and for imports alike. All servers read the same changes in the same
order, so each learns every observation once. A selector's state is stored with the number of the last
change in it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from ..types import Task
from .connection import Database
from .limits import is_plausible
from .queries import features_of, model_names, parse_column
from .records import Feature, dumps

KEPT = 20_000
"""Latest changes that are kept; a server that did not run for longer misses the older ones."""
_PRUNED_EVERY = 500

Kind = Literal["outcome", "preference", "call"]


@dataclass(frozen=True, slots=True)
class Change:
    """One observation to learn from. Fields of other kinds are empty."""

    n: int
    """Its number; numbers only grow."""
    kind: Kind
    time: float
    """Unix seconds."""
    task: Task
    models: tuple[str, ...]
    """outcome: the suggestion's; preference: the chosen answer's; call: the one that was asked."""
    features: Mapping[str, Feature] = field(default_factory=dict[str, Feature])
    old: float | None = None
    """outcome: the reward before, or None."""
    new: float | None = None
    """outcome: the reward now, or None if it was withdrawn."""
    others: tuple[tuple[str, ...], ...] = ()
    """preference: the models of the other answers."""
    shown_at: int = 0
    agreement: float | None = None
    """outcome: the agreement that the suggestion was offered with, if an ensemble gave it."""
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    cost: float = 0.0
    status: str = ""

    @property
    def model(self) -> str:
        """The model of a call."""
        return self.models[0] if self.models else ""


@dataclass(frozen=True, slots=True)
class LearnedState:
    """The stored state of a selector."""

    epoch: str
    """The history's epoch; clearing it begins a new one."""
    upto: int | None
    """The last change that it has learned; None without a stored state."""
    parts: dict[str, Any]
    last: int
    """The last change of the history."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The next changes, oldest first."""

    epoch: str
    rows: list[Change]
    last: int
    """Number of the last change that was read, valid or not."""


def note(
    db: Database, kind: Kind, ref: int, old: float | None = None, new: float | None = None
) -> None:
    """Add a change, in the transaction that writes the row itself.

    The caller holds the write lock, so the numbers follow the order of the commits: a server that
    reads on from a number never misses one.
    """
    number = last_change(db) + 1
    db.execute(
        "INSERT INTO changes (n, kind, ref, old, new) VALUES (?, ?, ?, ?, ?)",
        (number, kind, ref, old, new),
    )
    # SQLite has done this by itself; PostgreSQL has an ordinary table of that name.
    db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'changes'", (number,))
    if number % _PRUNED_EVERY == 0:
        db.execute("DELETE FROM changes WHERE n <= ?", (number - KEPT,))


def load(db: Database, strategy: str) -> LearnedState:
    """Return a selector's state, without the parts that cannot be read."""
    rows = db.execute("SELECT part, state FROM learned WHERE strategy = ?", (strategy,)).fetchall()
    parts: dict[str, Any] = {}
    for part, state in rows:
        try:
            parts[part] = json.loads(state)
        except (ValueError, RecursionError):
            continue
    upto = parts.pop("upto", None)
    known = upto if isinstance(upto, int) and not isinstance(upto, bool) else None
    return LearnedState(epoch(db), known, parts, last_change(db))


def save(db: Database, strategy: str, its_epoch: str, upto: int, parts: Mapping[str, Any]) -> bool:
    """Store parts of a state, unless a later one is stored or the history was cleared since."""
    kept = db.execute(
        "SELECT state FROM learned WHERE strategy = ? AND part = 'upto'", (strategy,)
    ).fetchone()
    later = kept is not None and str(kept[0]).isdigit() and int(kept[0]) > upto
    if later or epoch(db) != its_epoch:
        return False
    rows = [(strategy, part, dumps(state)) for part, state in {**parts, "upto": upto}.items()]
    db.executemany(
        "INSERT INTO learned VALUES (?, ?, ?)"
        " ON CONFLICT (strategy, part) DO UPDATE SET state = excluded.state",
        rows,
    )
    return True


def forget(db: Database) -> bool:
    """Remove every selector's state; running servers start again, too."""
    db.execute("DELETE FROM learned")
    db.execute("DELETE FROM changes")
    db.execute("INSERT INTO learned VALUES ('', 'epoch', ?)", (json.dumps(secrets.token_hex(8)),))
    return True


def changes_after(db: Database, number: int, limit: int) -> Changes:
    """Return the changes after a number."""
    raw = db.execute(
        "SELECT n, kind, ref, old, new FROM changes WHERE n > ? ORDER BY n LIMIT ?",
        (number, limit),
    ).fetchall()
    changes = (_change(db, *row) for row in raw)
    rows = [change for change in changes if change is not None and _is_usable(change)]
    return Changes(epoch(db), rows, raw[-1][0] if raw else number)


def _is_usable(change: Change) -> bool:
    """Return whether a selector can learn from a change: a teammate's client may write any number."""
    optional = (change.old, change.new, change.agreement)
    numbers = (change.time, change.first_token_ms, change.total_ms, change.cost, *optional)
    return all(number is None or is_plausible(number) for number in numbers)


def last_change(db: Database) -> int:
    """Return the number of the last change; 0 before the first."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return int(row[0]) if row else 0


def reserve(
    db: Database, id: str, now: float, since: float, cost: float, budget: float
) -> tuple[bool, float]:
    """Reserve US dollars of a budget; return whether it sufficed, and what is left.

    The sum of spent and reserved money since ``since`` never exceeds the budget. The reservation of a
    server that died counts as spent.
    """
    left = budget - used_since(db, since)
    # A sum of costs may be wrong in its last digit.
    if cost > left - 1e-12:
        return False, max(0.0, left)
    db.execute("INSERT INTO reservations VALUES (?, ?, ?)", (id, now, cost))
    db.execute("DELETE FROM reservations WHERE time < ?", (min(since, now) - 2 * 86400,))
    return True, left - cost


def release(db: Database, id: str) -> bool:
    """Remove a reservation; the call itself records its cost."""
    return db.execute("DELETE FROM reservations WHERE id = ?", (id,)).rowcount == 1


def used_since(db: Database, since: float) -> float:
    """Return the US dollars spent and reserved since a time."""
    spent = db.execute("SELECT sum(cost) FROM calls WHERE time >= ?", (since,)).fetchone()[0]
    held = db.execute("SELECT sum(cost) FROM reservations WHERE time >= ?", (since,)).fetchone()
    return sum(float(value or 0.0) for value in (spent, held[0]) if is_plausible(value))


def epoch(db: Database) -> str:
    """Return the id that tells this history's changes from another's; empty before the first."""
    row = db.execute("SELECT state FROM learned WHERE strategy = '' AND part = 'epoch'").fetchone()
    return str(row[0]) if row else ""


def _change(
    db: Database, n: int, kind: str, ref: int, old: float | None, new: float | None
) -> Change | None:
    if kind == "outcome":
        row = db.execute(
            "SELECT time, task, models, features, agreement FROM suggestions WHERE n = ?", (ref,)
        ).fetchone()
        if row is None:
            return None
        return Change(
            n, "outcome", row[0], row[1], model_names(row[2]), features_of(row[3]), old, new,
            agreement=row[4],
        )  # fmt: skip
    if kind == "call":
        row = db.execute(
            "SELECT time, task, model, first_token_ms, total_ms, cost, status FROM calls"
            " WHERE rowid = ?",
            (ref,),
        ).fetchone()
        return None if row is None else _call(n, row)
    return _preference(db, n, ref)


def _call(n: int, row: Sequence[Any]) -> Change:
    return Change(
        n, "call", row[0], row[1], (row[2],),
        first_token_ms=row[3] or 0.0, total_ms=row[4] or 0.0, cost=row[5], status=row[6],
    )  # fmt: skip


def _preference(db: Database, n: int, ref: int) -> Change | None:
    row = db.execute(
        "SELECT p.time, s.task, p.chosen, s.features, p.others, p.shown_at FROM preferences p"
        " JOIN suggestions s ON s.id = p.grp WHERE p.rowid = ?",
        (ref,),
    ).fetchone()
    if row is None:
        return None
    try:
        raw = cast("list[list[object]]", parse_column(row[4]))
        others = tuple(tuple(map(str, models)) for models in raw)
    except TypeError:
        return None
    features = features_of(row[3])
    return Change(
        n, "preference", row[0], row[1], model_names(row[2]), features,
        others=others, shown_at=row[5],
    )  # fmt: skip
