"""The lines that a model may rewrite: they follow the syntax and the size that the model's family was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..syntax.trees import ParsedRegion, Trees, ancestors, syntax_at
from ..types import Document, Position, Span

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class RegionSize:
    """The size of a family's region."""

    above: int
    """Lines above the cursor: all of them without ``syntax``, else at least these, within the budget."""
    below: int
    characters: int = 0
    """The budget of a region that follows the syntax."""
    syntax: bool = True
    """Whether the region grows by whole statements and functions; a fixed window does not."""


@dataclass(frozen=True, slots=True)
class Region:
    """Whole lines of a document, from ``first`` to before ``end``; at least one."""

    first: int
    end: int

    def span(self, document: Document) -> Span:
        """Return the span of the lines, with the end of the last one if it has one."""
        start = Position(self.first, 0)
        if self.end < len(document.lines):
            return Span(start, Position(self.end, 0))
        return Span(start, document.end)

    def cut(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Return the region's part of a document's lines."""
        return lines[self.first : self.end]

    def grown(self, document: Document, above: int, below: int, characters: int) -> Region:
        """Return the region with the lines around it, nearest first, within a number of characters.

        The empty line after the last line's end is not one of them.
        """
        last = len(document.lines) - (not document.lines[-1])
        limits = (self.first - above, min(self.end + below, max(self.end, last)))
        return _grow_by_lines(document, self, limits, characters + _size(document, self))


def choose_region(
    document: Document, cursor: Position, size: RegionSize, trees: Trees | None = None
) -> Region:
    """Return the region around a cursor: whole syntax nodes if there is a grammar, else lines."""
    at = document.clamp(cursor).line
    region = Region(at, at + 1)
    limits = (at - size.above, at + 1 + size.below)
    if not size.syntax:
        return _without_last_empty(document, at, _within(document, *limits))
    parsed = syntax_at(document, Position(at, 0), trees)
    if parsed is None:
        region = _grow_by_lines(document, region, (0, len(document.lines)), size.characters)
    else:
        region = _grow_by_nodes(parsed, region, size.characters)
        region = _grow_by_lines(document, region, limits, size.characters)
    return _without_last_empty(document, at, region)


def _grow_by_nodes(parsed: ParsedRegion, region: Region, budget: int) -> Region:
    """Extend a region to the largest node around it that fits, then by the children of the next, nearest first."""
    document = parsed.document
    at = region.first
    for node in ancestors(parsed.node_at(_first_character(document, at))):
        wider = _union(region, _lines_of(parsed, node))
        if _size(document, wider) > budget:
            return _grow_by_children(parsed, node, region, budget)
        region = wider
    return region


def _grow_by_children(parsed: ParsedRegion, node: Node, region: Region, budget: int) -> Region:
    at = region.first
    children = [_lines_of(parsed, child) for child in node.named_children]
    for child in sorted(children, key=lambda lines: _distance(lines, at)):
        wider = _union(region, child)
        if _size(parsed.document, wider) > budget:
            break
        region = wider
    return region


def _distance(region: Region, line: int) -> int:
    return max(region.first - line, line + 1 - region.end, 0)


def _grow_by_lines(
    document: Document, region: Region, limits: tuple[int, int], budget: int
) -> Region:
    """Extend a region line by line, alternately down and up, within limits and the budget."""
    first, end = region.first, region.end
    lowest, highest = max(0, limits[0]), min(len(document.lines), limits[1])
    left = budget - _size(document, region)
    down, up = end < highest, first > lowest
    while down or up:
        if down:
            left -= len(document.lines[end])
            end += left >= 0
            down = left >= 0 and end < highest
        if up:
            left -= len(document.lines[first - 1])
            first -= left >= 0
            up = left >= 0 and first > lowest
        if left < 0:
            break
    return Region(first, end)


def _first_character(document: Document, line: int) -> Position:
    text = document.line(line)
    return Position(line, len(text) - len(text.lstrip()))


def _lines_of(parsed: ParsedRegion, node: Node) -> Region:
    start, end = node.start_point, node.end_point
    last = end[0] + (end[1] > 0 or end[0] == start[0])
    return _within(parsed.document, parsed.first + start[0], parsed.first + last)


def _within(document: Document, first: int, end: int) -> Region:
    first = max(0, first)
    return Region(first, max(first + 1, min(len(document.lines), end)))


def _union(one: Region, other: Region) -> Region:
    return Region(min(one.first, other.first), max(one.end, other.end))


def _size(document: Document, region: Region) -> int:
    return sum(map(len, document.lines[region.first : region.end]))


def _without_last_empty(document: Document, at: int, region: Region) -> Region:
    """Leave out the empty line after the last line's end, unless the cursor is on it."""
    last = len(document.lines) - 1
    if region.end == last + 1 and not document.lines[last] and at < last and region.first < last:
        return Region(region.first, last)
    return region
