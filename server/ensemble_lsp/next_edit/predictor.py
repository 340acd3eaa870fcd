"""Next edits for all documents of one editor.

A request passes: locator and kept predictions, which cost no call → gate → debounce → choice of models → their
answers → gate → suggestion. A newer request for a document supersedes the one before. A model whose answer
has begun is kept: its edit is rebased over what the user typed meanwhile and serves the newer request.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..languages import is_listed
from ..selection.choice import Choice
from ..selection.decision import Decision
from ..selection.request_context import request_context
from ..types import LOCATOR, Document, Edit, Outcome, Span, Suggestion
from ..uris import is_file_uri
from .edit import PredictedEdit
from .edit_history import EditHistory
from .edit_run import EditRun
from .gate import Gate, Moment
from .locator.locate import Locator
from .model_prompt import EditQuery
from .rebase import rebase

if TYPE_CHECKING:
    from ..app import AppContext

_NEAR = 40
"""Lines between the cursor and a kept prediction that is still offered."""
_REMEMBERED = 100
_SLOW = 0.006
"""Seconds after which the locator gives up."""
_JUDGED_MS = 750.0
"""An edit shown for less time was not refused."""


@dataclass(slots=True)
class KeptPrediction:
    """An edit of the current version of its document, and the decision behind it."""

    edit: PredictedEdit
    decision: Decision
    suggestion: Suggestion | None = None
    """Once it was offered."""


class EditPredictor:
    """Serves requests; listens to the documents and keeps the edits that were predicted."""

    def __init__(self, history: EditHistory) -> None:
        self.history = history
        """The edits just made; it listens to the documents by itself."""
        self.gate = Gate()
        self._locator = Locator()
        self._waiting: dict[str, asyncio.Task[KeptPrediction | None]] = {}
        self._runs: dict[str, EditRun] = {}
        self._kept: dict[str, KeptPrediction] = {}
        """A model's latest prediction for each document."""
        self._shown: dict[str, KeptPrediction] = {}
        """The prediction offered last in each document."""
        self._nothing: dict[str, tuple[int, int]] = {}
        """The version and the cursor's line at which the models predicted no edit."""
        self._offered: OrderedDict[str, tuple[PredictedEdit, Document]] = OrderedDict()
        self._ignored: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    # -- requests ------------------------------------------------------------------------------

    async def predict(self, app: AppContext, query: EditQuery) -> Suggestion | None:
        """Return the next edit; ``None`` for none, or if superseded. Cancelling the call closes its streams."""
        uri = query.document.uri
        if previous := self._waiting.pop(uri, None):
            previous.cancel()
        task = asyncio.ensure_future(self._predict(app, query))
        self._waiting[uri] = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            if self._waiting.get(uri) is task:
                self._close_run(uri)
            await asyncio.wait({task})
            raise
        finally:
            if self._waiting.get(uri) is task:
                del self._waiting[uri]
        prediction = None if task.cancelled() else task.result()
        return self.offer(app, query, prediction) if prediction is not None else None

    def instant(self, app: AppContext, query: EditQuery) -> KeptPrediction | None:
        """Return an edit that costs no call: the locator's, else a model's that is already there."""
        moment = self._moment(app, query)
        if not _is_enabled(app, query) or self.gate.before_asking(moment):
            return None
        if app.settings.next_edit.locator and (found := self._located(app, query, moment)):
            return found
        self._collect(query.document)
        kept = self._kept.get(query.document.uri)
        return kept if kept is not None and self._fits(app, query, kept, moment) else None

    def offer(
        self,
        app: AppContext,
        query: EditQuery,
        prediction: KeptPrediction,
        shown: Edit | None = None,
    ) -> Suggestion | None:
        """Record an edit as offered to the user; ``None`` if the document has changed.

        ``shown`` is the edit in another form, such as an inline completion.
        """
        document, edit = query.document, prediction.edit
        latest = app.workspace.documents.get(document.uri)
        if latest is None or latest.version != document.version or not edit.applies_to(document):
            return None
        span, text = (shown.span, shown.text) if shown else (edit.span, edit.text)
        if (same := self._repeated(prediction, span, text)) is not None:
            return same
        suggestion = app.new_suggestion("edit", text, (edit.model,), document, span)
        app.suggestions.offer([suggestion], document, [prediction.decision], trigger=query.trigger)
        prediction.suggestion = suggestion
        self._shown[document.uri] = prediction
        self._offered[suggestion.id] = edit, document
        while len(self._offered) > _REMEMBERED:
            self._offered.popitem(last=False)
        return suggestion

    async def _predict(self, app: AppContext, query: EditQuery) -> KeptPrediction | None:
        latest = app.workspace.documents.get(query.document.uri)
        if not _is_enabled(app, query) or latest is not query.document:
            return None
        if (found := self.instant(app, query)) is not None:
            self._close_run(query.document.uri)
            return found
        if self.gate.before_asking(self._moment(app, query)) or self._known_empty(query):
            return None
        await self._pause(app, query)
        prediction = await self._from_models(app, query)
        fits = prediction and self._fits(app, query, prediction, self._moment(app, query))
        return prediction if fits else None

    async def _pause(self, app: AppContext, query: EditQuery) -> None:
        """Wait for another keystroke; shorter if a run of before ends meanwhile."""
        seconds = 0.0 if query.invoked else app.settings.next_edit.debounce_ms / 1e3
        run = self._runs.get(query.document.uri)
        if run is None or run.query.model != query.model:
            await asyncio.sleep(seconds)
        else:
            await asyncio.wait({run.task}, timeout=seconds)

    async def _from_models(self, app: AppContext, query: EditQuery) -> KeptPrediction | None:
        uri = query.document.uri
        run = self._runs.get(uri)
        if run is not None and (run.done or run.has_text) and run.query.model == query.model:
            await asyncio.wait({run.task})
            if (found := self._collect(query.document)) is not None:
                return found
        self._close_run(uri)
        context = app.workspace.context
        await context.prepare(query.document)
        decision = app.decide(
            "edit", query.document, query.cursor, trigger=query.trigger, only=query.model
        )
        expected = decision.choice.ranked[0].expected if decision.choice.ranked else None
        moment = replace(self._moment(app, query), expected_reward=expected)
        if not decision.models or self.gate.before_asking(moment):
            app.activity.idle("edit")
            return None
        await context.guard(model.profile for model in decision.models)
        run = self._runs[uri] = EditRun(app, query, decision, self.history)
        await asyncio.wait({run.task})
        found = self._collect(query.document)
        if found is None and not run.errors and not run.changes:
            self._nothing[uri] = query.document.version, query.cursor.line
        return found

    # -- predictions ---------------------------------------------------------------------------

    def _located(self, app: AppContext, query: EditQuery, moment: Moment) -> KeptPrediction | None:
        document, cursor = query.document, query.cursor
        trees = app.workspace.context.trees
        start = time.perf_counter()
        found = self._locator.propose(self.history, document, cursor)
        if not found and time.perf_counter() - start > _SLOW:
            # Its first search of a language spends its time on loading the grammar.
            found = self._locator.propose(self.history, document, cursor)
        for edit in found:
            if self.gate.before_showing(edit, moment, trees) is None:
                return KeptPrediction(edit, _locator_decision(app, query, edit))
        return None

    def _collect(self, document: Document) -> KeptPrediction | None:
        """Keep the edit of a run that is done, rebased over the changes since it began; return it."""
        uri = document.uri
        run = self._runs.get(uri)
        if run is None or not run.done:
            return None
        del self._runs[uri]
        edit, origin = run.result(), run.query.document
        if edit is not None and run.changes:
            edit = rebase(edit, origin, run.changes, document.version)
        if edit is None or not edit.applies_to(document):
            return None
        self._kept[uri] = KeptPrediction(edit, run.decision)
        return self._kept[uri]

    def _fits(
        self, app: AppContext, query: EditQuery, prediction: KeptPrediction, moment: Moment
    ) -> bool:
        edit, line = prediction.edit, query.cursor.line
        if not edit.applies_to(query.document):
            return False
        near = edit.span.start.line - _NEAR <= line <= edit.span.end.line + _NEAR
        trees = app.workspace.context.trees
        return near and self.gate.before_showing(edit, moment, trees) is None

    def _moment(self, app: AppContext, query: EditQuery) -> Moment:
        hunks = self.history.recent()
        return Moment(
            query.document,
            query.cursor,
            hunks[::-1],
            edited=bool(hunks),
            invoked=query.invoked,
            snoozed=app.activity.snooze.active,
            eagerness=app.settings.next_edit.eagerness,
        )

    def _repeated(self, prediction: KeptPrediction, span: Span, text: str) -> Suggestion | None:
        """Return the suggestion of the same edit that is already on the screen, if there is one."""
        edit = prediction.edit
        shown = self._shown.get(edit.uri)
        old = shown.suggestion if shown is not None and shown.edit == edit else None
        if old is None or old.id not in self._offered or old.text != text:
            return None
        return replace(old, version=edit.version, span=span)

    def _known_empty(self, query: EditQuery) -> bool:
        place = query.document.version, query.cursor.line
        return not query.invoked and self._nothing.get(query.document.uri) == place

    def _close_run(self, uri: str) -> None:
        if run := self._runs.pop(uri, None):
            run.close()

    # -- outcomes (called by the suggestion log) -----------------------------------------------

    def settled(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Learn from an outcome what not to offer again, and when to pause."""
        offered = self._offered.pop(suggestion.id, None)
        if offered is None:
            return
        edit, document = offered
        if outcome.kind in ("accepted", "partial", "typed"):
            self.gate.accept()
        elif outcome.kind == "rejected" or self._is_ignored_again(edit, document, outcome):
            self.gate.refuse(edit, document)

    def _is_ignored_again(self, edit: PredictedEdit, document: Document, outcome: Outcome) -> bool:
        """Return whether an edit was left on the screen for the second time."""
        if outcome.kind != "ignored" or (outcome.shown_ms or 0.0) < _JUDGED_MS:
            return False
        key = edit.uri, document.slice(edit.span), edit.text
        again = key in self._ignored
        self._ignored[key] = None
        while len(self._ignored) > _REMEMBERED:
            self._ignored.popitem(last=False)
        return again

    # -- changes of the documents (called by the workspace) ------------------------------------

    def opened(self, document: Document) -> None:
        """Begin to follow a document."""
        self._forget(document.uri)
        self._index(document)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Move the predictions over the edits."""
        if run := self._runs.get(after.uri):
            run.changes += edits
        for kept in (self._kept, self._shown):
            if (prediction := kept.pop(after.uri, None)) is None:
                continue
            edit = rebase(prediction.edit, before, edits, after.version)
            if edit is not None:
                kept[after.uri] = replace(prediction, edit=edit)

    def saved(self, document: Document) -> None:
        """Read the imports and definitions of a saved document."""
        self._index(document)

    def found(self, uri: str, language: str, text: str) -> None:
        """Read the imports and definitions of a file on disk."""
        self._locator.imports.add_file(uri, language, text)

    def closed(self, document: Document) -> None:
        """End the requests of a document."""
        self._forget(document.uri)
        self.gate.forget(document.uri)

    def _forget(self, uri: str) -> None:
        if task := self._waiting.pop(uri, None):
            task.cancel()
        self._close_run(uri)
        for kept in (self._kept, self._shown, self._nothing):
            kept.pop(uri, None)

    def _index(self, document: Document) -> None:
        if is_file_uri(document.uri):
            self._locator.imports.add_file(document.uri, document.language, document.text)

    def close(self) -> None:
        """End every request."""
        for uri in {*self._waiting, *self._runs}:
            self._forget(uri)


def _is_enabled(app: AppContext, query: EditQuery) -> bool:
    settings = app.settings.next_edit
    return query.invoked or (
        settings.enabled and not is_listed(query.document.language, settings.disabled_languages)
    )


def _locator_decision(app: AppContext, query: EditQuery, edit: PredictedEdit) -> Decision:
    """Return the reason for an edit of the locator, for ``ensemble.why``."""
    context = request_context(
        "edit",
        query.document,
        query.cursor,
        complexity=app.workspace.complexity,
        trigger=query.trigger,
    )
    reason = f"The edit just made fits here too ({edit.kind}); no model was asked ({LOCATOR})."
    return Decision([], Choice((), False, "edit", reason), context)
