"""One suggestion while its outcome is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..types import Document, Edit, OutcomeKind, Span, Suggestion, advance
from .matching import Match, continues_word, is_keystroke, is_word_of, match, reformatted, squeeze
from .range_tracking import Change, follow_change, trim
from .reward import GLANCE_MS
from .survival import tokens


@dataclass(slots=True)
class PendingSuggestion:
    """A suggestion whose outcome is open."""

    suggestion: Suggestion
    region: Span
    """Where its own text goes: without what it has in common with the text it replaces."""
    old: str
    offered: str
    since: float
    group: tuple[str, ...] = ()
    match: Match = field(default_factory=lambda: Match("untouched", 0, 1))
    now: str = ""
    """What stands in the region."""
    before: int = 0
    """Characters taken of earlier suggestions that this one continues."""
    by_hand: int = 0
    at_once: int = 0
    reported: float = 0.0
    """Share that a client said was taken."""
    other_since: float | None = None
    away_since: float | None = None
    reformatted: bool = False
    """Whether it stands there only if a formatter changed its spelling."""
    whole_since: float | None = None
    taken_at: float | None = None
    """When a part was last taken at once."""
    undone: bool = False
    changed_now: bool = False
    """Whether the latest change touched its place,"""
    changed_outside: bool = False
    """or the rest of the document."""

    @classmethod
    def offer(cls, suggestion: Suggestion, document: Document, now: float) -> PendingSuggestion:
        """Begin to follow; the span is moved into the document where it lies outside."""
        span = Span(document.clamp(suggestion.span.start), document.clamp(suggestion.span.end))
        old, text = document.slice(span), suggestion.text
        head, tail = trim(old, text)
        start = advance(span.start, old[:head])
        own = old[head : len(old) - tail]
        live = cls(
            suggestion,
            Span(start, advance(start, own)),
            own,
            text[head : len(text) - tail],
            now,
            now=own,
        )
        live.match = match(own, own, live.offered)
        return live

    @property
    def size(self) -> int:
        """Characters of all that was offered here, white space not counted."""
        return max(1, self.before + self.match.size)

    @property
    def share(self) -> float:
        """How much is taken, 0 to 1, as seen or told."""
        return max(self.reported, min(1.0, (self.before + self.match.taken) / self.size))

    def follow(self, change: Change) -> None:
        """Take a change of the document in."""
        self.region, touching, outside = follow_change(self.region, change, grows=True)
        self.now = change.after.slice(self.region)
        found = match(self.now, self.old, self.offered)
        gained = found.taken - self.match.taken
        self.changed_now, self.changed_outside = bool(touching), outside
        keys = all(is_keystroke(e.text, coarse=change.coarse) for e in touching)
        if (
            change.coarse
            and len(touching) == 1
            and is_word_of(touching[0].text, self.now, self.offered)
        ):
            keys = False
        whole_at_once = found.state == "whole" and not self.match.taken and found.size > 1
        self.reformatted = found.state == "other" and not keys and self._is_reformatted(touching)
        if self.reformatted:
            found = Match("whole", found.size, found.size)
            gained = found.size - self.match.taken
        if gained > 0 and found.state in ("part", "whole"):
            if keys and not (whole_at_once and len(touching) == 1):
                self.by_hand += gained
            else:
                self.at_once += gained
        elif gained < 0 and touching:
            self._lost(found)
        self.match = found

    def _is_reformatted(self, touching: Sequence[Edit]) -> bool:
        """Whether what came at once is the offered text in a formatter's spelling."""
        inserted = max((len(squeeze(edit.text)) for edit in touching), default=0)
        return inserted * 2 >= len(squeeze(self.offered)) and reformatted(self.now, self.offered)

    def _lost(self, found: Match) -> None:
        taken = found.taken if found.state in ("part", "whole") else min(found.taken, self.taken)
        if not taken and self.at_once:
            self.undone = True
        self.at_once = min(self.at_once, taken)
        self.by_hand = max(0, min(self.by_hand, self.before + taken - self.at_once))

    @property
    def taken(self) -> int:
        """Characters of its own text that stood there when it was last followed."""
        return max(0, self.by_hand + self.at_once - self.before)

    @property
    def complete(self) -> bool:
        """Whether all of it stands there and came at once, for the most part."""
        return self.match.state == "whole" and self.at_once * 2 >= self.size - self.before

    @property
    def typed_over(self) -> bool:
        """Whether a word that was typed goes on behind what was offered."""
        return continues_word(self.now, self.offered)

    def verdict(self, default: OutcomeKind, shown_ms: float) -> tuple[OutcomeKind, float]:
        """What became of it if nothing more happens, and the share taken.

        ``default`` where the document tells nothing: ``ignored`` or ``superseded``.
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


def remaining(live: PendingSuggestion) -> str:
    """What of the offered text does not stand there yet, without white space."""
    return squeeze(live.offered)[live.match.taken :]


def continues(old: PendingSuggestion, new: PendingSuggestion, document: Document) -> bool:
    """Whether a newer suggestion is what is left of an older one, of the same models."""
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
    """Whether their regions touch."""
    return one.region.start <= other.region.end and other.region.start <= one.region.end


def same_line(one: PendingSuggestion, other: PendingSuggestion) -> bool:
    """Whether the other stands on a line of the one."""
    lines = range(one.region.start.line, one.region.end.line + 1)
    return other.region.start.line in lines or other.region.end.line in lines


def meet(one: PendingSuggestion, others: Iterable[PendingSuggestion]) -> bool:
    """Whether any of the others touches the one."""
    return any(same_place(one, other) for other in others)
