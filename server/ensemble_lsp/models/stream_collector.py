"""Read a model's stream into one answer: text, usage, finish, confidence and times."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

from ..types import Chunk, Completion, Prompt, Usage
from .interface import Model, Profile


class StreamCollector:
    """The answer so far. Times are milliseconds on the monotonic clock since it was made."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.model = profile.name
        self.text = ""
        self.usage: Usage | None = None
        self.finish = ""
        self.confidence: float | None = None
        self.started = time.perf_counter()
        self.first_token_ms: float | None = None
        self.total_ms: float | None = None
        """Set by ``end``."""

    def add(self, chunk: Chunk) -> None:
        """Add a chunk. After ``end`` its text no longer counts, but its usage does."""
        if chunk.text and self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
        if self.total_ms is None:
            self.text += chunk.text
        self.model = chunk.model or self.model
        self.usage = chunk.usage or self.usage
        self.finish = chunk.finish or self.finish
        if chunk.confidence is not None:
            self.confidence = chunk.confidence

    def end(self) -> None:
        """Take the total time; a second call does nothing."""
        if self.total_ms is None:
            self.total_ms = self._elapsed_ms()

    def completion(self) -> Completion:
        """Return the answer so far."""
        usage = self.usage or Usage()
        total = self.total_ms or 0.0
        return Completion(
            text=self.text,
            model=self.model,
            usage=usage,
            finish=self.finish or "stop",
            first_token_ms=self.first_token_ms or total,
            total_ms=total,
            cost=self.profile.cost(usage),
            confidence=self.confidence,
        )

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1e3


def open_stream(model: Model, prompt: Prompt) -> aclosing[AsyncGenerator[Chunk, None]]:
    """Return a model's stream as a context that closes it; the protocol asks for an async generator."""
    return aclosing(cast("AsyncGenerator[Chunk, None]", model.stream(prompt)))


async def collect(
    model: Model,
    prompt: Prompt,
    *,
    on_text: Callable[[str], None] | None = None,
    enough: Callable[[str], bool] | None = None,
) -> StreamCollector:
    """Read one answer; close the stream early once ``enough(text)`` holds.

    ``on_text`` receives each piece of text.
    """
    answer = StreamCollector(model.profile)
    async with open_stream(model, prompt) as chunks:
        async for chunk in chunks:
            answer.add(chunk)
            if chunk.text and on_text is not None:
                on_text(chunk.text)
            if chunk.text and enough is not None and enough(answer.text):
                break
    answer.end()
    return answer


async def gather(
    model: Model, prompt: Prompt, on_text: Callable[[str], None] | None = None
) -> Completion:
    """Return the whole answer of one model; ``on_text`` receives each piece of text."""
    return (await collect(model, prompt, on_text=on_text)).completion()
