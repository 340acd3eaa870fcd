"""Lines added to one item of data, such as a JSON object or a YAML map: the same in the items beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...syntax.indentation import indent_of, newline_of
from ...types import Position, Span
from ..edit import smallest_edit
from ..edit_history import Hunk
from .line_tokens import line_tokens
from .search import EditContext, Proposal

_LANGUAGES = frozenset({"json", "jsonc", "yaml", "toml", "html", "xml", "css", "scss", "less"})
_MAX_HUNKS = 3
_MAX_LINES = 6
_MAX_PLACES = 3
_REACH = 200
"""Lines on each side of the change that are looked at."""


def data_blocks(context: EditContext) -> Iterator[Proposal]:
    """Yield the items of data that lack the lines that one of them was given."""
    document = context.document
    if document.language not in _LANGUAGES:
        return
    for hunk in context.hunks[:_MAX_HUNKS]:
        if hunk.uri == document.uri and hunk.tracked and (lines := _added(hunk)):
            yield from _places(context, hunk, lines)


def _added(hunk: Hunk) -> tuple[str, ...]:
    """Return the lines that a hunk put after one that it kept, except for a comma at its end."""
    if len(hunk.removed) > 1 or not 0 < len(hunk.added) - len(hunk.removed) <= _MAX_LINES:
        return ()
    lines = tuple(line.rstrip() for line in hunk.added)
    if hunk.removed:
        if lines[0].rstrip(",") != hunk.removed[0].rstrip().rstrip(","):
            return ()
        lines = lines[1:]
    return () if any(not line.strip() for line in lines) else lines


def _places(context: EditContext, hunk: Hunk, lines: Sequence[str]) -> Iterator[Proposal]:
    document = context.document
    above = hunk.added[0] if hunk.removed else (hunk.above[-1] if hunk.above else "")
    if not _key(above) or indent_of(above) != indent_of(lines[0]):
        return
    at = hunk.line + len(hunk.added) - len(lines) - 1
    near = range(max(0, at - _REACH), min(len(document.lines), at + _REACH))
    found = [
        number
        for number in near
        if number != at
        and _key(document.lines[number]) == _key(above)
        and indent_of(document.lines[number]) == indent_of(above)
        and _is_end(document.lines, number) == _is_end(document.lines, at, len(lines))
        and not _has(document.lines, number, lines)
    ]
    for number in context.nearest(found)[:_MAX_PLACES]:
        line = document.line(number)
        newline = newline_of(document.lines[number])
        with_comma = above.rstrip().endswith(",") and not line.rstrip().endswith(",")
        text = newline.join([line.rstrip() + "," * with_comma, *lines])
        if not with_comma and line.rstrip().endswith(",") and not lines[-1].endswith(","):
            text += ","
        span = Span(Position(number, 0), Position(number, len(line)))
        edit = smallest_edit(document, span, text)
        yield Proposal(edit.span, edit.text, "field", 0.75, "lines were added to an item of data")


def _key(line: str) -> str:
    """Return the key that a line begins with, or the tag."""
    tokens = line_tokens(line.strip())
    return " ".join(token.text for token in tokens[:2]) if len(tokens) > 1 else ""


def _is_end(lines: Sequence[str], number: int, size: int = 0) -> bool:
    """Return whether an item ends after a line, and ``size`` more."""
    after = number + size + 1
    own = len(indent_of(lines[number]))
    return after >= len(lines) or len(indent_of(lines[after])) < own or not lines[after].strip()


def _has(lines: Sequence[str], number: int, added: Sequence[str]) -> bool:
    """Return whether the item that a line belongs to has the first of the added keys."""
    own, key = indent_of(lines[number]), _key(added[0])
    for step in (-1, 1):
        at = number + step
        while 0 <= at < len(lines) and lines[at].strip() and indent_of(lines[at]).startswith(own):
            if indent_of(lines[at]) == own and _key(lines[at]) == key:
                return True
            at += step
    return False
