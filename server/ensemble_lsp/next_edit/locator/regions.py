"""Parsed pieces of a document, each around one line, cached by their text; and whether an edit breaks them."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from ...syntax.trees import ParsedRegion, encode, parser_for
from ...types import Document, Edit, Position

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_ABOVE, _BELOW = 80, 40
"""Lines: a region ends where unindented code begins, or that many lines away."""
_TEXT_LINES = 300
"""Lines searched for the beginning or end of a string or a comment that a region would cut."""
_QUOTES = ('"""', "'''")
_MAX_JSON = 100_000
"""Characters of JSON that are parsed; in a longer document every edit counts as one that breaks it."""
_MAX_LINE_LENGTH = 2000
_KEPT = 64


class Regions:
    """Parses the unindented blocks of a document that are asked for; for use on one thread."""

    def __init__(self) -> None:
        self._trees: OrderedDict[tuple[str, tuple[str, ...]], Tree] = OrderedDict()

    def around(self, document: Document, line: int) -> ParsedRegion | None:
        """Return the parsed block around a line; ``None`` without a grammar or if it is not code."""
        first, last = bounds(document, line)
        lines = document.lines[first:last]
        tree = self._tree(document.language, lines)
        return None if tree is None else ParsedRegion(document, first, tree)

    def name_at(self, document: Document, position: Position) -> tuple[ParsedRegion, Node] | None:
        """Return the region and the leaf at a position."""
        region = self.around(document, position.line)
        node = region.node_at(position) if region is not None else None
        return None if region is None or node is None else (region, node)

    def breaks(self, document: Document, edit: Edit) -> bool:
        """Return whether the code around an edit has more syntax errors after it than before."""
        if document.language == "json":
            after = document.replace(edit.span, edit.text).text
            too_long = len(after) > _MAX_JSON
            return too_long or (_is_json(document.text) and not _is_json(after))
        first, last = bounds(document, edit.span.start.line)
        last = max(last, edit.span.end.line + 1)
        before = self._tree(document.language, document.lines[first:last])
        if before is None:
            return False
        after = document.replace(edit.span, edit.text)
        growth = len(after.lines) - len(document.lines)
        tree = self._tree(document.language, after.lines[first : last + growth])
        return tree is None or _errors(tree) > _errors(before)

    def _tree(self, language: str, lines: tuple[str, ...]) -> Tree | None:
        key = (language, lines)
        tree = self._trees.pop(key, None)
        if tree is None:
            if max(map(len, lines), default=0) > _MAX_LINE_LENGTH:
                return None
            text = "".join(lines)
            parser = parser_for(language, fragment="<?" not in text)
            if parser is None:
                return None
            tree = parser.parse(encode(text))
        self._trees[key] = tree
        while len(self._trees) > _KEPT:
            self._trees.popitem(last=False)
        return tree


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def bounds(document: Document, line: int) -> tuple[int, int]:
    """Return the first line of the block around a line, and the line after its last."""
    lines = document.lines
    first = line
    while first > 0 and line - first < _ABOVE and not _begins_block(lines, first):
        first -= 1
    first = _outside_text(document.language, lines, first)
    last = min(line + 1, len(lines))
    while last < len(lines) and last - line < _BELOW and not _begins_block(lines, last):
        last += 1
    return first, _after_text(document.language, lines, first, last)


def _outside_text(language: str, lines: tuple[str, ...], first: int) -> int:
    """Return a line at or above ``first`` that is not inside a string or a comment of several lines."""
    start = max(0, first - _TEXT_LINES)
    above = "".join(lines[start:first])
    begin, _ = _open_text(language, above)
    return start + above[: above.rfind(begin)].count("\n") if begin else first


def _after_text(language: str, lines: tuple[str, ...], first: int, last: int) -> int:
    """Return the end of a region, or of the string or the comment that it ends inside of."""
    _, end = _open_text(language, "".join(lines[first:last]))
    if not end:
        return last
    below = range(last, min(len(lines), last + _TEXT_LINES))
    return next((number + 1 for number in below if end in lines[number]), last)


def _open_text(language: str, text: str) -> tuple[str, str]:
    """Return the signs that begin and end the string or comment that a text ends inside of."""
    if language == "python":
        sign = next((s for s in _QUOTES if text.count(s) % 2), "")
        return sign, sign
    return ("/*", "*/") if text.rfind("/*") > text.rfind("*/") else ("", "")


def _begins_block(lines: tuple[str, ...], number: int) -> bool:
    """Return whether an unindented line begins a block: after a blank line, and not with a bracket."""
    line = lines[number]
    if not line[:1].strip() or line[0] in ")]}":
        return False
    return number == 0 or not lines[number - 1].strip()


def _errors(tree: Tree) -> int:
    root = tree.root_node
    if not root.has_error:
        return 0
    count = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        count += node.is_error or node.is_missing
        waiting += [child for child in node.children if child.has_error or child.is_missing]
    return count
