"""Accepted texts after the accept: undone, redone, moved, rewritten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..types import Document, Edit, Outcome, OutcomeKind, Span, Suggestion, advance
from .matching import squeeze
from .pending import PendingSuggestion
from .range_tracking import DocumentChange, follow_change
from .reward import UNDONE, reward_of
from .survival import occurrences, survival

MEASURED_AFTER_S = (30.0, 120.0)
"""Times after the accept at which survival is measured, besides at save and close."""
UNDO_S = 10.0
"""An accept that is undone within this time counts as a rejection."""
_MAX_TEXTS = 64
_LEAST_PASTED = 8
"""A shorter text may be written at another place by chance."""


@dataclass(slots=True)
class RetainedText:
    """An accepted text whose survival is measured."""

    suggestion: Suggestion
    outcome: Outcome
    region: Span
    text: str
    """The accepted part of the suggestion's own text."""
    accepted_at: float
    arrived: bool
    """Whether the document contains it: a command may come before its edit."""
    old: str = ""
    """The text that it replaced, without white space."""
    measurements: int = 0
    copies: int = 0
    """Copies of the text in the document before any of it was deleted; 0 until then."""
    lines: str = ""
    """The whole lines of the text at that time: a formatter that sorts lines moves them."""
    line_copies: int = 0
    undone: bool = False
    touched: bool = False
    """Whether an edit touched its place since the accept."""

    def follow(self, change: DocumentChange) -> list[Edit]:
        """Move the region with a change; return the edits that touched the text."""
        place = self.region
        self.region, touching, _ = follow_change(
            place, change, grows=not self.arrived or self.undone
        )
        self.touched = self.touched or bool(touching)
        deletes = any(not edit.span.empty for edit in touching)
        if deletes and self.arrived and not self.copies:
            # Not earlier: it reads the whole document.
            before = change.steps[0].before
            self.copies = occurrences(before, self.text)
            self.lines = "".join(before.lines[place.start.line : place.end.line + 1])
            self.line_copies = occurrences(before, self.lines)
        return touching

    def survives_in(self, now: str) -> float:
        """Return the share of the text that is in the text at its place; a deletion has survived or not."""
        if not self.text:
            return 0.0 if self.old and squeeze(now) == self.old else 1.0
        return survival(self.text, now)

    def narrow(self, document: Document) -> None:
        """Leave out what was written at its place while it was undone."""
        now = document.slice(self.region)
        if self.text and self.text in now:
            head, found, _ = now.rpartition(self.text)
            start = advance(self.region.start, head)
            self.region = Span(start, advance(start, found))


