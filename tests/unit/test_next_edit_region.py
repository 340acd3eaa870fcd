"""The region that a model may rewrite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.next_edit.families import FAMILIES
from ensemble_lsp.next_edit.region import Region, RegionSize, choose_region
from ensemble_lsp.next_edit.syntax_state import syntax_state
from ensemble_lsp.types import Position
from tests.support.next_edit import document, place

TWO = """\
import os


def first(a):
    b = a + 1
    return b


def second(a):
    b = a + 2
    c = b + 3
    return c
"""


def chosen(marked: str, size: RegionSize, path: str = "shop/cart.py") -> str:
    doc, cursor = place(marked, path)
    region = choose_region(doc, cursor, size)
    return "".join(doc.lines[region.first : region.end])


@pytest.mark.parametrize(
    ("characters", "lines"),
    [
        (1000, (0, 12)),  # the whole file
        (100, (3, 12)),  # both functions
        (80, (8, 12)),  # the function
        (40, (9, 11)),  # the statement and a neighbour
        (1, (9, 10)),  # never less than the line
    ],
)
def test_it_grows_by_whole_nodes(characters: int, lines: tuple[int, int]) -> None:
    size = RegionSize(0, 0, characters)
    assert choose_region(document(TWO), Position(9, 6), size) == Region(*lines)


def test_on_a_blank_line_it_takes_the_nearest_statements() -> None:
    body = "".join(f"    value_{n} = compute({n})\n" for n in range(60))
    doc, cursor = place(f"def f():\n{body}¦\n{body}")
    region = choose_region(doc, cursor, RegionSize(0, 0, 200))
    assert region.first < cursor.line < region.end - 1
    assert 100 < len("".join(doc.lines[region.first : region.end])) <= 200


def test_the_least_lines_count_within_the_budget() -> None:
    doc = document(TWO)
    assert choose_region(doc, Position(9, 0), RegionSize(1, 2, 65)) == Region(8, 12)


def test_without_a_grammar_it_grows_by_lines() -> None:
    text = "".join(f"line {n}\n" for n in range(50))
    doc = document(text, "notes.txt")
    region = choose_region(doc, Position(20, 0), RegionSize(2, 2, 40))
    assert (region.first, region.end) == (18, 23)


def test_a_fixed_window_counts_lines() -> None:
    size = RegionSize(1, 5, syntax=False)
    assert choose_region(document(TWO), Position(4, 0), size) == Region(3, 10)
    assert choose_region(document(TWO), Position(0, 0), size) == Region(0, 6)
    assert choose_region(document(TWO), Position(11, 0), size) == Region(10, 12)


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "\t\r\n", "if x:\n"])
def test_the_empty_last_line_counts_only_with_the_cursor(text: str) -> None:
    doc = document(text)
    last = len(doc.lines) - 1
    for family in FAMILIES:
        for line in range(last + 1):
            region = choose_region(doc, Position(line, 0), family.size)
            assert region.first <= line < region.end <= last + 1
            if line < last and not doc.lines[last]:
                assert region.end <= last


@given(st.text("ab(:\n\r \t{}", max_size=200), st.integers(0, 40))
def test_it_holds_the_cursor_in_any_text(text: str, line: int) -> None:
    doc = document(text)
    at = doc.clamp(Position(line, 0)).line
    for family in FAMILIES:
        region = choose_region(doc, Position(line, 0), family.size)
        assert 0 <= region.first <= at < region.end <= len(doc.lines)
        wider = region.grown(doc, 5, 5, 60)
        assert wider.first <= region.first and region.end <= wider.end <= len(doc.lines)


@pytest.mark.parametrize(
    ("text", "line", "broken"),
    [
        ("a = 1\n", 0, False),
        ("a = \nb = 1\n", 0, True),
        ("a = foo(\n", 0, True),
        ("def f():\n    return 1\n\nx = (\n", 0, False),
    ],
)
def test_an_error_on_a_line(text: str, line: int, broken: bool) -> None:
    state = syntax_state(document(text), Position(line, 0))
    assert state is not None
    assert state.broken_on(line) is broken


@pytest.mark.parametrize(
    ("text", "line", "broken"),
    [
        ("@cache\ndef f():\n    return 1\n", 0, False),
        ("@cache\ndef f():\n    return 1\n", 1, False),
        ("@\ndef f():\n    return 1\n", 0, True),
        ("if a:\n    b()\nelse:\n    c()\n", 2, False),
        ("x = [\n    1,\n]\n", 2, False),
        ("x = 1\n\n# a note\n", 2, False),
        ("", 0, False),
        ('"""A module.\n\nprose at the margin\n"""\n', 2, False),
        ("def f():\n    a = \n    return a\n", 1, True),
        ("class A:\n    async def f(self):\n        await self.\n        return 1\n", 2, True),
        ('def f():\n    """Text\nat the margin"""\n    return 1\n', 2, False),
    ],
)
def test_statements_of_python_are_parsed_by_python_too(text: str, line: int, broken: bool) -> None:
    state = syntax_state(document(text), Position(line, 0))
    assert state is not None
    assert state.broken_on(line) is broken
