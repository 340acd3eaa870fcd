"""Texts that the user refused, so that they are not offered again at the same place."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from ..types import Document, Outcome, Position, Span, Suggestion
from .matching import squeeze

REFUSED_S = 600.0
"""After this long a refused text may be offered again."""
_MOST_PLACES = 512


@dataclass(frozen=True, slots=True)
class Place:
    """The text round a place: its line and the one above, wherever they are in the document."""

    uri: str
    above: str
    before: str
    behind: str

    @classmethod
    def of(cls, document: Document, span: Span) -> Place:
        """Return the place of a span."""
        start, end = span.start, span.end
        return cls(
            document.uri,
            document.line(start.line - 1) if start.line else "",
            document.line(start.line)[: start.column],
            document.line(end.line)[end.column :],
        )


class Refusals:
    """The texts that the user refused by a key or command, or accepted and undid."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._refused: OrderedDict[str, tuple[float, Place, str]] = OrderedDict()

    def offered(self, suggestion: Suggestion, document: Document) -> None:
        """Remember the place of a completion."""
        if suggestion.task == "complete":
            self._places[suggestion.id] = Place.of(document, suggestion.span)
            while len(self._places) > _MOST_PLACES:
                self._places.popitem(last=False)

    def settled(self, suggestion: Suggestion, outcome: Outcome, *, revised: bool = False) -> None:
        """Take an outcome. Other text in its place is no refusal: the user may delete it and look again."""
        place = self._places.get(suggestion.id)
        if place is None:
            return
        self._refused.pop(suggestion.id, None)
        if outcome.kind == "rejected" and (revised or outcome.source != "document"):
            self._refused[suggestion.id] = (self._clock(), place, squeeze(suggestion.text))

    def includes(self, document: Document, position: Position, text: str) -> bool:
        """Return whether the text, or a longer or shorter version, was refused at this cursor."""
        since = self._clock() - REFUSED_S
        while self._refused and next(iter(self._refused.values()))[0] < since:
            self._refused.popitem(last=False)
        if not self._refused:
            return False
        here, text = Place.of(document, Span(position, position)), squeeze(text)
        return any(
            place == here and (one.startswith(text) or text.startswith(one))
            for _, place, one in self._refused.values()
        )
