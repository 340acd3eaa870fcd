"""Decides when to stay quiet: before a model is asked, and before an edit is shown."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ..syntax.trees import Trees
from ..types import Document, Position
from .edit import PredictedEdit
from .edit_history import Hunk
from .reversal import is_reversal
from .syntax_state import syntax_state

Eagerness = Literal["low", "medium", "high"]
QuietReason = Literal[
    "snoozed",  # the user asked for quiet
    "paused",  # several edits in a row were refused
    "unedited",  # nothing was edited yet
    "unlikely",  # the expected reward is low
    "no-change",
    "white-space",
    "reversal",  # it undoes what the user just did
    "refused",  # it was refused at this place
    "removes-much",  # a model that writes only the changed line would empty the region
    "typing",  # the file is broken at the cursor, and typing will repair it
    "breaks-syntax",  # the file parses now and would not afterwards
]

THRESHOLDS = MappingProxyType({"low": 0.45, "medium": 0.25, "high": 0.1})
"""The least expected reward, 0 to 1, by eagerness."""
PROBE_SECONDS = MappingProxyType({"low": 3600.0, "medium": 1200.0, "high": 300.0})
"""Seconds until models of a low expected reward are asked once nevertheless, by eagerness.

An edit that is never shown earns no reward: otherwise they would not be asked again.
"""
_FIRST_PAUSE, _MAX_PAUSE = 2.0, 120.0
"""Seconds; the first pause follows the second refusal in a row, and doubles with each more."""
_PAUSE_FACTORS = MappingProxyType({"low": 2.0, "medium": 1.0, "high": 0.5})
_MUCH = 8
"""Lines of code; an edit that removes as many and adds less than a quarter of them is hardly meant so."""
_MAX_REFUSED = 200
_REFUSED_FOR = 1800.0
"""Seconds that a refused edit is remembered."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of the editor when an edit is asked for or shown."""

    document: Document
    cursor: Position
    hunks: tuple[Hunk, ...] = ()
    """The edits just made, oldest first."""
    edited: bool = True
    """Whether the user edited anything since the document was opened."""
    invoked: bool = False
    """Whether the user asked for it: only an edit that is wrong for certain is then held back."""
    snoozed: bool = False
    """Whether the user asked for quiet."""
    eagerness: Eagerness = "medium"
    expected_reward: float | None = None
    """0 to 1; ``None`` if unknown."""


class Gate:
    """Keeps refusals in memory and decides. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._in_a_row = 0
        self._last_refusal = 0.0
        self._unlikely_since: float | None = None

    def before_asking(self, moment: Moment) -> QuietReason | None:
        """Return why no model should be asked now; ``None`` to ask."""
        if moment.invoked:
            return None
        if moment.snoozed:
            return "snoozed"
        if self._clock() < self._paused_until(moment.eagerness):
            return "paused"
        if not moment.edited:
            return "unedited"
        if _unlikely(moment) is not None and not self._probes(moment.eagerness):
            return "unlikely"
        return None

    def before_showing(
        self, edit: PredictedEdit, moment: Moment, trees: Trees | None = None
    ) -> QuietReason | None:
        """Return why an edit should not be shown; ``None`` to show it."""
        document = moment.document
        if not edit.changes(document):
            return "no-change"
        if _only_white_space(edit, document):
            return "white-space"
        if is_reversal(edit, document, moment.hunks):
            return "reversal"
        if moment.invoked:
            return None
        if self._was_refused(edit, document):
            return "refused"
        if _removes_much(edit, document):
            return "removes-much"
        return _unlikely(moment) or _syntax_reason(edit, moment, trees)

    def refuse(self, edit: PredictedEdit, document: Document) -> None:
        """Remember that an edit of this document's version was refused."""
        now = self._clock()
        self._in_a_row += 1
        self._last_refusal = now
        key = _place_key(edit, document)
        self._refused.pop(key, None)
        self._refused[key] = now
        while len(self._refused) > _MAX_REFUSED:
            self._refused.popitem(last=False)

    def accept(self) -> None:
        """End the pauses: an edit was accepted, in whole or in part, or typed by hand."""
        self._in_a_row = 0

    def forget(self, uri: str) -> None:
        """Forget the refusals of a closed document."""
        for key in [key for key in self._refused if key[0] == uri]:
            del self._refused[key]

    def _probes(self, eagerness: Eagerness) -> bool:
        """Return whether models of a low expected reward are asked this time, to see whether they still have it."""
        now = self._clock()
        if self._unlikely_since is None:
            self._unlikely_since = now
        if now - self._unlikely_since < PROBE_SECONDS[eagerness]:
            return False
        self._unlikely_since = now
        return True

    def _paused_until(self, eagerness: Eagerness) -> float:
        if self._in_a_row < 2:
            return float("-inf")
        pause = min(_MAX_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._in_a_row - 2, 16))
        return self._last_refusal + pause * _PAUSE_FACTORS[eagerness]

    def _was_refused(self, edit: PredictedEdit, document: Document) -> bool:
        at = self._refused.get(_place_key(edit, document))
        return at is not None and self._clock() - at < _REFUSED_FOR


