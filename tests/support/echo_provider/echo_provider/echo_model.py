"""The model of the ``echo`` provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ensemble_lsp.models.interface import BuildContext, Profile
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Chunk, Prompt


class EchoModel:
    """Completes with its configured model id."""

    def __init__(self, settings: ModelSettings, profile: Profile, context: BuildContext) -> None:
        self.profile = profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Yield one chunk."""
        yield Chunk(f"echo({self.profile.model!r})", finish="stop")

    async def close(self) -> None:
        """Close nothing."""
