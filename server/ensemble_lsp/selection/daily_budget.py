"""The daily budget (``selector.dailyBudget``): US dollars that are never passed.

Before a model is asked, the most that the call can cost is reserved in the history, in one
transaction for all servers of the user; the reservation is given back once the history has what the
call did cost. So what was spent and what may yet be spent together stay within the budget, however
many servers ask at once. A day begins at midnight, local time. A server that dies leaves its
reservation: the provider may have charged for the call, so it counts.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from ..errors import HistoryError, QuotaExceededError
from ..history import History
from ..models.interface import Model, Profile
from ..models.stream_collector import open_stream
from ..models.token_estimates import max_cost
from ..models.wrappers.wrapper_base import Wrapper
from ..types import Chunk, Prompt, Task, Usage
from .call_stats import typical_cost
from .priors import is_slow


class DailyBudget:
    """What is left of today's money. ``dollars`` None: there is no limit, and nothing is done."""

    def __init__(
        self, history: History, dollars: float | None, clock: Callable[[], float] = time.time
    ) -> None:
        self.dollars = dollars
        self._history = history
        self._clock = clock
        self._left: tuple[float, float] | None = None
        """The day's beginning, and what was left of it when last heard of."""
        self._refreshing: set[asyncio.Task[None]] = set()
        self._worse: dict[tuple[str, Task], float] = {}
        """How many times the most that was thought possible a call has cost."""

    @property
    def left(self) -> float | None:
        """US dollars left today, as last heard; None without a budget."""
        if self.dollars is None:
            return None
        fresh = self._left is not None and self._left[0] == day_start(self._clock())
        return self._left[1] if self._left and fresh else self.dollars

    async def refresh(self) -> None:
        """Ask the history what was spent today."""
        if self.dollars is not None:
            since = day_start(self._clock())
            with suppress(HistoryError):
                used = await self._history.used_since(since)
                self._left = since, max(0.0, self.dollars - used)

    def sort_out(self, models: Sequence[Model], task: Task) -> tuple[list[Model], str]:
        """The models that today's money is enough for, each within the budget; and who is not.

        Where it is enough for none, all are returned: each says so itself when it is asked.
        """
        left = self.left
        if left is None:
            return list(models), ""
        dear = {m.profile.name for m in models if typical_cost(m.profile, task) > left}
        if len(dear) == len(models):
            dear = set()
        kept = [Budgeted(m, self) if _paid(m.profile) else m for m in models]
        names = ", ".join(sorted(dear))
        note = f"Of today's {self.dollars:g} USD {left:.4f} are left: not enough for {names}."
        return [m for m in kept if m.profile.name not in dear], note if dear else ""

    async def reserve(self, profile: Profile, prompt: Prompt) -> str:
        """Reserve the most that the call can cost; the reservation's id. Raises ``QuotaExceededError``."""
        assert self.dollars is not None
        if self._history.in_memory:
            raise _refusal(profile, "today's spending cannot be written down; see to the history")
        id_ = uuid.uuid4().hex
        since = day_start(self._clock())
        most = most_cost(profile, prompt) * self._worse.get((profile.name, prompt.task), 1.0)
        try:
            granted, left = await self._history.reserve(id_, since, most, self.dollars)
        except HistoryError as error:
            raise _refusal(profile, f"today's spending is not known ({error})") from error
        except asyncio.CancelledError:
            self._history.release(id_)
            raise
        self._left = since, left
        if not granted:
            raise _refusal(
                profile,
                f"{left:.4f} USD of today's budget of {self.dollars:g} are left, and this may cost "
                f"{most:.4f}; raise selector.dailyBudget, or go on tomorrow",
            )
        return id_

    def release(self, id_: str, profile: Profile, prompt: Prompt, usage: Usage | None) -> None:
        """The call ended, and was reported: its reservation is no longer needed."""
        if usage is not None:
            # A provider that counts more than can be (hidden words, say) is believed from then on.
            factor = profile.cost(usage) / max(1e-12, most_cost(profile, prompt))
            key = (profile.name, prompt.task)
            self._worse[key] = max(self._worse.get(key, 1.0), factor)
        self._history.release(id_).add_done_callback(lambda done: done.exception())
        # It cost less than was reserved: more is left than was last heard.
        with suppress(RuntimeError):  # no loop: the process is ending
            task = asyncio.get_running_loop().create_task(self.refresh())
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)


class Budgeted(Wrapper):
    """A model that is asked only within the daily budget."""

    def __init__(self, inner: Model, budget: DailyBudget) -> None:
        super().__init__(inner)
        self._budget = budget

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """As the inner model; raises ``QuotaExceededError`` where today's money is not enough."""
        held = await self._budget.reserve(self.profile, prompt)
        usage: Usage | None = None
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    usage = chunk.usage or usage
                    yield chunk
        finally:
            # The call itself was written down before: the history works in turn.
            self._budget.release(held, self.profile, prompt, usage)


def most_cost(profile: Profile, prompt: Prompt) -> float:
    """Return the most US dollars that a call can cost."""
    return max_cost(profile, prompt, thinks=is_slow(profile.model))


def day_start(unix: float) -> float:
    """Unix seconds of the last midnight, local time."""
    now = datetime.fromtimestamp(unix).astimezone()
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _paid(profile: Profile) -> bool:
    return profile.input_price > 0 or profile.output_price > 0


def _refusal(profile: Profile, reason: str) -> QuotaExceededError:
    error = QuotaExceededError(profile.name, f"{profile.name} was not asked: {reason}.")
    error.was_sent = False
    return error
