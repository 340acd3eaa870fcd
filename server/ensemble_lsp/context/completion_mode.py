"""The completion mode at a cursor: nothing, the rest of the line, or a block."""

from __future__ import annotations

import re
from typing import Literal

from ..languages import COMMENT_LINE
from ..syntax.indentation import indent_of
from ..syntax.trees import Trees
from ..types import Document, Position
from .symbols import enclosing, in_string_or_comment

CompletionMode = Literal["none", "line", "block"]

_MAX_HEAD = 4_000
"""Characters before the cursor, on its line, that are looked at."""
_NEARBY_LINES = 10
"""Lines above and below a blank line that decide its mode."""

_BLOCK_WORDS = re.compile(
    r"(?:^|\s)(?:do|then|else|begin|try|ensure|repeat)(?:\s*\|[^|]*\|)?$"
    r"|^\s*(?:def|class|module|function|local function|while|unless|for|if)\b[^#]*$"
)
_EMPTY_BLOCK = re.compile(r"^(?!\s*(?:import|export)\b).*(?:[^\s=$#]\s*|\s)\{$")
_CLOSED_BLOCK = re.compile(r"\}(?:,[^{}]*?)?[()\]};,]*\s*$")
"""The line before and after a cursor between braces: ``f() {`` and ``});`` or ``}, 500);``."""
_RULE = re.compile(r"[^\t#:=][^\t#=]*:(?![:=])")
"""A rule of a Makefile; its recipe is below it."""
_KEYWORD_BLOCK_LANGUAGES = frozenset({"ruby", "lua", "shellscript", "bash", "sh", "elixir"})


def completion_mode_at(
    document: Document, position: Position, trees: Trees | None = None
) -> CompletionMode:
    """Return what to ask a model for at a cursor.

    ``none`` before the rest of a word; ``block`` after a block opener (``:``, ``{``), between braces that
    the editor closed, after a comment that announces code, and on a blank line in a function that can
    begin a statement; else ``line``.
    """
    position = document.clamp(position)
    line = document.line(position.line)
    head, tail = line[: position.column], line[position.column :]
    if tail and (tail[0].isalnum() or tail[0] == "_"):
        return "none"
    if tail.strip() and not (_CLOSED_BLOCK.match(tail) and _EMPTY_BLOCK.search(head)):
        return "line"
    if head.strip():
        return _after_code(document, position, head, trees)
    return _on_blank(document, position, head, trees)


def _after_code(
    document: Document, position: Position, head: str, trees: Trees | None
) -> CompletionMode:
    head = head[-_MAX_HEAD:]
    if not _opens(head, document.language) or _quote_open(head):
        return "line"
    return "line" if in_string_or_comment(document, position, trees) else "block"


def _on_blank(
    document: Document, position: Position, head: str, trees: Trees | None
) -> CompletionMode:
    text = _first_non_blank(
        document, range(position.line - 1, max(-1, position.line - _NEARBY_LINES), -1)
    )
    if not text:
        return "line"
    if COMMENT_LINE.match(text) and (head or not text[0].isspace()):
        return "block" if len(head) >= len(indent_of(text)) else "line"
    if len(head) > len(indent_of(text)) and _opens_below(text, document.language):
        return "block"
    below = _first_non_blank(document, range(position.line + 1, position.line + _NEARBY_LINES))
    # A cursor at the margin belongs to a body that continues below it, or that ends the file right above it.
    # Below a blank line at the end of a file, a block would be a guess.
    depth = len(head) or len(indent_of(below or document.line(position.line - 1)))
    if not depth or _continues(text):
        return "line"
    line = position.line if head or below else position.line - 1
    symbol = enclosing(document, Position(line, depth), trees)
    if symbol is None or not (symbol.empty or symbol.kind == "function"):
        return "line"
    return "line" if in_string_or_comment(document, position, trees) else "block"


def _first_non_blank(document: Document, numbers: range) -> str:
    """Return the first non-blank of the lines; empty without one."""
    return next((text for n in numbers if (text := document.line(n)).strip()), "")


def _continues(text: str) -> bool:
    """Return whether the statement continues on the next line. For opening brackets see ``_opens``."""
    text = text.rstrip()
    return text.endswith((",", "\\", "&&", "||", "=", "+", ".")) and not text.endswith("++")


def _quote_open(head: str) -> bool:
    """Return whether the line has an open string; a syntax tree cannot show that while it is open."""
    bare = re.sub(r"\\.", "", head)
    return any(bare.count(quote) % 2 for quote in '"`') or bool(
        re.search(r"[=(,\[]\s*'[^']*$", bare)
    )


def _opens_below(text: str, language: str) -> bool:
    """Return whether a deeper line below is in a block that the text opens."""
    if language == "makefile":
        return _RULE.match(text) is not None
    return _opens(text, language) or (language == "yaml" and text.rstrip().endswith(":"))


def _opens(text: str, language: str) -> bool:
    text = text[-_MAX_HEAD:].rstrip()
    if language == "python":
        return text.endswith((":", "(", "[", "{"))
    if language in _KEYWORD_BLOCK_LANGUAGES and _BLOCK_WORDS.search(text):
        return True
    return text.endswith(("{", "(", "[", "=>", "->"))
