"""Models for unit tests: scripted in process, paused and watched by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from ensemble_lsp.errors import ProviderError
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.types import TASKS, Chunk, Prompt, Task, Usage


class FakeModel:
    """Answers with a text (or what a function makes of the prompt), in the given pieces.

    ``gate`` holds every answer back until it is set. ``closed`` counts streams that were closed
    before their end; ``prompts`` has all it was asked.
    """

    def __init__(
        self,
        name: str,
        answer: str | Callable[[Prompt], str] | ProviderError = "",
        *,
        gate: asyncio.Event | None = None,
        pieces: int = 1,
        free: bool = False,
        local: bool = False,
        tasks: Sequence[Task] = TASKS,
        confidence: float | None = None,
        tail: asyncio.Event | None = None,
    ) -> None:
        self.profile = Profile(
            name, "fake", name, tuple(tasks), free=free, local=local, input_price=1, output_price=2
        )
        self.answer = answer
        self.gate = gate
        self.tail = tail
        self.pieces = pieces
        self.confidence = confidence
        self.prompts: list[Prompt] = []
        self.closed = 0
        self.asked = asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """The scripted answer."""
        self.prompts.append(prompt)
        self.asked.set()
        ended = False
        try:
            if self.gate is not None:
                await self.gate.wait()
            if isinstance(self.answer, ProviderError):
                ended = True
                raise self.answer
            text = self.answer(prompt) if callable(self.answer) else self.answer
            size = max(1, -(-len(text) // self.pieces))
            for start in range(0, len(text), size):
                yield Chunk(text[start : start + size], self.profile.name)
                await asyncio.sleep(0)
            if self.tail is not None:
                await self.tail.wait()
            usage = Usage(10, len(text))
            yield Chunk("", self.profile.name, usage, "stop", confidence=self.confidence)
            ended = True
        finally:
            self.closed += not ended

    async def close(self) -> None:
        """Nothing to give back."""
