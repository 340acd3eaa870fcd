"""Recognise edits that bring an offered text but are no accept: an undo, a checkout, a formatter, a copied line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ..types import Edit, Position, Span
from .matching import reformatted, squeeze
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
        if len(change.steps) != 1:
            return _is_move(change)
        text = squeeze(change.steps[0].edit.text)
        since = self._clock() - REMEMBERED_S
        return any(text == removed and when >= since for when, _, _, removed in self._removed)

    def note(self, change: DocumentChange, own: Iterable[str]) -> None:
        """Remember what a change removed, unless it belongs to an accepted text (``own``)."""
        if len(change.steps) != 1:
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


def _is_move(change: DocumentChange) -> bool:
    """Return whether one message removes a text and inserts it at another place."""
    edits = [(squeeze(s.before.slice(s.edit.span)), squeeze(s.edit.text)) for s in change.steps]
    removed = {old for old, new in edits if old and not new}
    return len(change.steps) == 2 and any(new in removed for _, new in edits)


def is_rewrite(change: DocumentChange) -> bool:
    """Return whether one edit changes several places, as a checkout or a formatter does."""
    if change.coarse or change.merged or len(change.steps) != 1:
        return False
    step = change.steps[0]
    if step.edit.span.start.line == step.edit.span.end.line:
        return False
    places = [part for part in step.parts if squeeze(part.text) or not part.span.empty]
    apart = [part for part in places if "\n" in step.before.slice(_between(places[0], part))]
    return len(apart) > (0 if change.exact else _MOST_PLACES - 1)


def _between(last: Edit, part: Edit) -> Span:
    return Span(part.span.end, max(part.span.end, last.span.start))


def replaces_surroundings(change: DocumentChange, place: Span) -> bool:
    """Return whether one edit replaces lines above and below a place: it says nothing about what was offered there."""
    edit = change.steps[0].edit
    return (
        len(change.steps) == 1
        and edit.span.start.line < place.start.line
        and edit.span.end.line > place.end.line
    )


def replaces_all(change: DocumentChange) -> bool:
    """Return whether the same text was replaced at several places, as a rename does."""
    pairs = {(step.before.slice(step.edit.span), step.edit.text) for step in change.steps}
    return len(change.steps) > 1 and len(pairs) == 1 and all(old.strip() for old, _ in pairs)


def adds_line(change: DocumentChange, touching: Sequence[Edit], offered: str) -> bool:
    """Return whether one edit inserts the offered text as its own line, as a copied line."""
    if change.coarse or len(change.steps) != 1 or len(touching) != 1:
        return False
    text, offered = (each.replace("\r\n", "\n") for each in (touching[0].text, offered))
    if not text.strip():
        return False  # the Return key
    # "Accept the next line" takes the line break, too.
    return not offered.startswith(text) and any(
        "\n" in one and "\n" not in other
        for one, other in zip(_margins(text), _margins(offered), strict=True)
    )


def _margins(text: str) -> tuple[str, str]:
    """Return the white space at both ends."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def only_formats(change: DocumentChange, touching: Sequence[Edit], gained: int) -> bool:
    """Return whether an edit only spells a typed text as a formatter does, or ends it by one mark."""
    if change.coarse or len(change.steps) != 1 or len(touching) != 1:
        return False
    made = change.steps[0].made
    replaced = change.steps[0].before.slice(made.span)
    if made.text.startswith(replaced):
        # An editor may accept with the typed part included.
        return bool(replaced) and gained == 1
    return reformatted(replaced, made.text)


def ends_in_word(now: str, offered: str) -> bool:
    """Return whether a part ends within a word of the offered text; no editor accepts such a part."""
    behind = offered[len(now) : len(now) + 1]
    return bool(now) and offered.startswith(now) and _is_word(behind) and _is_word(now[-1])


def brings_own_end(touching: Sequence[Edit], behind: str) -> bool:
    """Return whether one edit inserts a part and then its own end (``behind``), as a call with fewer arguments."""
    return len(touching) == 1 and bool(behind) and squeeze(touching[0].text).endswith(behind)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
