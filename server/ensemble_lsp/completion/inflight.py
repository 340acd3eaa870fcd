"""A request that is under way: what has come so far, who may join, and how it is ended.

A flight reads one model's stream into a buffer in a task of its own. Who waits for it can be
cancelled without ending it; ``close`` ends it and with it the provider's connection, at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

from ..errors import ProviderError
from ..models.interface import Model
from ..types import Completion, Prompt, Usage

logger = logging.getLogger(__name__)

AFTER = 0.005
"""Seconds until the rest of the stream is read: first the answer goes to the editor."""
TAIL = 1.0
"""Seconds that a stream whose answer is whole has for its end: the count of tokens, and a connection
that serves the next request too."""


class InflightRequest:
    """One model's answer to one prompt, as it comes in.

    It is done when the answer is whole: nobody waits for what the provider sends after that.
    """

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
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set when it is done; cancelling it is nobody's business."""
        self._task = asyncio.ensure_future(self._run(model, prompt))

    async def _run(self, model: Model, prompt: Prompt) -> None:
        try:
            # A Model's stream is an async generator; the protocol's type only promises an iterator.
            async with aclosing(cast(Any, model.stream(prompt))) as chunks:
                async for chunk in chunks:
                    self._take(chunk)
                    if self.finish:
                        if not self.done:
                            self._whole()
                            await asyncio.sleep(AFTER)
                    elif self._enough is not None and self._enough(self.text):
                        self.finish = "enough"
                        break
        except ProviderError as error:
            if not self.done:
                self.error = error
            else:
                logger.info("after a whole answer: %s", error)
        finally:
            self._whole()

    def _whole(self) -> None:
        if not self.end.done():
            self.total_ms = (time.perf_counter() - self.started) * 1e3
            self.end.set_result(None)
            self._changed.set()

    def _take(self, chunk: Any) -> None:
        if chunk.text and self.first_token_ms is None:
            self.first_token_ms = (time.perf_counter() - self.started) * 1e3
        if not self.done:
            self.text += chunk.text
        self.model = chunk.model or self.model
        self.usage = chunk.usage or self.usage
        self.finish = chunk.finish or self.finish
        if chunk.confidence is not None:
            self.confidence = chunk.confidence
        self._changed.set()

    @property
    def done(self) -> bool:
        """Whether the answer is whole, failed, or was closed."""
        return self.end.done()

    @property
    def is_closed(self) -> bool:
        """Whether the stream has ended too."""
        return self._task.done()

    @property
    def has_answer(self) -> bool:
        """Whether it ended with a text."""
        return self.done and self.error is None and bool(self.text)

    async def first(self) -> None:
        """Wait until something came, or the flight ended."""
        while not self.done and not self.text:
            self._changed.clear()
            await self._wait()

    async def wait_done(self) -> None:
        """Wait until it is done; being cancelled here does not end the flight."""
        await asyncio.wait({self.end})

    async def _wait(self) -> None:
        waiter = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({waiter, self.end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()

    def close(self) -> None:
        """End it now, and with it the provider's connection; of a whole answer, let the stream end."""
        if not self.done:
            self._task.cancel()
        elif not self.is_closed:
            asyncio.get_running_loop().call_later(TAIL, self._task.cancel)

    async def closed(self) -> None:
        """End it now and wait until the connection is closed."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def wait_closed(self) -> None:
        """Wait for the stream's end, ``TAIL`` seconds at the most."""
        await asyncio.wait({self._task}, timeout=TAIL)

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