def _unlikely(moment: Moment) -> QuietReason | None:
    expected = moment.expected_reward
    low = expected is not None and expected < THRESHOLDS[moment.eagerness]
    return "unlikely" if low else None


def _only_white_space(edit: PredictedEdit, document: Document) -> bool:
    old = document.slice(edit.span)
    return "".join(old.split()) == "".join(edit.text.split())


def _removes_much(edit: PredictedEdit, document: Document) -> bool:
    small = edit.smallest(document)
    removed, added = (
        sum(bool(line.strip()) for line in text.splitlines())
        for text in (document.slice(small.span), small.text)
    )
    return removed >= _MUCH and added < removed / 4


def _place_key(edit: PredictedEdit, document: Document) -> tuple[str, ...]:
    """Return a key of an edit by its text and its lines, so that it is found again after lines above change."""
    small = edit.smallest(document)
    first, last = small.span.start.line, small.span.end.line
    around = [document.line(number) for number in range(first - 1, last + 2)]
    removed = document.slice(small.span)
    return document.uri, str(small.span.start.column), removed, small.text, *around


def _syntax_reason(edit: PredictedEdit, moment: Moment, trees: Trees | None) -> QuietReason | None:
    """Return ``typing`` or ``breaks-syntax`` if the edit does not suit the file's syntax now."""
    document, cursor = moment.document, moment.cursor
    first, last = edit.span.start.line, edit.span.end.line
    before = syntax_state(document, Position(first, 0), trees)
    if before is None:
        return None
    parses = not before.broken
    broken_lines = sum(map(before.broken_on, range(first, last + 1)))
    typing = _is_typing(moment, trees)
    if not parses and not typing:
        return None
    # ``trees`` keeps the changed text's tree; it finds its way back as after any edit.
    changed = edit.apply(document)
    after = syntax_state(changed, Position(first, 0), trees)
    if after is None:
        return None
    if parses and after.broken:
        return "breaks-syntax"
    new_last = last + len(changed.lines) - len(document.lines)
    mends = sum(map(after.broken_on, range(first, new_last + 1))) < broken_lines
    return "typing" if typing and not (first <= cursor.line <= last and mends) else None


def _is_typing(moment: Moment, trees: Trees | None) -> bool:
    """Return whether the cursor's line is broken and was edited just now."""
    cursor = moment.cursor
    line = moment.document.line(cursor.line)
    added = (new.rstrip("\r\n") for hunk in moment.hunks for new in hunk.added)
    if moment.hunks and line not in added:
        return False
    state = syntax_state(moment.document, cursor, trees)
    return state is not None and state.broken_on(cursor.line)
