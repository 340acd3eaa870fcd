"""Queries of the history; each function takes an open connection."""

from __future__ import annotations

import json
import math
from typing import Any, cast

from ..types import TASKS, Outcome, OutcomeKind, Task
from .connection import Database
from .limits import fault_of, is_plausible
from .records import (
    CallRecord,
    Feature,
    Latencies,
    PreferenceRecord,
    RewardRow,
    StatsRow,
    StoredSuggestion,
    SuggestionRecord,
    UsageRow,
    wilson,
)

DAY = 86400
_LARGEST_EXPONENT = 25.0
BUCKETS_PER_E = 10
"""Latency buckets are e^(1/10) wide, so their percentiles are within 5 %."""


def day_of(time: float) -> int:
    """Return the number of days (UTC) since 1970."""
    return math.floor(time / DAY)


def stats(db: Database, task: Task | None, since: float | None) -> list[StatsRow]:
    """Return sums by model and task, most suggestions first; ``since`` counts from its day (UTC)."""
    rows = db.execute(
        "SELECT model, task, sum(suggestions), sum(shown), sum(accepted), sum(partial), sum(typed),"
        " sum(rejected), sum(ignored), sum(reward), sum(calls), sum(failures), sum(input_tokens),"
        " sum(output_tokens), sum(cached_tokens), sum(cost) FROM daily"
        " WHERE day >= ? AND (CAST(? AS TEXT) IS NULL OR task = ?) GROUP BY model, task"
        " ORDER BY sum(suggestions) DESC, model, task",
        (_first_day(since), task, task),
    ).fetchall()
    return [_stats_row(db, row, since) for row in rows]


def latencies(db: Database, model: str, task: Task | None, since: float | None) -> Latencies:
    """Return a model's latency percentiles, read from the histogram."""
    rows = db.execute(
        "SELECT measure, bucket, sum(calls) FROM latency WHERE day >= ? AND model = ?"
        " AND (CAST(? AS TEXT) IS NULL OR task = ?) GROUP BY measure, bucket ORDER BY measure, bucket",
        (_first_day(since), model, task, task),
    ).fetchall()
    first = [(bucket, calls) for measure, bucket, calls in rows if measure == "first"]
    total = [(bucket, calls) for measure, bucket, calls in rows if measure == "total"]
    return Latencies(
        *(_percentile(first, p) for p in (0.5, 0.9, 0.95)),
        *(_percentile(total, p) for p in (0.5, 0.9, 0.95)),
        calls=sum(calls for _, calls in total),
    )


def rewards(db: Database, task: Task | None, limit: int) -> list[RewardRow]:
    """Return the latest ``limit`` judged suggestions, oldest first, with one row for each model."""
    tasks = TASKS if task is None else (task,)
    found: list[RewardRow] = []
    for each in tasks:
        rows = db.execute(
            "SELECT s.time, s.models, s.task, o.reward, s.features, s.chars, s.language"
            " FROM suggestions s JOIN outcomes o ON o.n = s.n"
            " WHERE s.task = ? AND o.reward IS NOT NULL ORDER BY s.time DESC LIMIT ?",
            (each, limit),
        )
        for time, models, name, reward, features, chars, language in rows:
            if not (is_plausible(time) and is_plausible(reward) and is_plausible(chars)):
                continue
            parsed = features_of(features)
            found += [
                RewardRow(time, model, name, reward, parsed, chars, language)
                for model in model_names(models)
            ]
    return sorted(found, key=lambda row: row.time)


def preferences(db: Database, limit: int) -> list[PreferenceRecord]:
    """Return the latest choices, oldest first."""
    rows = db.execute(
        "SELECT id, time, grp, chosen, others, shown_at FROM preferences"
        " ORDER BY time DESC LIMIT ?",
        (limit,),
    ).fetchall()
    return [_preference(row) for row in reversed(rows)]


def spent_since(db: Database, since: float) -> float:
    """Return the US dollars spent since a time."""
    row = db.execute("SELECT sum(cost) FROM calls WHERE time >= ?", (since,)).fetchone()
    return float(row[0] or 0.0) if is_plausible(row[0]) else 0.0


def usage_since(db: Database, since: float) -> list[UsageRow]:
    """Return the calls, tokens and dollars of each model since a time, by descending cost."""
    rows = db.execute(
        "SELECT model, count(*), sum(input_tokens), sum(output_tokens), sum(cost) FROM calls"
        " WHERE time >= ? GROUP BY model ORDER BY sum(cost) DESC, count(*) DESC, model",
        (since,),
    ).fetchall()
    return [
        UsageRow(model, *(value if is_plausible(value) else 0 for value in sums))
        for model, *sums in rows
    ]


def get(db: Database, id: str) -> StoredSuggestion | None:
    """Return one suggestion with its outcome."""
    row = db.execute(f"{_SELECT_STORED} WHERE s.id = ?", (id,)).fetchone()
    return None if row is None else _stored(row)


def stored_after(db: Database, number: int, limit: int) -> list[tuple[int, StoredSuggestion]]:
    """Return suggestions in the order they were written, after a row number."""
    rows = db.execute(
        f"{_SELECT_STORED} WHERE s.n > ? ORDER BY s.n LIMIT ?",
        (number, limit),
    )
    return [(int(row[0]), _stored(row)) for row in rows]


