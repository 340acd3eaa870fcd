"""Ask several models at once, within a budget, and no longer than the outcome is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..errors import InvalidResponseError, ProviderError
from ..models.interface import Model
from ..models.stream_collector import gather
from ..types import Completion, Prompt

logger = logging.getLogger(__name__)

FanOutState = Literal["asked", "answered", "failed", "closed"]
PromptOf = Prompt | Callable[[Model], Prompt | None]
StopCheck = Callable[[Sequence[Completion], Mapping[str, str]], Awaitable[bool]]
POLL_SECONDS = 0.3
"""Seconds between two looks at what is still coming."""


@dataclass(frozen=True, slots=True)
class FanOutProgress:
    """What just happened to one model; ``done`` of ``total`` have ended."""

    model: str
    state: FanOutState
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FanOutResult:
    """What came of asking: answers in the order they came."""

    completions: list[Completion] = field(default_factory=list[Completion])
    errors: dict[str, ProviderError] = field(default_factory=dict[str, ProviderError])
    cancelled: list[str] = field(default_factory=list[str])
    """Models closed before they had answered: the budget was up, or the outcome settled."""


async def query_all(
    models: Sequence[Model],
    prompt: PromptOf,
    *,
    budget_ms: float,
    progress: Callable[[FanOutProgress], None] | None = None,
    should_stop: StopCheck | None = None,
) -> FanOutResult:
    """Ask all at once; return when all have ended, the budget is up, or ``settled`` says so.

    ``prompt`` is one for all, or made for each model, ``None`` for a model that must not be asked.
    ``settled`` is given the answers so far and, of each model still running, what has come of its own: with each
    answer, and while streams grow. Models still running are
    closed before this returns, also when the caller is cancelled. Never raises a ``ProviderError``.
    """
    asking = _FanOut(len(models), progress)
    for model in models:
        made = prompt if isinstance(prompt, Prompt) else prompt(model)
        if made is not None:
            asking.start(model, made)
    try:
        await asking.run(budget_ms / 1e3, should_stop)
    finally:
        await asking.close()
    return asking.asked


class _FanOut:
    def __init__(self, total: int, progress: Callable[[FanOutProgress], None] | None) -> None:
        self.asked = FanOutResult()
        self._total = total
        self._progress = progress
        self._running: dict[asyncio.Task[Completion], str] = {}
        self._heard: dict[str, list[str]] = {}
        self._looked_at = 0

    def start(self, model: Model, prompt: Prompt) -> None:
        name = model.profile.name
        heard = self._heard[name] = []
        task = asyncio.create_task(gather(model, prompt, heard.append), name=f"ask {name}")
        self._running[task] = name
        self._tell(name, "asked")

    async def run(self, seconds: float, settled: StopCheck | None) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._running and (left := deadline - loop.time()) > 0:
            looks = settled is not None and bool(self.asked.completions)
            done, _ = await asyncio.wait(
                self._running,
                timeout=min(left, POLL_SECONDS) if looks else left,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                self._take(task)
            if (done or self._grew()) and await self._enough(settled, deadline):
                return

    def _grew(self) -> bool:
        """Whether more has come of what still runs since the last look."""
        before = self._looked_at
        self._looked_at = sum(len(self._heard[name]) for name in self._running.values())
        return self._looked_at > before

    async def _enough(self, settled: StopCheck | None, deadline: float) -> bool:
        """Whether nothing that still runs is needed; to find out may take till the deadline."""
        if settled is None or not self.asked.completions:
            return False
        left = deadline - asyncio.get_running_loop().time()
        running = {name: "".join(self._heard[name]) for name in self._running.values()}
        try:
            return await asyncio.wait_for(settled(self.asked.completions, running), max(0.0, left))
        except asyncio.TimeoutError:
            return False

    async def close(self) -> None:
        """Close what still runs; it is cancelled at once, also when this is cancelled meanwhile."""
        left, self._running = self._running, {}
        for task, name in left.items():
            task.cancel()
            self.asked.cancelled.append(name)
        if left:
            await asyncio.gather(*left, return_exceptions=True)
        for name in left.values():
            self._tell(name, "closed")

    def _take(self, task: asyncio.Task[Completion]) -> None:
        name = self._running.pop(task)
        error = task.exception()
        if error is None:
            self.asked.completions.append(task.result())
            self._tell(name, "answered")
            return
        if not isinstance(error, ProviderError):
            # A fault of ours in one adapter must not take the other models' answers away.
            logger.error("asking %s failed", name, exc_info=error)
            error = InvalidResponseError(name, f"{name} failed inside; see the log ({error!r}).")
        self.asked.errors[name] = error
        self._tell(name, "failed")

    def _tell(self, model: str, state: FanOutState) -> None:
        if self._progress is not None:
            done = len(self.asked.completions) + len(self.asked.errors)
            done += len(self.asked.cancelled)
            self._progress(FanOutProgress(model, state, done, self._total))
