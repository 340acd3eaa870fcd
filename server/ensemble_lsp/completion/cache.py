"""Type-through: what was suggested is served again while the user types it, without asking a model.

The key is the document, the text before and after the place (its line, 40 lines above, 20 below), and
the model. It fits a later cursor when that text is the same, wherever it stands in the file by then,
and what was typed since is how the answer begins: also after an undo, or when the file was closed and
opened again. In memory only, bounded, least recently used out first.
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
"""Lines before the cursor that must be the same."""
BELOW = 20
"""Lines after it."""
CLOSERS = ")]}\"'`>"


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What one model said at one place; ``text`` continues the document exactly there."""

    text: str
    model: str
    models: tuple[str, ...]
    confidence: float | None = None
    agreement: float | None = None
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    decision: Decision | None = None
    """What the model was chosen on."""
    source: str = ""
    """Whose answer it is, whatever it is called in the settings: ``provider/model``."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The text round a cursor."""

    above: tuple[str, ...]
    before: str
    rest: str
    below: tuple[str, ...]

    @classmethod
    def at(cls, document: Document, position: Position) -> CacheKey:
        """The place of a cursor; copies references of at most 60 lines."""
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
        """How many line ends may have been typed of the longest answer."""
        return max((answer.text.count("\n") for answer in self.answers), default=0)


class TypeThroughCache:
    """Answers by document, newest first."""

    def __init__(self, documents: int = 50, entries: int = 30) -> None:
        self._entries: OrderedDict[str, deque[_CachedPlace]] = OrderedDict()
        self._documents = documents
        self._per_document = entries

    def put(self, document: Document, position: Position, answer: CachedAnswer) -> None:
        """Keep an answer that was asked for at a place."""
        entries = self._entries.setdefault(document.uri, deque(maxlen=self._per_document))
        self._entries.move_to_end(document.uri)
        while len(self._entries) > self._documents:
            self._entries.popitem(last=False)
        place = CacheKey.at(document, position)
        for entry in entries:
            if entry.key == place:
                entry.answers = [a for a in entry.answers if a.model != answer.model]
                entry.answers.append(answer)
                return
        entries.appendleft(_CachedPlace(place, [answer]))

    def get(self, document: Document, position: Position) -> list[CachedAnswer]:
        """What is left of the answers that fit the cursor now, best fitting place first."""
        found: list[CachedAnswer] = []
        for entry in self._entries.get(document.uri, ()):
            typed = typed_since(entry.key, document, position, entry.newlines)
            if typed is None:
                continue
            for answer in entry.answers:
                if len(answer.text) > len(typed) and answer.text.startswith(typed):
                    found.append(_rest(answer, len(typed)))
        return found

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)


def _rest(answer: CachedAnswer, taken: int) -> CachedAnswer:
    return replace(answer, text=answer.text[taken:])


def typed_since(
    place: CacheKey, document: Document, position: Position, newlines: int = ABOVE
) -> str | None:
    """What was typed at a place since, at most so many line ends; None when the text round it is another.

    Closing brackets and quotes that an editor put after the cursor by itself do not count.
    """
    start = _begins(place, document, position, newlines)
    if start is None:
        return None
    rest = document.line(position.line)[position.column :]
    if rest != place.rest and not _closed_by_editor(rest, place.rest):
        return None
    below = document.lines[position.line + 1 : position.line + 1 + BELOW]
    shorter = min(len(below), len(place.below))
    if below[:shorter] != place.below[:shorter]:
        return None
    return document.slice(Span(start, position)).replace("\r\n", "\n")


def _begins(
    place: CacheKey, document: Document, position: Position, newlines: int
) -> Position | None:
    """Where the place is now: on the cursor's line or a little above it."""
    lines, column = document.lines, len(place.before)
    for number in range(position.line, max(-1, position.line - newlines - 1), -1):
        # The line first: it tells most places apart, at the least cost.
        if not lines[number].startswith(place.before):
            continue
        if lines[max(0, number - ABOVE) : number] == place.above:
            start = Position(number, column)
            return start if start <= position else None
    return None


def _closed_by_editor(rest: str, before: str) -> bool:
    added = rest.removesuffix(before) if before else rest
    return rest.endswith(before) and 0 < len(added) <= 3 and all(c in CLOSERS for c in added)
