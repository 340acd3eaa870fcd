"""Regions of a document that move with its edits.

Editors describe the same change differently: as one insertion or several, as a replaced line or document,
or, where text repeats itself, as an insertion further to the right. So each edit is first reduced to its
smallest form; an edit that could as well have been made at a region is moved there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from ..types import Document, Edit, Position, Span, advance, common_prefix_length, split_lines

_PIECE = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_PIECES = 3000
_FAR_LINES = 60
_MOST_EDITS = 64


def common_suffix(one: str, other: str) -> int:
    """Return the length of the common suffix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def trim(old: str, new: str) -> tuple[int, int]:
    r"""Return the lengths of the common prefix and suffix; no ``\r\n`` is cut in half."""
    head = common_prefix_length(old, new)
    if head and old[head - 1] == "\r":
        head -= 1
    tail = common_suffix(old[head:], new[head:])
    if tail and "\r" in (old[head : len(old) - tail][-1:], new[head : len(new) - tail][-1:]):
        # A line end that differs only in its "\r" is replaced as a whole.
        tail -= 1
    return head, tail


def minimal(before: Document, edit: Edit) -> Edit:
    """Return the edit without the text that it leaves unchanged."""
    old = before.slice(edit.span)
    head, tail = trim(old, edit.text)
    if not head and not tail:
        return edit
    start = advance(edit.span.start, old[:head])
    end = advance(start, old[head : len(old) - tail])
    return Edit(Span(start, end), edit.text[head : len(edit.text) - tail])


@dataclass
class EditStep:
    """One edit in its smallest form, and the documents before and after it."""

    before: Document
    edit: Edit
    after: Document
    made: Edit
    """The edit as the client sent it."""

    @cached_property
    def parts(self) -> tuple[Edit, ...]:
        """The edit split into small ones, computed once."""
        return tuple(split(self.before, self.edit))


@dataclass
class DocumentChange:
    """A change of a document, computed once for all regions in it."""

    after: Document
    steps: tuple[EditStep, ...]
    coarse: bool
    """Whether whole lines were replaced: such clients gather a few keys before they report."""
    merged: bool = False
    """Whether the step was made of very many edits."""
    exact: bool = False
    """Whether the client sends edits as they are made, an accept and its import as two."""
    takes_items: bool = False
    """Whether the user rather takes a popup's item than the next word of a suggestion."""

    @classmethod
    def of(
        cls, before: Document, after: Document, edits: Sequence[Edit], *, fine: bool = False
    ) -> DocumentChange:
        """Build it from consecutive edits; very many become one.

        ``fine``: the client is known not to replace whole lines; a word may still fill its line.
        """
        coarse = not fine and all(_is_coarse(before, edit) for edit in edits)
        merged = len(edits) > _MOST_EDITS
        if merged:
            edits = [Edit(Span(Position(0, 0), before.end), after.text)]
        steps: list[EditStep] = []
        document = before
        for number, edit in enumerate(edits, 1):
            last = number == len(edits)
            following = after if last else document.replace(edit.span, edit.text)
            steps.append(EditStep(document, minimal(document, edit), following, edit))
            document = following
        return cls(after, tuple(steps), coarse, merged)

    @property
    def as_made(self) -> bool:
        """Whether an edit contains text that it leaves unchanged: the client does not compare texts."""
        return not self.coarse and any(step.made != step.edit for step in self.steps)


def _is_coarse(before: Document, edit: Edit) -> bool:
    start, end = edit.span.start, edit.span.end
    return start.column == 0 and end.column >= len(before.line(end.line)) and start != end


def is_fine(before: Document, edit: Edit) -> bool:
    """Return whether an edit begins or ends inside a line."""
    start, end = edit.span.start, edit.span.end
    return start.column > 0 or end.column < len(before.line(end.line).rstrip("\r\n"))


