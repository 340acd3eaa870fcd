"""Statements that write the history; each function takes a connection in a write transaction.

With the row itself they write the sums in ``daily`` and ``latency``, and the change that every
running server learns from. A row whose id is already there changes nothing, so an import may be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..types import TASKS, Outcome
from . import change_log
from .connection import Database
from .queries import BUCKETS_PER_E, day_of, model_names
from .records import CallRecord, PreferenceRecord, SuggestionRecord, dumps

_COUNTED = {"accepted", "partial", "typed", "rejected", "ignored"}
_UPGRADES: dict[str, frozenset[str]] = {
    # A later source may know that more was accepted, never that less was.
    "partial": frozenset({"accepted", "typed"}),
    "superseded": frozenset({"accepted", "partial", "typed"}),
    "ignored": frozenset({"accepted", "partial", "typed"}),
    "cancelled": frozenset({"accepted", "partial", "typed"}),
}


def add_suggestion(db: Database, rec: SuggestionRecord) -> bool:
    """Add a suggestion; return whether it is new."""
    cursor = db.execute(
        "INSERT INTO suggestions (id, time, task, models, language, chars, lines,"
        " trigger, cached, agreement, shown_at, grp, features, explored, project, text, context)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (
            rec.id,
            rec.time,
            rec.task,
            dumps(rec.models),
            rec.language,
            rec.chars,
            rec.lines,
            rec.trigger,
            int(rec.cached),
            rec.agreement,
            rec.shown_at,
            rec.group,
            dumps(dict(rec.features)),
            int(rec.explored),
            rec.project,
            rec.text,
            rec.context,
        ),
    )
    if cursor.rowcount != 1:
        return False
    for model in rec.models:
        _bump(db, rec.time, model, rec.task, {"suggestions": 1})
    return True


def add_outcome(db: Database, outcome: Outcome, time: float, *, revise: bool = False) -> bool:
    """Settle a suggestion and note the change of its reward; return whether anything changed.

    The first outcome stays, unless the new one says that more was accepted, or ``revise`` is set. A
    revision keeps the time at which the suggestion was settled.
    """
    row = db.execute(
        "SELECT s.n, s.time, s.task, s.models, o.kind, o.reward, o.time FROM suggestions s"
        " LEFT JOIN outcomes o ON o.n = s.n WHERE s.id = ?",
        (outcome.id,),
    ).fetchone()
    if row is None:
        return False
    number, *suggestion, kind, old, settled = row
    if kind is not None:
        if not revise and outcome.kind not in _UPGRADES.get(kind, frozenset()):
            return False
        _count_outcome(db, suggestion, kind, old, -1)
    new = _number(outcome.reward)
    db.execute(
        "INSERT INTO outcomes (time, kind, source, share, reward, shown_ms, survival, n)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        if kind is None
        else "UPDATE outcomes SET time = ?, kind = ?, source = ?, share = ?, reward = ?,"
        " shown_ms = ?, survival = ? WHERE n = ?",
        (
            settled if revise and kind is not None else time,
            outcome.kind,
            outcome.source,
            outcome.share,
            new,
            outcome.shown_ms,
            outcome.survival,
            number,
        ),
    )
    _count_outcome(db, suggestion, outcome.kind, new, 1)
    if new != old:
        change_log.note(db, "outcome", number, old, new)
    return True


def add_call(db: Database, call: CallRecord) -> bool:
    """Add a call; return whether it is new."""
    cursor = db.execute(
        "INSERT INTO calls (id, time, task, model, provider, first_token_ms, total_ms, input_tokens,"
        " output_tokens, cached_tokens, cost, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (
            call.id,
            call.time,
            call.task,
            call.model,
            call.provider,
            call.first_token_ms,
            call.total_ms,
            call.input_tokens,
            call.output_tokens,
            call.cached_tokens,
            call.cost,
            call.status,
        ),
    )
    if cursor.rowcount != 1:
        return False
    change_log.note(db, "call", _row_of(db, "calls", call.id))
    sums: dict[str, float] = {
        "calls": 1,
        "failures": 0 if call.status in {"ok", "cancelled"} else 1,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cached_tokens": call.cached_tokens,
        "cost": call.cost,
    }
    _bump(db, call.time, call.model, call.task, sums)
    if call.status == "ok":
        _measure(db, call, "first", call.first_token_ms)
        _measure(db, call, "total", call.total_ms)
    return True


def add_preference(db: Database, rec: PreferenceRecord) -> bool:
    """Add a choice; return whether it is new."""
    values = (rec.id, rec.time, rec.group, dumps(rec.chosen), dumps(rec.others), rec.shown_at)
    cursor = db.execute(
        "INSERT INTO preferences (id, time, grp, chosen, others, shown_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        values,
    )
    if cursor.rowcount != 1:
        return False
    change_log.note(db, "preference", _row_of(db, "preferences", rec.id))
    return True


def remove_before(db: Database, time: float, limit: int) -> int:
    """Remove at most about ``limit`` rows older than a time; return how many."""
    removed = 0
    for task in TASKS:
        numbers = db.execute(
            "SELECT n FROM suggestions WHERE task = ? AND time < ? ORDER BY time LIMIT ?",
            (task, time, limit),
        ).fetchall()
        db.executemany("DELETE FROM outcomes WHERE n = ?", numbers)
        db.executemany("DELETE FROM suggestions WHERE n = ?", numbers)
        removed += len(numbers)
    for table in ("calls", "preferences"):
        removed += db.execute(
            f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - one of two constants
            f" (SELECT rowid FROM {table} WHERE time < ? ORDER BY time LIMIT ?)",
            (time, limit),
        ).rowcount
    for table in ("daily", "latency"):
        removed += db.execute(
            f"DELETE FROM {table} WHERE day < ?",  # noqa: S608 - one of two constants
            (day_of(time),),
        ).rowcount
    return removed


def _row_of(db: Database, table: str, id: str) -> int:
    row = db.execute(f"SELECT rowid FROM {table} WHERE id = ?", (id,)).fetchone()  # noqa: S608 - our own names
    return int(row[0])


def _number(value: float | None) -> float | None:
    """Return a number as the database keeps it: NaN is no value."""
    return None if value is None or math.isnan(value) else value


def _bump(db: Database, time: float, model: str, task: str, sums: Mapping[str, float]) -> None:
    names = ", ".join(sums)
    marks = ", ".join("?" * len(sums))
    adds = ", ".join(f"{name} = daily.{name} + excluded.{name}" for name in sums)
    db.execute(
        f"INSERT INTO daily (day, model, task, {names}) VALUES (?, ?, ?, {marks})"  # noqa: S608 - our own names
        f" ON CONFLICT (day, model, task) DO UPDATE SET {adds}",
        (day_of(time), model, task, *sums.values()),
    )


def _count_outcome(
    db: Database,
    suggestion: Sequence[Any],
    kind: str,
    reward: float | None,
    sign: int,
) -> None:
    """Add an outcome to the sums of the day its suggestion was offered, or (-1) take it out."""
    if reward is None or kind not in _COUNTED:
        return
    time, task, models = suggestion
    sums: dict[str, float] = {"shown": sign, kind: sign, "reward": sign * reward}
    if kind == "partial":
        sums["accepted"] = sign
    for model in model_names(models):
        _bump(db, time, model, task, sums)


def _measure(db: Database, call: CallRecord, measure: str, ms: float | None) -> None:
    if ms is None:
        return
    bucket = round(math.log(max(ms, 0.01)) * BUCKETS_PER_E)
    db.execute(
        "INSERT INTO latency (model, task, day, measure, bucket, calls) VALUES (?, ?, ?, ?, ?, 1)"
        " ON CONFLICT (model, task, day, measure, bucket) DO UPDATE SET calls = latency.calls + 1",
        (call.model, call.task, day_of(call.time), measure, bucket),
    )
