"""The type-through cache: serves a suggestion again while the user types it, without asking a model.

The key is the text around the cursor (its line, 40 lines above, 20 below), the document and the model.
An answer fits a later cursor if that text is unchanged, at any line number, and the answer begins with
the text typed since. This also holds after an undo, and after the file was closed and opened again.
The cache is in memory, bounded, and evicts the least recently used document first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..types import Document, Position, Span

if TYPE_CHECKING:
    from ..selection.decision import Decision

ABOVE = 40
"""Lines before the cursor that are part of the key."""
BELOW = 20
"""Lines after the cursor that are part of the key."""
MAX_ANSWERS = 6
"""Answers that are kept for one key."""
CLOSERS = ")]}\"'`>"


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """One model's answer for one key; ``text`` continues the document at the cursor."""

    text: str
    model: str
    models: tuple[str, ...]
    confidence: float | None = None
    agreement: float | None = None
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    decision: Decision | None = None
    """The decision that chose the model."""
    source: str = ""
    """``provider/model``: identifies the model even if its name in the settings changes."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The text around a cursor."""

    above: tuple[str, ...]
    before: str
    rest: str
    below: tuple[str, ...]

    @classmethod
    def at(cls, document: Document, position: Position) -> CacheKey:
        """Return the key of a position; copies references to at most 60 lines."""
        number, column = position.line, position.column
        line = document.line(number)
        return cls(
            document.lines[max(0, number - ABOVE) : number],
            line[:column],
            line[column:],
            document.lines[number + 1 : number + 1 + BELOW],
        )


@dataclass(slots=True)
class _CachedPlace:
    key: CacheKey
    answers: list[CachedAnswer] = field(default_factory=list[CachedAnswer])

    @property
    def newlines(self) -> int:
        """The line ends of the longest answer: the user may have typed as many."""
        return max((answer.text.count("\n") for answer in self.answers), default=0)


class TypeThroughCache:
    """Answers by document, newest first."""

    def __init__(self, documents: int = 50, entries: int = 30) -> None:
        self._entries: OrderedDict[str, deque[_CachedPlace]] = OrderedDict()
        self._documents = documents
        self._per_document = entries

    def put(self, document: Document, position: Position, answer: CachedAnswer) -> None:
        """Store an answer for a position, after those that are there.

        It replaces the same model's answer that it repeats or continues.
        """
        entries = self._entries.setdefault(document.uri, deque(maxlen=self._per_document))
        self._entries.move_to_end(document.uri)
        while len(self._entries) > self._documents:
            self._entries.popitem(last=False)
        key = CacheKey.at(document, position)
        for entry in entries:
            if entry.key == key:
                kept = [a for a in entry.answers if not _continues(answer, a)]
                entry.answers = [*kept, answer][-MAX_ANSWERS:]
                return
        entries.appendleft(_CachedPlace(key, [answer]))

    def get(self, document: Document, position: Position) -> list[CachedAnswer]:
        """Return the untyped rests of the answers that fit the cursor, newest key first."""
        found: list[CachedAnswer] = []
        for entry in self._entries.get(document.uri, ()):
            typed = typed_since(entry.key, document, position, entry.newlines)
            if typed is None:
                continue
            for answer in entry.answers:
                if len(answer.text) > len(typed) and answer.text.startswith(typed):
                    found.append(replace(answer, text=answer.text[len(typed) :]))
        return found

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)


def _continues(new: CachedAnswer, old: CachedAnswer) -> bool:
    return new.model == old.model and new.text.startswith(old.text)


def typed_since(
    key: CacheKey, document: Document, position: Position, newlines: int = ABOVE
) -> str | None:
    """Return the text typed at a key's place since; ``None`` if the text around it changed.

    ``newlines`` limits the line ends in the typed text. Closing brackets and quotes that the editor
    inserted after the cursor are ignored; those that the user typed over are part of the typed text.
    """
    start = _locate(key, document, position, newlines)
    if start is None:
        return None
    rest = document.line(position.line)[position.column :]
    typed = document.slice(Span(start, position)).replace("\r\n", "\n")
    if rest != key.rest and not (
        _closed_by_editor(rest, key.rest) or _typed_over(rest, key.rest, typed)
    ):
        return None
    below = document.lines[position.line + 1 : position.line + 1 + BELOW]
    shorter = min(len(below), len(key.below))
    if below[:shorter] != key.below[:shorter]:
        return None
    return typed


def _locate(
    key: CacheKey, document: Document, position: Position, newlines: int
) -> Position | None:
    """Find the key's position in the document: on the cursor's line or a few lines above it."""
    lines, column = document.lines, len(key.before)
    for number in range(position.line, max(-1, position.line - newlines - 1), -1):
        # The line first: this cheap check rules out most places.
        if not lines[number].startswith(key.before):
            continue
        if lines[max(0, number - ABOVE) : number] == key.above:
            start = Position(number, column)
            return start if start <= position else None
    return None


def _closed_by_editor(rest: str, before: str) -> bool:
    added = rest.removesuffix(before) if before else rest
    return rest.endswith(before) and 0 < len(added) <= 3 and all(c in CLOSERS for c in added)


def _typed_over(rest: str, before: str, typed: str) -> bool:
    """Return whether the cursor passed closers that were after it: the editor then inserts none."""
    if not before.endswith(rest):
        return False
    passed = before[: len(before) - len(rest)].strip()
    characters = iter(typed)
    return all(char in CLOSERS and char in characters for char in passed)
