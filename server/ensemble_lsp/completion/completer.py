"""Inline completions for all documents of one editor.

A request passes: type-through cache → debounce (automatic requests) → choice of models → their
streams, hedged by the next model if the first is slow → post-processing → suggestions. A newer
automatic request for a document supersedes the one before, and takes over its stream if the user is
typing the stream's text.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..postprocess.completion_text import STREAMED_LINES
from ..types import Position, Span, Suggestion
from .cache import CachedAnswer, TypeThroughCache
from .debounce import TypingRhythm
from .inflight_registry import InflightRegistry
from .request import CompletionRequest, CompletionRun, indent_unit_for, start_run
from .strategies import CompletionRunner, distinct

if TYPE_CHECKING:
    from ..app import AppContext
    from ..selection.decision import Decision


class Completer:
    """Serves requests; keeps the answers, running streams and typing rhythm between them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = TypeThroughCache()
        self._streams = InflightRegistry()
        self._runner = CompletionRunner(self._cache, self._streams)
        self._current: dict[str, asyncio.Task[list[Suggestion]]] = {}
        self._typing: dict[str, TypingRhythm] = {}
        self._last_decision: Decision | None = None
        """The latest decision for any document; the debounce is computed from it."""
        self._clock = clock

    async def complete(self, app: AppContext, request: CompletionRequest) -> list[Suggestion]:
        """Return suggestions; none if superseded. Cancelling the call closes its streams."""
        uri = request.document.uri
        task = asyncio.ensure_future(self._complete(app, request))
        if request.trigger == "automatic":
            self._typing.setdefault(uri, TypingRhythm()).tick(self._clock())
            if previous := self._current.pop(uri, None):
                previous.cancel()
            self._streams.supersede(request.document, request.position)
            self._current[uri] = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            self._streams.close(uri)
            await asyncio.wait({task})
            raise
        finally:
            if self._current.get(uri) is task:
                del self._current[uri]
        return [] if task.cancelled() else task.result()

    def closed(self, uri: str) -> None:
        """End the requests of a document that was closed."""
        if task := self._current.pop(uri, None):
            task.cancel()
        self._streams.close(uri)
        self._typing.pop(uri, None)

    async def settled(self) -> None:
        """Wait briefly for streams that still send usage after a complete answer."""
        await self._runner.settled()

    def close(self) -> None:
        """End every request."""
        for uri in {*self._current, *self._streams}:
            self.closed(uri)

    async def _complete(self, app: AppContext, request: CompletionRequest) -> list[Suggestion]:
        run = start_run(app, request)
        if run is None:
            return []
        run.unit = await indent_unit_for(run)
        settings = app.settings.complete
        count = request.candidates or (settings.candidates if request.wants_several else 1)
        cached_answers = iter(()) if request.model else self._cached(run)
        # An automatic request shows one answer: only that one is post-processed.
        automatic = request.trigger == "automatic"
        answers = distinct(list(islice(cached_answers, 1) if automatic else cached_answers))
        cached = len(answers)
        if answers and automatic:
            return self._offer(run, answers, cached)
        if len(answers) < count:
            answers += await self._ask(run, count)
        return self._offer(run, distinct(answers)[:count], cached)

    async def _ask(self, run: CompletionRun, count: int) -> list[CachedAnswer]:
        app, request = run.app, run.request
        await app.workspace.context.prepare(request.document)
        debounced = request.trigger != "automatic"
        if not debounced and not self._is_free_expected(app):
            await asyncio.sleep(self._debounce(run))
            debounced = True
        await app.workspace.complexity.ready(run.document)
        decision = app.decide(
            "complete",
            run.document,
            run.position,
            multiline=run.multiline,
            trigger=request.trigger,
            only=request.model,
        )
        run.decision, order = decision, decision.models
        self._last_decision = decision
        if count == 1 and order and order[0].profile.free:
            answer = await self._runner.ask_free(run, order)
            if answer is not None:
                app.activity.idle("complete", answer.model)
                return [answer]
        if not debounced:
            await asyncio.sleep(self._debounce(run))
        await app.workspace.context.guard(model.profile for model in order)
        return await self._runner.ask(run, order, count)

    def _is_free_expected(self, app: AppContext) -> bool:
        """Whether a free model will probably be asked first, so that waiting saves nothing."""
        last = self._last_decision
        models = last.models[:1] if last is not None else app.models_for("complete")
        return all(model.profile.free for model in models)

    def _debounce(self, run: CompletionRun) -> float:
        """Seconds to wait, by the latency of the paid model that the last decision preferred."""
        typing = self._typing.setdefault(run.request.document.uri, TypingRhythm())
        latency_ms, last = math.inf, self._last_decision
        if last is not None:
            paid = {m.profile.name for m in last.models if not m.profile.free}
            expected = (r.latency_ms for r in last.choice.ranked if r.model in paid)
            latency_ms = next(expected, 0.0)
        return typing.debounce(run.app.settings.complete.debounce_ms, latency_ms)

    def _cached(self, run: CompletionRun) -> Iterator[CachedAnswer]:
        """The cached answers that continue the document at the cursor, post-processed one by one."""
        found = self._cache.get(run.document, run.position)
        sources = run.app.registry.ids() if found else {}
        pin = run.app.pin("complete")
        answers = [a for a in found if sources.get(a.model) == a.source and _respects_pin(a, pin)]
        # A block stays a block while the user types along, even where a new request would ask for a line.
        cleaned = (
            replace(a, text=run.clean(a.text, block="\n" in a.text, exact=True)) for a in answers
        )
        refused = run.app.suggestions.refusals
        return (
            a
            for a in cleaned
            if a.text.strip() and not refused.includes(run.document, run.position, a.text)
        )

    def _offer(
        self, run: CompletionRun, answers: list[CachedAnswer], cached: int
    ) -> list[Suggestion]:
        request = run.request
        suggestions: list[Suggestion] = []
        limit = run.app.settings.complete.max_lines
        head, start, end = "", run.position, run.position
        if request.selected is not None:
            head, selected = request.selected.text, request.selected.span
            start, end = selected.start, selected.end
        for index, answer in enumerate(answers):
            # A completion of a line has the lines that it needs already.
            lines = limit if run.multiline or index < cached else STREAMED_LINES
            lines += answer.text.startswith("\n")
            fitted = run.fit("\n".join(answer.text.split("\n")[:lines]))
            suggestion = run.app.new_suggestion(
                "complete",
                head + fitted.text,
                answer.models,
                request.document,
                Span(start, Position(end.line, end.column + len(fitted.covered))),
                agreement=answer.agreement,
                shown_at=index,
                cached=index < cached,
            )
            suggestions.append(suggestion)
        run.app.suggestions.offer(
            suggestions,
            request.document,
            [answer.decision for answer in answers],
            trigger=request.trigger,
            listed=request.several,
        )
        return suggestions


def _respects_pin(answer: CachedAnswer, pin: str | None) -> bool:
    """Whether a cached answer is from the pinned model, or from a fallback for an empty answer of it."""
    if pin is None or answer.model == pin:
        return True
    return answer.decision is not None and answer.decision.choice.names[:1] == (pin,)
