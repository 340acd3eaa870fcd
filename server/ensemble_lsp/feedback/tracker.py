"""What became of each suggestion: told by commands and notifications, or seen in the document.

Pure and synchronous; time comes from the clock that is passed in, in seconds. Each suggestion is settled
once, by ``settle``. ``revise`` follows when an accept is undone within ten seconds, when a later source
tells that more was taken, and when an accepted text is looked at again (then with ``survival`` set).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from ..types import Document, Edit, Outcome, OutcomeKind, Suggestion
from .pending import PendingSuggestion, continues, meet, remaining, same_line, same_place
from .range_tracking import Change
from .retention import RetentionTracker
from .reward import GLANCE_MS, reward_of

STALE_S = 600.0
"""A suggestion that nobody touched for so long is ignored."""
OTHER_S = 2.0
"""So long a user may take to correct a slip, or an editor to change something in several parts."""
AWAY_S = 2.0
TYPED_S = 2.0
NAP_S = 2.0
"""``tick`` never asks for a longer sleep, so that nobody has to be woken for an earlier date."""
_REMEMBERED = 512
_TAKEN: frozenset[OutcomeKind] = frozenset({"accepted", "partial", "typed"})

Settle = Callable[[Suggestion, Outcome], None]
Prefer = Callable[[Suggestion, Sequence[Suggestion]], None]


class Tracker:
    """Follows live suggestions and accepted texts through the changes of their documents."""

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
        self._live: dict[str, PendingSuggestion] = {}
        self._retention = RetentionTracker(self._report_revision, clock)
        self._settled: OrderedDict[str, tuple[Suggestion, Outcome]] = OrderedDict()
        self._documents: dict[str, Document] = {}

    # -- offered -------------------------------------------------------------------------------

    def offered(self, suggestions: Sequence[Suggestion], document: Document) -> None:
        """Suggestions are offered together, best first, in that version of their document.

        They supersede what is live there, but for what the user is typing along, and the same text of
        another model. What goes on with the same text of the same models takes over its past.
        """
        now = self._clock()
        self._documents[document.uri] = document
        group = tuple(s.id for s in suggestions)
        new = [PendingSuggestion.offer(suggestion, document, now) for suggestion in suggestions]
        for live in new:
            live.group = group
        for old in self._of(document.uri):
            self._supersede(old, new, document)
        for live in new:
            self._live[live.suggestion.id] = live

    def _of(self, uri: str) -> list[PendingSuggestion]:
        return [live for live in self._live.values() if live.suggestion.uri == uri]

    def _supersede(
        self, old: PendingSuggestion, new: Sequence[PendingSuggestion], document: Document
    ) -> None:
        successor = next((live for live in new if continues(old, live, document)), None)
        if successor is not None:
            successor.since, successor.before = old.since, old.by_hand + old.at_once
            successor.by_hand, successor.at_once, successor.taken_at = (
                old.by_hand,
                old.at_once,
                old.taken_at,
            )
            if successor.suggestion.id == old.suggestion.id:
                del self._live[old.suggestion.id]
            else:
                self._end(old, "superseded", "document", 0.0)
            return
        if old.suggestion.task == "generate" and not meet(old, new):
            return
        if old.match.state in {"whole", "other"}:
            self._conclude(old, "superseded")
        elif old.match.taken and old.match.state == "part":
            return
        elif not any(remaining(old) == remaining(live) and same_place(old, live) for live in new):
            elsewhere = bool(new) and not any(same_line(old, live) for live in new)
            self._conclude(old, "ignored" if elsewhere or old.away_since else "superseded")

    # -- told ----------------------------------------------------------------------------------

    def shown(self, id: str) -> bool:
        """It is on the screen from now on."""
        live = self._live.get(id)
        if live is not None:
            live.since = self._clock()
        return live is not None or id in self._settled

    def accepted(self, id: str, length: int | None = None, *, source: str = "command") -> bool:
        """Accepted whole, or so many code points from the text's start."""
        live = self._live.get(id)
        if live is None:
            return self._reported_late(id, length, source)
        if length is not None and length < len(live.suggestion.text):
            return self.partially_accepted(id, length)
        self._end(live, "accepted", source, 1.0)
        return True

    def partially_accepted(self, id: str, length: int) -> bool:
        """So many code points from the text's start were taken, cumulative."""
        live = self._live.get(id)
        if live is None:
            return self._reported_late(id, length, "notification")
        live.reported = max(live.reported, min(1.0, length / max(1, len(live.suggestion.text))))
        live.taken_at, live.undone = self._clock(), False
        if live.reported >= 1.0:
            self._end(live, "accepted", "notification", 1.0)
        return True

    def rejected(self, id: str) -> bool:
        """Refused by the user's own command: that is a judgement however soon it comes."""
        live = self._live.get(id)
        if live is None:
            return id in self._settled
        self._end(live, "rejected", "command", 0.0, max(self._visible_ms(live), GLANCE_MS))
        return True

    def ended(self, id: str, reason: OutcomeKind, shown_ms: float | None = None) -> bool:
        """It left the screen, a client says; what was taken of it before counts."""
        if reason == "accepted":
            return self.accepted(id, source="notification")
        live = self._live.get(id)
        if live is None:
            return id in self._settled
        told = reason == "rejected" and shown_ms is None
        looked = self._visible_ms(live) if shown_ms is None else shown_ms
        looked = max(looked, GLANCE_MS) if told else looked
        kind, share = live.verdict(reason, looked)
        source = "notification" if kind == reason or live.reported else "document"
        if kind == "rejected" and looked < GLANCE_MS:
            kind = "ignored"
        self._end(live, kind, source, share, looked)
        return True

    def _reported_late(self, id: str, length: int | None, source: str) -> bool:
        """A client's word on what is settled: it may tell that more was taken, or be the better source."""
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
        self._retention.update(better)
        self._report_revision(suggestion, better)
        return True

    # -- seen ----------------------------------------------------------------------------------

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """A document changed by edits that were made one after the other."""
        uri = after.uri
        lives = self._of(uri)
        if not lives and not self._retention.follows(uri):
            return
        self._documents[uri] = after
        change = Change.of(before, after, edits)
        self._retention.changed(change)
        for live in lives:
            live.follow(change)
        self._judge(lives)

    def saved(self, document: Document) -> None:
        """A document was saved: look at what was accepted in it."""
        self._retention.measure(document)

    def closed(self, document: Document | str) -> None:
        """A document was closed: settle what is live, look a last time at what was accepted."""
        uri = document if isinstance(document, str) else document.uri
        for live in self._of(uri):
            self._conclude(live, "ignored")
        last = self._documents.get(uri)
        if last is not None:
            self._retention.measure(last)
        self._retention.forget(uri)
        self._documents.pop(uri, None)

    def _judge(self, lives: Sequence[PendingSuggestion]) -> None:
        """Settle what an accept decides; start the clocks of the rest."""
        now = self._clock()
        taken = [live for live in lives if live.changed_now and live.complete]
        # Of candidates that are alike the one that stands there word for word is the one that was taken.
        exact = [live for live in taken if not live.reformatted]
        taken = exact or taken
        for live in taken:
            self._end(live, "accepted", "document", 1.0)
        for live in lives:
            if live.suggestion.id not in self._live:
                continue
            unlike = live.match.state != "whole" or (exact and live.reformatted)
            if taken and unlike and meet(live, taken):
                self._end(live, "superseded", "document", 0.0)
                continue
            self._start_timers(live, now)

    def _start_timers(self, live: PendingSuggestion, now: float) -> None:
        state = live.match.state
        if state == "other" and live.whole_since is not None and not live.typed_over:
            # It stood there whole, and the user went on behind it.
            self._end(live, "typed", "document", 1.0)
            return
        if live.suggestion.task == "generate":
            return
        live.other_since = (live.other_since or now) if state == "other" else None
        live.whole_since = (live.whole_since or now) if state == "whole" else None
        if live.changed_now:
            live.away_since = None
        elif live.changed_outside:
            live.away_since = live.away_since or now

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> float | None:
        """Settle what is due; seconds until the next look (2 at most), None where nothing is open."""
        now = self._clock()
        for live in list(self._live.values()):
            if now >= self._due(live):
                self._conclude(live, "ignored")
        due = [self._due(live) for live in self._live.values()]
        next_look = self._retention.tick(self._documents.get)
        if next_look is not None:
            due.append(next_look)
        return max(0.0, min(NAP_S, min(due) - now)) if due else None

    @staticmethod
    def _due(live: PendingSuggestion) -> float:
        dates = [live.since + STALE_S]
        if live.other_since is not None:
            dates.append(live.other_since + OTHER_S)
        if live.away_since is not None:
            dates.append(live.away_since + AWAY_S)
        if live.whole_since is not None:
            dates.append(live.whole_since + TYPED_S)
        return min(dates)

    # -- settling ------------------------------------------------------------------------------

    def _visible_ms(self, live: PendingSuggestion) -> float:
        """Milliseconds on the screen, as far as is known."""
        gone = [t for t in (live.other_since, live.away_since) if t is not None]
        return (min([*gone, self._clock()]) - live.since) * 1e3

    def _conclude(self, live: PendingSuggestion, default: OutcomeKind) -> None:
        looked = self._visible_ms(live)
        kind, share = live.verdict(default, looked)
        self._end(live, kind, "notification" if live.reported else "document", share, looked)

    def _end(
        self,
        live: PendingSuggestion,
        kind: OutcomeKind,
        source: str,
        share: float,
        shown_ms: float | None = None,
    ) -> None:
        suggestion = live.suggestion
        if self._live.pop(suggestion.id, None) is None:
            return
        shown = max(0.0, self._visible_ms(live) if shown_ms is None else shown_ms)
        outcome = Outcome(suggestion.id, kind, source, share, reward_of(kind, share, shown), shown)
        self._remember(suggestion, outcome)
        self._settle(suggestion, outcome)
        if kind in _TAKEN and suggestion.uri in self._documents:
            self._retention.add(live, outcome)
        if kind in ("accepted", "partial"):
            self._settle_alternatives(live)

    def _settle_alternatives(self, chosen: PendingSuggestion) -> None:
        """Settle what was offered beside the chosen one.

        Those above it were read and passed over; those below may not have been read (the "click > skip
        above" rule: Joachims, Optimizing Search Engines using Clickthrough Data, KDD 2002).
        """
        others = [self._live[id] for id in chosen.group if id in self._live]
        if not others:
            return
        if self._prefer is not None:
            self._prefer(chosen.suggestion, [other.suggestion for other in others])
        for other in others:
            if other.match.state == "whole" and (chosen.reformatted or not other.reformatted):
                self._end(other, "accepted", "document", 1.0)
                continue
            above = other.suggestion.shown_at < chosen.suggestion.shown_at
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
