"""Ways to ask for a completion: the first good answer, several different ones, what models agree on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..context.prompt_builder import complete_prompt
from ..postprocess.syntax_check import parses_at
from ..selection.cascade import Findings, could_escalate, escalate
from ..types import Prompt
from .cache import CachedAnswer, TypeThroughCache
from .inflight import InflightRequest
from .inflight_registry import InflightRegistry, wait_for_any
from .request import CompletionRun

if TYPE_CHECKING:
    from ..consensus.votes import Verdict
    from ..models.interface import Model

logger = logging.getLogger(__name__)


class CompletionRunner:
    """Asks models for completions; good answers go into the type-through cache."""

    def __init__(self, cache: TypeThroughCache, streams: InflightRegistry) -> None:
        self._cache = cache
        self._streams = streams
        self._tails: set[InflightRequest] = set()
        """Whose answers are whole while their streams still end."""

    async def ask(self, job: CompletionRun, order: list[Model], wanted: int) -> list[CachedAnswer]:
        """Answers, best first, within the budget. Cancelled, it closes what nobody may take over."""
        settings, request = job.app.settings.complete, job.request
        budget = request.budget_ms or settings.budget_ms
        deadline = time.perf_counter() + budget / 1e3
        members = request.ensemble or settings.ensemble
        try:
            if members > 1 and not request.model:
                answers = await self._consensus(job, order, members, deadline)
            elif wanted > 1:
                answers = await self._sample(job, order, wanted, deadline)
            else:
                answers = await self._hedged(job, order, deadline)
        except asyncio.CancelledError:
            # Superseded: what the newer request may take over goes on. Cancelled: nothing was kept.
            self._release(job, keep=self._streams.requests(request.document.uri))
            raise
        self._release(job, keep=[])
        failed = [str(f.error) for f, _ in job.inflight if f.error is not None]
        if failed and not answers:
            job.app.runtime.offline(" ".join(dict.fromkeys(failed)))
        else:
            job.app.runtime.idle("complete", answers[0].model if answers else None)
        return answers

    def _release(self, job: CompletionRun, keep: list[InflightRequest]) -> None:
        """Close what still runs and is not kept."""
        for flight, _ in job.inflight:
            if flight not in keep:
                flight.close()
                self._let_end(flight)
        if not keep:
            self._streams.close(job.request.document.uri)

    def _let_end(self, flight: InflightRequest) -> None:
        self._tails = {other for other in self._tails if not other.is_closed} | {flight}

    async def settled(self) -> None:
        """Wait until no stream of a whole answer still ends, so that each call is counted."""
        for flight in tuple(self._tails):
            await flight.wait_closed()

    def _prompt(self, job: CompletionRun, model: Model) -> Prompt | None:
        return complete_prompt(
            job.document,
            job.position,
            profile=model.profile,
            workspace=job.session.runtime.workspace,
            shape=job.mode,
            max_lines=job.session.settings.complete.max_lines,
        )

    def _start(self, job: CompletionRun, model: Model, temperature: float = 0.0) -> bool:
        """Ask a model, or take over its running stream; False when it may not see this file."""
        if not temperature:
            joined = self._streams.take_over(model.profile.name, job.document, job.position)
            if joined is not None:
                job.inflight.append(joined)
                return True
        prompt = self._prompt(job, model)
        if prompt is None:
            return False
        if temperature:
            prompt = replace(prompt, temperature=temperature)
        flight = InflightRequest(model, prompt, job.enough)
        job.inflight.append((flight, ""))
        if job.request.trigger == "automatic":
            self._streams.add(job.document, job.position, flight)
        return True

    def _answer(
        self, job: CompletionRun, flight: InflightRequest, typed: str
    ) -> CachedAnswer | None:
        """A finished flight as an answer that continues the document at the cursor."""
        text = flight.text
        if typed:
            if not text.startswith(typed):
                return None
            text = text[len(typed) :]
        cleaned = job.clean(text, flight.finish or "stop")
        threshold = job.app.settings.complete.threshold
        sure = flight.confidence is None or flight.confidence >= threshold
        if not cleaned.strip() or not sure:
            return None
        completion = flight.completion()
        answer = CachedAnswer(
            cleaned,
            flight.model,
            (flight.model,),
            flight.confidence,
            None,
            completion.first_token_ms,
            completion.total_ms,
            job.decision,
            f"{flight.profile.provider}/{flight.profile.model}",
        )
        self._cache.put(job.document, job.position, answer)
        return answer

    # -- ways to ask ---------------------------------------------------------------------------

    async def _hedged(
        self, job: CompletionRun, order: list[Model], deadline: float
    ) -> list[CachedAnswer]:
        """The first good answer: of the first model, or of the next when that is slow or fails."""
        paid = [m for m in order if not m.profile.free]
        free = [m for m in order if m.profile.free]
        waiting = list(paid)
        seen: set[int] = set()
        doubted: list[CachedAnswer] = []
        self._start_next(job, waiting)
        while job.inflight and (left := deadline - time.perf_counter()) > 0:
            for index, (flight, typed) in enumerate(job.inflight):
                if flight.done and index not in seen:
                    seen.add(index)
                    if flight.error is not None:
                        logger.info("%s", flight.error)
                    elif answer := self._answer(job, flight, typed):
                        if doubted or not self._escalate(job, answer, waiting, deadline):
                            return [answer]
                        doubted.append(answer)
                        continue
                    self._start_next(job, waiting)
            running = [f for f, _ in job.inflight if not f.done]
            if not running:
                if len(seen) == len(job.inflight):
                    break
                continue
            hedges = waiting and not (job.decision is not None and job.decision.pinned)
            hedge = self._hedge_in(job, running[-1]) if hedges else None
            timeout = left if hedge is None else min(left, hedge)
            await wait_for_any(running, timeout)
            last = running[-1]
            silent = last.first_token_ms is None and not last.done
            if hedge is not None and silent and self._hedge_in(job, last) <= 0:
                self._start_next(job, waiting)
        return doubted or await self._best_at_deadline(job, free)

    def _escalate(
        self, job: CompletionRun, answer: CachedAnswer, waiting: list[Model], deadline: float
    ) -> bool:
        """Ask a stronger model too where a check doubts the answer; whether one is being asked."""
        decision, asked = job.decision, {f.profile.name for f, _ in job.inflight if f.done}
        enabled = job.session.settings.selector.escalate
        if not enabled or decision is None or not could_escalate(decision, asked):
            return False
        findings = Findings(
            parses=parses_at(job.document, job.position, answer.text), confidence=answer.confidence
        )
        found = escalate(decision, findings, asked, deadline=deadline)
        if found is None:
            return False
        model, decision = found
        running = any(f.profile.name == model.profile.name for f, _ in job.inflight)
        if not running and not self._start(job, model):
            return False
        waiting[:] = [m for m in waiting if m.profile.name != model.profile.name]
        job.decision = decision
        return True

    def _start_next(self, job: CompletionRun, waiting: list[Model]) -> None:
        while waiting:
            if self._start(job, waiting.pop(0)):
                return

    def _hedge_in(self, job: CompletionRun, flight: InflightRequest) -> float:
        """Seconds until the next model is asked too: the model's own p90 of the first token."""
        p90 = job.app.first_token_p90(flight.profile.name, "complete")
        return flight.started + p90 / 1e3 - time.perf_counter()

    async def instant(self, job: CompletionRun, models: list[Model]) -> CachedAnswer | None:
        """The answer of what costs nothing and takes no time (recall), if it is sure of one."""
        free = [] if job.free_models_asked else [m for m in models if m.profile.free]
        job.free_models_asked = True
        for model in free:
            if self._start(job, model):
                flight, typed = job.inflight.pop()
                await flight.wait_done()
                self._let_end(flight)
                if answer := self._answer(job, flight, typed):
                    return answer
        return None

    async def _best_at_deadline(self, job: CompletionRun, free: list[Model]) -> list[CachedAnswer]:
        """The budget is up, or nobody had an answer: whole lines that came, else recall."""
        for flight, typed in job.inflight:
            lines = flight.text.rpartition("\n")[0]
            if not flight.done and lines.startswith(typed) and job.multiline:
                cleaned = job.clean(lines[len(typed) :])
                if cleaned.strip():
                    return [
                        CachedAnswer(cleaned, flight.model, (flight.model,), decision=job.decision)
                    ]
        instant = await self.instant(job, free)
        return [instant] if instant else []

    async def _sample(
        self, job: CompletionRun, order: list[Model], wanted: int, deadline: float
    ) -> list[CachedAnswer]:
        """Different answers: of different models first, then again of the best one, less sure."""
        for model in order[:wanted]:
            self._start(job, model)
        paid = [m for m in order if not m.profile.free]
        for _ in range(wanted - len(job.inflight) if paid else 0):
            self._start(job, paid[0], temperature=0.6)
        await self._all(job, deadline)
        answers = [self._answer(job, f, typed) for f, typed in job.inflight if f.has_answer]
        found = distinct([a for a in answers if a is not None])
        return found or await self._best_at_deadline(job, [m for m in order if m.profile.free])

    async def _consensus(
        self, job: CompletionRun, order: list[Model], members: int, deadline: float
    ) -> list[CachedAnswer]:
        """What two models agree on, else the best one's; what is free is a member on top."""
        paid = [m for m in order if not m.profile.free][:members]
        for model in paid + [m for m in order if m.profile.free]:
            self._start(job, model)
        await self._all(job, deadline, None if job.request.wants_several else self._two_agree)
        found = self._done(job)
        if not found:
            return await self._best_at_deadline(job, [])
        verdict = _verdict(job, found)
        held_back = (
            job.request.trigger == "automatic"
            and verdict.agreement < job.app.settings.complete.threshold
        )
        if not verdict.text.strip() or held_back:
            return []
        best = CachedAnswer(
            verdict.text,
            verdict.models[0],
            tuple(verdict.models),
            None,
            verdict.agreement,
            decision=job.decision,
        )
        return [best, *found] if job.request.wants_several else [best]

    def _done(self, job: CompletionRun) -> list[CachedAnswer]:
        """The usable answers so far."""
        answers = [
            self._answer(job, f, typed) for f, typed in job.inflight if f.done and f.has_answer
        ]
        return [a for a in answers if a is not None]

    def _two_agree(self, job: CompletionRun) -> bool:
        """Whether two gave the same text: of three at most, nobody outvotes them."""
        found = self._done(job)
        if len(found) < 2:
            return False
        verdict = _verdict(job, found)
        return verdict.rule_used == "weighted" and len(verdict.models) > 1

    async def _all(
        self,
        job: CompletionRun,
        deadline: float,
        enough: Callable[[CompletionRun], bool] | None = None,
    ) -> None:
        while (left := deadline - time.perf_counter()) > 0:
            running = [f for f, _ in job.inflight if not f.done]
            if not running or (enough is not None and enough(job)):
                return
            await wait_for_any(running, left)


def _verdict(job: CompletionRun, answers: list[CachedAnswer]) -> Verdict:
    """What answers agree on, by what is known of their models here."""
    from ..consensus.code import consensus_of_completion
    from ..consensus.votes import Vote

    weights = job.app.weights(job.decision) if job.decision else {}
    votes = [Vote(a.model, a.text, weights.get(a.model, 0.5)) for a in answers]
    return consensus_of_completion(votes, job.document.language)


def distinct(answers: list[CachedAnswer]) -> list[CachedAnswer]:
    """Without those that say the same but for blanks at the end; the first of each stays."""
    kept: dict[str, CachedAnswer] = {}
    for answer in answers:
        kept.setdefault(answer.text.rstrip(), answer)
    return list(kept.values())
