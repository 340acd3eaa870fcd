"""When to complete, and how much: nothing, the rest of a line, or a block."""

from __future__ import annotations

import re
from typing import Literal

from ..languages import COMMENT_LINE
from ..syntax.indentation import indent_of
from ..syntax.trees import Trees
from ..types import Document, Position
from .symbols import enclosing, in_string_or_comment

CompletionMode = Literal["none", "line", "block"]

_NEAR = 10
"""Lines above and below a blank one that tell what it belongs to."""

_BLOCK_WORDS = re.compile(
    r"(?:^|\s)(?:do|then|else|begin|try|ensure|repeat)(?:\s*\|[^|]*\|)?$"
    r"|^\s*(?:def|class|module|function|local function|while|unless|for|if)\b[^#]*$"
)
_ENDS_BY_WORD = frozenset({"ruby", "lua", "shellscript", "bash", "sh", "elixir"})


def completion_mode_at(
    document: Document, position: Position, trees: Trees | None = None
) -> CompletionMode:
    """What to ask a model for at a cursor.

    ``none`` inside a word that goes on after the cursor; ``block`` after what opens one (``:``,
    ``{``), after a comment that says what is to come, and on a blank line in a function where the next
    statement would begin; else ``line``.
    """
    position = document.clamp(position)
    line = document.line(position.line)
    head, tail = line[: position.column], line[position.column :]
    if tail and (tail[0].isalnum() or tail[0] == "_"):
        return "none"
    if tail.strip():
        return "line"
    if head.strip():
        return _after_code(document, position, head, trees)
    return _on_blank(document, position, head, trees)


def _after_code(
    document: Document, position: Position, head: str, trees: Trees | None
) -> CompletionMode:
    if not _opens(head, document.language) or _quote_open(head):
        return "line"
    return "line" if in_string_or_comment(document, position, trees) else "block"


def _on_blank(
    document: Document, position: Position, head: str, trees: Trees | None
) -> CompletionMode:
    text = _written(document, range(position.line - 1, max(-1, position.line - _NEAR), -1))
    if not text:
        return "line"
    if COMMENT_LINE.match(text) and (head or not text[0].isspace()):
        return "block" if len(head) >= len(indent_of(text)) else "line"
    if _opens(text, document.language) and len(head) > len(indent_of(text)):
        return "block"
    below = _written(document, range(position.line + 1, position.line + _NEAR))
    # A cursor at the margin is in the body that goes on below it; with nothing below it, in none.
    depth = len(head) or len(indent_of(below))
    if not depth or _goes_on(text):
        return "line"
    symbol = enclosing(document, Position(position.line, depth), trees)
    if symbol is None or not (symbol.empty or symbol.kind == "function"):
        return "line"
    return "line" if in_string_or_comment(document, position, trees) else "block"


def _written(document: Document, numbers: range) -> str:
    """The first of the lines that holds anything; empty where none does."""
    return next((text for n in numbers if (text := document.line(n)).strip()), "")


def _goes_on(text: str) -> bool:
    """Whether a statement goes on below a line. An opening bracket opens a block: see ``_opens``."""
    text = text.rstrip()
    return text.endswith((",", "\\", "&&", "||", "=", "+", ".")) and not text.endswith("++")


def _quote_open(head: str) -> bool:
    """Whether a string begun on the line is still open; a tree cannot tell while it is."""
    bare = re.sub(r"\\.", "", head)
    return any(bare.count(quote) % 2 for quote in '"`') or bool(
        re.search(r"[=(,\[]\s*'[^']*$", bare)
    )


def _opens(text: str, language: str) -> bool:
    text = text.rstrip()
    if language == "python":
        return text.endswith((":", "(", "[", "{"))
    if language in _ENDS_BY_WORD and _BLOCK_WORDS.search(text):
        return True
    return text.endswith(("{", "(", "[", "=>", "->"))
