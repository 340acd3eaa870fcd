"""The history as lines of JSON, for ``history export`` and ``history import``."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from ..types import Outcome
from . import writes
from .connection import Database
from .limits import fault_of
from .records import CallRecord, PreferenceRecord, StoredSuggestion, SuggestionRecord

Line = dict[str, Any]
Record = StoredSuggestion | CallRecord | PreferenceRecord
Value = TypeVar("Value")

VERSION = 1


@dataclass(slots=True)
class ImportReport:
    """The result of an import."""

    added: int = 0
    known: int = 0
    """Lines that the history already has."""
    errors: list[str] = field(default_factory=list[str])
    """A sentence for each line that could not be read."""

    def add(self, other: ImportReport) -> None:
        """Add the result of another part of the same import."""
        self.added += other.added
        self.known += other.known
        self.errors += other.errors


def as_line(kept: Record) -> Line:
    """Return an object: ``type`` (suggestion, call, preference), ``version``, the record's fields.

    A suggestion's outcome is nested as ``outcome`` and its time as ``settled``.
    """
    if isinstance(kept, CallRecord):
        return {"type": "call", "version": VERSION, **asdict(kept)}
    if isinstance(kept, PreferenceRecord):
        return {"type": "preference", "version": VERSION, **asdict(kept)}
    line: Line = {"type": "suggestion", "version": VERSION, **_record_fields(kept.record)}
    if kept.outcome is not None:
        line["outcome"] = {k: v for k, v in asdict(kept.outcome).items() if k != "id"}
        line["settled"] = kept.settled
    return line


def parse_line(line: object) -> Record:
    """Return the record of one exported object. Raises ``ValueError`` with a reason."""
    if not isinstance(line, Mapping):
        raise ValueError("is not a JSON object")
    fields = dict(cast("Mapping[str, Any]", line))
    kind = fields.pop("type", None)
    if fields.pop("version", VERSION) != VERSION:
        raise ValueError(f"is not of version {VERSION}; update this program to read it")
    try:
        record = _record(kind, fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        raise ValueError(f"{where}: {first['msg'].lower()}") from None
    if fault := fault_of(record):
        raise ValueError(fault)
    return record


def _record(kind: object, fields: Line) -> Record:
    if kind == "call":
        return _valid(CallRecord, fields)
    if kind == "preference":
        return _valid(PreferenceRecord, fields)
    if kind == "suggestion":
        return _suggestion(fields)
    raise ValueError("has no known type; it must be suggestion, call or preference")


def import_lines(
    db: Database,
    lines: Iterable[tuple[int, str | Line]],
    allowed: Callable[[Record], Record],
) -> ImportReport:
    """Add numbered lines, each passed through ``allowed`` first."""
    report = ImportReport()
    for number, line in lines:
        if isinstance(line, str) and not line.strip():
            continue
        try:
            new = write_line(
                db, allowed(parse_line(json.loads(line) if isinstance(line, str) else line))
            )
        except RecursionError:
            report.errors.append(f"line {number}: is nested too deeply")
            continue
        except (ValueError, OverflowError) as error:
            report.errors.append(f"line {number}: {error}")
            continue
        report.added += new
        report.known += not new
    return report


def write_line(db: Database, kept: Record) -> bool:
    """Add a record; return whether it is new."""
    if isinstance(kept, CallRecord):
        return writes.add_call(db, kept)
    if isinstance(kept, PreferenceRecord):
        return writes.add_preference(db, kept)
    new = writes.add_suggestion(db, kept.record)
    if kept.outcome is not None:
        settled = kept.record.time if kept.settled is None else kept.settled
        writes.add_outcome(db, kept.outcome, settled)
    return new


def _valid(of: type[Value], fields: object) -> Value:
    return cast("Value", _adapter(of).validate_python(fields))


@functools.cache
def _adapter(of: type[Any]) -> TypeAdapter[Any]:
    """Return the validator of a type; making one is slow, so each is made once."""
    return TypeAdapter(of)


def _record_fields(record: SuggestionRecord) -> Line:
    fields = asdict(record)
    return {k: v for k, v in fields.items() if v is not None or k not in {"text", "context"}}


def _suggestion(fields: Line) -> StoredSuggestion:
    outcome = fields.pop("outcome", None)
    settled = fields.pop("settled", None)
    record = _valid(SuggestionRecord, fields)
    if outcome is None:
        return StoredSuggestion(record)
    if not isinstance(outcome, Mapping):
        raise ValueError("outcome: input should be an object")
    parsed = _valid(Outcome, {**cast("Line", outcome), "id": record.id})
    when = record.time if settled is None else _valid(float, settled)
    return StoredSuggestion(record, parsed, when)
