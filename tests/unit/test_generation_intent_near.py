"""Requests for code next to the cursor, which is marked with ``|``."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.generation_intent import (
    GenerationIntent,
    generation_intent_near,
    half_typed_body_at,
)
from ensemble_lsp.types import Document, Position, Span

DOC = '    """Return the middle value."""\n'
COMMENT = "# read the file and return its lines\n"


def marked(text: str, language: str = "python") -> tuple[Document, Span]:
    """Return a document without the mark, and the mark's place."""
    before, after = text.split("|", 1)
    document = Document.from_text("file:///a.py", 1, language, before + after)
    at = Position(before.count("\n"), len(before.rpartition("\n")[2]))
    return document, Span(at, at)


def near(text: str, language: str = "python") -> GenerationIntent | None:
    return generation_intent_near(*marked(text, language))


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        (f"def f(a):\n{DOC}|\n", "python", 1),
        (f"def f(a):\n{DOC}\n\n|\ndef g():\n    return 1\n", "python", 1),
        (f"def f(a):\n{DOC}|", "python", 1),
        (f"def f(a):\r\n{DOC.strip(chr(10))}\r\n|\r\n", "python", 1),
        (f"x = 1\n|\ndef f(a):\n{DOC}", "python", 3),
        (f"@cache|\n@traced\ndef f(a):\n{DOC}", "python", 3),
        (
            f"class A:\n    def g(self):\n    {DOC}\n|\n    def h(self):\n        return 1\n",
            "python",
            2,
        ),
        ("/** Return the middle value. */\nfunction f(a) {\n}\n|\n", "javascript", 1),
        ("/// Return the middle value.\nfn median() -> i32 {\n    todo!()\n}\n|", "rust", 1),
    ],
)
def test_a_body_is_written_from_a_line_next_to_its_definition(
    text: str, language: str, line: int
) -> None:
    intent = near(text, language)
    assert intent is not None
    assert intent.kind == "body"
    assert intent.instruction.endswith("Return the middle value.")
    assert intent.span.start.line == line


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (f"x = 1\n{COMMENT}|\n", "python"),
        (f"x = 1\n{COMMENT}\n\n|\ny = 2\n", "python"),
        (f"x = 1\n|\n{COMMENT}", "python"),
        (f"def g():\n    x = 1\n    {COMMENT}    |\n", "python"),
        ("-- read the file and return its lines\n\n|", "sql"),
    ],
)
def test_a_comment_is_answered_from_a_line_next_to_it(text: str, language: str) -> None:
    intent = near(text, language)
    assert intent is not None
    assert (intent.kind, intent.instruction) == ("comment", "read the file and return its lines")


@pytest.mark.parametrize(
    "text",
    [
        f"def f(a):\n{DOC}    return a\n\n|\n",
        f"{COMMENT}\n\n\n\n|\n",
        f"{COMMENT}x = open(f)\n|\n",
        "# Copyright 2020 the authors of this\n|\nx = 1\n",
        '"""Statistics of a sample."""\n|\n',
        f"def f(a):\n{DOC}\nx = |1\n",
    ],
)
def test_finished_code_and_distant_comments_ask_for_nothing(text: str) -> None:
    assert near(text) is None


@pytest.mark.parametrize(
    ("text", "language", "begun"),
    [
        (f"def f(a):\n{DOC}    result = |\n\n\ndef g():\n    return 1\n", "python", "result ="),
        (f"def f(a):\n{DOC}    return sum(|\n", "python", "return sum("),
        (f"class A:\n    def g(self):\n    {DOC}        res|\n", "python", "res"),
        (f"def f(a):\r\n{DOC.strip(chr(10))}\r\n    for x in|\r\n", "python", "for x in"),
        ("/** Sum. */\nfunction f(a) {\n  const s = |\n}\n", "typescript", "const s ="),
        ("// F sums.\nfunc F(a []int) int {\n\tsum := |\n}\n", "go", "sum :="),
        ("/// Sums.\nfn f(a: &[u8]) -> u8 {\n    let s = |\n}\n", "rust", "let s ="),
    ],
)
def test_a_body_of_one_half_typed_line_is_replaced(text: str, language: str, begun: str) -> None:
    document, at = marked(text, language)
    intent = half_typed_body_at(document, at)
    assert intent is not None
    assert intent.instruction.endswith(f"It begins with: {begun}")
    assert document.slice(intent.span).strip() == begun
    assert intent.indent in document.line(at.start.line)


@pytest.mark.parametrize(
    "text",
    [
        f"def f(a):\n{DOC}    return a.total|\n",
        f"def f(a):\n{DOC}    re|sult = \n",
        f"def f(a):\n{DOC}    x = 1\n    y = |\n",
        f"def f(a):\n{DOC}    x = |\n    return x\n",
        "x = |\n",
    ],
)
def test_a_body_with_finished_code_is_not_replaced(text: str) -> None:
    assert half_typed_body_at(*marked(text)) is None
