"""Outcomes of next edits, from the resulting text alone."""

from __future__ import annotations

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion

CODE = "total = 0\nfor item in items:\n    totl += item\nprint(total)\n"


class Editor:
    """A document, a tracker and its outcomes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.outcomes: list[Outcome] = []
        self.document = Document.from_text("file:///a.py", 1, "python", CODE)
        self.tracker = Tracker(lambda _, o: self.outcomes.append(o), clock=lambda: self.now)

    def offer(self, old: str, new: str, task: str = "edit", id_: str = "e") -> None:
        span = self.span(old)
        suggestion = Suggestion(
            id_, task, new, ("m",), self.document.uri, self.document.version, span
        )  # fmt: skip
        self.tracker.offered([suggestion], self.document)

    def span(self, old: str) -> Span:
        line = next(n for n, text in enumerate(self.document.lines) if old in text)
        column = self.document.lines[line].index(old)
        return Span(Position(line, column), Position(line, column + len(old)))

    def replace(self, old: str, new: str, skip: int = 0) -> None:
        """Replace the text after its first ``skip`` characters."""
        span = self.span(old)
        start = Position(span.start.line, span.start.column + skip)
        edit = Edit(Span(start, span.end), new)
        before = self.document
        self.document = before.replace(edit.span, edit.text, before.version + 1)
        self.tracker.changed(before, self.document, [edit])

    def ended(self, seconds: float = 30.0) -> list[str]:
        self.now += seconds
        self.tracker.tick()
        return [outcome.kind for outcome in self.outcomes]


@pytest.fixture
def editor() -> Editor:
    return Editor()


def test_the_smallest_difference_is_an_accept(editor: Editor) -> None:
    editor.offer("    totl += item\n", "    total += item.price\n")
    editor.replace("totl += item", "al += item.price", skip=3)
    assert editor.ended() == ["accepted"]


def test_a_deletion_at_once_is_an_accept(editor: Editor) -> None:
    editor.offer("print(total)\n", "")
    editor.replace("print(total)\n", "")
    assert editor.ended() == ["accepted"]
    assert editor.outcomes[0].reward is not None
    assert editor.outcomes[0].reward > 0.8


def test_a_deletion_key_by_key_is_typed(editor: Editor) -> None:
    editor.offer("print", "")
    for text in ("print", "prin", "pri", "pr", "p"):
        editor.replace(text, "", skip=len(text) - 1)
    assert editor.ended() == ["typed"]


def test_one_character_replaced_at_once_is_an_accept(editor: Editor) -> None:
    editor.offer("0", "1")
    editor.replace("0", "1")
    assert editor.ended() == ["accepted"]


def test_one_character_inserted_may_be_typed(editor: Editor) -> None:
    editor.offer("totl", "total")
    editor.replace("    tot", "a", skip=len("    tot"))
    assert editor.ended() == ["typed"]


def test_something_else_written_there_is_a_refusal(editor: Editor) -> None:
    editor.offer("item\n", "item.price\n")
    editor.now += 5
    for old, new in (("item\n", "item[\n"), ("item[\n", "item[0\n"), ("item[0\n", "item[0]\n")):
        editor.replace(old, new)
    assert editor.ended() == ["rejected"]


def test_a_completion_does_not_end_an_edit_that_is_shown_beside_it(editor: Editor) -> None:
    editor.offer("totl", "total")
    editor.offer("items:", "items: pass", "complete", "c")
    editor.offer("print", "log", "edit", "e2")
    assert [outcome.id for outcome in editor.outcomes] == ["e"]
