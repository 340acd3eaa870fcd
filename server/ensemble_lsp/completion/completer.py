"""Completion for all documents of one editor: what is offered at a cursor, and when.

A request goes: type-through cache → which models → debounce (automatic ones) → their streams, hedged
by the next model when the first is slow → post-processing → suggestions. A newer automatic request for
a document supersedes the one before; a stream that the user is typing along is taken over by it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..types import Span, Suggestion
from .cache import CachedAnswer, TypeThroughCache
from .debounce import TypingRhythm
from .inflight_registry import InflightRegistry
from .request import CompletionRequest, CompletionRun, start_run
from .strategies import CompletionRunner, distinct

if TYPE_CHECKING:
    from ..app import AppContext
    from ..selection.decision import Decision


class Completer:
    """Serves requests; holds what outlives one: answers, running streams, the typing rhythm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = TypeThroughCache()
        self._streams = InflightRegistry()
        self._asker = CompletionRunner(self._cache, self._streams)
        self._current: dict[str, asyncio.Task[list[Suggestion]]] = {}
        self._typing: dict[str, TypingRhythm] = {}
        self._last_decision: Decision | None = None
        """The latest decision for any document; the debounce is computed from it."""
        self._clock = clock

    async def complete(self, app: AppContext, request: CompletionRequest) -> list[Suggestion]:
        """What to offer; empty when superseded. Cancelling it closes every stream it opened."""
        uri = request.document.uri
        work = asyncio.ensure_future(self._complete(app, request))
        if request.trigger == "automatic":
            self._typing.setdefault(uri, TypingRhythm()).tick(self._clock())
            if task := self._current.pop(uri, None):
                task.cancel()
            self._streams.supersede(request.document, request.position)
            self._current[uri] = work
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            self._streams.close(uri)
            await asyncio.wait({work})
            raise
        finally:
            if self._current.get(uri) is work:
                del self._current[uri]
        return [] if work.cancelled() else work.result()

    def closed(self, uri: str) -> None:
        """The document is closed: end its requests."""
        if task := self._current.pop(uri, None):
            task.cancel()
        self._streams.close(uri)
        self._typing.pop(uri, None)

    async def settled(self) -> None:
        """Wait a moment for the streams whose answers were whole and given, so that all is counted."""
        await self._asker.settled()

    def close(self) -> None:
        """End every request."""
        for uri in {*self._current, *self._streams}:
            self.closed(uri)

    async def _complete(self, session: Session, request: CompletionRequest) -> list[Suggestion]:
        job = start_run(session, request)
        if job is None:
            return []
        settings = app.settings.complete
        wanted = request.candidates or (settings.candidates if request.wants_several else 1)
        cached_answers = iter(()) if request.model else self._cached(job)
        # An automatic request shows one answer: only that one is post-processed.
        automatic = request.trigger == "automatic"
        answers = distinct(list(islice(cached_answers, 1) if automatic else cached_answers))
        cached = len(answers)
        if answers and automatic:
            return self._offer(job, answers, cached)
        if len(answers) < wanted:
            answers += await self._ask(job, wanted)
        return self._offer(job, distinct(answers)[:wanted], cached)

    async def _ask(self, job: CompletionRun, wanted: int) -> list[CachedAnswer]:
        session, request = job.session, job.request
        await session.runtime.workspace.prepare(request.document)
        waited = request.trigger != "automatic"
        if not waited and not self._is_free_expected(session):
            await asyncio.sleep(self._debounce(job))
            waited = True
        decision = session.decide(
            "complete",
            job.document,
            job.position,
            multiline=job.multiline,
            trigger=request.trigger,
            only=request.model,
        )
        job.decision, order = decision, decision.models
        self._last_decision = decision
        if wanted == 1 and order and order[0].profile.free:
            instant = await self._asker.instant(job, order)  # nothing to save by waiting
            if instant is not None:
                app.runtime.idle("complete", instant.model)
                return [instant]
        if not waited:
            await asyncio.sleep(self._debounce(job))
        await session.runtime.workspace.guard(model.profile for model in order)
        return await self._asker.ask(job, order, wanted)

    def _is_free_expected(self, session: Session) -> bool:
        """Whether a free model will probably answer first: there is nothing to save by waiting."""
        last = self._last_decision
        models = last.models[:1] if last is not None else session.models_for("complete")
        return all(model.profile.free for model in models)

    def _debounce(self, job: CompletionRun) -> float:
        """Seconds to wait, by the latency of the paid model that the last decision preferred."""
        typing = self._typing.setdefault(job.request.document.uri, TypingRhythm())
        latency_ms, last = math.inf, self._last_decision
        if last is not None:
            paid = {m.profile.name for m in last.models if not m.profile.free}
            expected = (r.latency_ms for r in last.choice.ranked if r.model in paid)
            latency_ms = next(expected, 0.0)
        return typing.debounce(job.session.settings.complete.debounce_ms, latency_ms)

    def _cached(self, job: CompletionRun) -> Iterator[CachedAnswer]:
        """The cached answers that continue the document at the cursor, post-processed one by one."""
        found = self._cache.get(job.document, job.position)
        sources = job.app.registry.ids() if found else {}
        pin = job.app.settings.selector.pin.get("complete")
        answers = [a for a in found if sources.get(a.model) == a.source and _wanted(a, pin)]
        # A block that is typed along stays one, whatever would be asked for at the cursor by now.
        cleaned = (replace(a, text=job.clean(a.text, block="\n" in a.text)) for a in answers)
        return (a for a in cleaned if a.text.strip())

    def _offer(
        self, job: CompletionRun, answers: list[CachedAnswer], cached: int
    ) -> list[Suggestion]:
        request, shown = job.request, []
        limit = job.app.settings.complete.max_lines
        head, span = "", Span(job.position, job.position)
        if request.selected is not None:
            head, span = request.selected.text, request.selected.span
        for place, answer in enumerate(answers):
            most = (limit if job.multiline or place < cached else 1) + answer.text.startswith("\n")
            text = head + "\n".join(answer.text.split("\n")[:most])
            suggestion = job.app.new_suggestion(
                "complete",
                text,
                answer.models,
                request.document,
                span,
                agreement=answer.agreement,
                shown_at=place,
                cached=place < cached,
            )
            shown.append(suggestion)
        job.app.runtime.offered(
            shown,
            request.document,
            [answer.decision for answer in answers],
            trigger=request.trigger,
        )
        return shown


def _wanted(answer: CachedAnswer, pin: str | None) -> bool:
    """Whether a kept answer is the pinned model's, or of one that stood in for it, which had nothing to say."""
    if pin is None or answer.model == pin:
        return True
    return answer.decision is not None and answer.decision.choice.names[:1] == (pin,)
