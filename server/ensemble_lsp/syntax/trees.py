"""Syntax trees, tolerant of broken code, from tree-sitter's packaged grammars.

A language without a grammar gives ``None`` everywhere: callers then do without. Parsing holds
the interpreter's lock (about 9 ms for 1,000 lines of Python), so ``Trees`` parses small documents
whole and of large ones a stretch round the cursor, keeps the trees, and parses again what changed.
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
_STRETCH_ABOVE, _STRETCH_BELOW, _STEP = 250, 120, 50
_LONGEST_LINE = 5000
"""A stretch with a longer line is minified or data; its tree is worth less than its time."""
_LONGEST_TEXT = 400_000


@cache
def _language(module: str, function: str) -> Language | None:
    """A grammar, loaded once: it is immutable, so sharing it is safe."""
    try:
        from tree_sitter import Language

        grammar = importlib.import_module(f"tree_sitter_{module}")
        capsule: object = getattr(grammar, function)()
        return Language(capsule)
    except (ImportError, AttributeError, ValueError):
        return None


def grammar_of(language: str, *, fragment: bool = False) -> Language | None:
    """The grammar of an LSP language id; ``fragment`` for PHP without its opening tag."""
    entry = language_info(language)
    if not entry.grammar:
        return None
    php = fragment and entry.grammar == "php"
    return _language(entry.grammar, "language_php_only" if php else entry.grammar_function)


def parser_for(language: str, *, fragment: bool = False) -> Parser | None:
    """A new parser for an LSP language id; ``None`` without a grammar for it."""
    grammar = grammar_of(language, fragment=fragment)
    if grammar is None:
        return None
    from tree_sitter import Parser

    return Parser(grammar)


def has_error(text: str, language: str) -> bool | None:
    """Whether a text does not parse; ``None`` where nobody can tell (no grammar, too long)."""
    if len(text) > _LONGEST_TEXT:
        return None
    parser = parser_for(language, fragment="<?" not in text)
    if parser is None:
        return None
    return parser.parse(encode(text)).root_node.has_error


def encode(text: str) -> bytes:
    """UTF-8 for the parser; a lone surrogate, which an editor may send, counts as three bytes."""
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class ParsedRegion:
    """A parsed stretch of a document. Tree-sitter counts rows from ``first``, columns in bytes."""

    document: Document
    first: int
    tree: Tree

    @property
    def root(self) -> Node:
        """The stretch's root node."""
        return self.tree.root_node

    def node_at(self, position: Position, *, named: bool = True) -> Node | None:
        """The smallest node that holds the character at a position."""
        point = self.point(position)
        after = (point[0], point[1] + 1)
        if named:
            return self.root.named_descendant_for_point_range(point, after)
        return self.root.descendant_for_point_range(point, after)

    def point(self, position: Position) -> tuple[int, int]:
        """A position as tree-sitter counts it."""
        line = self.document.line(position.line)
        column = position.column
        if not line.isascii():
            column = len(encode(line[:column]))
        return position.line - self.first, column

    def position(self, point: tuple[int, int]) -> Position:
        """A point of tree-sitter's as a position in the document."""
        number = self.first + point[0]
        line, column = self.document.line(number), point[1]
        if not line.isascii():
            column = len(encode(line)[:column].decode("utf-8", "replace"))
        return self.document.clamp(Position(number, column))

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        return Span(self.position(node.start_point), self.position(node.end_point))

    def text(self, node: Node) -> str:
        """A node's text."""
        return self.document.slice(self.span(node))


@dataclass
class _Kept:
    lines: tuple[str, ...]
    tree: Tree


class Trees:
    """The latest trees of the open documents, at most ``size``; used on one thread.

    ``at`` compares the lines with those the kept tree was made of (unchanged lines are the
    same objects), tells tree-sitter the difference, and parses again only that.
    """

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[str, str, int], _Kept] = OrderedDict()

    def at(self, document: Document, position: Position) -> ParsedRegion | None:
        """The syntax round a position; ``None`` without a grammar or for text that is not code."""
        first, lines = parsed_region_lines(document, position)
        if max(map(len, lines), default=0) > _LONGEST_LINE:
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
            _tell(kept, lines)
            tree = parser.parse(encode(text), kept.tree)
        self._kept[key] = _Kept(lines, tree)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return ParsedRegion(document, first, tree)

    def knows(self, uri: str) -> bool:
        """Whether a tree of a document is kept: somebody has asked for one."""
        return any(key[0] == uri for key in self._kept)

    def forget(self, uri: str) -> None:
        """Drop what is kept of a closed document."""
        for key in [key for key in self._kept if key[0] == uri]:
            del self._kept[key]


def syntax_at(
    document: Document, position: Position | None = None, trees: Trees | None = None
) -> ParsedRegion | None:
    """The syntax round a position (the start without one), from ``trees`` where they are given."""
    return (Trees(1) if trees is None else trees).at(document, position or Position(0, 0))


def parsed_region_lines(document: Document, position: Position) -> tuple[int, tuple[str, ...]]:
    """The lines that are parsed for a position, and the number of the first.

    Starts on a line without indentation, so that a fragment of a large file parses as a file would,
    and at a place that stays the same while the user types, so that the kept tree serves again.
    """
    lines = document.lines
    if len(lines) <= WHOLE_LINES:
        return 0, lines
    first = max(0, (position.line - _STRETCH_ABOVE) // _STEP * _STEP)
    start = next(
        (n for n in range(first, position.line) if not lines[n][:1].isspace() and lines[n].strip()),
        first,
    )
    return start, lines[start : first + _STRETCH_ABOVE + _STEP + _STRETCH_BELOW]


def ancestors(node: Node | None) -> Iterator[Node]:
    """A node and what holds it, inside out."""
    while node is not None:
        yield node
        node = node.parent


def _tell(kept: _Kept, lines: tuple[str, ...]) -> None:
    """Tell a kept tree which lines changed."""
    old = kept.lines
    head = common_prefix_length(old, lines)
    tail = common_prefix_length(old[head:][::-1], lines[head:][::-1])
    start = len(encode("".join(lines[:head])))
    old_end = start + len(encode("".join(old[head : len(old) - tail])))
    new_end = start + len(encode("".join(lines[head : len(lines) - tail])))
    kept.tree.edit(start, old_end, new_end, (head, 0), _end(old, tail), _end(lines, tail))


def _end(lines: tuple[str, ...], tail: int) -> tuple[int, int]:
    """The point before the last ``tail`` lines, or after the very last character."""
    if tail:
        return len(lines) - tail, 0
    return len(lines) - 1, len(encode(lines[-1]))
