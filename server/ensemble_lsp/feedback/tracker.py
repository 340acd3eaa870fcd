"""What became of each suggestion: told by commands and notifications, or seen in the document.

Pure and synchronous; time comes from the clock that is passed in, in seconds. Each suggestion is settled
once; an accept that is undone within ten seconds is taken back by a revision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from time import monotonic

from ..types import Document, Edit, Outcome, OutcomeKind, Position, Span, Suggestion
from .reward import GLANCE_MS, reward_of, with_survival

UNDO_S = 10.0
LOOKS_S = (30.0, 120.0)
"""When an accepted text is looked at again."""
STALE_S = 600.0
"""A suggestion that nobody touched for so long is ignored."""
_TOKEN = re.compile(r"\w+|[^\w\s]")

Settle = Callable[[Suggestion, Outcome], None]
Prefer = Callable[[Suggestion, Sequence[Suggestion]], None]


@dataclass(slots=True)
class _Live:
    suggestion: Suggestion
    start: Position
    since: float
    had: int
    """Characters of the text that stood there before it was offered."""
    taken: int = 0
    by_hand: bool = True
    """Whether all that is taken came a character or two at a time."""
    shown: bool = False
    group: tuple[str, ...] = ()


@dataclass(slots=True)
class _Accepted:
    suggestion: Suggestion
    outcome: Outcome
    start: Position
    at: float
    had: int
    looks: int = 0


class Tracker:
    """Follows live suggestions through the changes of their documents."""

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
        self._live: dict[str, _Live] = {}
        self._accepted: dict[str, _Accepted] = {}
        self._documents: dict[str, Document] = {}

    # -- offered -------------------------------------------------------------------------------

    def offered(self, suggestions: Sequence[Suggestion], document: Document) -> None:
        """Suggestions are offered together; live ones of the same document are superseded."""
        for one in self._of(document.uri):
            if one.suggestion.task != "generate" or _overlap(one, suggestions):
                kind: OutcomeKind = "partial" if one.taken and not one.by_hand else "superseded"
                self._end(one, kind, "document")
        ids = tuple(s.id for s in suggestions)
        for suggestion in suggestions:
            start = document.clamp(suggestion.span.start)
            had = _common(_from(document, start, len(suggestion.text)), suggestion.text)
            self._live[suggestion.id] = _Live(suggestion, start, self._clock(), had, group=ids)
        self._documents[document.uri] = document

    def live(self, uri: str) -> list[Suggestion]:
        """What is offered in a document now."""
        return [one.suggestion for one in self._of(uri)]

    def _of(self, uri: str) -> list[_Live]:
        return [one for one in self._live.values() if one.suggestion.uri == uri]

    # -- told ----------------------------------------------------------------------------------

    def shown(self, id_: str) -> bool:
        """It is on the screen."""
        one = self._live.get(id_)
        if one is not None:
            one.shown, one.since = True, self._clock()
        return one is not None

    def accepted(self, id_: str, length: int | None = None) -> bool:
        """Accepted whole, or so many code points of it."""
        one = self._live.get(id_)
        if one is None:
            return False
        if length is not None and length < len(one.suggestion.text):
            return self.partially_accepted(id_, length)
        self._end(one, "accepted", "command", 1.0)
        return True

    def partially_accepted(self, id_: str, length: int) -> bool:
        """So many code points were taken, cumulative."""
        one = self._live.get(id_)
        if one is None:
            return False
        one.taken, one.by_hand = max(one.taken, length), False
        if one.taken >= len(one.suggestion.text):
            self._end(one, "accepted", "notification", 1.0)
        return True

    def rejected(self, id_: str) -> bool:
        """Refused."""
        one = self._live.get(id_)
        if one is not None:
            self._end(one, "rejected", "command", shown_ms=self._looked_at(one, told=True))
        return one is not None

    def ended(self, id_: str, reason: OutcomeKind, shown_ms: float | None = None) -> bool:
        """It left the screen."""
        one = self._live.get(id_)
        if one is None:
            return False
        if reason == "accepted":
            self._end(one, "accepted", "notification", 1.0)
        elif one.taken and not one.by_hand:
            self._end(one, "partial", "notification")
        else:
            self._end(one, reason, "notification", shown_ms=shown_ms)
        return True

    # -- seen ----------------------------------------------------------------------------------

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """A document changed: what that says of the suggestions offered in it."""
        self._documents[after.uri] = after
        for one in self._of(after.uri):
            if one.suggestion.id in self._live:
                self._look(one, after, edits)
        for done in [a for a in self._accepted.values() if a.suggestion.uri == after.uri]:
            for edit in edits:
                done.start = _shifted(done.start, edit)
            text = _from(after, done.start, len(done.suggestion.text))
            gone = _common(text, done.suggestion.text) <= done.had
            if gone and self._clock() - done.at <= UNDO_S and done.had < len(done.suggestion.text):
                del self._accepted[done.suggestion.id]
                self._tell(
                    done.suggestion, Outcome(done.suggestion.id, "rejected", "document", 0, 0.0)
                )

    def _look(self, one: _Live, after: Document, edits: Sequence[Edit]) -> None:
        touched, biggest = False, 0
        text = one.suggestion.text
        for edit in edits:
            if edit.span.end < one.start or (
                edit.span.end == one.start and edit.span.start < one.start
            ):
                one.start = _shifted(one.start, edit)
            elif edit.span.start <= _end_of(
                one.start, text[: max(one.taken, one.had)]
            ) or edit.span.start.line - one.start.line <= text.count("\n"):
                touched, biggest = True, max(biggest, len(edit.text))
        if not touched:
            return
        stands = _common(_from(after, one.start, len(text) + 4), text)
        if stands >= len(text) and (stands > one.had or biggest >= len(text)):
            by_hand = one.by_hand and biggest <= 2
            self._end(one, "typed" if by_hand else "accepted", "document", 1.0)
        elif stands > max(one.taken, one.had):
            one.by_hand = one.by_hand and biggest <= 2
            one.taken = stands
        elif one.suggestion.task != "generate" and not self._waits(one, after, stands):
            took = one.taken > one.had and not one.by_hand
            shown = self._looked_at(one)
            self._end(one, "partial" if took else "rejected", "document", shown_ms=shown)

    @staticmethod
    def _waits(one: _Live, after: Document, stands: int) -> bool:
        """Whether the user only went back within what was offered."""
        point = _end_of(one.start, one.suggestion.text[:stands])
        return stands > 0 and not after.line(point.line)[point.column :].strip()

    def _looked_at(self, one: _Live, told: bool = False) -> float | None:
        """Milliseconds it was on the screen, as far as is known."""
        passed = (self._clock() - one.since) * 1e3
        return max(passed, GLANCE_MS) if told else passed

    def saved(self, document: Document) -> None:
        """A document was saved: look at what was accepted in it."""
        for done in [a for a in self._accepted.values() if a.suggestion.uri == document.uri]:
            self._survey(done)

    def closed(self, document: Document | str) -> None:
        """A document was closed: settle what is live, look a last time at what was accepted."""
        uri = document if isinstance(document, str) else document.uri
        for one in self._of(uri):
            took = one.taken > one.had and not one.by_hand
            self._end(one, "partial" if took else "ignored", "document")
        for id_, done in list(self._accepted.items()):
            if done.suggestion.uri == uri:
                self._survey(done)
                del self._accepted[id_]
        self._documents.pop(uri, None)

    def tick(self) -> float | None:
        """Settle what is due; seconds until something is due again, None where nothing is."""
        now = self._clock()
        for one in [o for o in self._live.values() if now - o.since >= STALE_S]:
            self._end(one, "ignored", "document")
        for id_, done in list(self._accepted.items()):
            while done.looks < len(LOOKS_S) and now - done.at >= LOOKS_S[done.looks]:
                done.looks += 1
                self._survey(done)
            if done.looks == len(LOOKS_S):
                del self._accepted[id_]
        return min(self._due(now), default=None)

    def _due(self, now: float) -> Iterator[float]:
        for one in self._live.values():
            yield max(0.05, one.since + STALE_S - now)
        for done in self._accepted.values():
            yield max(0.05, done.at + LOOKS_S[done.looks] - now)

    # -- settling ------------------------------------------------------------------------------

    def _end(
        self,
        one: _Live,
        kind: OutcomeKind,
        source: str,
        share: float | None = None,
        shown_ms: float | None = None,
    ) -> None:
        suggestion = one.suggestion
        if self._live.pop(suggestion.id, None) is None:
            return
        part = one.taken / max(1, len(suggestion.text)) if share is None else share
        if kind not in ("accepted", "partial", "typed"):
            part = 0.0
        reward = reward_of(kind, part, shown_ms)
        outcome = Outcome(suggestion.id, kind, source, part, reward, shown_ms)
        self._settle(suggestion, outcome)
        if kind in ("accepted", "partial"):
            done = _Accepted(suggestion, outcome, one.start, self._clock(), one.had)
            self._accepted[suggestion.id] = done
            self._others(one)

    def _others(self, one: _Live) -> None:
        others = [self._live[i] for i in one.group if i in self._live]
        if others and self._prefer is not None:
            self._prefer(one.suggestion, [o.suggestion for o in others])
        for other in others:
            self._end(other, "superseded", "document")

    def _survey(self, done: _Accepted) -> None:
        document = self._documents.get(done.suggestion.uri)
        if document is None:
            return
        text = done.suggestion.text[: max(1, round(done.outcome.share * len(done.suggestion.text)))]
        share = survival_of(text, _from(document, done.start, 2 * len(text) + 80))
        reward = with_survival(done.outcome.reward or 0.0, share)
        self._tell(
            done.suggestion,
            Outcome(
                done.suggestion.id,
                done.outcome.kind,
                done.outcome.source,
                done.outcome.share,
                reward,
                done.outcome.shown_ms,
                share,
            ),
        )

    def _tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        if self._revise is not None:
            self._revise(suggestion, outcome)


def survival_of(text: str, now: str) -> float:
    """Share of a text's tokens that still stand, in order, in what is there now."""
    old, new = _TOKEN.findall(text), _TOKEN.findall(now)
    if not old:
        return 1.0
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(old)