class RetentionTracker:
    """Follows accepted texts and calls ``report`` with each new outcome of one."""

    def __init__(
        self, report: Callable[[Suggestion, Outcome], None], clock: Callable[[], float]
    ) -> None:
        self._report = report
        self._clock = clock
        self._texts: OrderedDict[str, RetainedText] = OrderedDict()
        self._closed: OrderedDict[str, list[tuple[RetainedText, int]]] = OrderedDict()
        """Texts of closed documents, with the number of copies that the document had."""

    def add(self, pending: PendingSuggestion, outcome: Outcome) -> None:
        """Begin to follow the accepted part of a suggestion."""
        text, region = _accepted_text(pending, outcome.kind), pending.region
        is_deletion = not pending.offered and pending.match.state == "whole"
        if pending.head is not None:
            region = Span(pending.head.start, region.end)
        retained = RetainedText(
            pending.suggestion,
            outcome,
            region,
            text or pending.head_text + pending.offered,
            self._clock(),
            bool(text) or is_deletion,
            squeeze(pending.old),
        )
        self._texts[pending.suggestion.id] = retained
        while len(self._texts) > _MAX_TEXTS:
            self._texts.popitem(last=False)

    def update(self, outcome: Outcome) -> None:
        """Take a later source's better outcome: the next measurements are added to this one."""
        if outcome.id in self._texts:
            reward = reward_of(outcome.kind, outcome.share, outcome.shown_ms)
            self._texts[outcome.id].outcome = replace(outcome, reward=reward, survival=None)

    def undone(self, id: str) -> bool:
        """Return whether an accept was undone."""
        return id in self._texts and self._texts[id].undone

    def follows(self, uri: str) -> bool:
        """Return whether any text of a document is followed."""
        return any(retained.suggestion.uri == uri for retained in self._texts.values())

    def texts(self, uri: str) -> list[str]:
        """Return the accepted texts of a document."""
        return [retained.text for retained in self._texts_in(uri)]

    def changed(self, change: DocumentChange, *, redo: bool = True) -> None:
        """Follow a change of a document; ``redo``: it may bring back a text that was undone."""
        for retained in self._texts_in(change.after.uri):
            touched = retained.follow(change)
            if retained.undone:
                if redo:
                    self._check_redo(retained, touched, change.after)
                    self._check_paste(retained, change)
            elif touched and self._clock() <= retained.accepted_at + UNDO_S:
                self._check_undo(retained, change.after)

    def measure(self, document: Document) -> None:
        """Report the survival of each accepted text of a document."""
        for retained in self._texts_in(document.uri):
            self._measure(retained, document)

    def closed(self, document: Document) -> None:
        """Stop following the texts of a document, unless it is opened again."""
        content = squeeze(document.text) if self.follows(document.uri) else ""
        kept: list[tuple[RetainedText, int]] = []
        for retained in self._texts_in(document.uri):
            del self._texts[retained.suggestion.id]
            if retained.arrived and not retained.undone:
                kept.append((retained, content.count(squeeze(retained.text))))
        if kept:
            self._closed[document.uri] = kept
            while len(self._closed) > _MAX_TEXTS:
                self._closed.popitem(last=False)

    def reopened(self, document: Document) -> None:
        """Take back recent accepts that are no longer in the document; follow the others again."""
        recent = [
            (retained, copies)
            for retained, copies in self._closed.pop(document.uri, [])
            if self._clock() <= retained.accepted_at + MEASURED_AFTER_S[-1]
        ]
        content = squeeze(document.text) if recent else ""
        for retained, copies in recent:
            text = squeeze(retained.text)
            region = retained.region
            region = Span(document.clamp(region.start), document.clamp(region.end))
            if squeeze(document.slice(region)) == text:
                retained.region = region
                self._texts[retained.suggestion.id] = retained
            elif text and content.count(text) < copies:
                self._report_undone(retained)

    def tick(self, documents: Callable[[str], Document | None]) -> float | None:
        """Make the measurements that are due; return when the next one is, on the clock."""
        now = self._clock()
        dates: list[float] = []
        for retained in self._texts.values():
            document = documents(retained.suggestion.uri)
            while (
                retained.measurements < len(MEASURED_AFTER_S)
                and now >= retained.accepted_at + MEASURED_AFTER_S[retained.measurements]
            ):
                retained.measurements += 1
                if document is not None:
                    self._measure(retained, document)
            if retained.measurements < len(MEASURED_AFTER_S):
                dates.append(retained.accepted_at + MEASURED_AFTER_S[retained.measurements])
        return min(dates, default=None)

    def _texts_in(self, uri: str) -> list[RetainedText]:
        return [retained for retained in self._texts.values() if retained.suggestion.uri == uri]

    def _check_undo(self, retained: RetainedText, after: Document) -> None:
        """Notice that a text arrives after its accept was reported, or is undone."""
        now = after.slice(retained.region)
        share = retained.survives_in(now)
        if not retained.arrived:
            retained.arrived = share >= 0.9
        elif (share <= 0.1 or squeeze(now) == retained.old) and not _was_moved(retained, after):
            retained.undone = True
            self._report_undone(retained)

    def _check_redo(self, retained: RetainedText, edits: Sequence[Edit], after: Document) -> None:
        """Notice that an undone text comes back at once; typed key by key it is not a redo.

        If its first characters were typed before the accept, the redo brings them back in a separate edit.
        """
        text, now = squeeze(retained.text), squeeze(after.slice(retained.region))
        inserted = squeeze("".join(edit.text for edit in edits))
        if (text and text in inserted) or (now == text and len(inserted) * 2 >= len(text)):
            retained.undone = False
            retained.narrow(after)
            self._report(retained.suggestion, replace(retained.outcome, survival=None))

    def _check_paste(self, retained: RetainedText, change: DocumentChange) -> None:
        """Notice that a text that seemed undone was cut: it is pasted at another place."""
        texts = (squeeze(retained.text), squeeze(retained.lines))
        is_recent = self._clock() <= retained.accepted_at + MEASURED_AFTER_S[-1]
        if not retained.undone or not is_recent:
            return
        for step in change.steps:
            inserted = squeeze(step.edit.text)
            if len(inserted) >= _LEAST_PASTED and inserted in texts:
                start = step.edit.span.start
                retained.region = Span(start, advance(start, step.edit.text))
                retained.undone = False
                self._report(retained.suggestion, replace(retained.outcome, survival=None))
                return

    def _report_undone(self, retained: RetainedText) -> None:
        undone = replace(retained.outcome, kind="rejected", reward=UNDONE, survival=None)
        self._report(retained.suggestion, undone)

    def _measure(self, retained: RetainedText, document: Document) -> None:
        if retained.undone or not (retained.arrived or retained.touched):
            return  # nothing to measure, or the client has not sent the accept's edit yet
        share = retained.survives_in(document.slice(retained.region))
        if share < 0.5 and _was_moved(retained, document):
            share = 1.0
        outcome = retained.outcome
        reward = reward_of(outcome.kind, outcome.share, outcome.shown_ms, share)
        self._report(retained.suggestion, replace(outcome, survival=share, reward=reward))


def _accepted_text(pending: PendingSuggestion, kind: OutcomeKind) -> str:
    """Return the accepted text as the document has it; an empty string if it has not arrived yet."""
    taken = pending.match.taken
    if kind == "accepted" and pending.match.state != "whole":
        return ""
    own = pending.now[: _length_of_taken(pending.now, taken)] if taken else ""
    return pending.head_text + own


def _was_moved(retained: RetainedText, document: Document) -> bool:
    """Return whether the text was moved: the document has as many copies of it, or of its lines, as before."""
    return 0 < retained.copies <= occurrences(
        document, retained.text
    ) or 0 < retained.line_copies <= occurrences(document, retained.lines)


def _length_of_taken(text: str, squeezed: int) -> int:
    """Return the length of the prefix with that many characters, white space not counted."""
    if not squeeze(text):
        return len(text)
    count = 0
    for index, char in enumerate(text):
        count += not char.isspace()
        if count == squeezed:
            return index + 1
    return len(text)
