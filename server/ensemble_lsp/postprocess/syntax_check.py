"""Checks whether an answer fits the syntax of its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..syntax.trees import Trees, encode
from ..types import Document, Position, Span

if TYPE_CHECKING:
    from tree_sitter import Node


def parses_at(document: Document, position: Position, text: str) -> bool | None:
    """Return whether a text fits the syntax of its place; ``None`` if unknown.

    Only an error inside the text counts: the code around it is often incomplete, and the user may
    close what the text leaves open at its end.
    """
    after = document.replace(Span(position, position), text)
    syntax = Trees(1).at(after, position)
    if syntax is None:
        return None
    row, column = syntax.point(position)
    lines = text.rstrip().split("\n")
    size = len(encode(lines[-1]))
    start = (row, column)
    end = (row + len(lines) - 1, size + (column if len(lines) == 1 else 0))
    return not _error_within(syntax.root, start, end, _open_at_end(text))


def _open_at_end(text: str) -> bool:
    """Return whether a text needs a continuation: an open bracket, an operator, a block without a body."""
    opened = sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")
    return opened > 0 or text.rstrip().endswith(tuple(",:=+-*/%|&<>.\\"))


def _error_within(
    root: Node, start: tuple[int, int], end: tuple[int, int], open_at_end: bool
) -> bool:
    """Return whether an error is inside a range; with ``open_at_end``, not at its end."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        first, last = tuple(node.start_point), tuple(node.end_point)
        if not node.has_error or last <= start or first >= end:
            continue
        if (
            (node.is_error or node.is_missing)
            and first >= start
            and last <= end
            and not (last == end and open_at_end)
        ):
            return True
        waiting.extend(node.children)
    return False
