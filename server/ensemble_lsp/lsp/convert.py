"""Positions, ranges and edits: the only code that counts UTF-8 or UTF-16 units.

Inside the program a column counts code points. As the specification demands, a client's position past the
end of a line means its end, and one inside a surrogate pair or a multi-byte sequence means the start of the
character. No function changes its arguments.
"""

from __future__ import annotations

from typing import Any, Literal

from lsprotocol import types as lsp

from ..types import Document, Edit, Position, Span

Encoding = Literal["utf-8", "utf-16", "utf-32"]


def units(text: str, encoding: Encoding) -> int:
    """Return the length of a text in the encoding's units."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def to_column(line: str, character: int, encoding: Encoding) -> int:
    """Return the number of code points before a client's ``character`` in a line."""
    if character <= 0:
        return 0
    if encoding == "utf-32" or line.isascii():
        return min(character, len(line))
    seen = 0
    for column, char in enumerate(line):
        seen += units(char, encoding)
        if seen > character:
            return column
    return len(line)


def to_position(document: Document, position: lsp.Position, encoding: Encoding) -> Position:
    """Convert a client's position and clamp it to the document."""
    if position.line >= len(document.lines):
        return document.end
    line = document.line(position.line)
    return Position(position.line, to_column(line, position.character, encoding))


def to_span(document: Document, range_: lsp.Range, encoding: Encoding) -> Span:
    """Convert a client's range; reversed ends are swapped."""
    start = to_position(document, range_.start, encoding)
    end = to_position(document, range_.end, encoding)
    return Span(min(start, end), max(start, end))


def from_position(document: Document, position: Position, encoding: Encoding) -> lsp.Position:
    """Convert a position for the client."""
    line = document.lines[position.line] if position.line < len(document.lines) else ""
    return lsp.Position(position.line, units(line[: position.column], encoding))


def from_span(document: Document, span: Span, encoding: Encoding) -> lsp.Range:
    """Convert a span for the client."""
    return lsp.Range(
        from_position(document, span.start, encoding), from_position(document, span.end, encoding)
    )


def range_arguments(document: Document, span: Span, encoding: Encoding) -> dict[str, Any]:
    """Return a span as the ``{uri, range}`` of a command's arguments."""
    return {"uri": document.uri, "range": range_json(document, span, encoding)}


def range_json(document: Document, span: Span, encoding: Encoding) -> dict[str, dict[str, int]]:
    """Return a span as a range of plain values, as commands take it."""
    start, end = (from_position(document, each, encoding) for each in (span.start, span.end))
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def to_edit(
    document: Document, change: lsp.TextDocumentContentChangeEvent, encoding: Encoding
) -> Edit:
    """Convert one change; its range is of ``document``, to which earlier changes are applied."""
    if isinstance(change, lsp.TextDocumentContentChangePartial):
        return Edit(to_span(document, change.range, encoding), change.text)
    return Edit(Span(Position(0, 0), document.end), change.text)


def code_points(text: str, utf16_units: int) -> int:
    """Return the number of code points in the first ``utf16_units`` of a text."""
    if text.isascii():
        return max(0, min(utf16_units, len(text)))
    seen = 0
    for count, char in enumerate(text):
        if seen >= utf16_units:
            return count
        seen += 2 if ord(char) > 0xFFFF else 1
    return len(text)


def workspace_edit(
    document: Document, span: Span, text: str, encoding: Encoding, *, versioned: bool
) -> lsp.WorkspaceEdit:
    """Return an edit that replaces a span, with the document's version if ``versioned``."""
    edit = lsp.TextEdit(from_span(document, span, encoding), text)
    if not versioned:
        return lsp.WorkspaceEdit(changes={document.uri: [edit]})
    identifier = lsp.OptionalVersionedTextDocumentIdentifier(
        uri=document.uri, version=document.version
    )
    return lsp.WorkspaceEdit(
        document_changes=[lsp.TextDocumentEdit(text_document=identifier, edits=[edit])]
    )
