"""A suggestion from its offer until it is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..types import Document, Edit, OutcomeKind, Span, Suggestion, advance
from .matching import (
    Match,
    are_closers,
    continues_word,
    is_keystroke,
    is_pair,
    is_rest_of,
    is_word_of,
    match,
    reformatted,
    squeeze,
)
from .other_sources import (
    adds_line,
    brings_own_end,
    ends_in_word,
    is_rewrite,
    only_formats,
    replaces_all,
    replaces_surroundings,
)
from .popup_edits import is_in_word, is_popup_edit, restates_text
from .range_tracking import DocumentChange, follow_change, trim
from .reward import GLANCE_MS
from .survival import tokens
from .word_before import without_word, word_before

_SETTLED = ("untouched", "other")
"""States that no text behind the region changes."""


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
    visible: bool = True
    """Whether it is on the screen, as far as known."""
    seen_ms: float = 0.0
    """Milliseconds on the screen before it was last shown, as far as known."""
    match: Match = field(default_factory=lambda: Match("untouched", 0, 1))
    now: str = ""
    """The text in the region."""
    replaced: str = ""
    """The text in the suggestion's span when it was offered."""
    word: str = ""
    """The word before the region."""
    before: int = 0
    """Characters accepted of earlier suggestions that this one continues."""
    before_at_once: int = 0
    """Those of them that were not typed by hand."""
    head: Span | None = None
    """Their place in front of the region, if any of them was accepted at once."""
    head_text: str = ""
    by_hand: int = 0
    at_once: int = 0
    words: int = 0
    """Characters of ``by_hand`` that came as a word: from a popup, unless more of it is accepted."""
    typed_before: int = 0
    """Characters that were typed once and removed: an undo and a redo bring them back in one edit."""
    finished: bool = False
    """Whether one edit inserted all the rest of it."""
    reported: float = 0.0
    """The accepted share that a client reported."""
    other_since: float | None = None
    away_since: float | None = None
    reformatted: bool = False
    """Whether the document contains it as a formatter would write it."""
    whole_since: float | None = None
    undone: bool = False
    refused: bool = False
    """Whether the user or the client ended it by a rejection."""
    changed_now: bool = False
    """Whether the latest change touched its place."""
    changed_outside: bool = False
    """Whether the latest change touched the rest of the document."""
    overwritten: bool = False
    """Whether the latest change replaced it together with the lines above and below."""
    ended_word: bool = False
    """Whether in the latest change a popup's item ended a word that was begun."""
    replaces: tuple[str, ...] = ()
    """Ids of the suggestions that it continues."""
    parts: int = 0
    """The number of edits that inserted a part of it at once."""

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
            replaced=old,
            word=word_before(document, start),
        )
        pending.match = match(own, own, pending.offered)
        return pending

    @property
    def size(self) -> int:
        """The number of characters offered here, white space not counted."""
        return max(1, self.before + self.match.size)

    def follow(self, change: DocumentChange, *, restored: bool = False) -> None:
        """Compare the region with the offered text after a change.

        ``restored``: the change brings back a text that the user removed.
        """
        self.ended_word = False
        if self.head is not None:
            self.head = follow_change(self.head, change, grows=False)[0]
        if self._is_far_from(change) and self._moved_by(change):
            return
        earlier = replace(self) if len(change.steps) > 1 else None
        surrounds = replaces_surroundings(change, self.region)
        self._take_in_closers(change)
        region, touching, outside = follow_change(self.region, change, grows=True)
        self.region = without_word(region, change.after, self.word)
        self.changed_now, self.changed_outside = bool(touching), outside
        self._compare(change, touching, restored)
        self.overwritten = surrounds and self.match.state == "other"
        if earlier is not None and touching and self.match.state in ("part", "other"):
            self._follow_steps(change, earlier)

    def _is_far_from(self, change: DocumentChange) -> bool:
        """Return whether one edit, on other lines, can only move the region."""
        if len(change.steps) != 1 or self.reformatted or self.match.state not in _SETTLED:
            return False
        edited, region = change.steps[0].edit.span, self.region
        return edited.end.line < region.start.line or edited.start.line > region.end.line

    def _moved_by(self, change: DocumentChange) -> bool:
        """Move the region with a change elsewhere; ``False`` if repeated text makes it one here."""
        region, touching, outside = follow_change(self.region, change, grows=True)
        if touching or change.after.slice(region) != self.now:
            return False
        self.region, self.changed_now, self.changed_outside = region, False, outside
        return True

    def _take_in_closers(self, change: DocumentChange) -> None:
        """Let the region include brackets behind it that an edit replaces, or that the cursor passed."""
        step, end = change.steps[0], self.region.end
        edit = step.edit
        if edit.span.start > end:
            behind = step.before.slice(Span(end, edit.span.start))
            taken = remaining(self).startswith(behind)
        else:
            replaced = (edit if change.coarse else step.made).span.end
            behind = step.before.slice(Span(end, max(end, replaced)))
            taken = bool(edit.text) and self.region.start <= edit.span.start
        if taken and are_closers(behind):
            self._include(behind)
            self.match = match(self.now, self.old, self.offered)

    def _include(self, behind: str) -> None:
        """Add text that was behind the region before."""
        self.region = Span(self.region.start, advance(self.region.end, behind))
        self.old += behind
        self.now += behind

    def _match_with_closers(self, document: Document) -> Match:
        """Compare; brackets that the text ends with, and that the editor closed, are part of it."""
        matched = match(self.now, self.old, self.offered)
        rest = squeeze(self.offered)[matched.taken :]
        if matched.state == "part" and are_closers(rest):
            start = self.region.end
            line = document.line(start.line)
            if line.startswith(rest, start.column):
                self._include(rest)
                matched = match(self.now, self.old, self.offered)
        return matched

    def _compare(
        self,
        change: DocumentChange,
        touching: Sequence[Edit],
        restored: bool = False,
    ) -> None:
        untouched = self.now == self.old
        before, self.now = self.now, change.after.slice(self.region)
        matched = self._match_with_closers(change.after)
        if untouched and self._is_copied(change, touching):
            matched, restored = Match("other", matched.taken, matched.size), True
        gained = matched.gained - self.match.gained
        replaced = untouched and self._is_replaced_by(touching)
        keys = (
            restored
            or self._is_formatted(change, touching, gained)
            or self._is_typed(change, touching, before, matched, replaced)
        )
        behind = squeeze(self.now)[matched.taken :] if matched.state != "whole" else ""
        self.reformatted = bool(behind) and not keys and self._is_reformatted(touching)
        word = not self.reformatted and self._is_popup(change, touching, matched)
        self.ended_word = word and not keys and is_in_word(change, touching[0])
        if self.reformatted:
            matched = Match("whole", matched.size, matched.size)
            gained = matched.size - self.match.gained
        elif not (keys or word or change.coarse) and brings_own_end(touching, behind):
            matched = Match("other", matched.taken, matched.size, matched.kept)
        if replaced and not self.offered and matched.state == "whole":
            self.at_once = 1  # a deletion: no character is gained
        elif gained > 0 and matched.state in ("part", "whole"):
            whole = matched.state == "whole"
            keys = keys or 0 < matched.gained <= self.typed_before
            self._gain(gained, keys=keys, word=word)
            self.finished = whole and not (keys or word or change.coarse) and len(touching) == 1
        elif gained < 0 and touching:
            self._lost(matched)
        self.match = matched

    def _gain(self, gained: int, *, keys: bool, word: bool) -> None:
        if keys or (word and not self.at_once):
            self.by_hand += gained
            self.words += gained if word and not keys else 0
            return
        self.parts += 1
        # More than a popup's word was accepted, so the words were accepted too.
        self.at_once += gained + self.words
        self.by_hand -= self.words
        self.words = 0

    def _is_typed(
        self,
        change: DocumentChange,
        touching: Sequence[Edit],
        before: str,
        matched: Match,
        replaced: bool,
    ) -> bool:
        """Return whether keystrokes made the edits; ``replaced``: one edit replaced the old text."""
        if len(touching) == 1:
            text = touching[0].text
            if change.coarse and is_word_of(text, self.now, self.offered):
                return False
            if is_rest_of(text, before, self.offered) or restates_text(change, touching[0]):
                return False
            several = matched.size > 1 or replaced
            first = matched.state == "whole" and not self.match.taken and several
            if first and not is_pair(text):
                return False
        return all(is_keystroke(e.text, coarse=change.coarse) for e in touching)

    def _is_popup(self, change: DocumentChange, touching: Sequence[Edit], matched: Match) -> bool:
        if len(touching) != 1 or self.suggestion.task != "complete" or self._is_own_edit(change):
            return False
        whole = matched.state == "whole"
        if matched.state == "part" and not change.coarse and ends_in_word(self.now, self.offered):
            return True
        return is_popup_edit(change, touching[0], whole=whole, again=self.words > 0)

    def _is_own_edit(self, change: DocumentChange) -> bool:
        """Return whether an edit is the suggestion's own, or the part of it that differs."""
        step = change.steps[-1]
        made = step.before.slice(step.made.span), step.made.text
        own = (self.replaced, self.suggestion.text), (self.old, self.offered)
        return bool(made[0]) and made in own

    def _is_copied(self, change: DocumentChange, touching: Sequence[Edit]) -> bool:
        return self.suggestion.task == "complete" and adds_line(change, touching, self.offered)

    def _is_formatted(self, change: DocumentChange, touching: Sequence[Edit], gained: int) -> bool:
        """Return whether a formatter or a checkout made the edits."""
        if not touching or self.suggestion.task != "complete":
            return False
        if replaces_all(change) or self._is_own_edit(change):
            return replaces_all(change)
        return is_rewrite(change) or only_formats(change, touching, gained)

    def _follow_steps(self, change: DocumentChange, trial: PendingSuggestion) -> None:
        """Look for an accept among the edits of one message: the user may have typed on after it."""
        for step in change.steps:
            part = replace(change, after=step.after, steps=(step,))
            trial.region, touching, _ = follow_change(trial.region, part, grows=True)
            trial._compare(part, touching)
            if trial.finished:
                self.by_hand, self.at_once, self.words = trial.by_hand, trial.at_once, trial.words
                self.match, self.finished = trial.match, True
                return

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
        if not self.at_once:
            self.typed_before = max(self.typed_before, self.match.gained)
        taken, self.finished = matched.gained, False
        if matched.state not in ("part", "whole"):
            taken = min(taken, self.taken)
        if not taken and (self.reported or self.at_once > self.before_at_once):
            self.undone, self.reported = True, 0.0
        self.at_once = min(self.at_once, self.before_at_once + taken)
        self.by_hand = max(0, min(self.by_hand, self.before + taken - self.at_once))
        self.words = min(self.words, self.by_hand)

    @property
    def taken(self) -> int:
        """The number of its characters in the region before the latest change."""
        return max(0, self.by_hand + self.at_once - self.before)

    def accept_inserted(self) -> bool:
        """Take an accept by command as one of the part that was just inserted; False if there is no such part.

        coc.nvim runs the command after each word or line that is accepted, too.
        """
        inserted = self.match.state == "part" and (self.at_once or self.words)
        if self.suggestion.task != "complete" or not inserted:
            return False
        self.at_once += self.words
        self.by_hand -= self.words
        self.words, self.undone = 0, False
        self.reported = max(self.reported, (self.by_hand + self.at_once) / self.size)
        return True

    @property
    def seen(self) -> bool:
        """Whether it is or was on the screen, as far as known."""
        return self.visible or self.seen_ms > 0

    @property
    def complete(self) -> bool:
        """Whether all of it is there, and one edit inserted most of it or all the rest."""
        return self.match.state == "whole" and (
            self.finished or self.at_once * 2 >= self.size - self.before
        )

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
