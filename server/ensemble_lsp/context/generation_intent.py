"""Finds requests for code in a document: a selection, a comment that describes code, an empty body."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from ..languages import line_comment
from ..syntax.indentation import indent_of, indent_unit_near
from ..syntax.trees import Trees
from ..types import Document, Position, Span, advance_in
from .symbols import Symbol, enclosing, strip_comment_signs

_C_COMMENT = re.compile(r"\s*(?://|/\*|\*(?!/?\w)|\*/)")
_REQUEST = re.compile(
    r"""\s*(?:(?:TODO|FIXME)\b(?:\([^)]*\))?\s*[:\-]?\s*\S | (?:please\s+)?(?:add|build
    |calculate|check|compute|convert|count|create|define|delete|fetch|filter|find|generate|get|handle
    |implement|insert|load|make|map|parse|print|read|remove|rename|replace|return|reverse|save|search
    |send|sort|split|sum|update|use|validate|write)\s+\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_A_REQUEST = re.compile(
    r"copyright|licen[cs]e|noqa|type:\s*ignore|eslint|pylint|pragma|coding[:=]|shellcheck|region",
    re.IGNORECASE,
)
_CODE_LIKE = re.compile(r"[;{}]\s*$|^\s*(?:import|from|return|if|for|def|let|const|var)\b.*[=(:;]")

_HALF_TYPED = re.compile(
    r"""\s*(?:(?:let|const|var|val|auto|mut|if|for|while|return|await)\s+)*\w*\s*$
    | .*[-+*/%=<>&|^~!.,(\[{:\\]\s*$
    | .*\b(?:in|is|not|and|or|if|else|return|await|yield|lambda|new|as|from|range|instanceof)\s*$""",
    re.VERBOSE,
)
MAX_BLANK_LINES = 3
"""The distance in lines at which a blank line belongs to the comment or definition above it."""


@dataclass(frozen=True, slots=True)
class GenerationIntent:
    """A request for code; the generated code replaces ``span``."""

    kind: Literal["selection", "comment", "body", "fix", "tests", "documentation"]
    instruction: str
    span: Span
    indent: str
    """The indentation of the generated lines."""
    symbol: Symbol | None = None


def generation_intent_at(
    document: Document, span: Span, trees: Trees | None = None, unit: str = ""
) -> GenerationIntent | None:
    """Return the request for code at a span: a selection; at a cursor, a comment or an empty body.

    ``unit`` is one level of indentation; by default as the lines near the span have it.
    """
    start, end = document.clamp(span.start), document.clamp(span.end)
    if document.slice(Span(start, end)).strip():
        return _selection(document, Span(start, end))
    return _comment(document, start, trees, unit) or _body(document, start, trees, unit)


def generation_intent_near(
    document: Document, span: Span, trees: Trees | None = None, unit: str = ""
) -> GenerationIntent | None:
    """Return the request for code at a span or, from a blank line or a decorator, next to it.

    The text above a blank line comes first: the user writes a comment or a docstring and presses Enter.
    """
    found = generation_intent_at(document, span, trees, unit)
    if found is not None or document.slice(span).strip():
        return found
    for line in _neighbours(document, document.clamp(span.start).line):
        at = Position(line, len(document.line(line).rstrip()))
        found = generation_intent_at(document, Span(at, at), trees, unit)
        if found is not None:
            return found
    return None


def half_typed_body_at(document: Document, span: Span, unit: str = "") -> GenerationIntent | None:
    """Return a request for the body whose only line the user has begun to type, at its end.

    Parses the document without its kept tree.
    """
    at = document.clamp(span.end)
    line = document.line(at.line)
    is_last = not line[at.column :].strip()
    if not (span.empty and line.strip() and is_last and _HALF_TYPED.match(line)):
        return None
    whole_line = Span(Position(at.line, 0), Position(at.line, len(line)))
    found = _body(
        document.replace(whole_line, indent_of(line)),
        Position(at.line, len(indent_of(line))),
        None,
        unit,
    )
    if found is None or found.span.end.line > at.line or found.symbol is None:
        return None
    instruction = f"{found.instruction}\nIt begins with: {line.strip()}"
    return replace(found, instruction=instruction, span=Span(found.span.start, whole_line.end))


def _neighbours(document: Document, line: int) -> list[int]:
    """Return the lines with text next to a blank line, or the definition below a decorator."""
    text = document.line(line).strip()
    if text and not text.startswith("@"):
        return []
    above = [] if text else _next_text(document, line, -1, MAX_BLANK_LINES)
    below = _next_text(document, line, 1, 1)
    while below and document.line(below[-1]).lstrip().startswith("@"):
        below = _next_text(document, below[-1], 1, 1)
    return above + below


