"""Every suggestion from its offer to what the selector learns from it.

The one path:
``offer`` → the tracker follows it in its document → ``settle`` (later perhaps ``revise``) with an outcome
and its reward → the history writes the outcome and, in the same transaction, the change for every running
server → ``_learn`` lets this server's selector take the history's new changes.

Reports by commands and notifications (``accepted``, ``rejected``, ``shown`` …) go to the same tracker.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SettingsError
from ..feedback.range_tracking import moved_span
from ..feedback.refusals import Refusals
from ..feedback.reward import reward_of
from ..feedback.tracker import Tracker
from ..history import CallRecord, History, SuggestionRecord
from ..selection.decision import Decision
from ..types import (
    Document,
    Edit,
    Outcome,
    OutcomeKind,
    Position,
    Span,
    Suggestion,
    Trigger,
)
from .activity import Activity
from .workspace import Workspace

if TYPE_CHECKING:
    from ..models.wrappers import ModelCall
    from ..selection.history_sync import HistorySync

logger = logging.getLogger(__name__)

LEARN_SECONDS = 0.05
"""Delay before the selector learns: the answer that caused the change goes to the editor first."""
REMEMBERED = 1000
"""Suggestions whose reasons are kept for ``ensemble.why``."""
_FLUSH_SECONDS = 3.0
_LINES_BEFORE, _LINES_AFTER = 60, 30
"""Lines round a suggestion that are kept with its text for fine-tuning."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """A suggestion and the decision behind it, kept in memory for ``ensemble.why``."""

    suggestion: Suggestion
    decision: Decision

    @property
    def why(self) -> str:
        """The decision's reason, with a note if the model of first choice had no answer."""
        choice, shown = self.decision.choice, self.suggestion
        first = next(iter(choice.names), "")
        if shown.task != "complete" or shown.agreement is not None or first in ("", *shown.models):
            return choice.why
        return f"{choice.why} {first} had no answer here in time: this one is {shown.models[0]}'s."


