"""The locator: the edits just made, at the other places where they fit, the nearest and surest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from ...types import Document, Edit, Position
from ..edit import LOCATOR, PredictedEdit
from ..edit_history import EditHistory, Hunk
from .arguments import arguments
from .awaits import awaits
from .data_blocks import data_blocks
from .fields import fields
from .import_edits import import_edits
from .import_index import ImportIndex
from .names_in_text import names_in_text
from .parallel_lines import parallel_lines
from .placed_hunks import placed_hunks
from .regions import Regions
from .renames import aliases, renames
from .repeated_blocks import repeated_blocks
from .repeated_lines import repeated_lines
from .search import EditContext, Proposal
from .typos import typos

MIN_CONFIDENCE = 0.7
_SECONDS = 0.006
"""Seconds for the search; the places found by then are checked and offered."""

_RULES: tuple[Callable[[EditContext], Iterator[Proposal]], ...] = (
    renames,
    aliases,
    names_in_text,
    typos,
    arguments,
    fields,
    awaits,
    repeated_lines,
    repeated_blocks,
    data_blocks,
    parallel_lines,
)


class Locator:
    """Predicts the next edits without a model, from the history of edits; for use on one thread."""

    def __init__(self, imports: ImportIndex | None = None, seconds: float = _SECONDS) -> None:
        self.imports = imports or ImportIndex()
        self._seconds = seconds
        self._regions = Regions()

    def propose(
        self,
        history: EditHistory,
        document: Document,
        cursor: Position,
        limit: int = 3,
        min_confidence: float = MIN_CONFIDENCE,
    ) -> tuple[PredictedEdit, ...]:
        """Return the next edits of a document, the surest first, of those the nearest to the cursor.

        None breaks code that parsed before, or brings back what the user just changed.
        """
        hunks = placed_hunks(document, history.recent())
        if not hunks:
            return ()
        cursor = document.clamp(cursor)
        deadline = time.perf_counter() + self._seconds
        context = EditContext(document, cursor, hunks, self._regions, deadline)
        found = [p for p in self._proposals(context) if p.confidence >= min_confidence]
        found.sort(key=lambda p: (-round(p.confidence, 1), context.distance(p.span.start.line)))
        undone = history.undone()
        offered: dict[Edit, PredictedEdit] = {}
        for proposal in found:
            edit = Edit(proposal.span, proposal.text)
            if edit in offered or self._regions.breaks(document, edit):
                continue
            if not _reverts(document, edit, hunks, undone):
                offered[edit] = _predicted(document, proposal)
                if len(offered) == limit:
                    break
        return tuple(offered.values())

    def _proposals(self, context: EditContext) -> Iterator[Proposal]:
        for rule in _RULES:
            if context.late:
                return
            yield from rule(context)
        if not context.late:
            yield from import_edits(context, self.imports)


def _predicted(document: Document, proposal: Proposal) -> PredictedEdit:
    return PredictedEdit(
        document.uri,
        document.version,
        proposal.span,
        proposal.text,
        LOCATOR,
        proposal.kind,
        proposal.confidence,
    )


def _reverts(document: Document, edit: Edit, hunks: Sequence[Hunk], undone: Sequence[Hunk]) -> bool:
    """Return whether an edit changes nothing, brings back the text before a hunk, or an undone hunk."""
    start, end = edit.span.start.line, edit.span.end.line
    after = document.replace(edit.span, edit.text)
    growth = len(after.lines) - len(document.lines)
    if after.lines == document.lines:
        return True
    for hunk in hunks:
        last = hunk.line + len(hunk.added)
        if hunk.uri != document.uri or not hunk.tracked or end < hunk.line or start > last:
            continue
        if after.lines[hunk.line : last + growth] == hunk.removed:
            return True
    old, new = document.lines[start : end + 1], after.lines[start : end + 1 + growth]
    return any(
        hunk.uri == document.uri and _within(hunk.added, new) and _within(hunk.removed, old)
        for hunk in undone
    )


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Return whether a hunk's lines are all among the lines of an edit."""
    return all(line in whole for line in part)
