"""Wrapper that reports each streamed chunk to an observer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ...types import Chunk, Prompt
from ..interface import Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper


class Observed(Wrapper):
    """Calls ``see(model, text)`` with each piece of text as it arrives."""

    def __init__(self, inner: Model, see: Callable[[str, str], None]) -> None:
        super().__init__(inner)
        self._see = see

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer."""
        async with open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    self._see(self.profile.name, chunk.text)
                yield chunk
