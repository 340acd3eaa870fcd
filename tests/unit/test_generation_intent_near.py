"""Requests for code next to the cursor, which is marked with ``|``."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.generation_intent import GenerationIntent, generation_intent_near
from ensemble_lsp.types import Document, Position, Span

DOC = '    """Return the middle value."""\n'
COMMENT = "# read the file and return its lines\n"


def near(text: str, language: str = "python") -> GenerationIntent | None:
    before, after = text.split("|", 1)
    document = Document.from_text("file:///a.py", 1, language, before + after)
    at = Position(before.count("\n"), len(before.rpartition("\n")[2]))
    return generation_intent_near(document, Span(at, at))


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
