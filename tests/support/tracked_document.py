"""A document whose changes a tracker follows, with a clock that the test sets."""

from __future__ import annotations

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion

CODE = "def f():\n    return \n\nprint(1)\n"
HERE = Position(1, 11)


class World:
    """A tracker with one document, a clock that the test sets, and all its outcomes."""

    def __init__(self, code: str = CODE) -> None:
        self.now = 100.0
        self.offers = 0
        self.settled: list[Outcome] = []
        self.revised: list[Outcome] = []
        self.preferred: list[tuple[str, list[str]]] = []
        self.document = Document.from_text("file:///a.py", 1, "python", code)
        self.tracker = Tracker(
            lambda _, o: self.settled.append(o),
            lambda _, o: self.revised.append(o),
            prefer=lambda s, others: self.preferred.append((s.id, [o.id for o in others])),
            clock=lambda: self.now,
        )

    def offer(self, *texts: str, at: Position = HERE, **more: object) -> list[Suggestion]:
        self.offers += 1
        offered = [
            Suggestion(
                f"{self.offers}-{place}",
                **{"task": "complete", "models": (f"m{place}",), **more},
                text=text,
                uri=self.document.uri,
                version=self.document.version,
                span=Span(at, at),
                shown_at=place,
            )
            for place, text in enumerate(texts)
        ]
        self.tracker.offered(offered, self.document)
        return offered

    def edit(self, start: Position, end: Position, text: str) -> None:
        before = self.document
        self.document = before.replace(Span(start, end), text, before.version + 1)
        self.tracker.changed(before, self.document, [Edit(Span(start, end), text)])

    def insert(self, text: str, at: Position = HERE) -> None:
        self.edit(at, at, text)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.5)
            self.tracker.tick()

    @property
    def last(self) -> Outcome:
        return (self.settled + self.revised)[-1]


@pytest.fixture
def world() -> World:
    return World()
