"""The protocol of a model, its profile, and the context that a provider builds it with.

Policies (timeout, circuit breaker, concurrency, metering) are models that wrap models, in
``wrappers``; an adapter holds no policy. An adapter translates its SDK's errors into
``errors.ProviderError`` once, inside ``stream``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..types import TASKS, Chunk, Prompt, Task, Usage

Notify = Callable[[str, str], None]
"""Called with a model's name and what the user waits for, such as loading; with "" when it is over."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The properties of a model that are known before a request."""

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
    edit_format: str = "none"
    """The format in which it predicts the next edit, see ``edit_formats.py``."""
    local: bool = False
    """Whether nothing leaves this machine; the privacy rules for remote models then do not apply."""
    backend: str = ""
    """Models with the same non-empty backend share one machine's compute and one queue."""
    timeout: float = 20.0
    """Seconds for a whole answer."""
    concurrency: int = 4
    free: bool = False
    """Whether it costs neither money nor noticeable time, so it may always be asked."""

    @property
    def continues_exactly(self) -> bool:
        """Whether its completions continue the very character before the cursor.

        Those of a fill-in-the-middle model do, and those of ``recall``, which copies code; a chat model
        may begin on a new line or repeat the last word.
        """
        return self.free or self.fim != "none"

    def cost(self, usage: Usage) -> float:
        """Return US dollars for a usage."""
        return (
            usage.input_tokens * self.input_price + usage.output_tokens * self.output_price
        ) / 1e6


class PromptRedactor(Protocol):
    """Removes from a prompt what must not leave this machine."""

    async def redact_prompt(self, prompt: Prompt) -> Prompt:
        """Return the prompt as it may be sent to a remote model."""
        ...


@dataclass(frozen=True, slots=True)
class BuildContext:
    """Everything but settings and profile that a provider may need to build a model."""

    data_dir: Path
    """Folder for weights and logs."""
    key: str | None = None
    document_index: object = None
    """The index of open documents, for a provider that ``uses_documents``."""
    prompt_redactor: PromptRedactor | None = None
    """Redacts the prompts of remote models; ``None`` for one that removes every secret."""
    http_client: Any = None
    """Replaces the adapter's own HTTP client: for previews and tests."""
    on_notice: Notify | None = None


class Model(Protocol):
    """One configured way to do tasks."""

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Answer in pieces. Closing the iterator closes the provider's connection at once.

        An async generator. Raises a subclass of ``errors.ProviderError`` and nothing else.
        """
        ...

    async def close(self) -> None:
        """Release connections and processes; the model is not used afterwards."""
        ...


@runtime_checkable
class Loadable(Protocol):
    """A model whose server may still have to load it."""

    @property
    def is_loading(self) -> bool:
        """Whether the server is loading it now."""
        ...


@runtime_checkable
class Preparable(Protocol):
    """A model that has something to load before its first request."""

    async def prepare(self) -> None:
        """Load it, off the event loop."""
        ...


@runtime_checkable
class Connectable(Protocol):
    """A model that can have a connection open before a request needs it."""

    def expect_request(self) -> None:
        """Have one open soon, without sending anything; cheap enough for each keystroke."""
        ...
