"""Ask several models at once, until all have answered, the budget is up, or the outcome is decided."""

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
"""Seconds between two checks of the running streams."""


@dataclass(frozen=True, slots=True)
class FanOutProgress:
    """A change of one model's state; ``done`` of ``total`` models have ended."""

    model: str
    state: FanOutState
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FanOutResult:
    """The answers, in the order they arrived, and the errors."""

    completions: list[Completion] = field(default_factory=list[Completion])
    errors: dict[str, ProviderError] = field(default_factory=dict[str, ProviderError])
    cancelled: list[str] = field(default_factory=list[str])
    """Models stopped before they answered, by the budget or the stop check."""


async def query_all(
    models: Sequence[Model],
    prompt: PromptOf,
    *,
    budget_ms: float,
    progress: Callable[[FanOutProgress], None] | None = None,
    should_stop: StopCheck | None = None,
    on_text: Callable[[str, str], None] | None = None,
) -> FanOutResult:
    """Ask all models at once; return when all have ended, the budget is up, or ``should_stop`` agrees.

    ``prompt`` is one for all, or a function of the model that returns ``None`` if it must not be asked.
    ``should_stop`` receives the answers so far and the partial text of each running model, with each answer and while
    streams grow. ``on_text`` receives a model's name and each piece of its text. Running models are closed before
    this returns, even when the caller is cancelled. Never raises a ``ProviderError``.
    """
    fan_out = _FanOut(len(models), progress, on_text)
    for model in models:
        own_prompt = prompt if isinstance(prompt, Prompt) else prompt(model)
        if own_prompt is not None:
            fan_out.start(model, own_prompt)
    try:
        await fan_out.run(budget_ms / 1e3, should_stop)
    finally:
        await fan_out.close()
    return fan_out.result


class _FanOut:
    def __init__(
        self,
        total: int,
        progress: Callable[[FanOutProgress], None] | None,
        on_text: Callable[[str, str], None] | None,
    ) -> None:
        self.result = FanOutResult()
        self._on_text = on_text
        self._total = total
        self._progress = progress
        self._running: dict[asyncio.Task[Completion], str] = {}
        self._partial: dict[str, list[str]] = {}
        self._chunks_seen = 0

    def start(self, model: Model, prompt: Prompt) -> None:
        name = model.profile.name
        partial = self._partial[name] = []

        def on_text(text: str) -> None:
            partial.append(text)
            if self._on_text is not None:
                self._on_text(name, text)

        task = asyncio.create_task(gather(model, prompt, on_text), name=f"ask {name}")
        self._running[task] = name
        self._report(name, "asked")

    async def run(self, seconds: float, should_stop: StopCheck | None) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._running and (left := deadline - loop.time()) > 0:
            checks = should_stop is not None and bool(self.result.completions)
            done, _ = await asyncio.wait(
                self._running,
                timeout=min(left, POLL_SECONDS) if checks else left,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                self._take(task)
            if (done or self._grew()) and await self._can_stop(should_stop, deadline):
                return

    def _grew(self) -> bool:
        """Return whether the running streams have grown since the last check."""
        before = self._chunks_seen
        self._chunks_seen = sum(len(self._partial[name]) for name in self._running.values())
        return self._chunks_seen > before

    async def _can_stop(self, should_stop: StopCheck | None, deadline: float) -> bool:
        """Return whether the running models can be stopped; the check may take until the deadline."""
        if should_stop is None or not self.result.completions:
            return False
        left = deadline - asyncio.get_running_loop().time()
        running = {name: "".join(self._partial[name]) for name in self._running.values()}
        try:
            return await asyncio.wait_for(
                should_stop(self.result.completions, running), max(0.0, left)
            )
        except asyncio.TimeoutError:
            return False

    async def close(self) -> None:
        """Close the running models; they are cancelled even if this call is cancelled."""
        left, self._running = self._running, {}
        for task, name in left.items():
            task.cancel()
            self.result.cancelled.append(name)
        if left:
            await asyncio.gather(*left, return_exceptions=True)
        for name in left.values():
            self._report(name, "closed")

    def _take(self, task: asyncio.Task[Completion]) -> None:
        name = self._running.pop(task)
        error = task.exception()
        if error is None:
            self.result.completions.append(task.result())
            self._report(name, "answered")
            return
        if not isinstance(error, ProviderError):
            # A bug in one provider must not lose the other models' answers.
            logger.error("asking %s failed", name, exc_info=error)
            error = InvalidResponseError(
                name, f"{name} failed with an internal error; see the log ({error!r})."
            )
        self.result.errors[name] = error
        self._report(name, "failed")

    def _report(self, model: str, state: FanOutState) -> None:
        if self._progress is not None:
            done = len(self.result.completions) + len(self.result.errors)
            done += len(self.result.cancelled)
            self._progress(FanOutProgress(model, state, done, self._total))
