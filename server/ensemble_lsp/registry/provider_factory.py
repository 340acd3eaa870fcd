"""Build models from their settings; a provider's code is imported when a model needs it.

Everything here may import and block: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from ..errors import AuthenticationError, ConnectionFailedError, ProviderError
from ..models.api_keys import Key, missing_key
from ..models.interface import BuildContext, Model, Notify, Profile, PromptRedactor
from ..models.profiles import base_url, make_profile
from ..models.wrappers import PrivacyGate
from ..provider_spec import resolve_reference, spec_of
from ..settings import ModelSettings
from .forwarding import find_forwarding


class ModelFactory(Protocol):
    """Builds models. Two factories that are equal build the same models."""

    def profile(self, settings: ModelSettings) -> Profile:
        """Return a model's profile; raises ``SettingsError``."""
        ...

    def obstacle(self, settings: ModelSettings, key: Key) -> ProviderError | None:
        """Return why a model cannot be used now, and what to do; None if it can."""
        ...

    def make(self, settings: ModelSettings, profile: Profile, key: Key) -> Model:
        """Build the bare adapter, without policies."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderFactory:
    """Builds models as their providers' specs say."""

    data_dir: Path
    document_index: object
    """The index of open documents; compared by identity, as it defines no equality."""
    prompt_redactor: PromptRedactor | None = None
    on_notice: Notify | None = field(default=None, compare=False)

    def profile(self, settings: ModelSettings) -> Profile:
        """Return a model's profile; raises ``SettingsError``."""
        return make_profile(settings)

    def obstacle(self, settings: ModelSettings, key: Key) -> ProviderError | None:
        """Return a missing key, or the provider's own problem such as weights that are not installed."""
        spec = spec_of(settings.provider)
        problem = None
        if spec.problem:
            problem = resolve_reference(spec.problem)(settings, self.data_dir)
            if problem:
                return ConnectionFailedError(settings.name, problem)
        if spec.needs_key and not key:
            problem = missing_key(settings)
        return AuthenticationError(settings.name, problem) if problem else None

    def make(self, settings: ModelSettings, profile: Profile, key: Key) -> Model:
        """Build the bare adapter."""
        context = BuildContext(
            self.data_dir,
            key.reveal() or None,
            self.document_index,
            self.prompt_redactor,
            on_notice=self.on_notice,
        )
        return build_model(settings, profile, context)


def build_model(settings: ModelSettings, profile: Profile, context: BuildContext) -> Model:
    """Build a model with its provider's code, behind the gate if it is not a part of this program.

    The only place where adapters are made: none gets a prompt of a remote model past the gate.
    """
    spec = spec_of(settings.provider)
    model = resolve_reference(spec.build)(settings, profile, context)
    if spec.local:
        return model
    redactor = context.prompt_redactor
    if redactor is None:
        from ..context.workspace_index import WorkspaceContext

        redactor = WorkspaceContext()
    ask = None
    if profile.local and settings.local is None and context.http_client is None:
        ask = partial(find_forwarding, base_url(settings), settings.model, context.key or "")
    return PrivacyGate(model, redactor, ask)
