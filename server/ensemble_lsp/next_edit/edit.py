"""A predicted edit, and how it is applied, cut to the smallest edit, and shown as an inline completion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..syntax.indentation import newline_of
from ..types import LOCATOR, Document, Edit, Position, Span, advance, common_prefix_length

EditKind = Literal["rename", "argument", "field", "pattern", "typo", "import", "rewrite"]
"""``rewrite`` is a model's; the others are the locator's."""


@dataclass(frozen=True, slots=True)
class PredictedEdit:
    """One replacement in one version of one document: ``text`` replaces ``span``."""

    uri: str
    version: int
    span: Span
    text: str
    model: str = LOCATOR
    """The configured name of the model that wrote it, or ``locator``."""
    kind: EditKind = "rewrite"
    confidence: float | None = None
    """0 to 1; ``None`` if unknown."""

    @property
    def edit(self) -> Edit:
        """The replacement alone."""
        return Edit(self.span, self.text)

    def applies_to(self, document: Document) -> bool:
        """Return whether the edit was made for this version of this document."""
        return self.uri == document.uri and self.version == document.version

    def apply(self, document: Document, version: int | None = None) -> Document:
        """Return the document after the edit."""
        return document.replace(self.span, self.text, version)

    def changes(self, document: Document) -> bool:
        """Return whether the edit changes the document."""
        return document.slice(self.span) != self.text

    def smallest(self, document: Document) -> PredictedEdit:
        """Return the same edit without the unchanged text at both ends.

        If possible, an insertion or a deletion of whole lines begins at the start of a line.
        """
        old = document.slice(self.span)
        head, tail = _common_ends(old, self.text)
        removed, added = old[head : len(old) - tail], self.text[head : len(self.text) - tail]
        if not removed or not added:
            head = _at_line_start(old, head, removed or added, self.span.start.column == 0)
            moved = self.text[head : head + len(added)] if added else ""
            removed, added = old[head : head + len(removed)], moved
        start = advance(self.span.start, old[:head])
        return replace(self, span=Span(start, advance(start, removed)), text=added)

    def as_insertion(self, document: Document, cursor: Position) -> Edit | None:
        """Return the edit as an inline completion on the cursor's line; ``None`` unless it only adds text.

        It only adds if it adds characters on the cursor's line, not before the cursor, or lines after
        that line while the cursor is at its end.
        """
        edit = self.smallest(document)
        start, end = edit.span.start, edit.span.end
        line = document.line(cursor.line)
        if edit.span.empty and start == Position(cursor.line + 1, 0):
            body = edit.text.rstrip("\r\n")
            if cursor.column < len(line) or body == edit.text:
                return None
            return Edit(Span(cursor, cursor), newline_of(edit.text) + edit.text[: -_end(edit.text)])
        if start.line != cursor.line or end.line != cursor.line:
            return None
        return _on_line(line, edit.edit, cursor)


def smallest_edit(document: Document, span: Span, text: str) -> Edit:
    """Return a replacement without the unchanged text at both ends."""
    return PredictedEdit(document.uri, document.version, span, text).smallest(document).edit


def _on_line(line: str, edit: Edit, cursor: Position) -> Edit | None:
    """Return an edit of the cursor's line as text from the cursor, if it adds characters only."""
    start, end = edit.span.start.column, edit.span.end.column
    first, last = min(start, cursor.column), max(end, cursor.column)
    old = line[first:last]
    new = line[first:start] + edit.text + line[end:last]
    typed = cursor.column - first
    if old[:typed] != new[:typed]:
        return None
    rest, added = old[typed:], new[typed:]
    several_lines = "\n" in added or "\r" in added
    if (several_lines and line[cursor.column :]) or rest == added:
        return None
    if not _is_subsequence(rest, added):
        return None
    return Edit(Span(cursor, Position(cursor.line, last)), added)


def _common_ends(one: str, other: str) -> tuple[int, int]:
    r"""Return the lengths of the common prefix and suffix, which do not overlap or cut ``\r\n``."""
    head = common_prefix_length(one, other)
    if head and one[head - 1] == "\r" and "\n" in (one[head : head + 1], other[head : head + 1]):
        head -= 1
    tail = common_prefix_length(one[head:][::-1], other[head:][::-1])
    if tail and one[-tail] == "\n" and "\r" in (one[-tail - 1 : -tail], other[-tail - 1 : -tail]):
        tail -= 1
    return head, tail


def _at_line_start(old: str, head: int, piece: str, first_is_start: bool) -> int:
    """Return where in ``old`` an inserted or deleted piece begins if it is moved up to a line's start."""
    if not piece or "\n" not in piece:
        return head
    at = head
    while at > 0 and old[at - 1] != "\n" and old[at - 1] == piece[at - 1 - head]:
        at -= 1
        if head - at >= len(piece):
            return head
    starts = first_is_start if at == 0 else old[at - 1] == "\n"
    return at if starts else head


def _is_subsequence(part: str, whole: str) -> bool:
    characters = iter(whole)
    return all(character in characters for character in part)


def _end(text: str) -> int:
    """Return the length of the line end that a text ends with."""
    return 2 if text.endswith("\r\n") else 1
