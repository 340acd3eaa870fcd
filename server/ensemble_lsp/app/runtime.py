"""What outlives a settings change: documents, indexes, history, and the fate of suggestions."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..context.documents import Documents
from ..context.prompt_builder import WorkspaceContext
from ..feedback.tracker import Tracker
from ..history import CallRecord, History, SuggestionRecord
from ..models.wrappers import Observed
from ..providers.recall.token_index import RecallIndex
from ..selection.complexity import ComplexityCache
from ..selection.decision import Decision
from ..types import (
    Document,
    Edit,
    Outcome,
    OutcomeKind,
    Position,
    Span,
    Suggestion,
    Task,
    Trigger,
)

if TYPE_CHECKING:
    from ..models.interface import Model
    from ..models.wrappers import ModelCall
    from ..selection.history_sync import Learning

logger = logging.getLogger(__name__)

LEARNING = 0.05
"""Seconds after a call or an outcome until the selector learns it."""
REMEMBERED = 1000
"""Suggestions whose reasons are kept for ``ensemble.why``."""


_SLICE_LINES, _BREATH = 60, 0.002
"""Lines that recall reads at once, and the seconds for which the loop is free after them."""
_SLICES_FROZEN = 15
"""After so many slices the collector no longer looks through what was read: there are no cycles in it, and
one look through a file of 5,000 lines would hold a keystroke for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a suggestion is what it is: kept in memory for ``ensemble.why``."""

    suggestion: Suggestion
    decision: Decision

    @property
    def why(self) -> str:
        """Why this model, in plain words; and where the one that came first had nothing, that too."""
        choice, shown = self.decision.choice, self.suggestion
        first = next(iter(choice.names), "")
        if shown.task != "complete" or shown.agreement is not None or first in ("", *shown.models):
            return choice.why
        return (
            f"{choice.why} {first} had nothing to offer here in time: this is {shown.models[0]}'s."
        )


class Runtime:
    """The long-lived parts of one server or one command."""

    def __init__(
        self,
        documents: Documents,
        history: History,
        workspace: WorkspaceContext,
        *,
        data_dir: Path,
        config_path: Path,
        env: Mapping[str, str],
    ) -> None:
        self.documents = documents
        self.history = history
        self.workspace = workspace
        self.data_dir = data_dir
        self.config_path = config_path
        self.env = env
        self.recall = RecallIndex()
        self.complexity = ComplexityCache()
        self.tracker = Tracker(self._settled, self._revised, prefer=self._preferred)
        self.on_status: Callable[..., None] | None = None
        self.on_text: Callable[[str, str], None] | None = None
        """Told each piece of a model's answer as it comes: ``(model, text)``."""
        self._learning: Learning | None = None
        self._learning_soon: asyncio.TimerHandle | None = None
        self._reasons: OrderedDict[str, Reasons] = OrderedDict()
        self._pending: set[asyncio.Future[Any]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        documents.subscribe(self)
        for document in documents.recent():
            self.opened(document)

    # -- documents (the listener that ``Documents`` calls) -------------------------------------

    def opened(self, document: Document) -> None:
        """A document was opened."""
        self.recall.open(document)
        self._read_on()
        self.workspace.opened(document)
        self.complexity.schedule(document)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """A document changed: the indexes follow, and so do the suggestions offered in it."""
        self.recall.change(before, after, edits)
        self.workspace.changed(before, after, edits)
        self.complexity.schedule(after)
        self.tracker.changed(before, after, edits)
        self._tick_soon()

    def _read_on(self) -> None:
        """Let recall read the rest of what was opened, a slice at a time."""
        if self._reader is None or self._reader.done():
            with contextlib.suppress(RuntimeError):  # no loop: the rest is read as it is asked for
                self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        slices = 0
        while self.recall.work(_SLICE_LINES):
            slices += 1
            if slices % _SLICES_FROZEN == 0:
                gc.freeze()
            await asyncio.sleep(_BREATH)

    def saved(self, document: Document) -> None:
        """A document was saved."""
        self.tracker.saved(document)
        self._tick_soon()

    def closed(self, document: Document) -> None:
        """A document was closed."""
        self.tracker.closed(document)
        self.recall.close(document.uri)
        self.workspace.closed(document)
        self.complexity.forget(document.uri)

    # -- suggestions ---------------------------------------------------------------------------

    def offered(
        self,
        suggestions: Sequence[Suggestion],
        document: Document,
        decisions: Sequence[Decision | None],
        *,
        trigger: Trigger,
        group: str | None = None,
    ) -> None:
        """Suggestions go to the user: follow them, and write them into the history.

        ``decisions`` has one for each suggestion (a cached one keeps the decision it was made by).
        """
        if not suggestions:
            return
        for suggestion, decision in zip(suggestions, decisions, strict=True):
            self._remember(suggestion, document, decision, trigger, group)
        self.tracker.offered(suggestions, document)
        self._tick_soon()

    def answered(self, suggestion: Suggestion, document: Document, decision: Decision) -> None:
        """An explanation was given: nothing in the document can tell what became of it."""
        self._remember(suggestion, document, decision, "invoked", None)
        self._write(
            self.history.add_outcome(Outcome(suggestion.id, "ignored", "answer"), time.time())
        )

    def _remember(
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
            chars=len(suggestion.text),
            lines=suggestion.text.count("\n") + 1,
            trigger=trigger,
            cached=suggestion.cached,
            agreement=suggestion.agreement,
            shown_at=suggestion.shown_at,
            group=group,
            features=decision.context.to_json() if decision is not None else {},
            explored=decision.choice.explored if decision is not None else False,
            project=self.workspace.project,
            text=suggestion.text,
            context=self._context(document, suggestion) if self.history.keeps_text else None,
        )
        self._write(self.history.add_suggestion(record))

    def _context(self, document: Document, suggestion: Suggestion) -> str:
        """Where a suggestion stood, as ``finetuning.from_history`` reads it."""
        start, end = suggestion.span.start, suggestion.span.end
        first, last = max(0, start.line - 60), min(end.line + 30, len(document.lines) - 1)
        before = Span(Position(first, 0), start)
        after = Span(end, Position(last, len(document.line(last))))
        place = {
            "path": self.workspace.relative(document.path),
            "language": document.language,
            "prefix": document.slice(before),
            "suffix": document.slice(after),
            "sendable": self.workspace.allowed(document.uri),
        }
        return json.dumps(place, ensure_ascii=False)

    def suggestion(self, id_: str) -> Suggestion | None:
        """A suggestion that was offered lately."""
        reasons = self._reasons.get(id_)
        return reasons.suggestion if reasons else None

    def reasons(self, id_: str) -> Reasons | None:
        """Why it was that one."""
        return self._reasons.get(id_)

    def withdrawn(self, suggestions: Sequence[Suggestion]) -> None:
        """The answer came too late and was not shown."""
        for suggestion in suggestions:
            self.tracker.ended(suggestion.id, "superseded", 0.0)

    # -- what is told --------------------------------------------------------------------------

    def shown(self, id_: str) -> None:
        """It is on the screen."""
        self.tracker.shown(id_)
        self._tick_soon()

    def partially_accepted(self, id_: str, length: int) -> None:
        """So many code points of it were taken, cumulative."""
        self.tracker.partially_accepted(id_, length)

    def ended(self, id_: str, reason: OutcomeKind, shown_ms: float | None) -> None:
        """It left the screen."""
        self.tracker.ended(id_, reason, shown_ms)
        self._tick_soon()

    async def accepted(self, id_: str, length: int | None) -> None:
        """The accept command ran; returns when the history has it."""
        self.tracker.accepted(id_, length)
        await self.flush()

    async def rejected(self, id_: str) -> None:
        """The reject command ran; returns when the history has it."""
        self.tracker.rejected(id_)
        await self.flush()

    # -- what became of it ---------------------------------------------------------------------

    def attach(self, learning: Learning) -> None:
        """Let what is written into the history teach this selector from now on."""
        self._learning = learning

    def learn(self) -> None:
        """Let the selector learn what is new in the history, whoever wrote it; soon, not now.

        Now, an answer is on its way to the editor.
        """
        if self._learning_soon is None:
            loop = asyncio.get_running_loop()
            self._learning_soon = loop.call_later(LEARNING, self._learn)

    def _learn(self) -> None:
        if self._learning_soon is not None:
            self._learning_soon.cancel()
            self._learning_soon = None
        if self._learning is not None:
            pending = asyncio.ensure_future(self._learning.sync())
            self._pending.add(pending)
            pending.add_done_callback(self._written)

    def _settled(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self._write(self.history.add_outcome(outcome, time.time()))
        self.learn()

    def _revised(self, suggestion: Suggestion, outcome: Outcome) -> None:
        if outcome.survival is None:
            self._write(self.history.revise_outcome(outcome))
        else:
            written = self.history.update_survival(outcome.id, outcome.survival, outcome.reward)
            self._write(written)
        self.learn()

    def _preferred(self, chosen: Suggestion, others: Sequence[Suggestion]) -> None:
        losers = tuple(other.models for other in others)
        self._write(
            self.history.add_preference(
                chosen.id, chosen.models, losers, chosen.shown_at, time.time()
            )
        )

    def call(self, call: ModelCall) -> None:
        """A model was asked, with whatever end."""
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
        self._report(call)
        self.learn()

    def watched(self, model: Model) -> Model:
        """The model, with whoever wants to read along."""
        return model if self.on_text is None else Observed(model, self.on_text)

    def busy(self, task: Task, model: str) -> None:
        """A model is being asked."""
        self._status("busy", task=task, model=model)

    def idle(self, task: Task | None = None, model: str | None = None, **more: Any) -> None:
        """Nothing is being asked any more."""
        self._status("idle", task=task, model=model, **more)

    def offline(self, message: str) -> None:
        """No model could be reached."""
        self._status("offline", message=message)

    def _status(self, state: str, **fields: Any) -> None:
        if self.on_status is not None:
            self.on_status(state, **fields)

    def _report(self, call: ModelCall) -> None:
        if call.status == "ok":
            self.idle(call.task, call.model, latencyMs=round(call.total_ms or 0.0, 1))
        elif call.status == "cancelled":
            self.idle(call.task)

    # -- time ----------------------------------------------------------------------------------

    def _tick_soon(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        while (seconds := self.tracker.tick()) is not None:
            await asyncio.sleep(max(0.05, seconds))

    def _write(self, future: Any) -> None:
        pending = asyncio.wrap_future(future)
        self._pending.add(pending)
        pending.add_done_callback(self._written)

    def _written(self, future: asyncio.Future[Any]) -> None:
        self._pending.discard(future)
        if not future.cancelled() and (error := future.exception()):
            logger.warning("the history was not written: %s", error)

    async def flush(self) -> None:
        """Wait until the history has all that was reported so far."""
        if self._learning_soon is not None:
            self._learn()
        deadline = time.monotonic() + 3
        while self._pending and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._pending), timeout=left)

    # -- folders and the end -------------------------------------------------------------------

    async def set_folders(self, uris: Sequence[str]) -> None:
        """The workspace's folders, as URIs."""
        paths = [Path(unquote(urlsplit(uri).path)) for uri in uris if uri.startswith("file:")]
        await self.workspace.set_folders(paths)

    async def close(self) -> None:
        """Settle what is open and close the history."""
        for document in self.documents.recent():
            self.tracker.closed(document)
        for task in (self._ticker, self._reader):
            if task is not None:
                task.cancel()
        await self.workspace.close()
        await self.complexity.close()
        await self.flush()
        await self.history.close()
