"""Syntax trees, tolerant of broken code, from tree-sitter's packaged grammars.

For a language without a grammar every function returns ``None``. Parsing holds the interpreter's lock
(about 9 ms for 1,000 lines of Python), so ``Trees`` parses small documents whole and large ones in a
region around the cursor, keeps the trees, and re-parses only changes.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..languages import language_info
from ..types import Document, Position, Span, common_prefix_length

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Tree

WHOLE_LINES = 1500
"""Documents up to this length are parsed whole."""
_REGION_ABOVE, _REGION_BELOW, _STEP = 250, 120, 50
_MAX_LINE_LENGTH = 5000
"""A longer line means minified code or data: a tree is not worth its cost."""
_MAX_TEXT_LENGTH = 400_000


@cache
def _language(module: str, function: str) -> Language | None:
    """Load a grammar once; it is immutable, so sharing it is safe."""
    try:
        from tree_sitter import Language

        grammar = importlib.import_module(f"tree_sitter_{module}")
        capsule: object = getattr(grammar, function)()
        return Language(capsule)
    except (ImportError, AttributeError, ValueError):
        return None


def grammar_of(language: str, *, fragment: bool = False) -> Language | None:
    """Return the grammar of an LSP language id; ``fragment`` is for PHP without its opening tag."""
    entry = language_info(language)
    if not entry.grammar:
        return None
    php = fragment and entry.grammar == "php"
    return _language(entry.grammar, "language_php_only" if php else entry.grammar_function)


def parser_for(language: str, *, fragment: bool = False) -> Parser | None:
    """Return a new parser for an LSP language id; ``None`` without a grammar."""
    grammar = grammar_of(language, fragment=fragment)
    if grammar is None:
        return None
    from tree_sitter import Parser

    return Parser(grammar)


def has_error(text: str, language: str) -> bool | None:
    """Return whether a text has syntax errors; ``None`` if unknown (no grammar, too long)."""
    if len(text) > _MAX_TEXT_LENGTH:
        return None
    parser = parser_for(language, fragment="<?" not in text)
    if parser is None:
        return None
    return parser.parse(encode(text)).root_node.has_error


def encode(text: str) -> bytes:
    """Encode as UTF-8 for the parser; a lone surrogate, which an editor may send, takes three bytes."""
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class ParsedRegion:
    """A parsed region of a document. Tree-sitter counts rows from ``first``, and columns in bytes."""

    document: Document
    first: int
    tree: Tree

    @property
    def root(self) -> Node:
        """The region's root node."""
        return self.tree.root_node

    def node_at(self, position: Position, *, named: bool = True) -> Node | None:
        """Return the smallest node around the character at a position."""
        point = self.point(position)
        after = (point[0], point[1] + 1)
        if named:
            return self.root.named_descendant_for_point_range(point, after)
        return self.root.descendant_for_point_range(point, after)

    def point(self, position: Position) -> tuple[int, int]:
        """Convert a position to tree-sitter's row and byte column."""
        line = self.document.line(position.line)
        column = position.column
        if not line.isascii():
            column = len(encode(line[:column]))
        return position.line - self.first, column

    def position(self, point: tuple[int, int]) -> Position:
        """Convert tree-sitter's row and byte column to a position."""
        number = self.first + point[0]
        line, column = self.document.line(number), point[1]
        if not line.isascii():
            column = len(encode(line)[:column].decode("utf-8", "replace"))
        return self.document.clamp(Position(number, column))

    def span(self, node: Node) -> Span:
        """Return a node's span."""
        return Span(self.position(node.start_point), self.position(node.end_point))

    def text(self, node: Node) -> str:
        """Return a node's text."""
        return self.document.slice(self.span(node))


@dataclass
class _KeptTree:
    lines: tuple[str, ...]
    tree: Tree


class Trees:
    """The latest trees of the open documents, at most ``size``; for use on one thread.

    ``at`` compares the lines with those of the kept tree (unchanged lines are the same objects), passes
    the difference to tree-sitter, and re-parses only that.
    """

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[str, str, int], _KeptTree] = OrderedDict()

    def at(self, document: Document, position: Position) -> ParsedRegion | None:
        """Return the parsed region around a position; ``None`` without a grammar or if it is not code."""
        first, lines = region_lines(document, position)
        if max(map(len, lines), default=0) > _MAX_LINE_LENGTH:
            return None
        text = "".join(lines)
        parser = parser_for(document.language, fragment="<?" not in text)
        if parser is None:
            return None
        key = (document.uri, document.language, first)
        kept = self._kept.pop(key, None)
        if kept is None:
            tree = parser.parse(encode(text))
        elif kept.lines == lines:
            tree = kept.tree
        else:
            _apply_difference(kept, lines)
            tree = parser.parse(encode(text), kept.tree)
        self._kept[key] = _KeptTree(lines, tree)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return ParsedRegion(document, first, tree)

    def knows(self, uri: str) -> bool:
        """Return whether a tree of the document is kept, because one was requested."""
        return any(key[0] == uri for key in self._kept)

    def forget(self, uri: str) -> None:
        """Forget a closed document."""
        for key in [key for key in self._kept if key[0] == uri]:
            del self._kept[key]


def syntax_at(
    document: Document, position: Position | None = None, trees: Trees | None = None
) -> ParsedRegion | None:
    """Return the parsed region around a position (default: the start), from ``trees`` if given."""
    return (Trees(1) if trees is None else trees).at(document, position or Position(0, 0))


def region_lines(document: Document, position: Position) -> tuple[int, tuple[str, ...]]:
    """Return the number of the first line, and the lines, to parse for a position.

    The region begins on an unindented line, so that it parses like a file, and at a line that stays the
    same while the user types, so that the kept tree can be reused.
    """
    lines = document.lines
    if len(lines) <= WHOLE_LINES:
        return 0, lines
    first = max(0, (position.line - _REGION_ABOVE) // _STEP * _STEP)
    start = next(
        (n for n in range(first, position.line) if not lines[n][:1].isspace() and lines[n].strip()),
        first,
    )
    return start, lines[start : first + _REGION_ABOVE + _STEP + _REGION_BELOW]


def ancestors(node: Node | None) -> Iterator[Node]:
    """Yield a node and its ancestors, innermost first."""
    while node is not None:
        yield node
        node = node.parent


def _apply_difference(kept: _KeptTree, lines: tuple[str, ...]) -> None:
    """Apply the difference between the kept and the new lines to a tree."""
    old = kept.lines
    head = common_prefix_length(old, lines)
    tail = common_prefix_length(old[head:][::-1], lines[head:][::-1])
    start = len(encode("".join(lines[:head])))
    old_end = start + len(encode("".join(old[head : len(old) - tail])))
    new_end = start + len(encode("".join(lines[head : len(lines) - tail])))
    kept.tree.edit(start, old_end, new_end, (head, 0), _end(old, tail), _end(lines, tail))


def _end(lines: tuple[str, ...], tail: int) -> tuple[int, int]:
    """Return the point before the last ``tail`` lines, or after the last character."""
    if tail:
        return len(lines) - tail, 0
    return len(lines) - 1, len(encode(lines[-1]))
