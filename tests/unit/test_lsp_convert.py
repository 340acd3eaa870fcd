"""Positions between the client's units and code points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from ensemble_lsp.lsp.convert import (
    Encoding,
    code_points,
    from_position,
    from_span,
    to_column,
    to_edit,
    to_position,
    to_span,
    units,
    workspace_edit,
)
from ensemble_lsp.types import Document, Edit, Position, Span

ENCODINGS: list[Encoding] = ["utf-8", "utf-16", "utf-32"]


def doc(text: str) -> Document:
    return Document.from_text("file:///a.py", 1, "python", text)


@pytest.mark.parametrize(
    ("line", "character", "encoding", "column"),
    [
        ("abc", 2, "utf-16", 2),
        ("a😀b", 3, "utf-16", 2),
        ("a😀b", 2, "utf-16", 1),  # inside the surrogate pair: the character's start
        ("a😀b", 5, "utf-8", 2),
        ("a😀b", 3, "utf-8", 1),
        ("a😀b", 2, "utf-32", 2),
        ("é", 1, "utf-8", 0),
        ("abc", 99, "utf-16", 3),
        ("a😀", 99, "utf-16", 2),
        ("abc", -1, "utf-16", 0),
        ("", 0, "utf-8", 0),
    ],
)
def test_columns_count_the_encodings_units(
    line: str, character: int, encoding: Encoding, column: int
) -> None:
    assert to_column(line, character, encoding) == column


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text(alphabet="ab\n\r😀é\u2028\x0c", max_size=30), place=st.data())
def test_every_position_survives_the_way_to_the_client_and_back(
    encoding: Encoding, text: str, place: st.DataObject
) -> None:
    document = doc(text)
    line = place.draw(st.integers(0, len(document.lines) - 1))
    column = place.draw(st.integers(0, len(document.line(line))))
    position = Position(line, column)
    there = from_position(document, position, encoding)
    assert to_position(document, there, encoding) == position


def test_a_position_past_the_end_means_the_end_and_is_left_as_it_was() -> None:
    given_position = lsp.Position(9, 9)
    assert to_position(doc("ab\ncd"), given_position, "utf-16") == Position(1, 2)
    assert (given_position.line, given_position.character) == (9, 9)


def test_a_position_past_a_lines_end_stays_before_its_line_end() -> None:
    assert to_position(doc("ab\r\ncd"), lsp.Position(0, 9), "utf-16") == Position(0, 2)


def test_a_range_given_backwards_is_turned_round() -> None:
    range_ = lsp.Range(lsp.Position(0, 3), lsp.Position(0, 1))
    assert to_span(doc("abcd"), range_, "utf-16") == Span(Position(0, 1), Position(0, 3))


@pytest.mark.parametrize("text", ["", "\n", "a\x0cb", "a\u2028b", "x\r\ny"])
def test_odd_documents_have_a_first_and_a_last_position(text: str) -> None:
    document = doc(text)
    end = from_position(document, document.end, "utf-16")
    assert to_position(document, end, "utf-16") == document.end
    assert to_position(document, lsp.Position(0, 0), "utf-16") == Position(0, 0)


def test_a_change_becomes_an_edit_in_code_points() -> None:
    range_ = lsp.Range(lsp.Position(0, 1), lsp.Position(0, 3))
    change = lsp.TextDocumentContentChangePartial(range=range_, text="")
    assert to_edit(doc("x😀\n"), change, "utf-16") == Edit(Span(Position(0, 1), Position(0, 2)), "")
    whole = lsp.TextDocumentContentChangeWholeDocument(text="new")
    assert to_edit(doc("x\nold"), whole, "utf-16") == Edit(
        Span(Position(0, 0), Position(1, 3)), "new"
    )


def test_a_workspace_edit_carries_the_version_where_the_client_takes_it() -> None:
    span = Span(Position(0, 1), Position(0, 2))
    edit = workspace_edit(doc("a😀b"), span, "c", "utf-16", versioned=True)
    assert edit.document_changes is not None
    change = edit.document_changes[0]
    assert isinstance(change, lsp.TextDocumentEdit)
    assert change.text_document.version == 1
    plain = workspace_edit(doc("a😀b"), span, "c", "utf-16", versioned=False)
    assert plain.changes is not None
    assert plain.changes["file:///a.py"][0].range == from_span(doc("a😀b"), span, "utf-16")
    assert plain.changes["file:///a.py"][0].range.end.character == 3


@pytest.mark.parametrize(
    ("text", "length", "points"), [("abc", 2, 2), ("😀b", 2, 1), ("😀b", 3, 2), ("ab", 9, 2)]
)
def test_lengths_in_utf16_units_become_code_points(text: str, length: int, points: int) -> None:
    assert code_points(text, length) == points


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_units_of_ascii_are_its_length(encoding: Encoding) -> None:
    assert units("abc", encoding) == 3
