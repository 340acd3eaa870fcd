"""The candidates of generations, kept while the user chooses between them."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..types import Document, Edit, Span, Suggestion
from ..wording import join_names

MAX_GENERATIONS = 50


@dataclass(frozen=True, slots=True)
class Generation:
    """The candidates for one place. ``candidates[0]`` is the consensus, the judge's pick or the best record's."""

    id: str
    uri: str
    version: int
    span: Span
    """The text that a candidate replaces; follows the document's changes."""
    candidates: tuple[Suggestion, ...]
    agreement: float
    """Estimated probability that the first candidate is right, 0 to 1."""
    agreeing: int
    """The number of models that gave the first candidate; a consensus needs two."""
    asked: int
    why: str
    latency_ms: float
    errors: dict[str, str]
    decided: bool = True
    """``False`` if the models agree too little to insert a candidate: the user has to choose."""
    check_summaries: tuple[str, ...] = ()
    """For each candidate, the results of its examples and tests in words; empty if none were run."""

    @property
    def unanswered(self) -> str:
        """A sentence that names the models without an answer; empty if all answered."""
        return f"{join_names(list(self.errors))} did not answer." if self.errors else ""

    @property
    def shown(self) -> list[int]:
        """The candidates' indexes in display order: the first, then the others in random order."""
        places = range(len(self.candidates))
        return sorted(places, key=lambda index: self.candidates[index].shown_at)

    def title(self, index: int) -> str:
        """Return the title of a candidate's code action."""
        candidate = self.candidates[index]
        summary = self.check_summaries[index] if index < len(self.check_summaries) else ""
        checks = f" · {summary}" if summary else ""
        if index == 0 and self.agreeing > 1:
            agreeing = f"{self.agreeing} of {self.asked} models agree"
            return f"Use consensus ({agreeing}) · {self.agreement:.0%}{checks}"
        return f"Use {' and '.join(candidate.models)}'s answer{checks}"


class CandidateStore:
    """The latest generations in all documents; follows the documents' changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Generation] = OrderedDict()

    def keep(self, generation: Generation) -> None:
        """Store a generation; it replaces earlier ones at the same place."""
        for old in [g for g in self._kept.values() if g.uri == generation.uri]:
            if _touch(old.span, generation.span):
                del self._kept[old.id]
        self._kept[generation.id] = generation
        while len(self._kept) > MAX_GENERATIONS:
            self._kept.popitem(last=False)

    def at(self, uri: str, span: Span) -> Generation | None:
        """Return the newest generation on the lines of a span."""
        for generation in reversed(self._kept.values()):
            if generation.uri == uri and _touch(generation.span, span):
                return generation
        return None

    def find(self, id_: str) -> Generation | None:
        """Return a generation by its id; ``None`` if it is no longer kept."""
        return self._kept.get(id_)

    def candidate(self, id_: str) -> tuple[Generation, Suggestion]:
        """Return a candidate by its suggestion's id, with its generation."""
        for generation in self._kept.values():
            for candidate in generation.candidates:
                if candidate.id == id_:
                    return generation, candidate
        raise SettingsError("That answer is no longer available; generate again.")

    def discard(self, id_: str) -> list[str]:
        """Remove a generation and return the ids of its candidates."""
        generation = self._kept.pop(id_, None)
        return [c.id for c in generation.candidates] if generation else []

    def opened(self, document: Document) -> None:
        """Do nothing: a new document has no candidates."""

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Move the spans of the document's generations; drop those whose span an edit cut."""
        for id_, generation in list(self._kept.items()):
            if generation.uri != before.uri:
                continue
            span: Span | None = generation.span
            for edit in edits:
                span = follow(span, edit) if span is not None else None
            if span is None:
                del self._kept[id_]
            else:
                self._kept[id_] = replace(generation, span=span, version=after.version)

    def closed(self, document: Document) -> None:
        """Drop the generations of a closed document."""
        for id_ in [i for i, g in self._kept.items() if g.uri == document.uri]:
            del self._kept[id_]


def follow(span: Span, edit: Edit) -> Span | None:
    """Return the span after an edit; ``None`` if the edit overlaps one of its ends."""
    if edit.span.end <= span.start and edit.span.end != span.end:
        return Span(edit.shift(span.start), edit.shift(span.end))
    if edit.span.start >= span.start and edit.span.end <= span.end:
        return Span(span.start, edit.shift(span.end))
    if edit.span.start > span.end:
        return span
    return None


def _touch(one: Span, other: Span) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def shown_positions(count: int) -> list[int]:
    """Return each candidate's position: the best first, the others in random order.

    Users favour what comes first, so a fixed order among the others would bias what is learned.
    """
    shuffled = list(range(1, count))
    random.shuffle(shuffled)
    return [0, *shuffled]
