"""Inline completions for all documents of one editor.

A request passes: type-through cache → an instant model's answer → debounce (automatic requests) → choice of models → their
streams, hedged by the next model if the first is slow → post-processing → suggestions. A newer
automatic request for a document supersedes the one before, and takes over its stream if the user is
typing the stream's text.

An instant answer (``recall``) that is worth it is shown at once, and the best other model is asked too.
Its answer is shown instead if it comes before anyone could have read the first; else the next request at that
place, by hand, offers both.
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
from ..selection.instant_answer import is_expected_within, leads
from ..types import Position, Span, Suggestion
from .cache import CachedAnswer, TypeThroughCache
from .debounce import TypingRhythm
from .follow_ups import FollowUps
from .inflight_registry import InflightRegistry
from .request import CompletionRequest, CompletionRun, indent_unit_for, start_run
from .strategies import CompletionRunner, distinct

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model
    from ..selection.decision import Decision


UNREAD_MS = 150.0
"""Milliseconds after a request before anyone could have read an answer to it."""


class Completer:
    """Serves requests; keeps the answers, running streams and typing rhythm between them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = TypeThroughCache()
        self._streams = InflightRegistry()
        self._runner = CompletionRunner(self._cache, self._streams)
        self._follow_ups = FollowUps()
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
            if uri not in self._follow_ups:  # they continue as long as the cache serves
                self._streams.supersede(request.document, request.position)
            self._current[uri] = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            self._follow_ups.cancel(uri)
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
        self._follow_ups.cancel(uri)
        self._streams.close(uri)
        self._typing.pop(uri, None)

    async def settled(self) -> None:
        """Wait for work in the background, and briefly for streams that still send usage."""
        await self._follow_ups.settled()
        await self._runner.settled()

    def close(self) -> None:
        """End every request."""
        for uri in {*self._current, *self._follow_ups, *self._streams}:
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
        followed = bool(answers) and await self._follow_ups.wait(run.document, run.position)
        if followed:
            answers = distinct(list(self._cached(run)))
            cached = len(answers)
        if len(answers) < count and not followed:
            answers += await self._ask(run, count)
        return self._offer(run, distinct(answers)[:count], cached)

    async def _ask(self, run: CompletionRun, count: int) -> list[CachedAnswer]:
        app, request = run.app, run.request
        debounced = request.trigger != "automatic"
        self._follow_ups.cancel(request.document.uri)
        if not debounced:
            self._streams.supersede(request.document, request.position)
        await app.workspace.context.prepare(request.document)
        if not debounced and not self._is_instant_possible(app):
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
        if count == 1:
            instant = await self._runner.ask_free(run, self._instant_models(decision))
            if instant and leads(decision.choice, instant.model, instant.confidence):
                return [await self._first_to_read(run, instant)]
        if not debounced:
            await asyncio.sleep(self._debounce(run))
        return await self._ask_others(run, order, count)

    def _instant_models(self, decision: Decision) -> list[Model]:
        """Return the free models, unless the user pinned another one."""
        pinned = decision.pinned and not decision.models[0].profile.free
        return [] if pinned else [m for m in decision.models if m.profile.free]

    async def _ask_others(
        self, run: CompletionRun, order: list[Model], count: int
    ) -> list[CachedAnswer]:
        await run.app.workspace.context.guard(model.profile for model in order)
        answers = await self._runner.ask(run, order, count)
        if answers:
            self._runner.shown(run, answers[0])
        if run.unfinished or run.samples:
            self._follow_ups.start(run.document, run.position, self._runner.finish(run))
        return answers

    async def _first_to_read(self, run: CompletionRun, instant: CachedAnswer) -> CachedAnswer:
        """Ask the best other model too; return its answer if it comes before the instant one could be read."""
        decision = run.decision
        others = [m for m in decision.models if not m.profile.free] if decision else []
        run.app.activity.idle("complete", instant.model)
        if decision is None or not others or run.request.trigger != "automatic":
            return instant
        rest = replace(run, streams=[], unfinished=[], instant=None, shown_model=instant.model)
        task = self._follow_ups.start(run.document, run.position, self._ask_behind(rest, others))
        names = [m.profile.name for m in others]
        if is_expected_within(decision.choice, names, UNREAD_MS):
            await asyncio.wait({task}, timeout=UNREAD_MS / 1e3)
            if task.done() and not task.cancelled() and (better := task.result()):
                self._runner.shown(run, better[0])
                return better[0]
        return instant

    async def _ask_behind(self, run: CompletionRun, order: list[Model]) -> list[CachedAnswer]:
        await asyncio.sleep(self._debounce(run))
        await run.app.workspace.context.guard(model.profile for model in order)
        return await self._runner.ask(run, order, 1)

    def _is_instant_possible(self, app: AppContext) -> bool:
        """Return whether a free model can answer first, so that waiting before the choice saves nothing."""
        last = self._last_decision
        return any(m.profile.free for m in (last.models if last else app.models_for("complete")))

    def _debounce(self, run: CompletionRun) -> float:
        """Return the seconds to wait, by the latency of the paid model that the last decision preferred."""
        typing = self._typing.setdefault(run.request.document.uri, TypingRhythm())
        latency_ms, last = math.inf, self._last_decision
        if last is not None:
            paid = {m.profile.name for m in last.models if not m.profile.free}
            expected = (r.latency_ms for r in last.choice.ranked if r.model in paid)
            latency_ms = next(expected, 0.0)
        return typing.debounce(run.app.settings.complete.debounce_ms, latency_ms)

    def _cached(self, run: CompletionRun) -> Iterator[CachedAnswer]:
        """Yield the cached answers that continue the document at the cursor, post-processed one by one."""
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
    """Return whether a cached answer is from the pinned model, or from a fallback for an empty answer of it."""
    if pin is None or answer.model == pin:
        return True
    return answer.decision is not None and answer.decision.choice.names[:1] == (pin,)
