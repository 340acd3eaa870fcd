"""The next model answers where one does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from ...errors import NoModelError, ProviderError
from ...types import Chunk, Prompt
from ..interface import Model, Profile
from .wrapper_base import open_stream


class Failover:
    """Asks the models in turn until one answers; ``Chunk.model`` says which.

    Once text was handed on, a failure is the reader's to see: a second model's answer does not
    continue the first one's. An empty answer is an answer. Owns none of the models.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Raises ``NoModelError`` without models."""
        if not models:
            raise NoModelError("No model is available; `ensemble-lsp models` says why.")
        self.models = tuple(models)

    @property
    def profile(self) -> Profile:
        """The first model's."""
        return self.models[0].profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """The first answer; raises the last error, naming all, where every model fails."""
        errors: list[ProviderError] = []
        for model in self.models:
            shown = False
            try:
                async with open_stream(model, prompt) as chunks:
                    async for chunk in chunks:
                        shown = shown or bool(chunk.text)
                        yield chunk
                return
            except ProviderError as error:
                if shown:
                    raise
                errors.append(error)
        raise _all(errors) from errors[-1]

    async def close(self) -> None:
        """Nothing: the models belong to others."""


def _all(errors: Sequence[ProviderError]) -> ProviderError:
    last = errors[-1]
    if len(errors) == 1:
        return last
    told = "; ".join(f"{error.model}: {str(error).rstrip('.')}" for error in errors)
    whole = type(last)(last.model, f"No model answered. {told}.")
    whole.was_sent = any(error.was_sent for error in errors)
    return whole
