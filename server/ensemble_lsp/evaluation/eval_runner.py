"""Ask every model every case, in parallel, within each model's limits and the budget.

Models on this machine take turns, so that none is measured while another uses the processor. Free and instant
models (``recall``) come last. If a budget ends the run, all models have the same cases. A failure is recorded and the
others continue; a model that cannot answer at all (no key, unknown model, open circuit breaker) is not asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from ..errors import (
    AuthenticationError,
    EnsembleError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
)
from ..models.interface import Model, Profile
from ..models.token_estimates import estimate_usage, max_cost
from ..types import Prompt, Usage
from .admission import CaseAdmission
from .eval_answer import EvalAnswer
from .results import Result, ResultStore
from .sampler import LocalSampler, Sampler, ScoringSettings
from .scenario import Scenario, ScenarioWorkspace
from .spending_limit import Budget, may_be_billed

MAX_RATE_LIMIT_TRIES = 4
"""Attempts at one request while the provider reports a rate limit."""
MAX_WAIT = 60.0
BREAKER_PAUSE = 16.0
"""Seconds before a model with an open circuit breaker is tried again, ``MAX_BREAKER_PAUSES`` times in a run."""
MAX_BREAKER_PAUSES = 2
_HOPELESS = (AuthenticationError, QuotaExceededError, ModelNotFoundError)

OnProgress = Callable[["EvalProgress"], None]


@dataclass(frozen=True, slots=True)
class ModelUnderTest:
    """A model in the comparison."""

    model: Model
    id: str
    """The provider and its name for the model."""

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return self.model.profile

    @property
    def name(self) -> str:
        """The configured name."""
        return self.profile.name


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """A case with each model's prompt; a model without a prompt may not see the file."""

    scenario: Scenario
    prompts: dict[str, Prompt]
    exclusions: dict[str, str]


@dataclass(frozen=True, slots=True)
class EvalProgress:
    """The progress of a run."""

    model: str
    done: int
    """Cases of that model that are finished."""
    total: int
    overall: float
    """Share of all requests, 0 to 1."""
    spent: float


