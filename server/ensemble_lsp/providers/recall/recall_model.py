"""The adapter: predicts from the index, and answers nothing below a confidence threshold."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...models.interface import BuildContext, Profile
from ...settings import ModelSettings
from ...types import Chunk, Prompt, Usage
from .obvious import is_obvious
from .token_index import RecallIndex

THRESHOLD = 0.55
"""Minimum confidence of an answer, chosen on the tuning half of ``benchmarks/recall_quality.py`` for at least .75
right answers on masked lines and .6 on lines being written."""
MAX_BLOCK = 12
"""Maximum lines of an answer."""


class RecallModel:
    """Predicts the rest of the line or block from the user's own code; no weights, no network."""

    def __init__(
        self,
        settings: ModelSettings,
        profile: Profile,
        index: RecallIndex,
        *,
        threshold: float = THRESHOLD,
        max_lines: int = MAX_BLOCK,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._index = index
        self._threshold = threshold
        self._max_lines = max_lines

    @classmethod
    def build(cls, settings: ModelSettings, profile: Profile, context: BuildContext) -> RecallModel:
        """Build the adapter of the provider's spec."""
        if not isinstance(context.document_index, RecallIndex):
            raise TypeError("recall needs the index of open documents")
        return cls(settings, profile, context.document_index)

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return self._profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Yield one chunk: the prediction with its confidence; empty below the threshold or if it is obvious."""
        found = (
            self._index.predict(
                uri=self._index.find(prompt.path) or "",
                language=prompt.language,
                prefix=prompt.prefix,
                suffix=prompt.suffix,
                multiline=prompt.multiline,
                max_lines=self._max_lines,
            )
            if prompt.task == "complete"
            else []
        )
        best = found[0] if found else None
        sure = (
            best is not None
            and best.confidence >= self._threshold
            and not is_obvious(prompt.prefix.rpartition("\n")[2], best.text)
        )
        yield Chunk(
            text=best.text if best is not None and sure else "",
            model=self._profile.name,
            usage=Usage(),
            finish="stop",
            confidence=best.confidence if best is not None else 0.0,
        )

    async def close(self) -> None:
        """Close nothing: the index belongs to the workspace."""
