"""The input of the locator for one request, and the search for lines near the cursor."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from ...types import Document, Position, Span
from ..edit import EditKind
from ..edit_history import Hunk
from .regions import Regions
from .roles import Role, role_of
from .token_changes import TokenChange, changes_of

_IMPORT = re.compile(
    r"\s*(?:import|from|use|using|#\s*include|require)\b|.*\brequire\(|.*\bfrom\s+['\"]"
)
_MAX_FOUND = 150
"""Places of a text above the cursor, and as many below."""
MAX_HUNKS = 40
"""Hunks, the latest first, that are repeated elsewhere."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit that fits, with the evidence for it."""

    span: Span
    text: str
    kind: EditKind
    confidence: float
    rule: str
    """The evidence for it, in a few words."""


@dataclass
class EditContext:
    """The facts of one request: the document, the cursor, the latest edits."""

    document: Document
    cursor: Position
    hunks: Sequence[Hunk]
    """The latest edits in all files, the latest first."""
    regions: Regions
    deadline: float = field(default_factory=lambda: time.perf_counter() + 1.0)
    """The end of the search, on the performance counter."""

    @cached_property
    def token_changes(self) -> list[TokenChange]:
        """The replaced tokens of the latest hunks, the latest first."""
        hunks = self.hunks[:MAX_HUNKS]
        return [change for hunk in hunks for change in changes_of(hunk)]

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of each line in the text."""
        return list(accumulate(map(len, self.document.lines), initial=0))

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.deadline

    def nearest(self, lines: Sequence[int]) -> list[int]:
        """Return line numbers, the nearest to the cursor first; a line below before one as far above."""
        return sorted(lines, key=self.distance)

    def distance(self, line: int) -> float:
        """Return how far a line is from the cursor; a line above counts more."""
        away = line - self.cursor.line
        return away if away >= 0 else -1.5 * away

    def find(self, text: str) -> list[Position]:
        """Return where a text occurs, in order; of very many places, those around the cursor."""
        whole, middle = self.document.text, self._starts[self.cursor.line]
        offsets: list[int] = []
        at = whole.rfind(text, 0, middle)
        while at >= 0 and len(offsets) < _MAX_FOUND:
            offsets.append(at)
            at = whole.rfind(text, 0, at)
        offsets.reverse()
        last = len(offsets) + _MAX_FOUND
        at = whole.find(text, middle)
        while at >= 0 and len(offsets) < last:
            offsets.append(at)
            at = whole.find(text, at + len(text))
        return [self._position(offset) for offset in offsets]

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset) - 1
        return Position(line, offset - self._starts[line])

    def occurrences(self, name: str) -> list[Position]:
        """Return where a whole name occurs, in order."""
        lines = self.document.lines
        sign = "" if self.document.language == "php" else "$"  # it is not part of PHP's names
        return [p for p in self.find(name) if _is_whole(lines[p.line], p, len(name), sign)]

    def role(self, position: Position) -> Role | None:
        """Return the role of the name at a position; ``None`` without a grammar."""
        found = self.regions.name_at(self.document, position)
        return None if found is None else role_of(found[1])

    def by_distance(self, positions: Sequence[Position]) -> Iterator[Position]:
        """Yield positions, the nearest to the cursor first, until the time is over."""
        for position in sorted(positions, key=lambda p: (self.distance(p.line), p.column)):
            if self.late:
                return
            yield position


def is_import_line(line: str) -> bool:
    """Return whether a line imports something, in some language."""
    return _IMPORT.match(line) is not None


def _is_whole(line: str, position: Position, length: int, sign: str) -> bool:
    """Return whether no letter, digit, underscore or ``sign`` is beside a name."""
    end = position.column + length
    beside = (line[max(0, position.column - 1) : position.column], line[end : end + 1])
    return not any(char.isalnum() or char in ("_", sign) for char in beside if char)


def span_of(start: Position, text: str) -> Span:
    """Return the span of a text without line ends that begins at a position."""
    return Span(start, Position(start.line, start.column + len(text)))
