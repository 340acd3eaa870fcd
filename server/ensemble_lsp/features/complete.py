"""The task complete: what is offered at a cursor, when, and by which model.

A request goes: type-through cache → debounce (automatic ones) → which models → their streams, hedged
by the next model when the first is slow → post-processing → suggestions. A newer automatic request for
a document supersedes the one before; a stream that the user is typing along is taken over by it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..context.prompts import complete_prompt
from ..context.shape import Shape, shape_at
from ..types import Document, Position, Prompt, Span, Suggestion, Trigger
from .flight import Flight
from .postprocess import clean_completion
from .typethrough import Answer, Place, TypeThrough, typed_since

if TYPE_CHECKING:
    from ..models.base import Model
    from ..session import Session
    from ..session.runtime import Decision

logger = logging.getLogger(__name__)

NEAR = 60
"""Lines each side of the cursor that post-processing looks at."""
FULL_LINES = 40
"""Lines of an answer that are kept; the rest beyond what is shown is offered after an accept."""
JOINABLE = 4
"""Streams of one document that a newer request may take over."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The item selected in the editor's own list: completions go on from its text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request. Positions are those of the document's snapshot."""

    document: Document
    position: Position
    trigger: Trigger
    selected: Selected | None = None
    several: bool = False
    model: str | None = None
    """Ask only this model."""
    ensemble: int | None = None
    budget_ms: float | None = None
    """In place of the setting: for a caller that nobody types beside."""
    candidates: int | None = None
    """How many different ones are of use; else as the trigger and the settings say."""

    @property
    def wants_several(self) -> bool:
        """Whether more than one candidate is of use."""
        return self.several or self.trigger == "invoked"


@dataclass(slots=True)
class _Typing:
    """How fast the user types, from the times of the automatic requests."""

    last: float = 0.0
    interval_ms: float | None = None

    def tick(self, now: float) -> None:
        gap = (now - self.last) * 1e3
        self.last = now
        if gap < 1000:
            old = self.interval_ms if self.interval_ms is not None else gap
            self.interval_ms = 0.7 * old + 0.3 * gap


@dataclass(slots=True)
class _Joinable:
    place: Place
    flight: Flight


@dataclass(slots=True)
class _Job:
    """One request while it is worked on."""

    session: Session
    request: CompletionRequest
    document: Document
    position: Position
    shape: Shape
    prefix: str = ""
    suffix: str = ""
    decision: Decision | None = None
    flights: list[tuple[Flight, str]] = field(default_factory=list[tuple[Flight, str]])
    """Each with the text that was typed since it was asked."""

    @property
    def multiline(self) -> bool:
        return self.shape == "block"


