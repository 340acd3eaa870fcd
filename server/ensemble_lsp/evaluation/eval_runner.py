"""Asks every model every case: side by side, within each one's own limits and the budget.

Models on this machine take turns, so that none is measured while another has the processor. What
costs nothing and takes no time (``recall``) goes first. A model that fails is noted and the others go
on; one that cannot answer at all (no key, no such model, a breaker that opened) is asked no more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from ..errors import (
    AuthenticationError,
    EnsembleError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
)
from ..models.interface import Model, Profile
from ..models.wrappers import estimate_usage
from ..types import Prompt, Usage
from .results import Result, ResultStore
from .sampler import EvalAnswer, LocalSampler, Sampler, ScoringSettings
from .scenario import Scenario, ScenarioWorkspace
from .spending_limit import Budget, max_cost, may_be_billed

MAX_RATE_LIMIT_TRIES = 4
"""How often a rate limit is waited for, at most."""
MAX_WAIT = 60.0
BREAKER_PAUSE = 16.0
"""Seconds after which a model whose breaker opened is tried again, ``PAUSES`` times in a run."""
MAX_BREAKER_PAUSES = 2
_HOPELESS = (AuthenticationError, QuotaExceededError, ModelNotFoundError)

OnProgress = Callable[["EvalProgress"], None]


@dataclass(frozen=True, slots=True)
class ModelUnderTest:
    """One model in the comparison."""

    model: Model
    id: str
    """Provider and the provider's own name."""

    @property
    def profile(self) -> Profile:
        """What is known of it."""
        return self.model.profile

    @property
    def name(self) -> str:
        """The configured name."""
        return self.profile.name


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """A case as each model is asked it; a model without a prompt may not see the file."""

    scenario: Scenario
    prompts: dict[str, Prompt]
    refusals: dict[str, str]


@dataclass(frozen=True, slots=True)
class EvalProgress:
    """How far a run is."""

    model: str
    done: int
    """Cases of that model that are through."""
    total: int
    overall: float
    """Share of all questions, 0 to 1."""
    spent: float


@dataclass(slots=True)
class Ended:
    """Why models were not asked everything."""

    stopped: dict[str, str] = field(default_factory=dict[str, str])
    """By model, a sentence."""


