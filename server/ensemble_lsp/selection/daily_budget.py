"""The daily budget (``selector.dailyBudget``): a limit in US dollars that is never exceeded.

Before each call its maximum cost is reserved in the history, in one transaction that all servers of the
user share. The reservation is released once the actual cost is recorded, so spent and reserved money
together stay within the budget, however many servers run. A day begins at midnight, local time. The
reservation of a server that dies stays, because the provider may have charged for the call.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from ..errors import HistoryError, QuotaExceededError, advice_first
from ..history import History
from ..models.interface import Model, Profile
from ..models.stream_collector import open_stream
from ..models.token_estimates import max_cost
from ..models.wrappers.wrapper_base import Wrapper
from ..types import Chunk, Prompt, Task, Usage
from .call_stats import typical_cost
from .priors import is_slow


class DailyBudget:
    """Today's remaining money. Without a limit (``dollars`` None) it does nothing."""

    def __init__(
        self, history: History, dollars: float | None, clock: Callable[[], float] = time.time
    ) -> None:
        self.dollars = dollars
        self._history = history
        self._clock = clock
        self._left: tuple[float, float] | None = None
        """Start of the day, and the money left at the last update."""
        self._refreshing: set[asyncio.Task[None]] = set()
        self._cost_factors: dict[tuple[str, Task], float] = {}
        """Largest ratio of actual to estimated maximum cost, by model and task."""

    @property
    def left(self) -> float | None:
        """Return the US dollars left today at the last update; None without a budget."""
        if self.dollars is None:
            return None
        fresh = self._left is not None and self._left[0] == day_start(self._clock())
        return self._left[1] if self._left and fresh else self.dollars

    async def refresh(self) -> None:
        """Read today's spending from the history."""
        if self.dollars is not None:
            since = day_start(self._clock())
            with suppress(HistoryError):
                used = await self._history.used_since(since)
                self._left = since, max(0.0, self.dollars - used)

    def affordable(self, models: Sequence[Model], task: Task) -> tuple[list[Model], str]:
        """Return the models that the remaining money allows, and a note on those left out.

        If it allows none, all are returned: each raises its own error when it is called.
        """
        left = self.left
        if left is None:
            return list(models), ""
        over_budget = {m.profile.name for m in models if typical_cost(m.profile, task) > left}
        if len(over_budget) == len(models):
            over_budget = set()
        kept = [BudgetedModel(m, self) if _is_paid(m.profile) else m for m in models]
        names = ", ".join(sorted(over_budget))
        note = (
            f"{left:.4f} USD are left of today's budget of {self.dollars:g} USD: "
            f"not enough for {names}."
        )
        return [m for m in kept if m.profile.name not in over_budget], note if over_budget else ""

    async def reserve(self, profile: Profile, prompt: Prompt) -> str:
        """Reserve the maximum cost of a call and return the reservation's id.

        Raises ``QuotaExceededError``.
        """
        assert self.dollars is not None
        if self._history.in_memory:
            raise _budget_error(
                profile,
                "today's spending cannot be recorded",
                "run `ensemble-lsp doctor` to check the history",
            )
        id_ = uuid.uuid4().hex
        since = day_start(self._clock())
        cost = max_call_cost(profile, prompt) * self._cost_factors.get(
            (profile.name, prompt.task), 1.0
        )
        try:
            granted, left = await self._history.reserve(id_, since, cost, self.dollars)
        except HistoryError as error:
            fault = f"today's spending is unknown ({error})"
            raise _budget_error(profile, fault, "try again") from error
        except asyncio.CancelledError:
            self._history.release(id_)
            raise
        self._left = since, left
        if not granted:
            raise _budget_error(
                profile,
                f"this call may cost {cost:.4f} USD, and {left:.4f} USD are left of today's budget of "
                f"{self.dollars:g} USD",
                "raise selector.dailyBudget or wait until tomorrow",
            )
        return id_

    def release(self, id_: str, profile: Profile, prompt: Prompt, usage: Usage | None) -> None:
        """Release the reservation of a call that ended and was recorded."""
        if usage is not None:
            # If a provider bills more than our maximum (hidden tokens), later reservations account for it.
            factor = profile.cost(usage) / max(1e-12, max_call_cost(profile, prompt))
            key = (profile.name, prompt.task)
            self._cost_factors[key] = max(self._cost_factors.get(key, 1.0), factor)
        self._history.release(id_).add_done_callback(lambda done: done.exception())
        # The call cost less than was reserved, so more money is left than at the last update.
        with suppress(RuntimeError):  # no loop: the process is ending
            task = asyncio.get_running_loop().create_task(self.refresh())
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)


class BudgetedModel(Wrapper):
    """Wrapper that calls a model only within the daily budget."""

    def __init__(self, inner: Model, budget: DailyBudget) -> None:
        super().__init__(inner)
        self._budget = budget

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer; raises ``QuotaExceededError`` if the money does not suffice."""
        reservation = await self._budget.reserve(self.profile, prompt)
        usage: Usage | None = None
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    usage = chunk.usage or usage
                    yield chunk
        finally:
            # The history works in order, so the call itself is already recorded.
            self._budget.release(reservation, self.profile, prompt, usage)


def max_call_cost(profile: Profile, prompt: Prompt) -> float:
    """Return the maximum cost of a call in US dollars."""
    return max_cost(profile, prompt, thinks=is_slow(profile.model))


def day_start(unix: float) -> float:
    """Return the Unix seconds of the last midnight, local time."""
    now = datetime.fromtimestamp(unix).astimezone()
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _is_paid(profile: Profile) -> bool:
    return profile.input_price > 0 or profile.output_price > 0


def _budget_error(profile: Profile, fault: str, advice: str) -> QuotaExceededError:
    text = advice_first(profile.name, f"it was not asked, because {fault}", advice)
    error = QuotaExceededError(profile.name, text)
    error.problem, error.was_sent = "budget", False
    return error
