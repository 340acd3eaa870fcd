"""Checks that a replacement does not break the syntax of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.python_ast import parse_python
from ..syntax.trees import encode, parser_for
from ..types import Document, Span

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_CHARACTERS = 400_000
"""A longer text is not parsed."""


class KeptSyntax:
    """Returns whether a text at a place leaves the file parsing, or a broken file no worse.

    If the place itself is broken, the text must repair it. Without a grammar every text passes.
    """

    def __init__(self, document: Document, place: Span) -> None:
        self._document = document
        self._place = place
        self._before: tuple[int, bool] | None = None

    def __call__(self, text: str) -> bool:
        """Check one text. Parses the file twice at the first call, and once at later ones."""
        document = self._document
        if self._before is None:
            self._before = _errors(document.text, document.language)
        before, parsed = self._before
        after, parses = _errors(document.replace(self._place, text).text, document.language)
        if parsed and not parses:
            return False
        if before and _errors(_alone(document, self._place), document.language)[0]:
            return after < before
        return after <= before


def _alone(document: Document, place: Span) -> str:
    """Return the text of a place without its indentation."""
    indent = " " * place.start.column
    lines = (indent + document.slice(place)).splitlines()
    return "\n".join(line[place.start.column :] for line in lines)


def _errors(text: str, language: str) -> tuple[int, bool]:
    """Return the number of syntax errors, and whether the file parses."""
    parser = parser_for(language, fragment="<?" not in text)
    if parser is None or len(text) > _MAX_CHARACTERS:
        return 0, True
    count = sum(1 for _ in _error_nodes(parser.parse(encode(text)).root_node))
    if language == "python" and not count:
        # The grammar accepts more than the language does.
        return 0, _is_python(text)
    return count, not count


def _error_nodes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            waiting.extend(node.children)


def _is_python(text: str) -> bool:
    try:
        parse_python(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
