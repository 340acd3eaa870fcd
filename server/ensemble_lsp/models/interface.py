"""The one protocol of a model, its profile, and how an answer is gathered from its stream.

Policies (timeout, failover, circuit breaker, concurrency, metering) are models that wrap models, in
``wrappers.py``; an adapter holds no policy. Adapters translate their SDK's errors into
``errors.ProviderError`` once, inside ``stream``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..types import TASKS, Chunk, Completion, Prompt, Task, Usage


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a model before it is asked."""

    name: str
    """The configured, unique name."""
    provider: str
    model: str
    """The provider's own id; for ``llamacpp`` a path or a packaged model's name."""
    tasks: tuple[Task, ...] = TASKS
    context_tokens: int = 8192
    input_price: float = 0.0
    """US dollars for a million tokens."""
    output_price: float = 0.0
    fim: str = "none"
    """``none`` (chat or plain prefix), ``suffix`` (the API's parameter), ``native`` (the engine's own
    fill-in-the-middle), or the name of a template in ``profiles.py``."""
    local: bool = False
    """Whether nothing leaves this machine: then the privacy rules for remote models do not apply."""
    backend: str = ""
    """Models with the same non-empty backend share one machine's compute and are queued fairly."""
    timeout: float = 20.0
    """Seconds for a whole answer."""
    concurrency: int = 4
    free: bool = False
    """Costs neither money nor noticeable time (recall): may always be asked."""

    def cost(self, usage: Usage) -> float:
        """US dollars for that usage."""
        return (
            usage.input_tokens * self.input_price + usage.output_tokens * self.output_price
        ) / 1e6


@dataclass(frozen=True, slots=True)
class BuildContext:
    """Everything but settings and profile that a provider may need to build a model."""

    data_dir: Path
    """Folder for weights and logs."""
    key: str | None = None
    document_index: object = None
    """The index of open documents, for a provider that ``uses_documents``."""
    http_client: Any = None
    """Replaces the adapter's own HTTP client: for previews and tests."""


class Model(Protocol):
    """One configured way to do tasks."""

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Answer in pieces. Closing the iterator closes the provider's connection at once.

        An async generator. Raises a subclass of ``errors.ProviderError`` and nothing else.
        """
        ...

    async def close(self) -> None:
        """Give back connections and processes; the model is not used afterwards."""
        ...


@runtime_checkable
class Preparable(Protocol):
    """A model that has something to load before its first request."""

    async def prepare(self) -> None:
        """Load it, off the event loop."""
        ...


async def gather(
    model: Model, prompt: Prompt, on_text: Callable[[str], None] | None = None
) -> Completion:
    """The whole answer of one model, timed on the monotonic clock; ``heard`` is told each piece of it."""
    start = time.perf_counter()
    first = 0.0
    parts: list[str] = []
    last = Chunk(model=model.profile.name)
    usage, finish, confidence = Usage(), "stop", None
    async with aclosing(model.stream(prompt)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.text and not first:
                first = (time.perf_counter() - start) * 1e3
            parts.append(chunk.text)
            if on_text is not None and chunk.text:
                on_text(chunk.text)
            last = chunk
            usage = chunk.usage or usage
            finish = chunk.finish or finish
            confidence = chunk.confidence if chunk.confidence is not None else confidence
    total = (time.perf_counter() - start) * 1e3
    return Completion(
        text="".join(parts),
        model=last.model or model.profile.name,
        usage=usage,
        finish=finish,
        first_token_ms=first or total,
        total_ms=total,
        cost=model.profile.cost(usage),
        confidence=confidence,
    )
