"""What every wrapper needs: the stream of the model inside, closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from ...types import Chunk, Prompt
from ..interface import Model, Profile


def open_stream(model: Model, prompt: Prompt) -> aclosing[AsyncGenerator[Chunk, None]]:
    """A model's stream as a context that closes it; the protocol asks for an async generator."""
    return aclosing(cast("AsyncGenerator[Chunk, None]", model.stream(prompt)))


class Wrapper:
    """A model that passes everything on to the one inside."""

    def __init__(self, inner: Model) -> None:
        self.inner = inner

    @property
    def profile(self) -> Profile:
        """The inner model's."""
        return self.inner.profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """As the inner model."""
        async with open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """Close the inner model."""
        await self.inner.close()
