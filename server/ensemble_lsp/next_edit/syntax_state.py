"""Finds the syntax errors of a document around a position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from ..syntax.python_ast import parse_python
from ..syntax.trees import ParsedRegion, Trees, ancestors, syntax_at
from ..types import Document, Position

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_LINES = 400
"""A longer statement of Python is not parsed for its own errors."""
_MAX_MODULE = 2000
"""A longer module of Python is not parsed as a whole."""
_STATEMENTS = ("_statement", "_definition")


@dataclass(frozen=True, slots=True)
class SyntaxState:
    """The syntax errors around a position."""

    parsed: ParsedRegion
    python_line: int | None = None
    """The line of Python's own error: the grammar reads ``a =`` and the next line as one statement."""

    @property
    def broken(self) -> bool:
        """Whether there is any error."""
        return self.python_line is not None or self.parsed.root.has_error

    def broken_on(self, line: int) -> bool:
        """Return whether an error begins on a line, or a short one covers it."""
        row = line - self.parsed.first
        return line == self.python_line or any(
            node.start_point[0] == row or node.end_point[0] - node.start_point[0] <= 1
            for node in _errors_on(self.parsed.root, row)
        )


def syntax_state(
    document: Document, near: Position, trees: Trees | None = None
) -> SyntaxState | None:
    """Return the syntax errors around a position; ``None`` without a grammar."""
    parsed = syntax_at(document, near, trees)
    if parsed is None:
        return None
    python = document.language == "python"
    return SyntaxState(parsed, _python_error(parsed, near.line) if python else None)


def _python_error(parsed: ParsedRegion, line: int) -> int | None:
    """Return the line of the first error in the smallest statement around the start of a line."""
    text = parsed.document.line(line)
    start = Position(line, len(text) - len(text.lstrip()))
    around = ancestors(parsed.node_at(start))
    statement = next((n for n in around if n.type.endswith(_STATEMENTS)), None)
    if statement is None or statement.end_point[0] - statement.start_point[0] > _MAX_LINES:
        return None
    first = parsed.first + statement.start_point[0]
    lines = parsed.document.lines[first : parsed.first + statement.end_point[0] + 1]
    try:
        parse_python(dedent("".join(lines)))
    except SyntaxError as error:
        return first + (error.lineno or 1) - 1
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def breaks_module(before: Document, after: Document) -> bool:
    """Return whether a module of Python parsed before and does not afterwards: its grammar here forgives more."""
    if before.language != "python" or max(len(before.lines), len(after.lines)) > _MAX_MODULE:
        return False
    return _is_module(before.text) and not _is_module(after.text)


def _is_module(text: str) -> bool:
    try:
        parse_python(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _errors_on(node: Node, row: int) -> Iterator[Node]:
    """Yield the error nodes that cover a row."""
    if not (node.has_error and node.start_point[0] <= row <= node.end_point[0]):
        return
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from _errors_on(child, row)
