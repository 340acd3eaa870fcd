"""Predicted edits: applied, cut to the smallest, and shown as an inline completion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.next_edit.edit import PredictedEdit, smallest_edit
from ensemble_lsp.types import Document, Edit, Position, Span


def document(text: str) -> Document:
    return Document.from_text("file:///a.py", 3, "python", text)


def whole(before: str, after: str) -> PredictedEdit:
    doc = document(before)
    return PredictedEdit(doc.uri, doc.version, Span(Position(0, 0), doc.end), after)


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
    return Edit(Span(Position(*start), Position(*end)), text)


@pytest.mark.parametrize(
    ("before", "after", "smallest"),
    [
        ("total = 1\n", "total = 2\n", edit((0, 8), (0, 9), "2")),
        ("    a()\n    c()\n", "    a()\n    b()\n    c()\n", edit((1, 0), (1, 0), "    b()\n")),
        ("    a()\n    b()\n    c()\n", "    a()\n    c()\n", edit((1, 0), (2, 0), "")),
        ("a\r\nb\r\n", "a\r\nx\r\nb\r\n", edit((1, 0), (1, 0), "x\r\n")),
        ("a\r\n", "a\n", edit((0, 1), (1, 0), "\n")),
        ("aa", "aaa", edit((0, 2), (0, 2), "a")),
        ("same", "same", edit((0, 4), (0, 4), "")),
        ("x\n", "x\ny\n", edit((1, 0), (1, 0), "y\n")),
        ("x", "x\ny", edit((0, 1), (0, 1), "\ny")),
    ],
)
def test_the_smallest_edit_leaves_both_ends_alone(before: str, after: str, smallest: Edit) -> None:
    assert whole(before, after).smallest(document(before)).edit == smallest


@given(*[st.text("ab \r\n\U0001f600", max_size=12)] * 2)
def test_the_smallest_edit_gives_the_same_document(before: str, after: str) -> None:
    doc = document(before)
    small = smallest_edit(doc, Span(Position(0, 0), doc.end), after)
    assert doc.replace(small.span, small.text).text == after
    assert (small.span.empty and not small.text) == (before == after)


@pytest.mark.parametrize(
    ("before", "after", "cursor", "shown"),
    [
        # Characters on the cursor's line.
        ("foo(\n", "foo(a)\n", (0, 4), edit((0, 4), (0, 4), "a)")),
        ("foo()\n", "foo(a, b)\n", (0, 4), edit((0, 4), (0, 4), "a, b")),
        ("foo()\n", "foo(a)[b]\n", (0, 4), edit((0, 4), (0, 5), "a)[b]")),
        ("f(x)\n", "f(x, y)\n", (0, 1), edit((0, 1), (0, 3), "(x, y")),
        # Lines after it, at its end.
        ("if a:\nb\n", "if a:\n    c\nb\n", (0, 5), edit((0, 5), (0, 5), "\n    c")),
        ("a\r\nb\r\n", "a\r\nx\r\nb\r\n", (0, 1), edit((0, 1), (0, 1), "\r\nx")),
        ("a\nb\n", "a\n\nb\n", (0, 1), edit((0, 1), (0, 1), "\n")),
        # Not only added, or elsewhere.
        ("if a:\nb\n", "if a:\n    c\nb\n", (0, 2), None),
        ("foo(x)\n", "foo(y)\n", (0, 4), None),
        ("foo(x)\n", "bar(foo(x))\n", (0, 4), None),
        ("a\nb\n", "a\nbc\n", (0, 1), None),
        ("f(x)\n", "f(\n)(x)\n", (0, 2), None),
        ("same\n", "same\n", (0, 4), None),
    ],
)
def test_an_edit_that_only_adds_is_an_inline_completion(
    before: str, after: str, cursor: tuple[int, int], shown: Edit | None
) -> None:
    assert whole(before, after).as_insertion(document(before), Position(*cursor)) == shown


@given(
    st.text("ab()\n", max_size=8),
    st.text("ab()\n", max_size=8),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_an_inline_completion_gives_the_same_document(
    before: str, after: str, line: int, column: int
) -> None:
    doc = document(before)
    cursor = doc.clamp(Position(line, column))
    shown = whole(before, after).as_insertion(doc, cursor)
    if shown is not None:
        assert doc.replace(shown.span, shown.text).text == after
        assert shown.span.start == cursor
        assert shown.span.end.line == cursor.line


def test_an_edit_is_for_one_version() -> None:
    doc = document("a\n")
    predicted = PredictedEdit(doc.uri, 3, Span(Position(0, 0), Position(0, 1)), "b")
    assert predicted.applies_to(doc)
    assert predicted.changes(doc)
    after = predicted.apply(doc, 4)
    assert (after.text, after.version) == ("b\n", 4)
    assert not predicted.applies_to(after)
    assert not predicted.changes(after)
