"""A suggestion from its offer until it is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..types import Document, Edit, OutcomeKind, Span, Suggestion, advance
from .matching import Match, continues_word, is_keystroke, is_word_of, match, reformatted, squeeze
from .range_tracking import DocumentChange, follow_change, trim
from .reward import GLANCE_MS
from .survival import tokens


@dataclass(slots=True)
class PendingSuggestion:
    """A suggestion whose outcome is open."""

    suggestion: Suggestion
    region: Span
    """The place where its text goes, without the parts that equal the replaced text."""
    old: str
    offered: str
    since: float
    group: tuple[str, ...] = ()
    match: Match = field(default_factory=lambda: Match("untouched", 0, 1))
    now: str = ""
    """The text in the region."""
    before: int = 0
    """Characters accepted of earlier suggestions that this one continues."""
    by_hand: int = 0
    at_once: int = 0
    reported: float = 0.0
    """The accepted share that a client reported."""
    other_since: float | None = None
    away_since: float | None = None
    reformatted: bool = False
    """Whether it is there, but spelled as a formatter would."""
    whole_since: float | None = None
    undone: bool = False
    changed_now: bool = False
    """Whether the latest change touched its place,"""
    changed_outside: bool = False
    """or the rest of the document."""

    @classmethod
    def offer(cls, suggestion: Suggestion, document: Document, now: float) -> PendingSuggestion:
        """Begin to follow a suggestion; a span outside the document is moved into it."""
        span = Span(document.clamp(suggestion.span.start), document.clamp(suggestion.span.end))
        old, text = document.slice(span), suggestion.text
        head, tail = trim(old, text)
        start = advance(span.start, old[:head])
        own = old[head : len(old) - tail]
        pending = cls(
            suggestion,
            Span(start, advance(start, own)),
            own,
            text[head : len(text) - tail],
            now,
            now=own,
        )
        pending.match = match(own, own, pending.offered)
        return pending

    @property
    def size(self) -> int:
        """The number of characters offered here, white space not counted."""
        return max(1, self.before + self.match.size)

    def follow(self, change: DocumentChange) -> None:
        """Compare the region with the offered text after a change."""
        self.region, touching, outside = follow_change(self.region, change, grows=True)
        untouched = self.now == self.old
        self.now = change.after.slice(self.region)
        matched = match(self.now, self.old, self.offered)
        gained = matched.gained - self.match.gained
        self.changed_now, self.changed_outside = bool(touching), outside
        keys = all(is_keystroke(e.text, coarse=change.coarse) for e in touching)
        if (
            change.coarse
            and len(touching) == 1
            and is_word_of(touching[0].text, self.now, self.offered)
        ):
            keys = False
        replaced = untouched and self._is_replaced_by(touching)
        whole_at_once = (
            matched.state == "whole" and not self.match.taken and (matched.size > 1 or replaced)
        )
        self.reformatted = matched.state == "other" and not keys and self._is_reformatted(touching)
        if self.reformatted:
            matched = Match("whole", matched.size, matched.size)
            gained = matched.size - self.match.gained
        if whole_at_once and not self.offered:
            self.at_once = 1  # a deletion: no character is gained
        elif gained > 0 and matched.state in ("part", "whole"):
            if keys and not (whole_at_once and len(touching) == 1):
                self.by_hand += gained
            else:
                self.at_once += gained
        elif gained < 0 and touching:
            self._lost(matched)
        self.match = matched

    def _is_replaced_by(self, touching: Sequence[Edit]) -> bool:
        """Return whether one edit removed several characters, or removed one and wrote another."""
        if len(touching) != 1 or self.suggestion.task != "edit":
            return False
        return len(self.old) > 1 or bool(self.old and touching[0].text)

    def _is_reformatted(self, touching: Sequence[Edit]) -> bool:
        """Return whether the inserted text is the offered one as a formatter spells it."""
        inserted = max((len(squeeze(edit.text)) for edit in touching), default=0)
        return inserted * 2 >= len(squeeze(self.offered)) and reformatted(self.now, self.offered)

    def _lost(self, matched: Match) -> None:
        taken = matched.gained
        if matched.state not in ("part", "whole"):
            taken = min(taken, self.taken)
        if not taken and self.at_once:
            self.undone = True
        self.at_once = min(self.at_once, taken)
        self.by_hand = max(0, min(self.by_hand, self.before + taken - self.at_once))

    @property
    def taken(self) -> int:
        """The number of its characters in the region before the latest change."""
        return max(0, self.by_hand + self.at_once - self.before)

    @property
    def complete(self) -> bool:
        """Whether all of it is there, and most of it came in one edit."""
        return self.match.state == "whole" and self.at_once * 2 >= self.size - self.before

    @property
    def typed_over(self) -> bool:
        """Whether the last word of the offered text was typed further."""
        return continues_word(self.now, self.offered)

    def verdict(self, default: OutcomeKind, shown_ms: float) -> tuple[OutcomeKind, float]:
        """Return the outcome if nothing more happens, and the accepted share.

        ``default`` (``ignored`` or ``superseded``) applies if the document shows nothing.
        """
        if self.match.state == "whole":
            return ("accepted" if self.complete else "typed"), 1.0
        share = max(self.reported, min(1.0, (self.by_hand + self.at_once) / self.size))
        if self.reported >= 1.0:
            return "accepted", 1.0
        if self.reported > 0 or (self.at_once >= 2 and self.at_once * 4 >= self.by_hand):
            return "partial", share
        enough = {"part": 0.5, "other": 0.8}.get(self.match.state, 2.0)
        if share >= enough and not (self.typed_over and len(tokens(self.offered)) == 1):
            return "typed", share
        if self.undone or (self.match.state == "other" and shown_ms >= GLANCE_MS):
            return "rejected", 0.0
        return default, 0.0


def remaining(pending: PendingSuggestion) -> str:
    """Return the offered text that is not there yet, without white space."""
    return squeeze(pending.offered)[pending.match.taken :]


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


def same_place(one: PendingSuggestion, other: PendingSuggestion) -> bool:
    """Return whether their regions touch."""
    return one.region.start <= other.region.end and other.region.start <= one.region.end


def same_line(one: PendingSuggestion, other: PendingSuggestion) -> bool:
    """Return whether the other is on a line of the one."""
    lines = range(one.region.start.line, one.region.end.line + 1)
    return other.region.start.line in lines or other.region.end.line in lines


def meet(one: PendingSuggestion, others: Iterable[PendingSuggestion]) -> bool:
    """Return whether any of the others touches the one."""
    return any(same_place(one, other) for other in others)
