"""Outcomes of undo chains, of keys at several cursors, and of an accept that an editor reports with other edits."""

from __future__ import annotations

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion
from tests.support.simulated_editor import Editor

FORMS = ("vscode", "smallest", "neovim")
TEXT = "items.reduce((sum, item) => sum + item.price, 0);"


class Desk:
    """A file, a tracker, and the latest outcome of each suggestion."""

    def __init__(self, text: str, cursor: tuple[int, int], form: str) -> None:
        self.kinds: dict[str, str] = {}
        now = [100.0]
        tracker = Tracker(self._hear, self._hear, clock=lambda: now[0])
        document = Document.from_text("file:///a.ts", 1, "typescript", text)
        self.editor = Editor(tracker, form, document, Position(*cursor), now)

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.kinds[suggestion.id] = outcome.kind

    def kind(self, suggestion: Suggestion) -> str:
        self.editor.wait(700)
        return self.kinds[suggestion.id]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("redone", [True, False])
def test_a_redo_brings_back_the_typed_start_and_the_accept_one_by_one(
    form: str, redone: bool
) -> None:
    desk = Desk("const total = \n", (0, 14), form)
    e = desk.editor
    suggestion = e.offer(TEXT)
    states = [(e.document, e.cursor)]
    e.wait(0.5)
    e.type("ite")
    states.append((e.document, e.cursor))
    e.wait(0.3)
    e.replace(Span(suggestion.span.start, e.cursor), TEXT)
    states.append((e.document, e.cursor))
    e.wait(1)
    for state in reversed(states[:-1]):
        e.restore(*state)
        e.wait(0.3)
    if redone:
        for state in states[1:]:
            e.restore(*state)
            e.wait(0.3)
    assert desk.kind(suggestion) == ("accepted" if redone else "rejected")


@pytest.mark.parametrize("form", FORMS)
def test_two_accepts_one_behind_the_other_are_redone(form: str) -> None:
    desk = Desk("const total = \n", (0, 14), form)
    e = desk.editor
    states = [(e.document, e.cursor)]
    offered: list[Suggestion] = []
    for text, model in (("items.map(f)", "a"), (".filter(Boolean);", "b")):
        offered.append(e.offer(text, models=(model,)))
        e.wait(1)
        e.accept(offered[-1])
        states.append((e.document, e.cursor))
        e.wait(1)
    for state in (states[1], states[0], states[1], states[2]):
        e.restore(*state)
    assert [desk.kind(s) for s in offered] == ["accepted", "accepted"]


@pytest.mark.parametrize("form", FORMS)
def test_keys_at_several_cursors_are_typed(form: str) -> None:
    desk = Desk("a: \nb: \nc: \n", (2, 3), form)
    e = desk.editor
    suggestion = e.offer("value1 + 2")
    e.wait(0.6)
    for column, key in enumerate(suggestion.text, 3):
        e.now[0] += 0.15
        places = [Position(line, column) for line in (2, 1, 0)]
        e.change(*(Edit(Span(place, place), key) for place in places))
    assert desk.kind(suggestion) == "typed"


@pytest.mark.parametrize("form", FORMS)
def test_an_accept_at_several_cursors_is_accepted(form: str) -> None:
    desk = Desk("a: ,\nb: ,\nc: ,\n", (2, 3), form)
    e = desk.editor
    suggestion = e.offer("new Map<string, number>()")
    e.wait(1)
    places = [Position(line, 3) for line in (2, 1, 0)]
    e.change(*(Edit(Span(place, place), suggestion.text) for place in places))
    assert desk.kind(suggestion) == "accepted"


@pytest.mark.parametrize("form", FORMS)
def test_an_accept_with_its_import_and_its_format_in_one_message(form: str) -> None:
    desk = Desk("import a from 'a'\n\nfunction f(items) {\n  const total = \n}\n", (3, 16), form)
    e = desk.editor
    suggestion = e.offer('reduce(items, "price")')
    e.wait(1)
    at, top = e.cursor, Position(0, 17)
    moved = Position(4, 16)
    e.change(
        Edit(Span(at, at), suggestion.text),
        Edit(Span(top, top), "\nimport { reduce } from 'lib';"),
        Edit(Span(moved, Position(4, 16 + len(suggestion.text))), "reduce(items, 'price');"),
    )
    assert desk.kind(suggestion) == "accepted"


@pytest.mark.parametrize("form", FORMS)
def test_a_snippet_that_begins_as_offered_is_not_taken(form: str) -> None:
    desk = Desk("\n", (0, 0), form)
    e = desk.editor
    e.type("tr")
    suggestion = e.offer("y {\n  await load();\n} catch (error) {\n  log(error);\n}")
    e.wait(1)
    e.replace(Span(Position(0, 0), e.cursor), "try {\n  \n} catch (error) {\n  \n}")
    assert desk.kind(suggestion) == "rejected"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("keys", [1, 3])
def test_escape_rejects_what_continues_the_suggestion_that_the_client_still_knows(
    form: str, keys: int
) -> None:
    """The server answers a key before the client, which reports Escape, has the answer."""
    desk = Desk("const total = \n", (0, 14), form)
    e = desk.editor
    first = newest = e.offer(TEXT)
    e.wait(1)
    for key in TEXT[:keys]:
        e.type(key)
        e.flush()
        newest = e.offer(TEXT[e.cursor.column - 14 :])
    e.tracker.ended(first.id, "rejected")
    assert desk.kinds[newest.id] == "rejected"
    assert desk.kinds[first.id] == "superseded"
