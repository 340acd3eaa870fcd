"""Problems that another tool reports in a document, the code to rewrite for them, and the words for a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..models.token_estimates import estimate_tokens
from ..syntax.indentation import indent_of
from ..syntax.trees import Trees, ancestors, syntax_at
from ..types import Document, Position, Span
from .symbols import enclosing

MAX_DIAGNOSTICS = 8
"""Diagnostics in one request; the others are usually consequences of these."""
_MAX_MESSAGE = 1000
_MAX_TOKENS = 600
"""Size of the code that a fix may rewrite. Small models see all of it, and can write all of it again."""
_AFTER_CODE = re.compile(r"[;\s]*(?:(?:#|//|--).*)?$")
"""The rest of a line that ends with a statement."""

_FIX = """\
Fix the selected code so that the problems below are gone. Change only what the fix needs, and keep the \
rest as it is, comments included. An import that is missing goes inside of the selected code, where the \
language allows it."""
_EXPLAIN = """\
Explain the problems that are reported in the selected code: what each means here, why it occurs, and how \
to fix it."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem that a language server, a linter or a compiler reports."""

    message: str
    span: Span
    severity: str = "error"
    code: str = ""
    source: str = ""


def fix_instruction(region: Span, diagnostics: Sequence[Diagnostic]) -> str:
    """Return the instruction to fix the problems in a region."""
    return f"{_FIX}\n{_listed(region, diagnostics)}"


def explain_instruction(region: Span, diagnostics: Sequence[Diagnostic]) -> str:
    """Return the request to explain the problems in a region."""
    return f"{_EXPLAIN}\n{_listed(region, diagnostics)}"


def _listed(region: Span, diagnostics: Sequence[Diagnostic]) -> str:
    """Return one line for each problem. The code of its line is not repeated: only the document is redacted as a whole."""
    lines = ["<problems>"]
    for each in diagnostics[:MAX_DIAGNOSTICS]:
        names = " ".join(filter(None, (each.severity, each.code)))
        source = f" ({each.source})" if each.source else ""
        message = " ".join(each.message.split())[:_MAX_MESSAGE]
        line = each.span.start.line - region.start.line + 1
        lines.append(f"Line {line} of the selected code: {names}{source}: {message}")
    return "\n".join([*lines, "</problems>"])


def fix_region(document: Document, span: Span, trees: Trees | None = None) -> Span:
    """Return the code to rewrite for a problem: the enclosing function, else the statement, else the lines.

    The region is whole lines without the first one's indentation.
    """
    start, end = document.clamp(span.start), document.clamp(span.end)
    lines = _trimmed(document, start.line, end.line)
    function = enclosing(document, _first_character(document, start), trees, kind="function")
    found = [] if function is None else [function.span]
    statement = _statement(document, Span(start, end), trees)
    found += [] if statement is None else [statement]
    for each in found:
        whole = _trimmed(document, each.start.line, each.end.line)
        if _contains(whole, lines) and _fits(document, whole):
            return whole
    return lines if _fits(document, lines) else _trimmed(document, start.line, start.line)


def _statement(document: Document, span: Span, trees: Trees | None) -> Span | None:
    """Return the smallest node around a span that has its lines for itself."""
    syntax = syntax_at(document, span.start, trees)
    if syntax is None:
        return None
    first, last = syntax.point(span.start), syntax.point(span.end)
    node = syntax.root.named_descendant_for_point_range(first, max(first, last))
    for each in ancestors(node):
        if each.parent is None:
            return None
        place = syntax.span(each)
        before = document.line(place.start.line)[: place.start.column]
        after = document.line(place.end.line)[place.end.column :]
        if not each.is_error and not before.strip() and _AFTER_CODE.match(after):
            return place
    return None


def _first_character(document: Document, position: Position) -> Position:
    """Return the position, or the first character of its line if it is in the indentation."""
    indent = len(indent_of(document.line(position.line)))
    return Position(position.line, max(indent, position.column))


def _trimmed(document: Document, first: int, last: int) -> Span:
    while last > first and not document.line(last).strip():
        last -= 1
    start = Position(first, len(indent_of(document.line(first))))
    return Span(start, Position(last, max(start.column, len(document.line(last).rstrip()))))


def _contains(outer: Span, inner: Span) -> bool:
    return outer.start.line <= inner.start.line and inner.end.line <= outer.end.line


def _fits(document: Document, span: Span) -> bool:
    return estimate_tokens(document.slice(span)) <= _MAX_TOKENS
