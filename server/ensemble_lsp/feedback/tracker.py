"""The outcome of each suggestion, from commands, notifications and changes of the document.

Pure and synchronous; the clock, in seconds, is passed in. Each suggestion is settled once, by ``settle``.
``revise`` follows when an accept is undone within ten seconds, when a later source reports that more was
accepted, and when the survival of an accepted text is measured.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from ..types import Document, Edit, Outcome, OutcomeKind, Suggestion
from .chains import continues, inherit
from .client_habits import ClientHabits
from .other_sources import RemovedTexts
from .pending import PendingSuggestion, meet, remaining, same_line, same_place
from .recently_ended import RecentlyEnded
from .retention import RetentionTracker
from .reward import GLANCE_MS, reward_of
from .timers import NAP_S, due_at

_REMEMBERED = 512
_LARGE = 100_000
"""A larger change is not examined where nothing is offered: such a client sends whole files."""
_TAKEN: frozenset[OutcomeKind] = frozenset({"accepted", "partial", "typed"})
_UNUSED: frozenset[OutcomeKind] = frozenset({"superseded", "ignored", "rejected"})

Settle = Callable[[Suggestion, Outcome], None]
Prefer = Callable[[Suggestion, Sequence[Suggestion]], None]


class Tracker:
    """Follows pending suggestions and accepted texts through the changes of their documents."""

    def __init__(
        self,
        settle: Settle,
        revise: Settle | None = None,
        *,
        prefer: Prefer | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settle = settle
        self._revise = revise
        self._prefer = prefer
        self._clock = clock
        self._pending: dict[str, PendingSuggestion] = {}
        self._retention = RetentionTracker(self._report_revision, clock)
        self._settled: OrderedDict[str, tuple[Suggestion, Outcome]] = OrderedDict()
        self._documents: dict[str, Document] = {}
        self._recent = RecentlyEnded(clock)
        self._removed = RemovedTexts(clock)
        self.habits = ClientHabits()

    # -- offered -------------------------------------------------------------------------------

    def offered(
        self, suggestions: Sequence[Suggestion], document: Document, *, all_visible: bool = False
    ) -> None:
        """Follow suggestions that are offered together, best first, in this version of the document.

        ``all_visible``: the editor shows them in a list; otherwise it shows the first one.
        They supersede the pending ones there, except one that the user is typing and the same text of
        another model. A suggestion that continues a pending one of the same models inherits its past.
        """
        now = self._clock()
        self._documents[document.uri] = document
        group = tuple(s.id for s in suggestions)
        new = [PendingSuggestion.offer(suggestion, document, now) for suggestion in suggestions]
        for pending in new:
            pending.group = group
            # Of several inline completions an editor shows the first.
            complete = pending.suggestion.task == "complete"
            pending.visible = all_visible or not complete or pending is new[0]
        for old in self._pending_in(document.uri):
            self._supersede(old, new, document)
        for pending in new:
            self._pending[pending.suggestion.id] = pending

    def _pending_in(self, uri: str) -> list[PendingSuggestion]:
        return [pending for pending in self._pending.values() if pending.suggestion.uri == uri]

    def _supersede(
        self, old: PendingSuggestion, new: Sequence[PendingSuggestion], document: Document
    ) -> None:
        successor = next((pending for pending in new if continues(old, pending, document)), None)
        if successor is not None:
            inherit(successor, old, document)
            if successor.suggestion.id == old.suggestion.id:
                del self._pending[old.suggestion.id]
            else:
                # Its successor has its past, and is accepted in its place.
                self._end(old, "superseded", "document", 0.0, replaced=True)
            return
        if old.suggestion.task == "generate" and not meet(old, new):
            return
        tasks = {old.suggestion.task, *(pending.suggestion.task for pending in new)}
        if "edit" in tasks and len(tasks) > 1:  # a next edit is shown beside a completion
            return
        if old.match.state in {"whole", "other"}:
            self._conclude(old, "superseded")
        elif old.match.taken and old.match.state == "part":
            return
        elif not any(
            remaining(old) == remaining(pending) and same_place(old, pending) for pending in new
        ):
            elsewhere = bool(new) and not any(same_line(old, pending) for pending in new)
            self._conclude(old, "ignored" if elsewhere or old.away_since else "superseded")

    # -- reported ------------------------------------------------------------------------------

    def shown(self, id: str) -> bool:
        """Note that it is on the screen from now on."""
        pending = self._pending.get(id)
        if pending is None:
            return id in self._settled
        now = self._clock()
        for other in (self._pending.get(each) for each in pending.group):
            if other is None or other is pending or other.suggestion.task != "complete":
                continue
            if other.visible:
                other.visible, other.seen_ms = False, self._visible_ms(other)
        if not pending.visible or not pending.seen_ms:
            pending.since = now
        pending.visible = True
        return True

    def accepted(self, id: str, length: int | None = None, *, source: str = "command") -> bool:
        """Take an accept: of the whole text, or of its first ``length`` code points."""
        pending = self._pending.get(id)
        if pending is None:
            return self._reported_late(id, length, source)
        if length is not None and length < len(pending.suggestion.text):
            return self.partially_accepted(id, length)
        if length is None and source == "command" and pending.accept_inserted():
            return True
        self._end(pending, "accepted", source, 1.0)
        return True

    def partially_accepted(self, id: str, length: int) -> bool:
        """Note that the first ``length`` code points are accepted so far."""
        pending = self._pending.get(id)
        if pending is None:
            return self._reported_late(id, length, "notification")
        pending.reported = max(
            pending.reported, min(1.0, length / max(1, len(pending.suggestion.text)))
        )
        pending.undone = False
        if pending.reported >= 1.0:
            self._end(pending, "accepted", "notification", 1.0)
        return True

    def rejected(self, id: str) -> bool:
        """Take a rejection by command: the user judged, however soon it comes."""
        pending = self._on_screen(id)
        if pending is None:
            return id in self._settled
        self._end(pending, "rejected", "command", 0.0, max(self._visible_ms(pending), GLANCE_MS))
        return True

    def ended(self, id: str, reason: OutcomeKind, shown_ms: float | None = None) -> bool:
        """Note that it left the screen; the part accepted before counts."""
        if reason == "accepted":
            return self.accepted(id, source="notification")
        pending = self._on_screen(id) if reason == "rejected" else self._pending.get(id)
        if pending is None:
            return id in self._settled
        by_user = reason == "rejected" and shown_ms is None
        visible_ms = self._visible_ms(pending) if shown_ms is None else shown_ms
        visible_ms = max(visible_ms, GLANCE_MS) if by_user else visible_ms
        kind, share = pending.verdict(reason, visible_ms)
        source = "notification" if kind == reason or pending.reported else "document"
        if kind == "rejected" and visible_ms < GLANCE_MS:
            kind = "ignored"
        self._end(pending, kind, source, share, visible_ms)
        return True

    def _on_screen(self, id: str) -> PendingSuggestion | None:
        """Return a pending suggestion, or the one that continues it, if the user rejected what the client still had."""
        continued = (each for each in self._pending.values() if id in each.replaces)
        return self._pending.get(id) or next(continued, None)

    def _reported_late(self, id: str, length: int | None, source: str) -> bool:
        """Take a report about a settled suggestion: more was accepted, or the source is better."""
        if id not in self._settled:
            return False
        suggestion, outcome = self._settled[id]
        if self._retention.undone(id):
            return True
        share = 1.0 if length is None else min(1.0, length / max(1, len(suggestion.text)))
        kind: OutcomeKind = "accepted" if share >= 1.0 else "partial"
        if outcome.kind in _TAKEN and share < outcome.share:
            return True
        if outcome.source == source and outcome.kind == kind:
            return True
        reward = reward_of(kind, share, outcome.shown_ms, outcome.survival)
        better = replace(outcome, kind=kind, source=source, share=share, reward=reward)
        pending = self._recent.find(id)
        if pending is None:
            self._retention.update(better)
        else:
            self._retention.add(pending, better)
            self._recent.forget([pending])
        self._report_revision(suggestion, better)
        return True

    # -- seen ----------------------------------------------------------------------------------

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Follow a change of a document, made by consecutive edits."""
        uri = after.uri
        followed = self._pending_in(uri)
        recent = self._recent.in_document(uri)
        is_followed = bool(followed or recent or self._retention.follows(uri))
        if not is_followed and sum(len(edit.text) for edit in edits) > _LARGE:
            return
        if not edits:  # some clients report a new version without a change
            if is_followed:
                self._documents[uri] = after
            return
        change = self.habits.examine(before, after, edits)
        restored = self._removed.restored_by(change)
        self._removed.note(
            change, (*self._retention.texts(uri), *(p.offered for p in followed if p.at_once))
        )
        if not is_followed:
            return
        self._documents[uri] = after
        for pending in (*followed, *recent):
            pending.follow(change, restored=restored)
        self.habits.learn(followed)
        accepted = [pending for pending in followed if pending.changed_now and pending.complete]
        late = [each for each in recent if each.changed_now and each.finished and not each.refused]
        self._retention.changed(change, redo=not (accepted or late))
        self._judge(followed, accepted or late[-1:])

    def opened(self, document: Document) -> None:
        """Take back the accepts whose text a reload has thrown away."""
        if document.uri in self._documents:
            self.closed(document.uri)
        self._retention.reopened(document)

    def saved(self, document: Document) -> None:
        """Measure the accepted texts of a saved document."""
        self._retention.measure(document)

    def closed(self, document: Document | str) -> None:
        """Settle the pending suggestions of a closed document, and measure its accepted texts."""
        uri = document if isinstance(document, str) else document.uri
        for pending in self._pending_in(uri):
            self._conclude(pending, "ignored")
        last = self._documents.get(uri)
        if last is not None:
            self._retention.measure(last)
            self._retention.closed(last)
        self._recent.close(uri)
        self._documents.pop(uri, None)

    def _judge(
        self, followed: Sequence[PendingSuggestion], taken: Sequence[PendingSuggestion]
    ) -> None:
        """Settle the suggestions that a change decides; start the timers of the others."""
        now = self._clock()
        # Of similar candidates the one that is there word for word was accepted.
        exact = [pending for pending in taken if not pending.reformatted]
        taken = exact or taken
        for pending in taken:
            if pending.suggestion.id in self._pending:
                self._end(pending, "accepted", "document", 1.0)
            else:
                self._reconsider(pending)
        if taken:
            self._recent.forget(taken)
        for pending in followed:
            if pending.suggestion.id not in self._pending:
                continue
            unlike = pending.match.state != "whole" or (exact and pending.reformatted)
            if taken and unlike and meet(pending, taken):
                self._end(pending, "superseded", "document", 0.0)
                continue
            self._start_timers(pending, now)

    def _start_timers(self, pending: PendingSuggestion, now: float) -> None:
        state = pending.match.state
        if state == "other" and pending.whole_since is not None and not pending.typed_over:
            # It was typed whole, and the user typed on after it.
            self._end(pending, "typed", "document", 1.0)
            return
        if pending.suggestion.task == "generate":
            return
        if pending.overwritten:
            self._end(pending, "superseded", "document", 0.0)
            return
        pending.other_since = (pending.other_since or now) if state == "other" else None
        pending.whole_since = (pending.whole_since or now) if state == "whole" else None
        if pending.changed_now:
            pending.away_since = None
        elif pending.changed_outside:
            pending.away_since = pending.away_since or now

    # -- ended, but accepted after all -----------------------------------------------------------

    def _reconsider(self, pending: PendingSuggestion) -> None:
        """Revise an outcome: the text was still on the screen, and one edit inserted it."""
        suggestion, outcome = self._settled[pending.suggestion.id]
        reward = reward_of("accepted", 1.0, outcome.shown_ms)
        accepted = replace(outcome, kind="accepted", source="document", share=1.0, reward=reward)
        self._retention.add(pending, accepted)
        self._report_revision(suggestion, accepted)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> float | None:
        """Settle what is due; return the seconds until the next tick (2 at most), None if none is needed."""
        now = self._clock()
        for pending in list(self._pending.values()):
            if now >= due_at(pending):
                self._conclude(pending, "ignored")
        due = [due_at(pending) for pending in self._pending.values()]
        next_measurement = self._retention.tick(self._documents.get)
        if next_measurement is not None:
            due.append(next_measurement)
        return max(0.0, min(NAP_S, min(due) - now)) if due else None

    # -- settling ------------------------------------------------------------------------------

    def _visible_ms(self, pending: PendingSuggestion) -> float:
        """Return the milliseconds on the screen, as far as known; 0 if it never was there."""
        if not pending.visible:
            return pending.seen_ms
        left_at = [t for t in (pending.other_since, pending.away_since) if t is not None]
        return pending.seen_ms + max(0.0, min([*left_at, self._clock()]) - pending.since) * 1e3

    def _conclude(self, pending: PendingSuggestion, default: OutcomeKind) -> None:
        visible_ms = self._visible_ms(pending)
        kind, share = pending.verdict(default, visible_ms)
        source = "notification" if pending.reported else "document"
        self._end(pending, kind, source, share, visible_ms)

    def _end(
        self,
        pending: PendingSuggestion,
        kind: OutcomeKind,
        source: str,
        share: float,
        shown_ms: float | None = None,
        *,
        replaced: bool = False,
    ) -> None:
        suggestion = pending.suggestion
        if self._pending.pop(suggestion.id, None) is None:
            return
        shown = max(0.0, self._visible_ms(pending) if shown_ms is None else shown_ms)
        outcome = Outcome(suggestion.id, kind, source, share, reward_of(kind, share, shown), shown)
        self._remember(suggestion, outcome)
        self._settle(suggestion, outcome)
        if kind in _UNUSED and not replaced and suggestion.task == "complete":
            self._recent.add(pending, refused=kind == "rejected" and source != "document")
        if not replaced:
            self.habits.learn_parts(pending)
        if kind in _TAKEN and suggestion.uri in self._documents:
            self._retention.add(pending, outcome)
        if kind in ("accepted", "partial"):
            self._settle_alternatives(pending)

    def _settle_alternatives(self, chosen: PendingSuggestion) -> None:
        """Settle the suggestions offered beside the chosen one.

        Those above it that were on the screen were read and skipped; those below may not have been read
        (the "click > skip above" rule: Joachims, Optimizing Search Engines using Clickthrough Data, KDD 2002).
        """
        others = [self._pending[id] for id in chosen.group if id in self._pending]
        if not others:
            return
        seen = [other.suggestion for other in others if other.seen]
        if seen and self._prefer is not None:
            self._prefer(chosen.suggestion, seen)
        for other in others:
            if other.match.state == "whole" and (chosen.reformatted or not other.reformatted):
                self._end(other, "accepted", "document", 1.0)
                continue
            above = other.seen and other.suggestion.shown_at < chosen.suggestion.shown_at
            self._end(other, "rejected" if above else "superseded", "document", 0.0)

    def _remember(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self._settled[suggestion.id] = (suggestion, outcome)
        self._settled.move_to_end(suggestion.id)
        while len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    def _report_revision(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self._remember(suggestion, outcome)
        if self._revise is not None:
            self._revise(suggestion, outcome)