def align_edit(before: Document, edit: Edit, region: Span) -> Edit:
    """Return the same change as an edit at the region, if repeated text allows that."""
    start, end = edit.span.start, edit.span.end
    if edit.span.empty and edit.text:
        if region.end < start and start.line - region.end.line <= _FAR_LINES:
            gap = before.slice(Span(region.end, start))
            joined = gap + edit.text
            if joined.endswith(gap):
                return Edit(Span(region.end, region.end), joined[: len(edit.text)])
        if end < region.start and region.start.line - end.line <= _FAR_LINES:
            gap = before.slice(Span(start, region.start))
            joined = edit.text + gap
            if joined.startswith(gap):
                return Edit(Span(region.start, region.start), joined[len(gap) :])
    elif not edit.text and region.start < start <= region.end < end:
        window = before.slice(Span(region.start, end))
        size = len(before.slice(edit.span))
        if window[: len(window) - size] == window[size:]:
            return Edit(Span(region.start, advance(region.start, window[:size])), "")
    return edit


def split(before: Document, edit: Edit) -> Iterator[Edit]:
    """Split a large replacement into small ones, the last first, so that they do not shift."""
    old, new = before.slice(edit.span), edit.text
    pieces_of = _PIECE.findall
    if len(old) + len(new) > 8 * _MOST_PIECES:
        pieces_of = split_lines
    olds, news = pieces_of(old), pieces_of(new)
    if len(olds) + len(news) > 2 * _MOST_PIECES:
        yield edit
        return
    starts = [edit.span.start]
    for piece in olds:
        starts.append(advance(starts[-1], piece))
    codes = SequenceMatcher(None, olds, news, autojunk=False).get_opcodes()
    for tag, i, j, k, m in reversed(codes):
        if tag != "equal":
            yield minimal(before, Edit(Span(starts[i], starts[j]), "".join(news[k:m])))


def follow(region: Span, edit: Edit, *, grows: bool) -> tuple[Span, bool]:
    """Return the region after an edit, and whether the edit touched it.

    ``grows``: text inserted at either end belongs to the region; to an empty one it always does.
    """
    start, end = region.start, region.end
    a, b = edit.span.start, edit.span.end
    grows = grows or region.empty
    if a > end or (a == end and not (edit.text and grows)):
        return region, False
    if b < start or (b == start and not (edit.span.empty and grows)):
        return Span(edit.shift(start), edit.shift(end)), False
    new_end = edit.shift(end) if b <= end else advance(a, edit.text)
    return Span(min(a, start), new_end), True


def follow_change(
    region: Span, change: DocumentChange, *, grows: bool
) -> tuple[Span, list[Edit], bool]:
    """Return the region after a change, the edits that touched it, and whether others did not.

    The edits are in their smallest form.
    """
    touching: list[Edit] = []
    outside = False
    for step in change.steps:
        for part in _parts(step, region):
            region, touched = follow(region, part, grows=grows)
            if touched:
                touching.append(part)
            elif part.text or not part.span.empty:
                outside = True
        region = _within(step.after, region)
    return region, touching, outside


def moved_span(span: Span, before: Document, after: Document) -> Span:
    """Return where a span of one version of a document is in a later one."""
    whole = Edit(Span(Position(0, 0), before.end), after.text)
    change = DocumentChange.of(before, after, [whole], fine=True)
    return follow_change(span, change, grows=False)[0]


def _within(document: Document, region: Span) -> Span:
    r"""Clamp the region: where a "\r" and a "\n" have met there is one line less."""
    start, end = document.clamp(region.start), document.clamp(region.end)
    return Span(start, max(start, end))


def _parts(step: EditStep, region: Span) -> Sequence[Edit]:
    edit = align_edit(step.before, step.edit, region)
    mixed = bool(edit.text) and not edit.span.empty
    meets = edit.span.start <= region.end and edit.span.end >= region.start
    inside = edit.span.start >= region.start and edit.span.end <= region.end
    if mixed and meets and not inside:
        return step.parts
    return (edit,)
