"""Graceful draining of removed models, and a placeholder for unavailable ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from ...errors import ConnectionFailedError, ProviderError
from ...types import Chunk, Prompt
from ..interface import Model, Profile
from ..stream_collector import open_stream
from .wrapper_base import Wrapper


class Draining(Wrapper):
    """Counts running answers, so that closing can wait for them."""

    def __init__(self, inner: Model) -> None:
        super().__init__(inner)
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing: asyncio.Task[None] | None = None

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer; raises ``ConnectionFailedError`` once closed."""
        if self._closing is not None:
            error = ConnectionFailedError(self.profile.name, f"{self.profile.name} was removed.")
            error.was_sent = False
            raise error
        self._running += 1
        self._idle.clear()
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def retire(self, patience: float) -> None:
        """Close when the running answers have ended, or after ``patience`` seconds."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._idle.wait(), patience)
        await self.close()

    async def close(self) -> None:
        """Close the inner model at once; a second time does nothing."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self.inner.close())
        await asyncio.shield(self._closing)


class Unavailable:
    """A placeholder for a model that cannot be used: it is listed, and raises the reason."""

    def __init__(self, profile: Profile, error: ProviderError) -> None:
        self._profile = profile
        self._error = type(error), str(error)

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return self._profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Raise the error."""
        kind, message = self._error
        error = kind(self._profile.name, message)
        error.was_sent = False
        raise error
        yield  # an async generator, as the protocol asks

    async def close(self) -> None:
        """Close nothing."""