class Completer:
    """Completion for all documents of one editor; holds what outlives a request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = TypeThrough()
        self._current: dict[str, asyncio.Task[list[Suggestion]]] = {}
        self._joinable: dict[str, list[_Joinable]] = {}
        self._typing: dict[str, _Typing] = {}
        self._clock = clock

    # -- requests ------------------------------------------------------------------------------

    async def complete(self, session: Session, request: CompletionRequest) -> list[Suggestion]:
        """What to offer; empty when superseded. Cancelling it closes every stream it opened."""
        uri = request.document.uri
        work = asyncio.ensure_future(self._complete(session, request))
        if request.trigger == "automatic":
            self._typing.setdefault(uri, _Typing()).tick(self._clock())
            self._supersede(uri, request)
            self._current[uri] = work
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            self._close(uri)
            await asyncio.wait({work})
            raise
        finally:
            if self._current.get(uri) is work:
                del self._current[uri]
        return [] if work.cancelled() else work.result()

    def closed(self, uri: str) -> None:
        """The document is closed: end its requests, forget its answers."""
        if task := self._current.pop(uri, None):
            task.cancel()
        self._close(uri)
        self._cache.forget(uri)
        self._typing.pop(uri, None)

    def close(self) -> None:
        """End every request."""
        for uri in {*self._current, *self._joinable}:
            self.closed(uri)

    def _supersede(self, uri: str, request: CompletionRequest) -> None:
        if task := self._current.pop(uri, None):
            task.cancel()
        kept: list[_Joinable] = []
        for one in self._joinable.pop(uri, []):
            typed = typed_since(one.place, request.document, request.position)
            along = typed is not None and one.flight.text.startswith(typed)
            if one.flight.text and along and one.flight.error is None:
                kept.append(one)
            else:
                one.flight.close()
        if kept:
            self._joinable[uri] = kept[-JOINABLE:]

    def _close(self, uri: str) -> None:
        for one in self._joinable.pop(uri, []):
            one.flight.close()

    async def _complete(self, session: Session, request: CompletionRequest) -> list[Suggestion]:
        job = self._job(session, request)
        if job is None:
            return []
        settings = session.settings.complete
        wanted = request.candidates or (settings.candidates if request.wants_several else 1)
        answers = [] if request.model else self._cached(job)
        cached = len(answers)
        if len(answers) < wanted:
            if request.trigger == "automatic":
                if answers:
                    return self._offer(job, answers[:1], cached)
                await asyncio.sleep(self._debounce(session, request.document.uri))
            answers += await self._ask(job, wanted)
        return self._offer(job, _distinct(answers)[:wanted], cached)

    def _job(self, session: Session, request: CompletionRequest) -> _Job | None:
        settings, document = session.settings.complete, request.document
        if not settings.enabled and request.trigger == "automatic":
            return None
        if request.trigger == "automatic" and document.language in settings.disabled_languages:
            return None
        position = document.clamp(request.position)
        if (selected := request.selected) is not None:
            document = document.replace(selected.span, selected.text)
            lines = selected.text.split("\n")
            start = selected.span.start
            column = len(lines[-1]) + (start.column if len(lines) == 1 else 0)
            position = Position(start.line + len(lines) - 1, column)
        shape = shape_at(document, position, session.runtime.workspace.trees)
        if shape == "none":
            return None
        first = Position(max(0, position.line - NEAR), 0)
        last = min(len(document.lines) - 1, position.line + NEAR)
        end = Position(last, len(document.lines[last]))
        prefix = document.slice(Span(first, position)).replace("\r\n", "\n")
        suffix = document.slice(Span(position, end)).replace("\r\n", "\n")
        return _Job(session, request, document, position, shape, prefix, suffix)

    def _debounce(self, session: Session, uri: str) -> float:
        """Seconds to wait for the next keystroke: the setting, more for who types fast.

        Waiting a little longer than the user's own rhythm saves the calls that the next keystroke
        would throw away; four times the setting is the most.
        """
        base = session.settings.complete.debounce_ms
        interval = self._typing.setdefault(uri, _Typing()).interval_ms
        if interval is None or interval > 4 * base:
            return base / 1e3
        return min(max(base, 1.2 * interval), 4 * base) / 1e3

    # -- answers -------------------------------------------------------------------------------

    def _cached(self, job: _Job) -> list[Answer]:
        answers = self._cache.get(job.document, job.position)
        cleaned = (replace(a, text=self._clean(job, a.text)) for a in answers)
        return _distinct([a for a in cleaned if a.text.strip()])

    async def _ask(self, job: _Job, wanted: int) -> list[Answer]:
        await job.session.runtime.workspace.prepare(job.request.document)
        job.decision = job.session.decide(
            "complete",
            job.document,
            job.position,
            multiline=job.multiline,
            trigger=job.request.trigger,
            only=job.request.model,
        )
        order = job.decision.models
        budget = job.request.budget_ms or job.session.settings.complete.budget_ms
        deadline = time.perf_counter() + budget / 1e3
        members = job.request.ensemble or job.session.settings.complete.ensemble
        try:
            if members > 1 and not job.request.model:
                answers = await self._agree(job, order, members, deadline)
            elif wanted > 1:
                answers = await self._several(job, order, wanted, deadline)
            else:
                answers = await self._race(job, order, deadline)
        except asyncio.CancelledError:
            # Superseded: what the newer request may take over goes on. Cancelled: nothing was kept.
            self._release(job, keep=self._joinable.get(job.request.document.uri, []))
            raise
        self._release(job, keep=[])
        failed = [str(f.error) for f, _ in job.flights if f.error is not None]
        if failed and not answers:
            job.session.runtime.offline(" ".join(dict.fromkeys(failed)))
        else:
            job.session.runtime.idle("complete", answers[0].model if answers else None)
        return answers

    def _release(self, job: _Job, keep: list[_Joinable]) -> None:
        """Close what still runs and is not kept."""
        kept = [one.flight for one in keep]
        for flight, _ in job.flights:
            if flight not in kept:
                flight.close()
        if not kept:
            self._close(job.request.document.uri)

    def _prompt(self, job: _Job, model: Model) -> Prompt | None:
        return complete_prompt(
            job.document,
            job.position,
            profile=model.profile,
            workspace=job.session.runtime.workspace,
            shape=job.shape,
            max_lines=job.session.settings.complete.max_lines,
        )

    def _start(self, job: _Job, model: Model, temperature: float = 0.0) -> bool:
        """Ask a model, or take over its running stream; False when it may not see this file."""
        uri = job.request.document.uri
        for one in self._joinable.get(uri, []):
            typed = typed_since(one.place, job.document, job.position)
            if (
                one.flight.profile.name == model.profile.name
                and typed is not None
                and not temperature
            ):
                job.flights.append((one.flight, typed))
                return True
        prompt = self._prompt(job, model)
        if prompt is None:
            return False
        if temperature:
            prompt = replace(prompt, temperature=temperature)
        flight = Flight(model, prompt, self._enough(job))
        job.flights.append((flight, ""))
        if job.request.trigger == "automatic":
            place = Place.at(job.document, job.position)
            self._joinable.setdefault(uri, []).append(_Joinable(place, flight))
        return True

    def _enough(self, job: _Job) -> Callable[[str], bool]:
        """Whether a stream holds all that is of use: then it is closed and costs nothing more."""
        limit = FULL_LINES if job.multiline else 1

        def enough(text: str) -> bool:
            body = text.lstrip("\n") if job.multiline else text.lstrip()
            return body.count("\n") >= limit and not body.lstrip().startswith("```")

        return enough

    def _clean(self, job: _Job, text: str, finish: str = "stop") -> str:
        return clean_completion(
            text,
            prefix=job.prefix,
            suffix=job.suffix,
            language=job.document.language,
            multiline=job.multiline,
            max_lines=FULL_LINES,
            finish=finish,
        )

    def _answer(self, job: _Job, flight: Flight, typed: str) -> Answer | None:
        """A finished flight as an answer that continues the document at the cursor."""
        text = flight.text
        if typed:
            if not text.startswith(typed):
                return None
            text = text[len(typed) :]
        cleaned = self._clean(job, text, flight.finish or "stop")
        threshold = job.session.settings.complete.threshold
        sure = flight.confidence is None or flight.confidence >= threshold
        if not cleaned.strip() or not sure:
            return None
        completion = flight.completion()
        answer = Answer(
            cleaned,
            flight.model,
            (flight.model,),
            flight.confidence,
            None,
            completion.first_token_ms,
            completion.total_ms,
            job.decision,
        )
        self._cache.put(job.document, job.position, answer)
        return answer

    # -- ways to ask ---------------------------------------------------------------------------

    async def _race(self, job: _Job, order: list[Model], deadline: float) -> list[Answer]:
        """The first good answer: of the first model, or of the next when that is slow or fails."""
        paid = [m for m in order if not m.profile.free]
        free = [m for m in order if m.profile.free]
        if order and order[0].profile.free and (answer := await self._instant(job, free)):
            return [answer]
        waiting = list(paid)
        seen: set[int] = set()
        self._start_next(job, waiting)
        while job.flights and (left := deadline - time.perf_counter()) > 0:
            for index, (flight, typed) in enumerate(job.flights):
                if flight.done and index not in seen:
                    seen.add(index)
                    if flight.error is not None:
                        logger.info("%s", flight.error)
                    elif answer := self._answer(job, flight, typed):
                        return [answer]
                    self._start_next(job, waiting)
            running = [f for f, _ in job.flights if not f.done]
            if not running:
                if len(seen) == len(job.flights):
                    break
                continue
            hedge = self._hedge_in(job, running[-1]) if waiting else None
            timeout = left if hedge is None else min(left, hedge)
            await _any(running, timeout)
            last = running[-1]
            silent = last.first_token_ms is None and not last.done
            if hedge is not None and silent and self._hedge_in(job, last) <= 0:
                self._start_next(job, waiting)
        return await self._late(job, free)

    def _start_next(self, job: _Job, waiting: list[Model]) -> None:
        while waiting:
            if self._start(job, waiting.pop(0)):
                return

    def _hedge_in(self, job: _Job, flight: Flight) -> float:
        """Seconds until the next model is asked too: the model's own p90 of the first token."""
        p90 = job.session.first_token_p90(flight.profile.name, "complete")
        return flight.started + p90 / 1e3 - time.perf_counter()

    async def _instant(self, job: _Job, free: list[Model]) -> Answer | None:
        """What costs nothing and takes no time (recall)."""
        for model in free:
            if self._start(job, model):
                flight, typed = job.flights.pop()
                await flight.ended()
                if answer := self._answer(job, flight, typed):
                    return answer
        return None

    async def _late(self, job: _Job, free: list[Model]) -> list[Answer]:
        """The budget is up, or nobody had an answer: whole lines that came, else recall."""
        for flight, typed in job.flights:
            lines = flight.text.rpartition("\n")[0]
            if not flight.done and lines.startswith(typed) and job.multiline:
                cleaned = self._clean(job, lines[len(typed) :])
                if cleaned.strip():
                    return [Answer(cleaned, flight.model, (flight.model,), decision=job.decision)]
        instant = await self._instant(job, free)
        return [instant] if instant else []

    async def _several(
        self, job: _Job, order: list[Model], wanted: int, deadline: float
    ) -> list[Answer]:
        """Different answers: of different models first, then again of the best one, less sure."""
        for model in order[:wanted]:
            self._start(job, model)
        paid = [m for m in order if not m.profile.free]
        for _ in range(wanted - len(job.flights) if paid else 0):
            self._start(job, paid[0], temperature=0.6)
        await self._all(job, deadline)
        answers = [self._answer(job, f, typed) for f, typed in job.flights if f.good]
        found = _distinct([a for a in answers if a is not None])
        return found or await self._late(job, [m for m in order if m.profile.free])

    async def _agree(
        self, job: _Job, order: list[Model], members: int, deadline: float
    ) -> list[Answer]:
        """What two models agree on, else the best one's; what is free is a member on top."""
        from ..ensemble.code import Answer as Vote
        from ..ensemble.code import consensus_of_completion

        paid = [m for m in order if not m.profile.free][:members]
        for model in paid + [m for m in order if m.profile.free]:
            self._start(job, model)
        await self._all(job, deadline)
        answers = [self._answer(job, f, typed) for f, typed in job.flights if f.good]
        found = [a for a in answers if a is not None]
        if not found:
            return await self._late(job, [])
        weights = job.session.weights(job.decision) if job.decision else {}
        votes = [Vote(a.model, a.text, weights.get(a.model, 0.5)) for a in found]
        verdict = consensus_of_completion(votes)
        if not verdict.text.strip():
            return []
        best = Answer(
            verdict.text,
            verdict.models[0],
            tuple(verdict.models),
            None,
            verdict.agreement,
            decision=job.decision,
        )
        return [best, *found] if job.request.wants_several else [best]

    async def _all(self, job: _Job, deadline: float) -> None:
        while (left := deadline - time.perf_counter()) > 0:
            running = [f for f, _ in job.flights if not f.done]
            if not running:
                return
            await _any(running, left)

    # -- offering ------------------------------------------------------------------------------

    def _offer(self, job: _Job, answers: list[Answer], cached: int) -> list[Suggestion]:
        request, shown = job.request, []
        limit = job.session.settings.complete.max_lines if job.multiline else 1
        head, span = "", Span(job.position, job.position)
        if request.selected is not None:
            head, span = request.selected.text, request.selected.span
        for place, answer in enumerate(answers):
            text = head + "\n".join(answer.text.split("\n")[:limit])
            suggestion = job.session.new_suggestion(
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
        job.session.runtime.offered(
            shown,
            request.document,
            [answer.decision for answer in answers],
            trigger=request.trigger,
        )
        return shown


def _distinct(answers: list[Answer]) -> list[Answer]:
    kept: dict[str, Answer] = {}
    for answer in answers:
        kept.setdefault(answer.text.rstrip(), answer)
    return list(kept.values())


async def _any(flights: list[Flight], timeout: float) -> None:
    """Wait until one of the flights ends, at most ``timeout`` seconds."""
    waits: list[Awaitable[None]] = [flight.ended() for flight in flights]
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=max(0.0, timeout), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
