"""A request that is under way: what has come so far, who may join, and how it is ended.

A flight reads one model's stream into a buffer in a task of its own. Who waits for it can be
cancelled without ending it; ``close`` ends it and with it the provider's connection, at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

from ..errors import ProviderError
from ..models.base import Model
from ..types import Completion, Prompt, Usage


class Flight:
    """One model's answer to one prompt, as it comes in."""

    def __init__(
        self, model: Model, prompt: Prompt, enough: Callable[[str], bool] | None = None
    ) -> None:
        self.model = model.profile.name
        self.profile = model.profile
        self.text = ""
        self.error: ProviderError | None = None
        self.started = time.perf_counter()
        self.first_token_ms: float | None = None
        self.total_ms = 0.0
        self.usage = Usage()
        self.finish = ""
        self.confidence: float | None = None
        self._enough = enough
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(model, prompt))

    async def _run(self, model: Model, prompt: Prompt) -> None:
        try:
            # A Model's stream is an async generator; the protocol's type only promises an iterator.
            async with aclosing(cast(Any, model.stream(prompt))) as chunks:
                async for chunk in chunks:
                    self._take(chunk)
                    if self._enough is not None and self._enough(self.text):
                        self.finish = self.finish or "enough"
                        break
        except ProviderError as error:
            self.error = error
        finally:
            self.total_ms = (time.perf_counter() - self.started) * 1e3
            self._changed.set()

    def _take(self, chunk: Any) -> None:
        if chunk.text and self.first_token_ms is None:
            self.first_token_ms = (time.perf_counter() - self.started) * 1e3
        self.text += chunk.text
        self.model = chunk.model or self.model
        self.usage = chunk.usage or self.usage
        self.finish = chunk.finish or self.finish
        if chunk.confidence is not None:
            self.confidence = chunk.confidence
        self._changed.set()

    @property
    def done(self) -> bool:
        """Whether the answer is complete, failed, or was closed."""
        return self._task.done()

    @property
    def good(self) -> bool:
        """Whether it ended with a text."""
        return self.done and self.error is None and bool(self.text)

    async def first(self) -> None:
        """Wait until something came, or the flight ended."""
        while not self.done and not self.text:
            self._changed.clear()
            await self._wait()

    async def ended(self) -> None:
        """Wait for the end; being cancelled here does not end the flight."""
        await asyncio.wait({self._task})

    async def _wait(self) -> None:
        waiter = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({waiter, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()

    def close(self) -> None:
        """End it now, and with it the provider's connection."""
        self._task.cancel()

    async def closed(self) -> None:
        """End it now and wait until the connection is closed."""
        self._task.cancel()
        await asyncio.wait({self._task})

    def completion(self) -> Completion:
        """The answer as far as it came."""
        return Completion(
            text=self.text,
            model=self.model,
            usage=self.usage,
            finish=self.finish or "stop",
            first_token_ms=self.first_token_ms or self.total_ms,
            total_ms=self.total_ms,
            cost=self.profile.cost(self.usage),
            confidence=self.confidence,
        )