class SuggestionLog:
    """Follows suggestions, writes their outcomes into the history, and lets the selector learn."""

    def __init__(self, history: History, workspace: Workspace, activity: Activity) -> None:
        self.history = history
        self.tracker = Tracker(self.settle, self.revise, prefer=self.prefer)
        self.refusals = Refusals()
        """Texts that are not offered again at the same place."""
        self._workspace = workspace
        self._activity = activity
        self._learning: HistorySync | None = None
        self._learning_soon: asyncio.TimerHandle | None = None
        self._reasons: OrderedDict[str, Reasons] = OrderedDict()
        self._pending: set[asyncio.Future[Any]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self.on_outcome: Callable[[Suggestion, Outcome], None] | None = None
        """Called with each suggestion's first outcome."""
        workspace.add_listener(self)

    # -- offered -------------------------------------------------------------------------------

    def offer(
        self,
        suggestions: Sequence[Suggestion],
        document: Document,
        decisions: Sequence[Decision | None],
        *,
        trigger: Trigger,
        group: str | None = None,
        listed: bool = False,
    ) -> None:
        """Record suggestions that are sent to the user, and follow them.

        ``listed``: the editor shows completions in a list; otherwise it shows only the first one.
        ``decisions`` has one for each suggestion (a cached one keeps the decision it was made by).
        """
        if not suggestions:
            return
        for suggestion, decision in zip(suggestions, decisions, strict=True):
            self._record(suggestion, document, decision, trigger, group)
            self.refusals.offered(suggestion, document)
        latest = self._workspace.documents.get(document.uri)
        if latest is not None and latest.version != document.version:
            suggestions, document = self._brought_up_to_date(suggestions, document, latest), latest
        if suggestions:
            self.tracker.offered(suggestions, document, all_visible=listed)
        self._tick_soon()

    def _brought_up_to_date(
        self, suggestions: Sequence[Suggestion], document: Document, latest: Document
    ) -> list[Suggestion]:
        """Move suggestions for an older version of their document to their places in the latest one.

        Completions are not shown there; the one on the screen must not be replaced by them.
        """
        moved: list[Suggestion] = []
        for suggestion in suggestions:
            if suggestion.task == "complete":
                self.settle(suggestion, Outcome(suggestion.id, "superseded", "document"))
            else:
                span = moved_span(suggestion.span, document, latest)
                moved.append(replace(suggestion, span=span, version=latest.version))
        return moved

    def answered(self, suggestion: Suggestion, document: Document, decision: Decision) -> None:
        """Record an explanation. Its outcome is known only if the user says whether it was helpful."""
        self._record(suggestion, document, decision, "invoked", None)
        outcome = Outcome(suggestion.id, "ignored", "answer")
        self._write(self.history.add_outcome(outcome, time.time()))

    def withdrawn(self, suggestions: Sequence[Suggestion]) -> None:
        """Settle suggestions that came too late and were not sent."""
        for suggestion in suggestions:
            self.tracker.ended(suggestion.id, "superseded", 0.0)

    def _record(
        self,
        suggestion: Suggestion,
        document: Document,
        decision: Decision | None,
        trigger: Trigger,
        group: str | None,
    ) -> None:
        if decision is not None:
            self._reasons[suggestion.id] = Reasons(suggestion, decision)
            while len(self._reasons) > REMEMBERED:
                self._reasons.popitem(last=False)
        record = SuggestionRecord(
            id=suggestion.id,
            time=time.time(),
            task=suggestion.task,
            models=suggestion.models,
            language=document.language,
            chars=len(suggestion.text) - _replaced(suggestion),
            lines=suggestion.text.count("\n") + 1,
            trigger=trigger,
            cached=suggestion.cached,
            agreement=suggestion.agreement,
            shown_at=suggestion.shown_at,
            group=group,
            features=decision.context.to_json() if decision is not None else {},
            explored=decision.choice.explored if decision is not None else False,
            project=self._workspace.context.project,
            text=suggestion.text,
            context=self._surroundings(document, suggestion) if self.history.keeps_text else None,
        )
        self._write(self.history.add_suggestion(record))

    def _surroundings(self, document: Document, suggestion: Suggestion) -> str:
        """Return the code round a suggestion as JSON, as ``finetuning.from_history`` reads it."""
        start, end = suggestion.span.start, suggestion.span.end
        first = max(0, start.line - _LINES_BEFORE)
        last = min(end.line + _LINES_AFTER, len(document.lines) - 1)
        context = self._workspace.context
        view = context.redacted(document)
        shown, head, tail = view.document, view.position(start), view.position(end)
        place = {
            "path": context.relative(document.path),
            "language": document.language,
            "prefix": shown.slice(Span(Position(first, 0), head)),
            "suffix": shown.slice(Span(tail, Position(last, len(shown.line(last))))),
            "sendable": context.allowed(document.uri),
        }
        return json.dumps(place, ensure_ascii=False)

    # -- why -----------------------------------------------------------------------------------

    def find(self, id_: str) -> Suggestion | None:
        """Return a suggestion that was offered recently."""
        reasons = self._reasons.get(id_)
        return reasons.suggestion if reasons else None

    def reasons(self, id_: str) -> Reasons | None:
        """Return why a suggestion came from its model."""
        return self._reasons.get(id_)

    def why(self, id_: str) -> dict[str, Any]:
        """Return why a suggestion came from its model, as ``ensemble.why`` answers."""
        reasons = self._reasons.get(id_)
        if reasons is None:
            raise SettingsError("Ask about a newer suggestion: this one is not remembered.")
        choice = reasons.decision.choice
        return {
            "id": id_,
            "why": reasons.why,
            "task": reasons.suggestion.task,
            "models": list(reasons.suggestion.models),
            "agreement": reasons.suggestion.agreement,
            "explored": choice.explored,
            "context": reasons.decision.context.to_json(),
            "scores": [asdict(ranked) for ranked in choice.ranked],
        }

    # -- reports of the client -----------------------------------------------------------------

    def shown(self, id_: str) -> None:
        """Note that a suggestion is on the screen."""
        self.tracker.shown(id_)
        self._tick_soon()

    def partially_accepted(self, id_: str, length: int) -> None:
        """Note that ``length`` code points of it were accepted so far."""
        self.tracker.partially_accepted(id_, length)

    def ended(self, id_: str, reason: OutcomeKind, shown_ms: float | None) -> None:
        """Note that it left the screen."""
        self.tracker.ended(id_, reason, shown_ms)
        self._tick_soon()

    async def accepted(self, id_: str, length: int | None) -> None:
        """Take the accept command; returns when the history has the outcome."""
        if not self._judge_explanation(id_, "accepted"):
            known = self.tracker.accepted(id_, length)
            if not known and length is None:
                # A server that has ended since may have offered it: the history knows.
                outcome = Outcome(id_, "accepted", "command", 1.0, reward_of("accepted"))
                self._write(self.history.add_outcome(outcome, time.time()))
                self.learn_soon()
        await self.flush()

    async def rejected(self, id_: str) -> None:
        """Take the reject command; returns when the history has the outcome."""
        if not self._judge_explanation(id_, "rejected"):
            self.tracker.rejected(id_)
        await self.flush()

    def _judge_explanation(self, id_: str, kind: Literal["accepted", "rejected"]) -> bool:
        """Write that an explanation was helpful or not; the latest word counts. False for other suggestions."""
        suggestion = self.find(id_)
        if suggestion is None or suggestion.task != "explain":
            return False
        share = 1.0 if kind == "accepted" else 0.0
        reward = reward_of(kind, share, survival=1.0)
        self.revise(suggestion, Outcome(id_, kind, "command", share, reward))
        return True

    # -- changes of the document (called by the workspace) -------------------------------------

    def opened(self, document: Document) -> None:
        """Take back accepts whose text is gone: the editor has thrown it away and loaded the file again."""
        self.tracker.opened(document)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Compare the document with what was offered in it."""
        self.tracker.changed(before, after, edits)
        self._tick_soon()

    def saved(self, document: Document) -> None:
        """Measure how much of the accepted texts is still there."""
        self.tracker.saved(document)
        self._tick_soon()

    def closed(self, document: Document) -> None:
        """Settle what is open in a document."""
        self.tracker.closed(document)

    def _tick_soon(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        while (seconds := self.tracker.tick()) is not None:
            await asyncio.sleep(max(0.05, seconds))

    # -- outcomes (called by the tracker) ------------------------------------------------------

    def settle(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Write a suggestion's outcome and let the selector learn it."""
        self.refusals.settled(suggestion, outcome)
        self._write(self.history.add_outcome(outcome, time.time()))
        if self.on_outcome is not None:
            self.on_outcome(suggestion, outcome)
        self.learn_soon()

    def revise(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Replace an outcome: more was accepted, it was undone, or its survival was measured."""
        self.refusals.settled(suggestion, outcome, revised=True)
        self._write(self.history.revise_outcome(outcome))
        self.learn_soon()

    def prefer(self, chosen: Suggestion, others: Sequence[Suggestion]) -> None:
        """Write that one answer was chosen among several."""
        losers = tuple(other.models for other in others)
        written = self.history.add_preference(
            chosen.id, chosen.models, losers, chosen.shown_at, time.time()
        )
        self._write(written)

    def record_call(self, call: ModelCall) -> None:
        """Write a call to a model, however it ended."""
        logger.info("%s: %s, %s, %.0f ms", call.model, call.task, call.status, call.total_ms)
        record = CallRecord(
            time=call.time,
            task=call.task,
            model=call.model,
            provider=call.provider,
            first_token_ms=call.first_token_ms,
            total_ms=call.total_ms,
            input_tokens=call.usage.input_tokens,
            output_tokens=call.usage.output_tokens,
            cached_tokens=call.usage.cached_tokens,
            cost=call.cost,
            status=call.status,
        )
        self._write(self.history.add_call(record))
        self._activity.ended(call)
        self.learn_soon()

    # -- learning ------------------------------------------------------------------------------

    def attach(self, learning: HistorySync) -> None:
        """Let this selector learn from the history from now on."""
        self._learning = learning

    def learn_soon(self) -> None:
        """Let the selector take the history's new changes, whichever server wrote them."""
        if self._learning_soon is None:
            loop = asyncio.get_running_loop()
            self._learning_soon = loop.call_later(LEARN_SECONDS, self._learn)

    def _learn(self) -> None:
        if self._learning_soon is not None:
            self._learning_soon.cancel()
            self._learning_soon = None
        if self._learning is not None:
            self._await_later(asyncio.ensure_future(self._learning.sync()))

    def _write(self, written: Any) -> None:
        self._await_later(asyncio.wrap_future(written))

    def _await_later(self, pending: asyncio.Future[Any]) -> None:
        self._pending.add(pending)
        pending.add_done_callback(self._done)

    def _done(self, pending: asyncio.Future[Any]) -> None:
        self._pending.discard(pending)
        if not pending.cancelled() and (error := pending.exception()):
            logger.warning("the history was not written: %s", error)

    async def flush(self) -> None:
        """Wait until the history has every report so far, at most 3 seconds."""
        if self._learning_soon is not None:
            self._learn()
        deadline = time.monotonic() + _FLUSH_SECONDS
        while self._pending and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._pending), timeout=left)

    async def close(self) -> None:
        """Settle what is open and close the history."""
        for document in self._workspace.documents.recent():
            self.tracker.closed(document)
        if self._ticker is not None:
            self._ticker.cancel()
        await self.flush()
        await self.history.close()


def _replaced(suggestion: Suggestion) -> int:
    """Return the number of characters of a completion that the document has already."""
    start, end = suggestion.span.start, suggestion.span.end
    if suggestion.task not in ("complete", "edit") or start.line != end.line:
        return 0
    return min(len(suggestion.text), end.column - start.column)
