"""A model for tests of what wraps models: it answers, fails or waits item by item."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ensemble_lsp.errors import ProviderError, ServiceUnavailableError
from ensemble_lsp.models.interface import Model, Profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.types import Chunk, Prompt, Task

PROMPT = Prompt(
    task="complete", language="python", path="a.py", prefix="def add(a, b):\n    return "
)


def prompt(task: Task = "complete") -> Prompt:
    """A small prompt for a task."""
    return dataclasses.replace(PROMPT, task=task)


def completion_prompt(prefix: str, suffix: str = "", **more: Any) -> Prompt:
    """A completion's prompt with the text around the cursor."""
    return Prompt("complete", "python", "a.py", prefix=prefix, suffix=suffix, **more)


def down() -> ServiceUnavailableError:
    """A failure of the provider."""
    return ServiceUnavailableError("fake", "fake is overloaded.")


async def fail(model: Model, times: int = 1) -> ProviderError:
    """Ask a model that fails each time; return the last error."""
    for _ in range(times):
        with pytest.raises(ProviderError) as caught:
            await gather(model, PROMPT)
    return caught.value


class ScriptedModel:
    """Yields what ``answers`` holds, in order, the last one again and again.

    Of an answer each item is a ``Chunk``, a text, an exception to raise, or an event to wait for.
    """

    def __init__(
        self, name: str = "fake", answers: Sequence[Sequence[object]] = (("text",),), **profile
    ) -> None:
        self._profile = Profile(
            **{"name": name, "provider": "openai", "model": f"{name}-1", **profile}
        )
        self.answers = list(answers)
        self.calls: list[Prompt] = []
        self.running = 0
        self.most_running = 0
        self.ended = 0
        """Streams that were left, by whatever way."""
        self.closed = 0

    @property
    def profile(self) -> Profile:
        return self._profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        index = min(len(self.calls), len(self.answers) - 1)
        self.calls.append(prompt)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for item in self.answers[index]:
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, Exception):
                    raise item
                else:
                    yield item if isinstance(item, Chunk) else Chunk(text=str(item))
        finally:
            self.running -= 1
            self.ended += 1

    async def close(self) -> None:
        self.closed += 1


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
