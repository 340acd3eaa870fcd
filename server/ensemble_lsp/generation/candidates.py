"""What ensembles wrote, kept while the user chooses among it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..types import Document, Edit, Span, Suggestion

KEPT = 50


@dataclass(frozen=True, slots=True)
class Generation:
    """What an ensemble wrote for one place. ``candidates[0]`` is the consensus, or the judge's pick."""

    id: str
    uri: str
    version: int
    span: Span
    """Where the candidates go: follows the document's changes."""
    candidates: tuple[Suggestion, ...]
    agreement: float
    """Estimated chance that the first candidate is right, 0 to 1."""
    agreeing: int
    """How many models stand behind the consensus."""
    asked: int
    why: str
    latency_ms: float
    errors: dict[str, str]
    decided: bool = True
    """False where the models agree too little: the user chooses, nothing is put in unasked."""
    check_summaries: tuple[str, ...] = ()
    """What came of the examples and tests, of each candidate, in words; empty where none were run."""

    @property
    def shown(self) -> list[int]:
        """The candidates' indexes in the order they are offered in: drawn, as people take the first."""
        places = range(len(self.candidates))
        return sorted(places, key=lambda index: self.candidates[index].shown_at)

    def title(self, index: int) -> str:
        """What the code action of a candidate is called."""
        candidate = self.candidates[index]
        tried = (
            f" · {self.check_summaries[index]}"
            if index < len(self.check_summaries) and self.check_summaries[index]
            else ""
        )
        if index == 0 and self.asked > 1:
            sure = (
                f" · {self.agreement:.0%}" if len(self.candidates) > 1 or self.agreeing > 1 else ""
            )
            return f"Use consensus ({self.agreeing} of {self.asked} models agree){sure}{tried}"
        names = " and ".join(candidate.models)
        return f"Use {names}'s answer{tried}"


class CandidateStore:
    """The generations of all documents; follows their changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Generation] = OrderedDict()

    def keep(self, generation: Generation) -> None:
        """Keep a generation; one before it at the same place is forgotten."""
        for old in [g for g in self._kept.values() if g.uri == generation.uri]:
            if _touch(old.span, generation.span):
                del self._kept[old.id]
        self._kept[generation.id] = generation
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def at(self, uri: str, span: Span) -> Generation | None:
        """The newest generation whose place the span touches."""
        for generation in reversed(self._kept.values()):
            if generation.uri == uri and _touch(generation.span, span):
                return generation
        return None

    def find(self, id_: str) -> Generation | None:
        """A generation by its id, as it is now; None where it is forgotten."""
        return self._kept.get(id_)

    def candidate(self, id_: str) -> tuple[Generation, Suggestion]:
        """One candidate by its suggestion's id."""
        for generation in self._kept.values():
            for candidate in generation.candidates:
                if candidate.id == id_:
                    return generation, candidate
        raise SettingsError("That answer is no longer there; generate again.")

    def discard(self, id_: str) -> list[str]:
        """Forget a generation; the ids of its candidates, empty where there is none."""
        generation = self._kept.pop(id_, None)
        return [c.id for c in generation.candidates] if generation else []

    def opened(self, document: Document) -> None:
        """A document was opened: nothing was written for it yet."""

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Follow the document, so that candidates go to where the place is now."""
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
        """A document is closed: its answers are forgotten."""
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
