"""From a model's settings to its adapter; each provider's module is imported when a model wants it.

Everything here may import and block: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import AuthenticationError, ConnectionFailedError, ProviderError
from ..models.api_keys import Key, missing_key
from ..models.interface import Model, Profile
from ..settings import ModelSettings


class ModelFactory(Protocol):
    """How models are made. Two that are equal make the same ones."""

    def profile(self, settings: ModelSettings) -> Profile:
        """What is known of a model; raises ``SettingsError``."""
        ...

    def obstacle(self, settings: ModelSettings, key: Key) -> ProviderError | None:
        """Why a model cannot be asked as things are, and what to do; None where it can."""
        ...

    def make(self, settings: ModelSettings, profile: Profile, key: Key) -> Model:
        """The bare adapter, without policies."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class ProviderFactory:
    """The four providers."""

    data_dir: Path
    recall_index: object
    """A ``recall.RecallIndex``; its module is not imported for its name."""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ProviderFactory)
            and self.data_dir == other.data_dir
            and self.recall_index is other.recall_index
        )

    def __hash__(self) -> int:
        return hash((self.data_dir, id(self.recall_index)))

    def profile(self, settings: ModelSettings) -> Profile:
        """What is known of a model; raises ``SettingsError``."""
        if settings.provider == "recall":
            from ..providers.recall import recall_profile

            return recall_profile(settings)
        from ..models.profiles import make_profile

        return make_profile(settings)

    def obstacle(self, settings: ModelSettings, key: Key) -> ProviderError | None:
        """A key that is missing, an engine or weights that are not installed."""
        if settings.provider == "recall":
            return None
        if settings.provider == "llamacpp":
            from ..providers.llamacpp import availability

            problem = availability(settings, self.data_dir)
            return ConnectionFailedError(settings.name, problem) if problem else None
        problem = None if key else missing_key(settings)
        return AuthenticationError(settings.name, problem) if problem else None

    def make(self, settings: ModelSettings, profile: Profile, key: Key) -> Model:
        """The bare adapter."""
        if settings.provider == "recall":
            from ..providers.recall import RecallIndex, RecallModel

            if not isinstance(self.recall_index, RecallIndex):
                raise TypeError("recall needs its index")
            return RecallModel(settings, profile, self.recall_index)
        if settings.provider == "llamacpp":
            from ..providers.llamacpp import LlamaCppModel

            return LlamaCppModel(settings, profile, data_dir=self.data_dir)
        if settings.provider == "anthropic":
            from ..providers.anthropic.anthropic_model import AnthropicModel

            return AnthropicModel(settings, profile, key.reveal() or None)
        from ..providers.openai.openai_model import OpenAIModel

        return OpenAIModel(settings, profile, key.reveal() or None)
