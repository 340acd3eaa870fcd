"""Whether a document parses, and whether it is broken on a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..syntax.python_ast import parse_python
from ..syntax.trees import ParsedRegion, Trees, syntax_at
from ..types import Document, Position

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_PYTHON_LINES = 3000
"""A longer document costs more than 20 ms to parse, so the tree's errors must do."""


@dataclass(frozen=True, slots=True)
class SyntaxState:
    """The syntax errors around a position."""

    parsed: ParsedRegion
    python_line: int | None = None
    """The line of Python's own first error: its grammar here takes ``a =`` before another statement."""

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
    python = document.language == "python" and len(document.lines) <= _MAX_PYTHON_LINES
    return SyntaxState(parsed, _python_error(document.text) if python else None)


def _python_error(text: str) -> int | None:
    try:
        parse_python(text)
    except SyntaxError as error:
        return (error.lineno or 1) - 1
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _errors_on(node: Node, row: int) -> Iterator[Node]:
    """Yield the error nodes that cover a row."""
    if not (node.has_error and node.start_point[0] <= row <= node.end_point[0]):
        return
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from _errors_on(child, row)
