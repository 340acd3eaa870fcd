"""What in a document asks for code: an empty body, a comment that tells what, a selection."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from ..languages import line_comment
from ..syntax.indentation import indent_of, indent_unit_near
from ..syntax.trees import Trees
from ..types import Document, Position, Span
from .symbols import Symbol, enclosing, strip_comment_signs

_C_COMMENT = re.compile(r"\s*(?://|/\*|\*(?!/?\w)|\*/)")
_ORDER = re.compile(
    r"""\s*(?:(?:TODO|FIXME)\b(?:\([^)]*\))?\s*[:\-]?\s*\S | (?:please\s+)?(?:add|build
    |calculate|check|compute|convert|count|create|define|delete|fetch|filter|find|generate|get|handle
    |implement|insert|load|make|map|parse|print|read|remove|rename|replace|return|reverse|save|search
    |send|sort|split|sum|update|use|validate|write)\s+\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_FOR_US = re.compile(
    r"copyright|licen[cs]e|noqa|type:\s*ignore|eslint|pylint|pragma|coding[:=]|shellcheck|region",
    re.IGNORECASE,
)
_CODE_LIKE = re.compile(r"[;{}]\s*$|^\s*(?:import|from|return|if|for|def|let|const|var)\b.*[=(:;]")


@dataclass(frozen=True, slots=True)
class GenerationIntent:
    """A place that asks for code: what ``clean_code`` makes of an answer replaces ``span``."""

    kind: Literal["selection", "comment", "body"]
    instruction: str
    span: Span
    indent: str
    """Of the lines of code that go there."""
    symbol: Symbol | None = None


def generation_intent_at(
    document: Document, span: Span, trees: Trees | None = None
) -> GenerationIntent | None:
    """The request for code at a span: a selection; at a cursor a comment or an empty body."""
    start, end = document.clamp(span.start), document.clamp(span.end)
    if document.slice(Span(start, end)).strip():
        return _selection(document, Span(start, end))
    return _comment(document, start, trees) or _body(document, start, trees)


def _selection(document: Document, span: Span) -> GenerationIntent:
    """The selected code itself, from its first character to its last."""
    start, end = _trim(document, span)
    first = document.lines[start.line]
    indent = indent_of(first)
    asked = [
        strip_comment_signs(line)
        for line in document.slice(Span(start, end)).splitlines()
        if _mark(document).match(line)
    ]
    orders = [text for text in asked if _ORDER.match(text)]
    instruction = "\n".join(orders) or "Complete or improve this code; keep what it is for."
    return GenerationIntent("selection", instruction, Span(start, end), indent)


def _trim(document: Document, span: Span) -> tuple[Position, Position]:
    start, end = span.start, span.end
    while start < end and not document.line(start.line)[start.column :].strip():
        start = Position(start.line + 1, 0)
    line = document.line(start.line)
    start = Position(
        start.line, start.column + len(line[start.column :]) - len(line[start.column :].lstrip())
    )
    while end > start and not document.line(end.line)[: end.column].strip():
        end = Position(end.line - 1, len(document.line(end.line - 1)))
    return start, Position(end.line, len(document.line(end.line)[: end.column].rstrip()))


def _comment(
    document: Document, position: Position, trees: Trees | None
) -> GenerationIntent | None:
    """The whole-line comment at a position, where it says what to write.

    Above a definition with an empty body it asks for that body.
    """
    mark = _mark(document)
    if not mark.match(document.line(position.line)):
        return None
    first = last = position.line
    while first > 0 and mark.match(document.line(first - 1)):
        first -= 1
    while mark.match(document.line(last + 1)):
        last += 1
    text = strip_comment_signs("\n".join(document.line(n) for n in range(first, last + 1)))
    indent = indent_of(document.line(first))
    if not _is_order(text):
        return None
    if _describes_code(document, last, indent, text):
        return _body_below(document, last + 1, text, trees)
    text = re.sub(r"^(?:TODO|FIXME)\b(?:\([^)]*\))?\s*[:\-]?\s*", "", text)
    end = Position(last, len(document.line(last)))
    return GenerationIntent("comment", text, Span(end, end), indent)


