"""Suggestions that continue one another: after a word is accepted, the rest is offered as a new suggestion."""

from __future__ import annotations

from ..types import Document, Span
from .matching import squeeze
from .pending import PendingSuggestion


def continues(old: PendingSuggestion, new: PendingSuggestion, document: Document) -> bool:
    """Return whether a newer suggestion is the rest of an older one of the same models."""
    if old.suggestion.models != new.suggestion.models or old.match.state not in (
        "untouched",
        "part",
    ):
        return False
    if old.suggestion.task != new.suggestion.task or new.region.start < old.region.start:
        return False
    if new.region.start.line - old.region.start.line > old.offered.count("\n") + 1:
        return False
    between = squeeze(document.slice(Span(old.region.start, new.region.start)))
    return between + squeeze(new.offered) == squeeze(old.offered)


def inherit(new: PendingSuggestion, old: PendingSuggestion, document: Document) -> None:
    """Give a suggestion the past of the one that it continues."""
    new.replaces = (*old.replaces, old.suggestion.id)
    new.since, new.before = old.since, old.by_hand + old.at_once
    new.by_hand, new.at_once, new.parts = old.by_hand, old.at_once, old.parts
    new.before_at_once = old.at_once
    if not old.at_once:
        return  # an undo of what is accepted later leaves the typed text
    start = old.region.start if old.head is None else old.head.start
    if start < new.region.start:
        new.head = Span(start, new.region.start)
        new.head_text = document.slice(new.head)
