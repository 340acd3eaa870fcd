"""The input of the locator for one request, and the search for lines near the cursor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...types import Document, Position, Span
from ..edit import EditKind
from ..edit_history import Hunk
from .regions import Regions
from .roles import Role, role_of
from .token_changes import LineChange, TokenChange, line_changes, token_changes

MAX_HUNKS = 24
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
    """What one request knows: the document, the cursor, the latest edits."""

    document: Document
    cursor: Position
    hunks: Sequence[Hunk]
    """Of all files, the latest first."""
    regions: Regions
    deadline: float = field(default_factory=lambda: time.perf_counter() + 1.0)
    """When the search must end, on the performance counter."""

    @cached_property
    def line_changes(self) -> list[LineChange]:
        """The changed lines of the latest hunks, the latest first."""
        return [change for hunk in self.hunks[:MAX_HUNKS] for change in line_changes(hunk)]

    @cached_property
    def token_changes(self) -> list[TokenChange]:
        """The replaced tokens of those lines."""
        return [change for line in self.line_changes for change in token_changes(line)]

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

    def lines_with(self, text: str) -> list[int]:
        """Return the numbers of the lines that contain a text."""
        return [n for n, line in enumerate(self.document.lines) if text in line]

    def occurrences(self, name: str) -> list[Position]:
        """Return where a whole name occurs, in the order of the text."""
        pattern = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
        return [
            Position(number, found.start())
            for number in self.lines_with(name)
            for found in pattern.finditer(self.document.lines[number])
        ]

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


def span_of(start: Position, text: str) -> Span:
    """Return the span of a text without line ends that begins at a position."""
    return Span(start, Position(start.line, start.column + len(text)))