class EvalRun:
    """One run over the questions. A cancelled ``ask`` can be resumed by another run."""

    def __init__(
        self,
        scenarios: ScenarioWorkspace,
        results: ResultStore,
        budget: Budget,
        *,
        threshold: float = 0.0,
        sampler: Sampler | None = None,
        on_progress: OnProgress | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scenarios = scenarios
        self._results = results
        self._budget = budget
        self._threshold = threshold
        self._local = LocalSampler()
        self._sampler = sampler or self._local
        self._on_progress = on_progress
        self._sleep = sleep
        self._local_turn = asyncio.Lock()
        self._done: dict[str, int] = {}
        self._pauses: dict[str, int] = {}
        self._all = 0
        self._questions = 0
        self.stopped: dict[str, str] = {}
        """Models that were not asked everything, each with the reason."""
        self.ended = ""
        """The sentence that says at which case the budget ended the run; empty if it did not."""

    async def ask(
        self, questions: Sequence[EvalQuestion], models: Sequence[ModelUnderTest]
    ) -> dict[str, str]:
        """Ask everything without an answer; return the models that were stopped, with the reasons."""
        self._questions = len(questions)
        self._all = len(questions) * len(models)
        self._done = {c.name: 0 for c in models}
        costs = [self._costs(question, models) for question in questions]
        admission = CaseAdmission(self._budget, costs)
        free = [c for c in models if c.profile.free]
        await _together(self._ask_model(questions, c, admission) for c in models if c not in free)
        if admission.refused:
            self.ended = self._budget.refusal(admission.admitted, len(questions))
            questions = questions[: admission.admitted]
        await self._ask_free(questions, free)
        return self.stopped

    def _costs(self, question: EvalQuestion, models: Sequence[ModelUnderTest]) -> dict[str, float]:
        """Return the highest cost, in US dollars, of each answer that is missing."""
        return {
            c.name: max_cost(c.profile, question.prompts[c.name])
            for c in models
            if c.name in question.prompts and not self._known(question, c)
        }

    async def _ask_free(
        self, questions: Sequence[EvalQuestion], free: Sequence[ModelUnderTest]
    ) -> None:
        """Ask the models that predict from the open files, with the case's file open with its hole."""
        for question in questions if free else ():
            case = question.scenario.case
            missing = [c for c in free if not self._known(question, c)]
            scenario = await self._scenarios.open_case(case) if missing else None
            for candidate in missing:
                await self._answer(question, candidate)
            if scenario is not None:
                await self._scenarios.close_case(scenario)
            for candidate in free:
                self._report_progress(candidate)

    async def _ask_model(
        self,
        questions: Sequence[EvalQuestion],
        candidate: ModelUnderTest,
        admission: CaseAdmission,
    ) -> None:
        """Ask one model its questions, as many at a time as it allows."""
        remaining = iter(enumerate(questions))
        profile = candidate.profile
        workers = 1 if profile.local else max(1, profile.concurrency)

        async def work() -> None:
            for number, question in remaining:
                if candidate.name in self.stopped or not await admission.admit(number):
                    return
                if not self._known(question, candidate):
                    async with self._local_turn if profile.local else nullcontext():
                        reserved = admission.take(number, candidate.name)
                        await self._answer(question, candidate, reserved)
                self._report_progress(candidate)

        try:
            await _together(work() for _ in range(workers))
        finally:
            await admission.leave(candidate.name)

    def _known(self, question: EvalQuestion, candidate: ModelUnderTest) -> bool:
        known = self._results.get(question.scenario.case.id, candidate.name, candidate.id)
        return known is not None and not known.failed

    async def _answer(
        self, question: EvalQuestion, candidate: ModelUnderTest, reserved: float = 0.0
    ) -> None:
        """Ask one question and store the scored answer or the failure; settles what is reserved."""
        case, name = question.scenario.case, candidate.name
        base = Result(case.id, name, candidate.id)
        prompt = question.prompts.get(name)
        if prompt is None:
            reason = question.exclusions.get(name, "it may not see the file")
            await self._store(replace(base, error=reason, error_kind="refused"))
            return
        cost = reserved
        try:
            try:
                answer = await self._sample_patiently(question.scenario, candidate, prompt)
            except EnsembleError as error:
                billed = isinstance(error, ProviderError) and may_be_billed(error)
                cost = reserved if billed else 0.0
                await self._record_failure(base, candidate, error, cost)
                return
            usage = answer.usage or estimate_usage(prompt, answer.written)
            cost = candidate.profile.cost(usage)
            await self._record_answer(base, answer, usage, cost)
        finally:
            # After a cancel the actual cost is unknown, so the whole reservation is booked.
            await asyncio.shield(self._budget.settle(reserved, cost))

    async def _sample_patiently(
        self, scenario: Scenario, candidate: ModelUnderTest, prompt: Prompt
    ) -> EvalAnswer:
        """Sample an answer; wait for rate limits as long as the provider asks, a few times."""
        attempt = 0
        while True:
            try:
                scoring = ScoringSettings(
                    self._scenarios.max_lines,
                    self._scenarios.hidden_indent(scenario.case),
                    self._threshold,
                )
                # Models on this machine are asked from here, even if the cluster asks the others.
                sampler = self._local if candidate.profile.local else self._sampler
                return await sampler.sample(candidate.model, prompt, scenario, scoring)
            except ProviderError as error:
                wait = self._wait(candidate.name, error, attempt)
                if wait is None:
                    raise
            attempt += 1
            await self._sleep(wait)

    def _wait(self, model: str, error: ProviderError, attempt: int) -> float | None:
        """Return the seconds to wait before a retry; None if a retry is pointless."""
        if not error.was_sent:
            if isinstance(error, _HOPELESS) or self._pauses.get(model, 0) >= MAX_BREAKER_PAUSES:
                return None
            self._pauses[model] = self._pauses.get(model, 0) + 1
            return BREAKER_PAUSE
        if not isinstance(error, RateLimitedError) or attempt >= MAX_RATE_LIMIT_TRIES - 1:
            return None
        wait = error.retry_after if error.retry_after is not None else 2.0**attempt
        return wait if wait <= MAX_WAIT else None

    async def _record_failure(
        self, base: Result, candidate: ModelUnderTest, error: EnsembleError, cost: float
    ) -> None:
        was_sent = not isinstance(error, ProviderError) or error.was_sent
        if isinstance(error, _HOPELESS) or not was_sent:
            self.stopped.setdefault(candidate.name, str(error))
        if was_sent:
            kind = type(error).__name__
            await self._store(
                replace(base, error=str(error), error_kind=kind, cost=cost, time=time.time())
            )

    async def _record_answer(
        self, base: Result, answer: EvalAnswer, usage: Usage, cost: float
    ) -> None:
        await self._store(
            replace(
                base,
                text=answer.text,
                scores=answer.scores,
                first_ms=round(answer.first_ms or answer.total_ms, 2),
                total_ms=round(answer.total_ms, 2),
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost=cost,
                time=time.time(),
            )
        )

    async def _store(self, result: Result) -> None:
        """Write a result to disk, off the loop. A cancel waits for it, because the answer may have cost money."""
        await asyncio.shield(asyncio.to_thread(self._results.add, result))

    def _report_progress(self, candidate: ModelUnderTest) -> None:
        self._done[candidate.name] += 1
        if self._on_progress is not None:
            overall = sum(self._done.values()) / max(1, self._all)
            done = self._done[candidate.name]
            self._on_progress(
                EvalProgress(candidate.name, done, self._questions, overall, self._budget.spent)
            )


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines at once; if one fails, or this call is cancelled, cancel the others and wait for their end."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
