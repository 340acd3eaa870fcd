"""A running request to one model: its text so far, and how it is closed.

A task reads the model's stream into a buffer. Cancelling a waiter does not close the stream;
``close`` closes it and the provider's connection at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..errors import ProviderError
from ..models.interface import Model
from ..models.stream_collector import StreamCollector, open_stream
from ..types import Prompt

logger = logging.getLogger(__name__)

AFTER = 0.005
"""Seconds before the rest of the stream is read, so that the answer reaches the editor first."""
TAIL = 1.0
"""Seconds that a stream may stay open after a complete answer: its end brings the token counts and
leaves a connection that the next request can use."""


class InflightRequest(StreamCollector):
    """One model's streamed answer to one prompt.

    It is done when the answer is complete, even if the provider sends more (token counts).
    """

    def __init__(
        self, model: Model, prompt: Prompt, enough: Callable[[str], bool] | None = None
    ) -> None:
        super().__init__(model.profile)
        self.error: ProviderError | None = None
        self._enough = enough
        self.completed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Resolved when the answer is complete. Callers must not cancel it."""
        self._task = asyncio.ensure_future(self._run(model, prompt))
        # A task that is cancelled before its first step runs no `finally`: its waiters would wait forever.
        self._task.add_done_callback(lambda _: self._complete())

    async def _run(self, model: Model, prompt: Prompt) -> None:
        try:
            async with open_stream(model, prompt) as chunks:
                async for chunk in chunks:
                    self.add(chunk)
                    if self.finish:
                        if not self.done:
                            self._complete()
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
            self._complete()

    def _complete(self) -> None:
        if not self.completed.done():
            self.end()
            self.completed.set_result(None)

    @property
    def done(self) -> bool:
        """Whether the answer is complete, failed, or was closed."""
        return self.completed.done()

    @property
    def is_closed(self) -> bool:
        """Whether the stream has ended."""
        return self._task.done()

    @property
    def has_answer(self) -> bool:
        """Whether it is done, without an error and with a text."""
        return self.done and self.error is None and bool(self.text)

    async def wait_done(self) -> None:
        """Wait until it is done; cancelling the wait does not close the stream."""
        await asyncio.wait({self.completed})

    def close(self) -> None:
        """Close the stream and its connection now; after a complete answer, let the stream end."""
        if not self.done:
            self._task.cancel()
        elif not self.is_closed:
            asyncio.get_running_loop().call_later(TAIL, self._task.cancel)

    async def wait_closed(self) -> None:
        """Wait for the end of the stream, at most ``TAIL`` seconds."""
        await asyncio.wait({self._task}, timeout=TAIL)
