"""Accepted texts after the accept: undone, done again, moved, rewritten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..types import Document, Outcome, Span, Suggestion
from .matching import squeeze
from .pending import PendingSuggestion
from .range_tracking import Change, follow_change
from .reward import UNDONE, reward_of
from .survival import occurrences, survival

MEASURED_AFTER_S = (30.0, 120.0)
"""When an accepted text is looked at again, besides at save and close."""
UNDO_S = 10.0
"""An accept that is undone within this was none."""


_MAX_TEXTS = 64


@dataclass(slots=True)
class RetainedText:
    """An accepted text that is looked at again."""

    suggestion: Suggestion
    outcome: Outcome
    region: Span
    text: str
    """What was taken of the suggestion's own text."""
    accepted_at: float
    arrived: bool
    """Whether the document held it: a command may come before its edit."""
    measurements: int = 0
    copies: int = 0
    """How often the text stood in the document before anything of it was deleted; 0 until then."""
    undone: bool = False

    def follow(self, change: Change) -> bool:
        """Take a change in; whether it touched the text."""
        self.region, touching, _ = follow_change(
            self.region, change, grows=not self.arrived or self.undone
        )
        deletes = any(not edit.span.empty for edit in touching)
        if deletes and self.arrived and not self.copies:
            # Only now, because looking through the whole document takes its time.
            self.copies = occurrences(change.steps[0].before, self.text)
        return bool(touching)


class RetentionTracker:
    """Follows accepted texts; ``tell`` is called with each new finding about one."""

    def __init__(
        self, tell: Callable[[Suggestion, Outcome], None], clock: Callable[[], float]
    ) -> None:
        self._report = tell
        self._clock = clock
        self._texts: OrderedDict[str, RetainedText] = OrderedDict()

    def add(self, live: PendingSuggestion, outcome: Outcome) -> None:
        """Begin to follow what was taken of a suggestion."""
        arrived = live.match.state in {"part", "whole"} and live.match.taken > 0
        text = live.now[: _length_of_taken(live.now, live.match.taken)] if arrived else live.offered
        kept = RetainedText(live.suggestion, outcome, live.region, text, self._clock(), arrived)
        self._texts[live.suggestion.id] = kept
        while len(self._texts) > _MAX_TEXTS:
            self._texts.popitem(last=False)

    def update(self, outcome: Outcome) -> None:
        """Take a later source's better outcome: the next measurements are added to this one."""
        if outcome.id in self._texts:
            reward = reward_of(outcome.kind, outcome.share, outcome.shown_ms)
            self._texts[outcome.id].outcome = replace(outcome, reward=reward, survival=None)

    def undone(self, id: str) -> bool:
        """Whether an accept was taken back."""
        return id in self._texts and self._texts[id].undone

    def follows(self, uri: str) -> bool:
        """Whether anything of a document is followed."""
        return any(kept.suggestion.uri == uri for kept in self._texts.values())

    def changed(self, change: Change) -> None:
        """A document changed."""
        for kept in self._of(change.after.uri):
            if kept.follow(change) and self._clock() <= kept.accepted_at + UNDO_S:
                self._check_undo(kept, change.after)

    def measure(self, document: Document) -> None:
        """Tell how much of each text of a document still stands."""
        for kept in self._of(document.uri):
            self._measure(kept, document)

    def forget(self, uri: str) -> None:
        """A document is closed."""
        for kept in self._of(uri):
            del self._texts[kept.suggestion.id]

    def tick(self, documents: Callable[[str], Document | None]) -> float | None:
        """Look at what is due; when the next look is, on the clock."""
        now = self._clock()
        dates: list[float] = []
        for kept in self._texts.values():
            document = documents(kept.suggestion.uri)
            while (
                kept.measurements < len(MEASURED_AFTER_S)
                and now >= kept.accepted_at + MEASURED_AFTER_S[kept.measurements]
            ):
                kept.measurements += 1
                if document is not None:
                    self._measure(kept, document)
            if kept.measurements < len(MEASURED_AFTER_S):
                dates.append(kept.accepted_at + MEASURED_AFTER_S[kept.measurements])
        return min(dates, default=None)

    def _of(self, uri: str) -> list[RetainedText]:
        return [kept for kept in self._texts.values() if kept.suggestion.uri == uri]

    def _check_undo(self, kept: RetainedText, after: Document) -> None:
        """Notice when a text arrives after its accept was told, is undone, or done again."""
        now = after.slice(kept.region)
        stands = survival(kept.text, now)
        if not kept.arrived:
            kept.arrived = stands >= 0.9
        elif not kept.undone and stands <= 0.1 and not _was_moved(kept, after):
            kept.undone = True
            undone = replace(kept.outcome, kind="rejected", reward=UNDONE, survival=None)
            self._report(kept.suggestion, undone)
        elif kept.undone and stands >= 0.9:
            kept.undone = False
            self._report(kept.suggestion, replace(kept.outcome, survival=None))

    def _measure(self, kept: RetainedText, document: Document) -> None:
        if kept.undone:
            return
        stands = survival(kept.text, document.slice(kept.region))
        if stands < 0.5 and _was_moved(kept, document):
            stands = 1.0
        outcome = kept.outcome
        reward = reward_of(outcome.kind, outcome.share, outcome.shown_ms, stands)
        self._report(kept.suggestion, replace(outcome, survival=stands, reward=reward))


def _was_moved(kept: RetainedText, document: Document) -> bool:
    """Whether the text was moved: as many copies of it stand in the document as before."""
    return 0 < kept.copies <= occurrences(document, kept.text)


def _length_of_taken(text: str, squeezed: int) -> int:
    """Length of the beginning of a text that holds so many characters besides white space."""
    if not squeeze(text):
        return len(text)
    count = 0
    for index, char in enumerate(text):
        count += not char.isspace()
        if count == squeezed:
            return index + 1
    return len(text)
