"""Span masking: choose spans of a file that a completion would have to write.

Three kinds, as in real use: the rest of a line, a block, and the body of a function after its signature
and docstring.
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

MaskKind = Literal["line", "block", "function"]

_SPLIT_POINT = re.compile(r"(?<=[\s(\[{.,=:])(?=\S)|(?<=\w)(?=\()")
_COMMENT = re.compile(r"\s*(?:#|//|--|/\*|\*|\"\"\"|''')")
_MAX_LINE_CHARS = 300
_MAX_FUNCTION_LINES = 30
_KIND_CYCLE: tuple[MaskKind, ...] = ("line", "function", "line", "block")
"""Order in which kinds are drawn: half of the masks are lines, if there are enough of the others."""


@dataclass(frozen=True, slots=True)
class MaskedSpan:
    """A span of a document to fill in."""

    kind: MaskKind
    span: Span


def sample_masks(
    document: Document, max_masks: int, seed: int, max_lines: int = 12
) -> list[MaskedSpan]:
    """Return at most ``max_masks`` masks on separate lines, of all three kinds; deterministic by seed.

    ``max_lines`` limits a block; a function's body may have ``_MOST_LINES``.
    """
    rng = random.Random(f"{seed}:{document.uri}")  # noqa: S311 - a reproducible choice
    candidates: dict[MaskKind, list[MaskedSpan]] = {
        "function": list(_functions(document)),
        "block": list(_blocks(document, max_lines)),
        "line": list(_lines(document, rng)),
    }
    for masks in candidates.values():
        rng.shuffle(masks)
    chosen: list[MaskedSpan] = []
    while len(chosen) < max_masks and any(candidates.values()):
        for kind in _KIND_CYCLE:
            mask = _next(candidates[kind], chosen)
            if mask is not None and len(chosen) < max_masks:
                chosen.append(mask)
    return sorted(chosen, key=lambda mask: mask.span.start)


def _next(masks: list[MaskedSpan], chosen: list[MaskedSpan]) -> MaskedSpan | None:
    """Remove and return the next mask that shares no line with the chosen ones."""
    while masks:
        mask = masks.pop()
        if not any(_share_line(mask.span, other.span) for other in chosen):
            return mask
    return None


def _share_line(one: Span, other: Span) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _functions(document: Document) -> Iterator[MaskedSpan]:
    for symbol in outline(document):
        if symbol.kind != "function" or symbol.body is None or symbol.empty:
            continue
        span = _body_span(document, symbol)
        if span is not None and span.end.line - span.start.line < _MAX_FUNCTION_LINES:
            yield MaskedSpan("function", span)


def _body_span(document: Document, symbol: Symbol) -> Span | None:
    """Return a function's body without docstring and braces; None if it is empty."""
    assert symbol.body is not None
    first, last = symbol.body.start.line, symbol.body.end.line
    doc = symbol.docstring_span
    if doc is not None and symbol.body.start <= doc.start and doc.end <= symbol.body.end:
        first = doc.end.line + 1
    elif document.slice(symbol.body).startswith("{"):
        first += 1
    if document.line(last).strip() in ("}", "};", "end", "},", "})"):
        last -= 1
    return _trimmed_span(document, first, last) if first > symbol.span.start.line else None


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
            span = _trimmed_span(document, number + 1, last)
            if span is not None:
                yield MaskedSpan("block", span)


def _trimmed_span(document: Document, first: int, last: int) -> Span | None:
    """Return the span of these lines without indentation and blank lines at the ends."""
    while first <= last and not document.line(first).strip():
        first += 1
    while last >= first and not document.line(last).strip():
        last -= 1
    if first > last:
        return None
    start = Position(first, len(indent_of(document.line(first))))
    return Span(start, Position(last, len(document.line(last).rstrip())))


def _lines(document: Document, rng: random.Random) -> Iterator[MaskedSpan]:
    for number in range(len(document.lines)):
        line = document.line(number).rstrip()
        code = line.lstrip(" \t")
        if not 10 <= len(code) <= _MAX_LINE_CHARS or _COMMENT.match(line):
            continue
        first = len(line) - len(code)
        cuts = [
            m.start() for m in _SPLIT_POINT.finditer(line, first + 2) if m.start() < len(line) - 2
        ]
        if cuts:
            cut = rng.choice(cuts)
            yield MaskedSpan("line", Span(Position(number, cut), Position(number, len(line))))