def calls_after(db: Database, number: int, limit: int) -> list[tuple[int, CallRecord]]:
    """Return calls in the order they were written, after a row number."""
    rows = db.execute(
        "SELECT rowid, time, task, model, provider, first_token_ms, total_ms, input_tokens,"
        " output_tokens, cached_tokens, cost, status, id FROM calls WHERE rowid > ?"
        " ORDER BY rowid LIMIT ?",
        (number, limit),
    )
    return [(int(row[0]), CallRecord(*row[1:])) for row in rows]


def preferences_after(db: Database, number: int, limit: int) -> list[tuple[int, PreferenceRecord]]:
    """Return choices in the order they were written, after a row number."""
    rows = db.execute(
        "SELECT rowid, id, time, grp, chosen, others, shown_at FROM preferences WHERE rowid > ?"
        " ORDER BY rowid LIMIT ?",
        (number, limit),
    )
    return [(int(row[0]), _preference(row[1:])) for row in rows]


_BELIEVED_DAYS = 3


def believed_time(db: Database) -> float | None:
    """Return a time that has certainly passed: the end of the third-newest day with events.

    The one or two newest days may come from a clock that was years ahead. None with fewer days.
    """
    query = f"SELECT DISTINCT day FROM daily ORDER BY day DESC LIMIT {_BELIEVED_DAYS}"  # noqa: S608 - a constant
    days = [int(row[0]) for row in db.execute(query).fetchall()]
    return (days[-1] + 1) * DAY if len(days) == _BELIEVED_DAYS else None


_SELECT_STORED = (
    "SELECT s.n, s.id, s.time, s.task, s.models, s.language, s.chars, s.lines, s.trigger, s.cached,"
    " s.agreement, s.shown_at, s.grp, s.features, s.explored, s.project, s.text, s.context,"
    " o.time, o.kind, o.source, o.share, o.reward, o.shown_ms, o.survival"
    " FROM suggestions s LEFT JOIN outcomes o ON o.n = s.n"
)


def _percentile(buckets: list[tuple[int, int]], share: float) -> float | None:
    target = share * sum(calls for _, calls in buckets)
    seen = 0
    for bucket, calls in buckets:
        seen += calls
        if seen >= target:
            return math.exp(min(bucket / BUCKETS_PER_E, _LARGEST_EXPONENT))
    return None


def _first_day(since: float | None) -> int:
    return day_of(since) if since is not None else -(1 << 40)


def _stats_row(db: Database, row: tuple[Any, ...], since: float | None) -> StatsRow:
    model, task, *sums = row
    offered, shown, accepted, partial, typed, rejected, ignored, reward, *calls = (
        value if is_plausible(value) else 0 for value in sums
    )
    interval = wilson(accepted, shown) or (None, None)
    return StatsRow(
        model=model,
        task=task,
        suggestions=offered,
        shown=shown,
        accepted=accepted,
        partial=partial,
        typed=typed,
        rejected=rejected,
        ignored=ignored,
        acceptance=accepted / shown if shown else None,
        low=interval[0],
        high=interval[1],
        reward=reward / shown if shown else None,
        latency=latencies(db, model, task, since),
        calls=calls[0],
        failures=calls[1],
        input_tokens=calls[2],
        output_tokens=calls[3],
        cached_tokens=calls[4],
        cost=calls[5],
    )


def parse_column(text: object) -> Any:
    """Return the JSON of a column; None if its content is damaged, or written by a hostile client."""
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        return None


def model_names(models: str) -> tuple[str, ...]:
    """Return the models in a column; empty if its content is damaged."""
    return _names(parse_column(models))


def _names(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def features_of(text: str) -> dict[str, Feature]:
    """Return the features in a column, without values that no feature has."""
    value = parse_column(text)
    table = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {k: v for k, v in table.items() if isinstance(v, str) or is_plausible(v)}


def _preference(row: tuple[Any, ...]) -> PreferenceRecord:
    id, time, group, chosen, others, shown_at = row
    value = parse_column(others)
    parsed = cast("list[object]", value) if isinstance(value, list) else []
    return PreferenceRecord(
        time, group, model_names(chosen), tuple(_names(models) for models in parsed), shown_at, id
    )


def _stored(row: tuple[Any, ...]) -> StoredSuggestion:
    record = SuggestionRecord(
        id=row[1],
        time=row[2],
        task=row[3],
        models=model_names(row[4]),
        language=row[5],
        chars=row[6],
        lines=row[7],
        trigger=row[8],
        cached=bool(row[9]),
        agreement=row[10],
        shown_at=row[11],
        group=row[12],
        features=features_of(row[13]),
        explored=bool(row[14]),
        project=row[15],
        text=row[16],
        context=row[17],
    )
    if row[19] is None:
        return _checked(StoredSuggestion(record))
    kind = cast(OutcomeKind, row[19])
    outcome = Outcome(record.id, kind, row[20], row[21], row[22], row[23], row[24])
    return _checked(StoredSuggestion(record, outcome, row[18]))


def _checked(stored: StoredSuggestion) -> StoredSuggestion:
    """Return a suggestion; one with values out of range counts for no model and has no outcome."""
    record = stored.record
    if record.task in TASKS and not fault_of(stored):
        return stored
    return StoredSuggestion(SuggestionRecord(record.id, 0.0, "complete", ()))
