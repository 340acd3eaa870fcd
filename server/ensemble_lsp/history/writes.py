"""Every statement that changes the history; each function takes a connection in a transaction.

The sums in ``daily`` and ``latency`` change together with the row itself. A row that is already
there (same id) changes nothing, so an import may be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..types import TASKS, Outcome
from .connection import Database
from .queries import BUCKETS_PER_E, day_of, names_of
from .records import CallRecord, PreferenceRecord, SuggestionRecord, dumps

_COUNTED = {"accepted", "partial", "typed", "rejected", "ignored"}
_UPGRADES: dict[str, frozenset[str]] = {
    # A later, better informed source may tell that more was taken, never that less was.
    "partial": frozenset({"accepted", "typed"}),
    "superseded": frozenset({"accepted", "partial", "typed"}),
    "ignored": frozenset({"accepted", "partial", "typed"}),
    "cancelled": frozenset({"accepted", "partial", "typed"}),
}


def add_suggestion(db: Database, rec: SuggestionRecord) -> bool:
    """Whether the suggestion is new."""
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
    """Settle a suggestion; whether anything changed.

    The first outcome stands, unless the new one tells that more was taken, or ``revise`` is set.
    """
    row = db.execute(
        "SELECT s.n, s.time, s.task, s.models, o.kind, o.reward FROM suggestions s"
        " LEFT JOIN outcomes o ON o.n = s.n WHERE s.id = ?",
        (outcome.id,),
    ).fetchone()
    if row is None:
        return False
    number, when, task, models, kind, reward = row
    if kind is not None:
        if not revise and outcome.kind not in _UPGRADES.get(kind, frozenset()):
            return False
        _count_outcome(db, (when, task, models), kind, reward, -1)
    # No upsert: SQLite would run the triggers of both the insert and the update.
    db.execute(
        "INSERT INTO outcomes (time, kind, source, share, reward, shown_ms, survival, n)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        if kind is None
        else "UPDATE outcomes SET time = ?, kind = ?, source = ?, share = ?, reward = ?,"
        " shown_ms = ?, survival = ? WHERE n = ?",
        (
            time,
            outcome.kind,
            outcome.source,
            outcome.share,
            outcome.reward,
            outcome.shown_ms,
            outcome.survival,
            number,
        ),
    )
    _count_outcome(db, (when, task, models), outcome.kind, outcome.reward, 1)
    return True


def update_survival(db: Database, id: str, survival: float, reward: float | None) -> bool:
    """Note how much of an accepted text still stands; whether there is such an outcome."""
    row = db.execute(
        "SELECT o.n, s.time, s.task, s.models, o.kind, o.reward FROM outcomes o"
        " JOIN suggestions s ON s.n = o.n WHERE s.id = ?",
        (id,),
    ).fetchone()
    if row is None:
        return False
    number, when, task, models, kind, old = row
    db.execute(
        "UPDATE outcomes SET survival = ?, reward = ? WHERE n = ?", (survival, reward, number)
    )
    _count_outcome(db, (when, task, models), kind, old, -1)
    _count_outcome(db, (when, task, models), kind, reward, 1)
    return True


def add_call(db: Database, call: CallRecord) -> bool:
    """Whether the call is new."""
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
    """Whether the choice is new."""
    values = (rec.id, rec.time, rec.group, dumps(rec.chosen), dumps(rec.others), rec.shown_at)
    cursor = db.execute(
        "INSERT INTO preferences (id, time, grp, chosen, others, shown_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        values,
    )
    return cursor.rowcount == 1


def remove_before(db: Database, time: float, limit: int) -> int:
    """Remove at most about ``limit`` rows older than a time; how many went."""
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
    suggestion: tuple[float, str, str],
    kind: str,
    reward: float | None,
    sign: int,
) -> None:
    """Add an outcome to the sums (or take it out), on the day its suggestion was offered."""
    if reward is None or kind not in _COUNTED:
        return
    time, task, models = suggestion
    sums: dict[str, float] = {"shown": sign, kind: sign, "reward": sign * reward}
    if kind == "partial":
        sums["accepted"] = sign
    for model in names_of(models):
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
