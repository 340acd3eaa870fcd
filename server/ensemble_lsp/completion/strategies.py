"""Strategies to ask for a completion: hedged requests, several samples, consensus of several models."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..app.failures import paused
from ..postprocess.syntax_check import parses_at
from ..selection.cascade import Findings, could_escalate, escalate
from .cache import CachedAnswer, TypeThroughCache
from .inflight import InflightRequest
from .inflight_registry import InflightRegistry, wait_for_any
from .request import CompletionRun
from .run_streams import RunStreams

if TYPE_CHECKING:
    from ..consensus.votes import ConsensusResult
    from ..models.interface import Model

logger = logging.getLogger(__name__)

GRACE = 0.05
"""Seconds that a request by hand waits for further answers once it has one."""
CONTINUED = 2.0
"""Time budgets for which an unfinished answer may continue."""


class CompletionRunner:
    """Asks models for completions and puts usable answers into the type-through cache."""

    def __init__(self, cache: TypeThroughCache, registry: InflightRegistry) -> None:
        self._cache = cache
        self._registry = registry
        self._streams = RunStreams(cache, registry)

    async def ask(self, run: CompletionRun, order: list[Model], count: int) -> list[CachedAnswer]:
        """Return answers, best first, within the time budget.

        If cancelled, it closes the streams that no newer request may take over.
        """
        settings, request = run.app.settings.complete, run.request
        budget = request.budget_ms or settings.budget_ms
        deadline = time.perf_counter() + budget / 1e3
        members = request.ensemble or settings.ensemble
        try:
            if members > 1 and not request.model:
                answers = await self._consensus(run, order, members, deadline)
            elif count > 1:
                answers = await self._sample(run, order, count, deadline)
            else:
                answers = await self._hedged(run, order, deadline)
        except asyncio.CancelledError:
            # Superseded: streams in the registry stay open. Cancelled: the registry is already empty.
            self._streams.release(run, keep=self._registry.streams(request.document.uri))
            raise
        self._streams.release(run, keep=run.unfinished)
        errors = [f.error for f, _ in run.streams if f.error is not None]
        shown = run.shown_model or (answers[0].model if answers else None)
        # Only instant models are left: the status says why the others are not asked.
        stopped = None if shown or errors or _any_paid(order) else paused(run.app, "complete")
        if stopped is not None:
            run.app.activity.failed([stopped])
        else:
            run.app.activity.finished("complete", shown, errors)
        return answers

    async def finish(self, run: CompletionRun) -> list[CachedAnswer]:
        """Wait for streams that continue after the request was answered; their answers go into the cache."""
        budget = run.request.budget_ms or run.app.settings.complete.budget_ms
        try:
            self._start_samples(run)
            await self._streams.wait_for_all(run, time.perf_counter() + CONTINUED * budget / 1e3)
        except asyncio.CancelledError:
            self._streams.release(run, keep=self._registry.streams(run.request.document.uri))
            raise
        answers = self._streams.answers(run)
        self._streams.release(run, keep=[])
        return answers

    def shown(self, run: CompletionRun, answer: CachedAnswer) -> None:
        """Move the instant answer behind the shown one, which is then served while the user types along."""
        if run.instant is not None and run.instant.source != answer.source:
            self._cache.put(run.document, run.position, run.instant)

    async def settled(self) -> None:
        """Wait for streams that are still open after a complete answer, so that their usage is counted."""
        await self._streams.settled()

    # -- strategies ----------------------------------------------------------------------------

    async def _hedged(
        self, run: CompletionRun, order: list[Model], deadline: float
    ) -> list[CachedAnswer]:
        """Return the first usable answer; ask the next model if one is slow or fails."""
        paid = [m for m in order if not m.profile.free]
        free = [m for m in order if m.profile.free]
        waiting = list(paid)
        seen: set[int] = set()
        doubtful: list[CachedAnswer] = []
        self._start_next(run, waiting)
        while run.streams and (left := deadline - time.perf_counter()) > 0:
            for answer in self._new_answers(run, seen):
                if answer is None:
                    self._start_next(run, waiting)
                elif doubtful or not self._escalate(run, answer, waiting, deadline):
                    return [answer]
                else:
                    doubtful.append(answer)
            running = [f for f, _ in run.streams if not f.done]
            if not running:
                if len(seen) == len(run.streams):
                    break
                continue
            await self._wait_or_hedge(run, running, waiting, left)
        return doubtful or await self._best_at_deadline(run, free)

    def _new_answers(self, run: CompletionRun, seen: set[int]) -> Iterator[CachedAnswer | None]:
        """Yield the answer of each stream that is done and not yet seen; ``None`` for a failed or useless one."""
        for index, (stream, typed) in enumerate(run.streams):
            if not stream.done or index in seen:
                continue
            seen.add(index)
            if stream.error is not None:
                logger.info("%s", stream.error)
            yield None if stream.error else self._streams.answer(run, stream, typed)

    async def _wait_or_hedge(
        self,
        run: CompletionRun,
        running: list[InflightRequest],
        waiting: list[Model],
        seconds: float,
    ) -> None:
        """Wait for an answer; ask the next model too if the latest one is silent for too long."""
        is_pinned = run.decision is not None and run.decision.pinned
        if not waiting or is_pinned:
            await wait_for_any(running, seconds)
            return
        latest = running[-1]
        await wait_for_any(running, min(seconds, self._seconds_to_hedge(run, latest)))
        is_silent = latest.first_token_ms is None and not latest.done
        if is_silent and self._seconds_to_hedge(run, latest) <= 0:
            self._start_next(run, waiting)

    def _escalate(
        self, run: CompletionRun, answer: CachedAnswer, waiting: list[Model], deadline: float
    ) -> bool:
        """Ask a stronger model too if a check casts doubt on the answer; return whether one is asked."""
        decision, asked = run.decision, {f.profile.name for f, _ in run.streams if f.done}
        enabled = run.app.settings.selector.escalate
        if not enabled or decision is None or not could_escalate(decision, asked):
            return False
        fitted = run.fit(answer.text)
        document = run.document.replace(run.covered_span(fitted), "")
        findings = Findings(
            parses=parses_at(document, run.position, fitted.text), confidence=answer.confidence
        )
        found = escalate(decision, findings, asked, deadline=deadline)
        if found is None:
            return False
        model, decision = found
        running = any(f.profile.name == model.profile.name for f, _ in run.streams)
        if not running and not self._streams.start(run, model):
            return False
        waiting[:] = [m for m in waiting if m.profile.name != model.profile.name]
        run.decision = decision
        return True

    def _start_next(self, run: CompletionRun, waiting: list[Model]) -> None:
        while waiting:
            if self._streams.start(run, waiting.pop(0)):
                return

    def _seconds_to_hedge(self, run: CompletionRun, stream: InflightRequest) -> float:
        """Seconds until the next model is asked too: when the model's p90 to the first token has passed."""
        p90 = run.app.first_token_p90(stream.profile.name, "complete")
        return stream.started + p90 / 1e3 - time.perf_counter()

    async def ask_free(self, run: CompletionRun, models: list[Model]) -> CachedAnswer | None:
        """Return the answer of a free, instant model (recall), if it is confident of one."""
        if run.free_models_asked:
            return run.instant
        run.free_models_asked = True
        free = [m for m in models if m.profile.free]
        for model in free:
            if self._streams.start(run, model):
                stream, typed = run.streams.pop()
                await stream.wait_done()
                self._streams.close_later(stream)
                if answer := self._streams.answer(run, stream, typed):
                    run.instant = answer
                    return answer
        return None

    async def _best_at_deadline(self, run: CompletionRun, free: list[Model]) -> list[CachedAnswer]:
        """Return complete lines of an unfinished stream, else an answer of a free model.

        For when the time budget is spent or no model had an answer. Unfinished streams continue: the next
        request gets the rest of their answers instead of asking again.
        """
        run.unfinished = [stream for stream, _ in run.streams if not stream.done]
        for stream, typed in run.streams:
            lines = stream.text.rpartition("\n")[0]
            if not stream.done and lines.startswith(typed) and run.multiline:
                exact = bool(typed) or stream.profile.continues_exactly
                cleaned = run.clean(lines[len(typed) :], exact=exact, profile=stream.profile)
                if cleaned.strip():
                    profile = stream.profile
                    source = f"{profile.provider}/{profile.model}"
                    partial = CachedAnswer(
                        cleaned, stream.model, (stream.model,), decision=run.decision, source=source
                    )
                    self._cache.put(run.document, run.position, partial)
                    return [partial]
        instant = await self.ask_free(run, free)
        return [instant] if instant else []

    async def _sample(
        self, run: CompletionRun, order: list[Model], count: int, deadline: float
    ) -> list[CachedAnswer]:
        """Return distinct answers: from different models first, then sampled from the best one.

        A request by hand gets its first answer as soon as an automatic one would; the others follow into
        the cache. Samples of a model on this machine would slow its first answer down, so they wait for it.
        """
        for model in order[:count]:
            self._streams.start(run, model)
        paid = [m for m in order if not m.profile.free]
        run.samples = count - len(run.streams) if paid else 0
        at_once = run.request.several or not (paid and paid[0].profile.local)
        if at_once:
            self._start_samples(run)
        if not run.request.several:
            await self._streams.wait_for_all(run, deadline, self._has_first)
            self._start_samples(run)
            await self._streams.wait_briefly(run, min(deadline, time.perf_counter() + GRACE))
        else:
            await self._streams.wait_for_all(run, deadline)
        run.unfinished = [stream for stream, _ in run.streams if not stream.done]
        answers = [self._streams.answer(run, f, typed) for f, typed in run.streams if f.has_answer]
        found = distinct([a for a in answers if a is not None])
        return found or await self._best_at_deadline(run, [m for m in order if m.profile.free])

    def _start_samples(self, run: CompletionRun) -> None:
        paid = [m for m in run.decision.models if not m.profile.free] if run.decision else []
        for _ in range(run.samples if paid else 0):
            self._streams.start(run, paid[0], temperature=0.6)
        run.samples = 0

    def _has_first(self, run: CompletionRun) -> bool:
        """Return whether the first choice or any paid model has answered."""
        first = run.decision.models[0].profile.name if run.decision else ""
        return any(
            f.done and f.has_answer and (not f.profile.free or f.profile.name == first)
            for f, _ in run.streams
        )

    async def _consensus(
        self, run: CompletionRun, order: list[Model], members: int, deadline: float
    ) -> list[CachedAnswer]:
        """Return the answer that two models agree on, else the best one's; free models are extra members."""
        paid = [m for m in order if not m.profile.free][:members]
        for model in paid + [m for m in order if m.profile.free]:
            self._streams.start(run, model)
        await self._streams.wait_for_all(
            run, deadline, None if run.request.wants_several else self._two_agree
        )
        found = self._streams.answers(run)
        if not found:
            return await self._best_at_deadline(run, [])
        verdict = _verdict(run, found)
        held_back = (
            run.request.trigger == "automatic"
            and verdict.agreement < run.app.settings.complete.threshold
        )
        if not verdict.text.strip() or held_back:
            return []
        best = CachedAnswer(
            verdict.text,
            verdict.models[0],
            tuple(verdict.models),
            None,
            verdict.agreement,
            decision=run.decision,
        )
        return [best, *found] if run.request.wants_several else [best]

    def _two_agree(self, run: CompletionRun) -> bool:
        """Return whether two models gave the same text: with at most three members they win any vote."""
        found = self._streams.answers(run)
        if len(found) < 2:
            return False
        verdict = _verdict(run, found)
        return verdict.rule_used == "weighted" and len(verdict.models) > 1


def _verdict(run: CompletionRun, answers: list[CachedAnswer]) -> ConsensusResult:
    """Return the consensus of answers, weighted by the expected reward of their models."""
    from ..consensus.code import consensus_of_completion
    from ..consensus.votes import Vote

    weights = run.app.weights(run.decision) if run.decision else {}
    votes = [Vote(a.model, a.text, weights.get(a.model, 0.5)) for a in answers]
    return consensus_of_completion(votes, run.document.language)


def distinct(answers: list[CachedAnswer]) -> list[CachedAnswer]:
    """Return the answers without repetitions; trailing white space does not count."""
    kept: dict[str, CachedAnswer] = {}
    for answer in answers:
        kept.setdefault(answer.text.rstrip(), answer)
    return list(kept.values())


def _any_paid(models: Sequence[Model]) -> bool:
    return any(not model.profile.free for model in models)
