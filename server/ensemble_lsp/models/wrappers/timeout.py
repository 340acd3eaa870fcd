"""Wrapper that limits the time of an answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from time import perf_counter

from ...errors import TimedOutError, advice_first
from ...types import Chunk, Prompt
from ..interface import Loadable, Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper

if sys.version_info >= (3, 11):
    from asyncio import timeout as time_limit
else:
    from async_timeout import timeout as time_limit


class Timeout(Wrapper):
    """Ends an answer that takes too long with ``TimedOutError``.

    Only the time spent waiting for the provider counts, not the reader's own time.
    """

    def __init__(self, inner: Model, total: float, first: float | None = None) -> None:
        """``total`` seconds for the whole answer, ``first`` for its first piece."""
        super().__init__(inner)
        self._total = total
        self._first = total if first is None else min(first, total)

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer; raises ``TimedOutError``."""
        left, limit = self._total, self._first
        async with open_stream(self.inner, prompt) as chunks:
            while True:
                start = perf_counter()
                try:
                    # One limit per piece: a limit that spans a `yield` would cancel the reader.
                    async with time_limit(limit):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except asyncio.TimeoutError:
                    raise self._error(
                        self._first if limit == self._first else self._total
                    ) from None
                left -= perf_counter() - start
                limit = max(0.0, left)
                yield chunk

    def _error(self, limit: float) -> TimedOutError:
        name = self.profile.name
        if isinstance(self.inner, Loadable) and self.inner.is_loading:
            text = advice_first(name, "it is still being loaded", "try again in a moment")
            error = TimedOutError(name, text)
            error.trips_breaker = False
            return error
        fault, advice = f"no answer in {limit:g} s", "try again, or raise its timeout"
        return TimedOutError(name, advice_first(name, fault, advice))
