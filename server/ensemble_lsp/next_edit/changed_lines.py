"""The lines that a change of a document replaces, computed from its edits, not from the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Edit, common_prefix_length


@dataclass(slots=True)
class ChangedLines:
    """Lines ``old_start`` to ``old_end`` of the text before became ``new_start`` to ``new_end`` after."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int

    @property
    def growth(self) -> int:
        """The number of lines that the text grew by; negative where it shrank."""
        return self.new_end - self.new_start - (self.old_end - self.old_start)

    @property
    def size(self) -> int:
        """The number of lines removed and added."""
        return self.new_end - self.new_start + self.old_end - self.old_start


def changed_lines(
    before: Sequence[str], after: Sequence[str], edits: Sequence[Edit]
) -> list[ChangedLines]:
    """Return the changed lines of a document, in order and apart from each other.

    Each edit's span is of the text after the edits before it.
    """
    regions: list[ChangedLines] = []
    for edit in edits:
        regions = _with_edit(regions, edit)
    if sum(region.growth for region in regions) != len(after) - len(before):
        # An edit joined "\r" and "\n": compare the whole texts.
        regions = [ChangedLines(0, len(before), 0, len(after))] if edits else []
    trimmed = (_trimmed(region, before, after) for region in regions)
    return [region for region in trimmed if region.size]


def _with_edit(regions: list[ChangedLines], edit: Edit) -> list[ChangedLines]:
    """Return the regions after one more edit, whose lines are those of the text after them."""
    start, end = edit.span.start.line, edit.span.end.line + 1
    count = end - start
    growth = edit.text.count("\n") + edit.text.count("\r") - edit.text.count("\r\n") + 1 - count
    above = [r for r in regions if r.new_end <= start]
    below = [r for r in regions if r.new_start >= end]
    over = [r for r in regions if r.new_end > start and r.new_start < end]
    shift = sum(region.growth for region in above)
    first, last = min([start, *(r.new_start for r in over)]), max([end, *(r.new_end for r in over)])
    grown = sum(region.growth for region in over)
    old_start = first - shift
    merged = ChangedLines(old_start, old_start + last - first - grown, first, last + growth)
    for region in below:
        region.new_start += growth
        region.new_end += growth
    return [*above, merged, *below]


def _trimmed(region: ChangedLines, before: Sequence[str], after: Sequence[str]) -> ChangedLines:
    old = before[region.old_start : region.old_end]
    new = after[region.new_start : region.new_end]
    head = common_prefix_length(old, new)
    tail = common_prefix_length(old[head:][::-1], new[head:][::-1])
    return ChangedLines(
        region.old_start + head,
        region.old_end - tail,
        region.new_start + head,
        region.new_end - tail,
    )