def _overlap(one: _Live, suggestions: Sequence[Suggestion]) -> bool:
    return any(s.task == "generate" and s.span.start.line == one.start.line for s in suggestions)


def _from(document: Document, start: Position, length: int) -> str:
    """Text from a position on, at least ``length`` characters where there are, with plain line ends."""
    if start.line >= len(document.lines):
        return ""
    parts, size = [document.lines[start.line][start.column :]], 0
    for number in range(start.line + 1, len(document.lines)):
        size += len(parts[-1])
        if size > length + 2:
            break
        parts.append(document.lines[number])
    return "".join(parts).replace("\r\n", "\n")


def _common(one: str, other: str) -> int:
    limit = min(len(one), len(other))
    return next((n for n in range(limit) if one[n] != other[n]), limit)


def _end_of(start: Position, text: str) -> Position:
    lines = text.split("\n")
    column = len(lines[-1]) + (start.column if len(lines) == 1 else 0)
    return Position(start.line + len(lines) - 1, column)


def _shifted(position: Position, edit: Edit) -> Position:
    """Where a position is after an edit before it; unchanged by one behind or round it."""
    span: Span = edit.span
    if span.end > position or (span.end == position and span.start == position):
        return position
    end = _end_of(span.start, edit.text.replace("\r\n", "\n"))
    if position.line == span.end.line:
        return Position(end.line, end.column + position.column - span.end.column)
    return Position(position.line + end.line - span.end.line, position.column)
