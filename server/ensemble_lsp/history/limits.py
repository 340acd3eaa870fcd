"""Limits on the values of records that come from elsewhere: an imported file or a team's database."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, cast

from .records import CallRecord, PreferenceRecord, StoredSuggestion

_LATEST = 253_402_214_400.0
"""The last day of the year 9999: later times have no date."""
_LARGEST = 1e12
"""Far above any count, duration or cost; sums of such numbers stay exact enough and finite."""
_LARGEST_SUM = 1e15
_MAX_NAME = 500
_MAX_TEXT = 1_000_000
_MAX_ITEMS = 200
_TEXTS = frozenset({"text", "context"})


def fault_of(record: StoredSuggestion | CallRecord | PreferenceRecord) -> str:
    """Return which value of a record is out of range, as ``key: problem``; empty if all are fine."""
    fields = asdict(record)
    if isinstance(record, StoredSuggestion):
        fields = {**fields.pop("record"), **(fields.pop("outcome") or {}), **fields}
    for key, value in fields.items():
        if problem := _problem(key, value):
            return f"{key}: {problem}"
    return ""


def is_plausible(value: object) -> bool:
    """Return whether a value is a number that a record may have: finite and not larger than any sum."""
    return isinstance(value, int | float) and -_LARGEST_SUM <= value <= _LARGEST_SUM


def _problem(key: str, value: Any) -> str:
    if isinstance(value, str):
        return _text_problem(value, _MAX_TEXT if key in _TEXTS else _MAX_NAME, key in _TEXTS)
    if isinstance(value, int | float):
        return _number_problem(key, value)
    if isinstance(value, Mapping):
        table = cast("Mapping[Any, Any]", value)
        return _items_problem(len(table), (part for pair in table.items() for part in pair))
    if isinstance(value, list | tuple):
        items = cast("tuple[Any, ...]", value)
        return _items_problem(len(items), items)
    return ""


def _text_problem(value: str, longest: int, is_code: bool) -> str:
    if len(value) > longest:
        return f"text should have at most {longest:,} characters"
    return "" if is_code or value.isprintable() else "text should have no control characters"


def _number_problem(key: str, value: float) -> str:
    # Out of the range before it is converted: an integer may be larger than any float.
    if not -_LARGEST <= value <= _LARGEST or math.isnan(value):
        return "number should be finite, and not that large"
    if key in {"time", "settled"} and not 0 <= value <= _LATEST:
        return "time should be between the years 1970 and 9999"
    return ""


def _items_problem(count: int, items: Iterable[Any]) -> str:
    if count > _MAX_ITEMS:
        return f"should have at most {_MAX_ITEMS} items"
    return next((problem for item in items if (problem := _problem("", item))), "")
