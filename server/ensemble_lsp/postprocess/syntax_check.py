"""Whether an answer fits the syntax of the place that it is meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..syntax.trees import Trees, encode
from ..types import Document, Position, Span

if TYPE_CHECKING:
    from tree_sitter import Node


def parses_at(document: Document, position: Position, text: str) -> bool | None:
    """Whether a text fits the syntax of the place it is to go to; None where nobody can tell.

    Only an error inside the text counts: the code around is often not finished, and what
    the text leaves open at its end may be closed by what is typed next.
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
    """Whether more is needed after a text: an open bracket, an operator, the body of a block."""
    opened = sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")
    return opened > 0 or text.rstrip().endswith(tuple(",:=+-*/%|&<>.\\"))


def _error_within(
    root: Node, start: tuple[int, int], end: tuple[int, int], open_at_end: bool
) -> bool:
    """Whether an error lies inside a range; ``open_at_end``: and does not touch its end."""
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