class EvalRun:
    """One run over questions; ``ask`` may be cancelled at any time and be taken up again later."""

    def __init__(
        self,
        bench: ScenarioWorkspace,
        results: ResultStore,
        budget: Budget,
        *,
        threshold: float = 0.0,
        sampler: Sampler | None = None,
        on_progress: OnProgress | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bench = bench
        self._results = results
        self._budget = budget
        self._threshold = threshold
        self._local = LocalSampler()
        self._asker = sampler or self._local
        self._told = on_progress
        self._sleep = sleep
        self._here = asyncio.Lock()
        self._done: dict[str, int] = {}
        self._pauses: dict[str, int] = {}
        self._all = 0
        self._questions = 0
        self.ended = Ended()

    async def ask(
        self, questions: Sequence[EvalQuestion], contestants: Sequence[ModelUnderTest]
    ) -> Ended:
        """Ask all; what has an answer already is not asked again."""
        self._questions = len(questions)
        self._all = len(questions) * len(contestants)
        self._done = {c.name: 0 for c in contestants}
        free = [c for c in contestants if c.profile.free]
        await self._instant(questions, free)
        tasks = [
            asyncio.ensure_future(self._one(questions, c)) for c in contestants if c not in free
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.ended

    async def _instant(
        self, questions: Sequence[EvalQuestion], free: Sequence[ModelUnderTest]
    ) -> None:
        """Models that predict from the open files: the file must be open with its hole."""
        for question in questions if free else ():
            case = question.scenario.case
            wanted = [c for c in free if not self._known(question, c)]
            scene = await self._bench.open_case(case) if wanted else None
            for contestant in wanted:
                await self._answer(question, contestant)
            if scene is not None:
                await self._bench.close_case(scene)
            for contestant in free:
                self._tell(contestant)

    async def _one(self, questions: Sequence[EvalQuestion], contestant: ModelUnderTest) -> None:
        """One model's questions, as many at a time as it takes."""
        waiting = iter(questions)
        profile = contestant.profile
        workers = 1 if profile.local else max(1, profile.concurrency)

        async def work() -> None:
            for question in waiting:
                if contestant.name in self.ended.stopped:
                    return
                if not self._known(question, contestant):
                    if profile.local:
                        async with self._here:
                            await self._answer(question, contestant)
                    else:
                        await self._answer(question, contestant)
                self._tell(contestant)

        tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, question: EvalQuestion, contestant: ModelUnderTest) -> bool:
        known = self._results.get(question.scenario.case.id, contestant.name, contestant.id)
        return known is not None and not known.failed

    async def _answer(self, question: EvalQuestion, contestant: ModelUnderTest) -> None:
        """Ask one question, score the answer, keep both; a failure is kept as well."""
        case, name = question.scenario.case, contestant.name
        base = Result(case.id, name, contestant.id)
        prompt = question.prompts.get(name)
        if prompt is None:
            told = question.refusals.get(name, "it may not see the file")
            await self._note(replace(base, error=told, error_kind="refused"))
            return
        reserved = max_cost(contestant.profile, prompt)
        if not await self._budget.reserve(reserved):
            limit = self._budget.limit or 0.0
            self.ended.stopped[name] = f"the budget of ${limit:g} would not have covered the next."
            return
        cost = reserved
        try:
            try:
                answer = await self._patiently(question.scenario, contestant, prompt)
            except EnsembleError as error:
                worth = isinstance(error, ProviderError) and may_be_billed(error)
                cost = reserved if worth else 0.0
                await self._failed(base, contestant, error, cost)
                return
            usage = answer.usage or estimate_usage(prompt, answer.written)
            cost = contestant.profile.cost(usage)
            await self._keep(base, answer, usage, cost)
        finally:
            # Cancelled in mid-answer: nobody knows what was paid, so all of it is booked.
            await asyncio.shield(self._budget.settle(reserved, cost))

    async def _patiently(
        self, scene: Scenario, contestant: ModelUnderTest, prompt: Prompt
    ) -> EvalAnswer:
        """Wait for rate limits as long as the provider says, some times."""
        attempt = 0
        while True:
            try:
                judging = ScoringSettings(
                    self._bench.cleaning, self._bench.hidden_indent(scene.case), self._threshold
                )
                # What answers on this machine is asked from here, wherever the others are.
                asker = self._local if contestant.profile.local else self._asker
                return await asker.sample(contestant.model, prompt, scene, judging)
            except ProviderError as error:
                wait = self._wait(contestant.name, error, attempt)
                if wait is None:
                    raise
            attempt += 1
            await self._sleep(wait)

    def _wait(self, model: str, error: ProviderError, attempt: int) -> float | None:
        """Seconds after which the same question is worth asking again; None for never."""
        if not error.was_sent:
            if isinstance(error, _HOPELESS) or self._pauses.get(model, 0) >= MAX_BREAKER_PAUSES:
                return None
            self._pauses[model] = self._pauses.get(model, 0) + 1
            return BREAKER_PAUSE
        if not isinstance(error, RateLimitedError) or attempt >= MAX_RATE_LIMIT_TRIES - 1:
            return None
        wait = error.retry_after if error.retry_after is not None else 2.0**attempt
        return wait if wait <= MAX_WAIT else None

    async def _failed(
        self, base: Result, contestant: ModelUnderTest, error: EnsembleError, cost: float
    ) -> None:
        asked = not isinstance(error, ProviderError) or error.was_sent
        if isinstance(error, _HOPELESS) or not asked:
            self.ended.stopped.setdefault(contestant.name, str(error))
        if asked:
            kind = type(error).__name__
            await self._note(
                replace(base, error=str(error), error_kind=kind, cost=cost, time=time.time())
            )

    async def _keep(self, base: Result, answer: EvalAnswer, usage: Usage, cost: float) -> None:
        await self._note(
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

    async def _note(self, result: Result) -> None:
        """Onto the disk, off the loop; a cancel waits for it, for it may have been paid for."""
        await asyncio.shield(asyncio.to_thread(self._results.add, result))

    def _tell(self, contestant: ModelUnderTest) -> None:
        self._done[contestant.name] += 1
        if self._told is not None:
            overall = sum(self._done.values()) / max(1, self._all)
            done = self._done[contestant.name]
            self._told(
                EvalProgress(contestant.name, done, self._questions, overall, self._budget.spent)
            )
