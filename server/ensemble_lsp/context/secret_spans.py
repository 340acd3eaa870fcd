"""Spans of secrets in lines, and their replacement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

PLACEHOLDER = "<redacted>"
Span = tuple[int, int]
Part = tuple[int, int, int]
"""A line's number, and a span in it."""


class Verdict(NamedTuple):
    """A line's own secrets, and what it is to its neighbours."""

    spans: Sequence[Span]
    flags: int


CLEAN = Verdict((), 0)
"""The verdict on a line without a secret, which its neighbours do not need."""


def apart(spans: Iterable[Span]) -> list[Span]:
    """Sort spans, and merge those that overlap."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def replace(line: str, spans: Sequence[Span]) -> str:
    """Return a line with ``<redacted>`` instead of each span."""
    for start, end in reversed(spans):
        line = line[:start] + PLACEHOLDER + line[end:]
    return line
