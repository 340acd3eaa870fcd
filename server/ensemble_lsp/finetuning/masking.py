"""Holes punched into a file: what a completion would have to write, and where.

Three kinds, as they come up at work: the rest of a line, a block, and the body of a function from
its signature and docstring.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..context.symbols import Symbol, outline
from ..syntax.indentation import indent_of
from ..types import Document, Position, Span

HoleKind = Literal["line", "block", "function"]

_CUT = re.compile(r"(?<=[\s(\[{.,=:])(?=\S)|(?<=\w)(?=\()")
_COMMENT = re.compile(r"\s*(?:#|//|--|/\*|\*|\"\"\"|''')")
_LONGEST_LINE = 300
_MOST_LINES = 30
_TURNS: tuple[HoleKind, ...] = ("line", "function", "line", "block")
"""Whose turn it is: half of the holes are lines, where there is enough of the others."""


@dataclass(frozen=True, slots=True)
class MaskedSpan:
    """A span of a document that is to be filled."""

    kind: HoleKind
    span: Span


def sample_masks(document: Document, most: int, seed: int, max_lines: int = 12) -> list[MaskedSpan]:
    """At most ``most`` holes that do not overlap, of all three kinds; the same for the same seed.

    ``max_lines`` is the longest block; a function's body may have ``_MOST_LINES``.
    """
    chance = random.Random(f"{seed}:{document.uri}")  # noqa: S311 - a reproducible choice
    found: dict[HoleKind, list[MaskedSpan]] = {
        "function": list(_functions(document)),
        "block": list(_blocks(document, max_lines)),
        "line": list(_lines(document, chance)),
    }
    for holes in found.values():
        chance.shuffle(holes)
    chosen: list[MaskedSpan] = []
    while len(chosen) < most and any(found.values()):
        for kind in _TURNS:
            hole = _next(found[kind], chosen)
            if hole is not None and len(chosen) < most:
                chosen.append(hole)
    return sorted(chosen, key=lambda hole: hole.span.start)


def _next(holes: list[MaskedSpan], chosen: list[MaskedSpan]) -> MaskedSpan | None:
    """The next hole that touches none of those chosen; it and those before it are used up."""
    while holes:
        hole = holes.pop()
        if not any(_touch(hole.span, other.span) for other in chosen):
            return hole
    return None


def _touch(one: Span, other: Span) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _functions(document: Document) -> Iterator[MaskedSpan]:
    for symbol in outline(document):
        if symbol.kind != "function" or symbol.body is None or symbol.empty:
            continue
        span = _content(document, symbol)
        if span is not None and span.end.line - span.start.line < _MOST_LINES:
            yield MaskedSpan("function", span)


def _content(document: Document, symbol: Symbol) -> Span | None:
    """A body without docstring and braces, from its first character to its last."""
    assert symbol.body is not None
    first, last = symbol.body.start.line, symbol.body.end.line
    doc = symbol.docstring_span
    if doc is not None and symbol.body.start <= doc.start and doc.end <= symbol.body.end:
        first = doc.end.line + 1
    elif document.slice(symbol.body).startswith("{"):
        first += 1
    if document.line(last).strip() in ("}", "};", "end", "},", "})"):
        last -= 1
    return _whole(document, first, last) if first > symbol.span.start.line else None


def _blocks(document: Document, max_lines: int) -> Iterator[MaskedSpan]:
    for number in range(len(document.lines) - 1):
        line = document.line(number)
        if not line.rstrip().endswith((":", "{")) or _COMMENT.match(line):
            continue
        depth, last = len(indent_of(line)), number
        for below in range(number + 1, min(number + max_lines + 2, len(document.lines))):
            text = document.line(below)
            if text.strip() and len(indent_of(text)) <= depth:
                break
            last = below
        if number < last <= number + max_lines:
            span = _whole(document, number + 1, last)
            if span is not None:
                yield MaskedSpan("block", span)


def _whole(document: Document, first: int, last: int) -> Span | None:
    """From the first line's first character to the last line's last, blank lines at the ends aside."""
    while first <= last and not document.line(first).strip():
        first += 1
    while last >= first and not document.line(last).strip():
        last -= 1
    if first > last:
        return None
    start = Position(first, len(indent_of(document.line(first))))
    return Span(start, Position(last, len(document.line(last).rstrip())))


def _lines(document: Document, chance: random.Random) -> Iterator[MaskedSpan]:
    for number in range(len(document.lines)):
        line = document.line(number).rstrip()
        code = line.lstrip(" \t")
        if not 10 <= len(code) <= _LONGEST_LINE or _COMMENT.match(line):
            continue
        first = len(line) - len(code)
        cuts = [m.start() for m in _CUT.finditer(line, first + 2) if m.start() < len(line) - 2]
        if cuts:
            cut = chance.choice(cuts)
            yield MaskedSpan("line", Span(Position(number, cut), Position(number, len(line))))