def _body_below(
    document: Document, line: int, text: str, trees: Trees | None
) -> GenerationIntent | None:
    """The empty body of a definition that begins on a line below a comment."""
    body = _body(document, Position(line, len(indent_of(document.line(line)))), trees)
    if body is None or body.symbol is None or body.symbol.span.start.line != line:
        return None
    if text in body.instruction:
        return body
    return replace(body, instruction=f"{text}\n{body.instruction}")


def _is_order(text: str) -> bool:
    if _NOT_FOR_US.search(text) or _CODE_LIKE.search(text):
        return False
    return _ORDER.match(text) is not None or len(text.split()) >= 3


def _describes_code(document: Document, last: int, indent: str, text: str) -> bool:
    """Whether the code the comment speaks of stands below it already."""
    below = document.line(last + 1)
    if re.match(r"(?:TODO|FIXME)\b", text):
        return False
    return (
        bool(below.strip())
        and len(indent_of(below)) >= len(indent)
        and below.strip()
        not in {
            "pass",
            "...",
        }
    )


def _body(document: Document, position: Position, trees: Trees | None) -> GenerationIntent | None:
    """The empty function or class body at a position."""
    symbol = enclosing(document, position, trees)
    if symbol is None or symbol.body is None or not symbol.empty:
        return None
    line = symbol.span.start.line
    outer = indent_of(document.line(_signature_line(document, symbol)))
    unit = indent_unit_near(document, line)
    instruction = f"Write the body of `{symbol.signature}`."
    if symbol.docstring:
        instruction += f"\n{symbol.docstring}"
    if document.language == "python":
        span = _python_body(document, symbol.body, symbol.docstring_span)
    else:
        span = _braced_body(document, symbol.body)
        notes = strip_comment_signs(
            document.slice(Span(symbol.body.start, span.start)).strip(" \t\r\n{")
        )
        instruction += f"\n{notes}" if notes else ""
    return GenerationIntent("body", instruction, span, outer + unit, symbol)


def _signature_line(document: Document, symbol: Symbol) -> int:
    """The line the definition itself begins on, below its decorators."""
    line = symbol.span.start.line
    while document.line(line).lstrip().startswith("@") and line < symbol.span.end.line:
        line += 1
    return line


def _python_body(document: Document, body: Span, doc: Span | None) -> Span:
    """The placeholder: what is in the body after its docstring."""
    if doc is None or doc.start < body.start:
        head = document.line(body.start.line)[: body.start.column]
        return (
            Span(Position(body.start.line, len(head.rstrip())), body.end) if head.strip() else body
        )
    rest = document.slice(Span(doc.end, max(doc.end, body.end)))
    if not rest.strip():
        return Span(doc.end, max(doc.end, body.end))
    return Span(_forward(document, doc.end, len(rest) - len(rest.lstrip())), body.end)


def _braced_body(document: Document, body: Span) -> Span:
    """What stands between the braces after their comments; without the line end before a brace."""
    text = document.slice(body)
    opened = 1 if text.startswith("{") else 0
    closed = 1 if text.endswith("}") else 0
    inside = text[opened : len(text) - closed]
    kept = max(
        (m.end() for m in re.finditer(r"//[^\n\r]*|/\*.*?\*/", inside, re.DOTALL)), default=0
    )
    rest = inside[kept:]
    end = len(rest)
    if "\n" in rest and not rest[rest.rindex("\n") :].strip():
        end = len(rest[: rest.rindex("\n")].removesuffix("\r"))
    start = _forward(document, body.start, opened + kept)
    return Span(start, _forward(document, body.start, opened + kept + end))


def _forward(document: Document, start: Position, count: int) -> Position:
    line, column = start.line, start.column + count
    while column > len(document.lines[line]) and line + 1 < len(document.lines):
        column -= len(document.lines[line])
        line += 1
    return Position(line, column)


def _mark(document: Document) -> re.Pattern[str]:
    sign = line_comment(document.language)
    return _C_COMMENT if sign == "//" else re.compile(rf"\s*{re.escape(sign)}(?!!)")
