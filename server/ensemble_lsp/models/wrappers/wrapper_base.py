"""The base class of wrappers."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...types import Chunk, Prompt
from ..interface import Model, Profile
from ..stream_collector import open_stream


class Wrapper:
    """A model that forwards everything to an inner model."""

    def __init__(self, inner: Model) -> None:
        self.inner = inner

    @property
    def profile(self) -> Profile:
        """The inner model's profile."""
        return self.inner.profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer."""
        async with open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """Close the inner model."""
        await self.inner.close()
