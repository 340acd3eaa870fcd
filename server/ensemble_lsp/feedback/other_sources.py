"""Recognise edits that bring an offered text but are no accept: an undo, a checkout, a formatter, a copied line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ..types import Edit, Position, Span
from .matching import are_closers, squeeze
from .range_tracking import DocumentChange

REMEMBERED_S = 60.0
"""For this long, a removed text may come back by an undo or a paste."""
_MOST_REMOVED = 16
_LONGEST = 4000
_MOST_PLACES = 3
"""An accept in its smallest form may include an import; an edit of more places is another tool's."""


class RemovedTexts:
    """The texts that the user has just removed from each document."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._removed: deque[tuple[float, str, Position, str]] = deque(maxlen=_MOST_REMOVED)

    def restored_by(self, change: DocumentChange) -> bool:
        """Return whether the change only brings back a removed text."""
        if change.coarse or len(change.steps) != 1:
            return False
        text = squeeze(change.steps[0].edit.text)
        since = self._clock() - REMEMBERED_S
        return any(text == removed and when >= since for when, _, _, removed in self._removed)

    def note(self, change: DocumentChange, own: Iterable[str]) -> None:
        """Remember what a change removed, unless it belongs to an accepted text (``own``)."""
        if change.coarse or len(change.steps) != 1:
            return
        step, uri = change.steps[0], change.after.uri
        start, end = step.edit.span.start, step.edit.span.end
        if step.edit.text or step.edit.span.empty or end.line - start.line > _LONGEST:
            return
        removed = squeeze(step.before.slice(step.edit.span))
        last = self._removed[-1] if self._removed else None
        if last is not None and last[1] == uri and last[2] == end:
            # Keys that remove character by character remove one text.
            removed += self._removed.pop()[3]
        is_own = any(removed in squeeze(text) for text in own)
        if 0 < len(removed) <= _LONGEST and not is_own:
            self._removed.append((self._clock(), uri, start, removed))


def is_rewrite(change: DocumentChange, *, exact: bool) -> bool:
    """Return whether one edit changes several places, as a checkout or a formatter does.

    ``exact``: the client sends edits as they are made, an accept and its import as two.
    """
    if change.coarse or change.merged or len(change.steps) != 1:
        return False
    step = change.steps[0]
    places = [part for part in step.parts if squeeze(part.text) or not part.span.empty]
    apart = [part for part in places if "\n" in step.before.slice(_between(places[0], part))]
    return len(apart) > (0 if exact else _MOST_PLACES - 1)


def _between(last: Edit, part: Edit) -> Span:
    return Span(part.span.end, max(part.span.end, last.span.start))


def adds_line(change: DocumentChange, touching: Sequence[Edit], offered: str) -> bool:
    """Return whether one edit inserts the offered text as a line of its own, as a copied line."""
    if change.coarse or len(change.steps) != 1 or len(touching) != 1:
        return False
    text = touching[0].text
    behind = text[len(text.rstrip()) :]
    return "\n" in behind and "\n" not in offered[len(offered.rstrip()) :]


def only_ends(change: DocumentChange, touching: Sequence[Edit], rest: str) -> bool:
    """Return whether a formatter ended a typed text: ``rest`` is a semicolon or bracket that it added."""
    if len(change.steps) != 1 or len(touching) != 1 or not are_closers(rest):
        return False
    step = change.steps[0]
    replaced = step.before.slice(step.edit.span)
    return bool(replaced.strip()) and not step.edit.text.startswith(replaced)
