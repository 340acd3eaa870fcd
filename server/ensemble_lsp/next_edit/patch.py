"""Read a unified diff, so that its hunks can serve as the edits just made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..types import Document, Edit, Position, Span
from .edit_history import EditHistory

_HEAD = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(slots=True)
class PatchHunk:
    """One hunk: the lines before and after it, with those around the change."""

    path: str
    """As in the patch, without ``a/`` or ``b/``."""
    line: int
    """The first line, from 0, in the new file."""
    original: list[str] = field(default_factory=list[str])
    updated: list[str] = field(default_factory=list[str])

    def add(self, line: str) -> None:
        """Add a line of the hunk: unchanged, removed or added."""
        sign, text = line[:1] or " ", line[1:] + "\n"
        if sign != "+":
            self.original.append(text)
        if sign != "-":
            self.updated.append(text)


def read_patch(text: str) -> Iterator[PatchHunk]:
    """Yield the hunks of a unified diff, in order; raise ``ValueError`` for a truncated hunk."""
    path = old = ""
    lines = iter(text.split("\n"))
    for line in lines:
        if line.startswith("--- "):
            old = _path(line)
        elif line.startswith("+++ "):
            path = _path(line) or old
        elif (head := _HEAD.match(line)) and path:
            yield _hunk(path, head, lines)


def replay(history: EditHistory, document: Document, hunks: Sequence[PatchHunk]) -> bool:
    """Record the hunks of a document that has them already; return ``False`` if it does not."""
    before = document
    for hunk in reversed(hunks):
        span = _lines(hunk.line, hunk.updated)
        if before.lines[span.start.line : span.end.line] != tuple(hunk.updated):
            return False
        before = before.replace(span, "".join(hunk.original))
    for hunk in hunks:
        edit = Edit(_lines(hunk.line, hunk.original), "".join(hunk.updated))
        after = before.replace(edit.span, edit.text)
        history.changed(before, after, [edit])
        before = after
    return True


def _lines(first: int, lines: Sequence[str]) -> Span:
    return Span(Position(first, 0), Position(first + len(lines), 0))


def _hunk(path: str, head: re.Match[str], lines: Iterator[str]) -> PatchHunk:
    before, first, after = head.groups(default="1")
    hunk = PatchHunk(path, max(0, int(first) - 1))
    while len(hunk.original) < int(before) or len(hunk.updated) < int(after):
        line = next(lines, None)
        if line is None:
            raise ValueError("the last hunk is truncated")
        if not line.startswith("\\"):  # "\ No newline at end of file"
            hunk.add(line)
    return hunk


def _path(line: str) -> str:
    """Return the path that a line names, which may be followed by a time; empty for no file."""
    path = line[4:].partition("\t")[0].strip()
    return "" if path == "/dev/null" else re.sub(r"^[ab]/", "", path)