def _next_text(document: Document, line: int, step: int, limit: int) -> list[int]:
    """Return the first line with text in one direction; empty if it is further away than the limit."""
    numbers = (line + step * n for n in range(1, limit + 1))
    inside = (n for n in numbers if 0 <= n < len(document.lines))
    return next(([n] for n in inside if document.line(n).strip()), [])


def _selection(document: Document, span: Span) -> GenerationIntent:
    """Return a request for the selected code, without surrounding white space."""
    start, end = _trim(document, span)
    first = document.lines[start.line]
    indent = indent_of(first)
    comments = [
        strip_comment_signs(line)
        for line in document.slice(Span(start, end)).splitlines()
        if _comment_pattern(document).match(line)
    ]
    requests = [text for text in comments if _REQUEST.match(text)]
    instruction = "\n".join(requests) or "Complete or improve this code; keep what it is for."
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
    document: Document, position: Position, trees: Trees | None, unit: str
) -> GenerationIntent | None:
    """Return a request for the whole-line comment at a position, if it describes code.

    A comment above a definition with an empty body asks for that body.
    """
    pattern = _comment_pattern(document)
    if not pattern.match(document.line(position.line)):
        return None
    first = last = position.line
    while first > 0 and pattern.match(document.line(first - 1)):
        first -= 1
    while pattern.match(document.line(last + 1)):
        last += 1
    text = strip_comment_signs("\n".join(document.line(n) for n in range(first, last + 1)))
    indent = indent_of(document.line(first))
    if not _is_request(text):
        return None
    if _describes_code(document, last, indent, text):
        return _body_below(document, last + 1, text, trees, unit)
    text = re.sub(r"^(?:TODO|FIXME)\b(?:\([^)]*\))?\s*[:\-]?\s*", "", text)
    end = Position(last, len(document.line(last)))
    return GenerationIntent("comment", text, Span(end, end), indent)


def _body_below(
    document: Document, line: int, text: str, trees: Trees | None, unit: str
) -> GenerationIntent | None:
    """Return a request for the empty body of a definition that begins on a line below a comment."""
    body = _body(document, Position(line, len(indent_of(document.line(line)))), trees, unit)
    if body is None or body.symbol is None or body.symbol.span.start.line != line:
        return None
    if text in body.instruction:
        return body
    return replace(body, instruction=f"{text}\n{body.instruction}")


def _is_request(text: str) -> bool:
    if _NOT_A_REQUEST.search(text) or _CODE_LIKE.search(text):
        return False
    return _REQUEST.match(text) is not None or len(text.split()) >= 3


def _describes_code(document: Document, last: int, indent: str, text: str) -> bool:
    """Return whether the code that the comment describes is already below it."""
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


def _body(
    document: Document, position: Position, trees: Trees | None, unit: str
) -> GenerationIntent | None:
    """Return a request for the empty function or class body at a position."""
    symbol = enclosing(document, position, trees)
    if symbol is None or symbol.body is None or not symbol.empty:
        return None
    line = symbol.span.start.line
    outer = indent_of(document.line(_signature_line(document, symbol)))
    unit = unit or indent_unit_near(document, line)
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
    """Return the line on which the definition begins, below its decorators."""
    line = symbol.span.start.line
    while document.line(line).lstrip().startswith("@") and line < symbol.span.end.line:
        line += 1
    return line


def _python_body(document: Document, body: Span, doc: Span | None) -> Span:
    """Return the placeholder: the body without its docstring."""
    if doc is None or doc.start < body.start:
        head = document.line(body.start.line)[: body.start.column]
        return (
            Span(Position(body.start.line, len(head.rstrip())), body.end) if head.strip() else body
        )
    rest = document.slice(Span(doc.end, max(doc.end, body.end)))
    if not rest.strip():
        return Span(doc.end, max(doc.end, body.end))
    return Span(advance_in(document, doc.end, len(rest) - len(rest.lstrip())), body.end)


def _braced_body(document: Document, body: Span) -> Span:
    """Return the text between the braces, after its comments and without the line end before a brace."""
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
    start = advance_in(document, body.start, opened + kept)
    return Span(start, advance_in(document, body.start, opened + kept + end))


def _comment_pattern(document: Document) -> re.Pattern[str]:
    sign = line_comment(document.language)
    return _C_COMMENT if sign == "//" else re.compile(rf"\s*{re.escape(sign)}(?!!)")
