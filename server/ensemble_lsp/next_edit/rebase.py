"""Move a predicted edit over what the user typed while the model answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..types import Document, Edit, Span
from .edit import PredictedEdit, smallest_edit


def rebase(
    edit: PredictedEdit, document: Document, changes: Iterable[Edit], version: int
) -> PredictedEdit | None:
    """Return an edit of ``document`` as one of the document after ``changes``, its version.

    ``None`` if a change conflicts with the edit, or if the user typed all of it.
    """
    moved: PredictedEdit | None = edit
    for change in changes:
        moved = _over(moved, document, smallest_edit(document, change.span, change.text))
        if moved is None:
            return None
        document = document.replace(change.span, change.text)
    smallest = moved.smallest(document) if moved.changes(document) else None
    return smallest and replace(smallest, version=version)


def _over(edit: PredictedEdit, document: Document, change: Edit) -> PredictedEdit | None:
    """Return the edit after one change; both are edits of ``document``."""
    if change.span.empty and not change.text:
        return edit
    if edit.span.end < change.span.start:
        return edit
    typed_inside = _inside(edit, document, change)
    if typed_inside is not None:
        return typed_inside
    if change.span.end < edit.span.start or _lines_before(change.span, edit.span):
        span = Span(change.shift(edit.span.start), change.shift(edit.span.end))
        return replace(edit, span=span)
    return edit if _lines_before(edit.span, change.span) else None


def _lines_before(span: Span, other: Span) -> bool:
    """Return whether a span of whole lines ends where another begins."""
    touches = span.end == other.start and span.start != other.start
    return touches and span.start.column == 0 and span.end.column == 0


def _inside(edit: PredictedEdit, document: Document, change: Edit) -> PredictedEdit | None:
    """Return the rest of an edit that the user began by hand; ``None`` if it is another change."""
    contained = edit.span.start <= change.span.start and change.span.end <= edit.span.end
    if not contained:
        return None
    old = document.slice(edit.span)
    start = len(document.slice(Span(edit.span.start, change.span.start)))
    end = len(old) - len(document.slice(Span(change.span.end, edit.span.end)))
    if not _leads_to(edit.text, old[:start], change.text, old[start:end], old[end:]):
        return None
    return replace(edit, span=Span(edit.span.start, change.shift(edit.span.end)))


def _leads_to(target: str, head: str, typed: str, removed: str, tail: str) -> bool:
    """Return whether ``head + typed + tail``, before ``head + removed + tail``, is on the way to a text."""
    if not typed:
        return removed not in target
    if target.startswith(head + typed) or target.endswith(typed + tail):
        return True
    # An editor closes a bracket that the user opens.
    return any(
        target.startswith(head + typed[:cut]) and target.endswith(typed[cut:] + tail)
        for cut in range(1, len(typed))
        if len(head) + len(typed) + len(tail) <= len(target)
    )
