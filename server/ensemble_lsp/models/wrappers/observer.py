"""Somebody who reads along while an answer comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ...types import Chunk, Prompt
from ..interface import Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper


class Observed(Wrapper):
    """Tells ``see(model, text)`` of every piece of text as it comes, before anything is done to it."""

    def __init__(self, inner: Model, see: Callable[[str, str], None]) -> None:
        super().__init__(inner)
        self._see = see

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """As the inner model."""
        async with open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    self._see(self.profile.name, chunk.text)
                yield chunk
