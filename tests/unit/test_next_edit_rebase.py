"""A predicted edit, moved over what the user typed while the model answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.next_edit.edit import PredictedEdit
from ensemble_lsp.next_edit.rebase import rebase
from ensemble_lsp.types import Document, Edit, Position, Span, advance
from tests.support.next_edit import document


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
    return Edit(Span(Position(*start), Position(*end)), text)


def predicted(doc: Document, after: str) -> PredictedEdit:
    whole = PredictedEdit(doc.uri, doc.version, Span(Position(0, 0), doc.end), after)
    return whole.smallest(doc)


def typed(position: tuple[int, int], text: str) -> list[Edit]:
    """Return one insertion for each character."""
    line, column = position
    return [change((line, column + n), (line, column + n), c) for n, c in enumerate(text)]


@pytest.mark.parametrize(
    ("before", "after", "changes", "result"),
    [
        # Part of the insertion.
        ("f(\n", "f(a, b)\n", typed((0, 2), "a, "), "f(a, b)\n"),
        ("x\n", "x\nreturn 1\n", typed((1, 0), "ret"), "x\nreturn 1\n"),
        # All of it: nothing is left.
        ("f(\n", "f(a)\n", typed((0, 2), "a)"), None),
        # A bracket that the editor closes.
        ("f\n", "f(a)\n", [change((0, 1), (0, 1), "()")], "f(a)\n"),
        # Another text at the same place.
        ("f(\n", "f(a)\n", typed((0, 2), "b"), None),
        # Edits elsewhere, above, on the same line before it, and below.
        ("a\nb\n", "a\nc\n", [change((0, 0), (0, 0), "x\n")], "x\na\nc\n"),
        ("a\nb\n", "a\nc\n", [change((0, 0), (1, 0), "")], "c\n"),
        ("aa bb cc\n", "aa bb dd\n", [change((0, 0), (0, 2), "longer")], "longer bb dd\n"),
        ("a\nb\n", "c\nb\n", [change((1, 0), (1, 1), "x\ny")], "c\nx\ny\n"),
        ("aa bb cc\n", "dd bb cc\n", [change((0, 6), (0, 8), "x")], "dd bb x\n"),
        ("a\nb\n", "c\nb\n", [change((1, 0), (2, 0), "d\n")], "c\nd\n"),
        # The first part of a replacement, and the removal of what it removes.
        ("f(a)\n", "g(b, c)\n", [change((0, 0), (0, 1), "g")], "g(b, c)\n"),
        ("old_name\n", "new\n", [change((0, 0), (0, 8), "")], "new\n"),
        ("old_name\n", "new\n", [change((0, 0), (0, 8), ""), *typed((0, 0), "ne")], "new\n"),
        # The removal of something that the edit keeps, or a change across its border.
        ("a(b)\n", "x(b)y\n", [change((0, 1), (0, 4), "")], None),
        ("one two\n", "one 2\n", [change((0, 2), (0, 5), "")], None),
        # No change at all.
        ("a\n", "b\n", [change((0, 0), (0, 0), "")], "b\n"),
        ("a\n", "b\n", [], "b\n"),
        # The whole document sent again, with one character more.
        ("f(\n", "f(a)\n", [change((0, 0), (1, 0), "f(a\n")], "f(a)\n"),
        ("a\r\nb\r\n", "a\r\nc\r\n", [change((0, 1), (0, 1), "a")], "aa\r\nc\r\n"),
    ],
)
def test_an_edit_is_moved_or_dropped(
    before: str, after: str, changes: list[Edit], result: str | None
) -> None:
    doc = document(before)
    edit = predicted(doc, after)
    now = doc
    for one in changes:
        now = now.replace(one.span, one.text, version=now.version + 1)
    moved = rebase(edit, doc, changes, now.version)
    assert (moved and moved.apply(now).text) == result
    if moved is not None:
        assert moved.applies_to(now)
        assert moved.smallest(now) == moved


@given(st.text("ab\n", max_size=8), st.text("xy\n", min_size=1, max_size=8), st.integers(0, 8))
def test_typing_the_insertion_gives_the_same_text(before: str, text: str, at: int) -> None:
    doc = document(before)
    start = advance(Position(0, 0), before[:at])
    edit = PredictedEdit(doc.uri, doc.version, Span(start, start), text)
    wanted = edit.apply(doc).text
    now, position = doc, start
    for number, character in enumerate(text):
        moved = rebase(
            edit,
            doc,
            typed_from(start, text[:number]),
            now.version,
        )
        assert moved is not None
        assert moved.apply(now).text == wanted
        now = now.replace(Span(position, position), character, version=now.version + 1)
        position = advance(position, character)
    assert rebase(edit, doc, typed_from(start, text), now.version) is None


def typed_from(start: Position, text: str) -> list[Edit]:
    changes: list[Edit] = []
    for character in text:
        changes.append(Edit(Span(start, start), character))
        start = advance(start, character)
    return changes
