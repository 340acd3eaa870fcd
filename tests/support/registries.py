"""Registries over scripted models, which share one set of adapters."""

from __future__ import annotations

import types
from dataclasses import dataclass, field

import pytest

from ensemble_lsp.errors import AuthenticationError, SettingsError
from ensemble_lsp.models.api_keys import Keyring, missing_key
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.log_redaction import RedactKeys
from ensemble_lsp.models.wrappers import ModelCall
from ensemble_lsp.registry.discovery import DiscoveredModel
from ensemble_lsp.registry.model_registry import Registry
from ensemble_lsp.settings import ModelSettings, Settings
from tests.support.scripted import ScriptedModel

SECRET = "sk-0123456789"


def settings(name: str, **values) -> ModelSettings:
    return ModelSettings(
        **{"name": name, "provider": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
        | values
    )


@dataclass
class FakeAdapters:
    """Makes scripted models, and remembers them in order."""

    answers: dict[str, list] = field(default_factory=dict)
    made: list[ScriptedModel] = field(default_factory=list)

    def profile(self, settings: ModelSettings) -> Profile:
        if settings.fim == "wrong":
            raise SettingsError("fim 'wrong' is not known")
        return Profile(settings.name, settings.provider, settings.model, settings.tasks)

    def obstacle(self, settings, key):
        problem = None if key else missing_key(settings)
        return AuthenticationError(settings.name, problem) if problem else None

    def make(self, settings, profile, key):
        if settings.model == "broken":
            raise ImportError("no such module")
        model = ScriptedModel(settings.name, self.answers.get(settings.name, [["text"]]))
        model._profile = profile
        self.made.append(model)
        return model

    def __getitem__(self, name: str) -> ScriptedModel:
        return [m for m in self.made if m.profile.name == name][-1]


class House:
    """Builds registries that share one set of adapters."""

    def __init__(self, tmp_path, **answers) -> None:
        self.adapters = FakeAdapters(answers)
        self.calls: list[ModelCall] = []
        self.env: dict[str, str] = {}
        self.found: list[DiscoveredModel] = []
        self.searched = 0
        self.path = tmp_path
        self.redact = RedactKeys()
        self.keys: dict[str, str] = {}
        self.asked: list[str] = []

    async def discover(self, env, data_dir):
        self.searched += 1
        return self.found

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        return self.keys.get(username)

    async def build(self, *models: ModelSettings, previous=None, **more) -> Registry:
        return await Registry.build(
            Settings(models=models, **more),
            env=self.env,
            data_dir=self.path,
            document_index=None,
            on_call=self.calls.append,
            previous=previous,
            adapters=self.adapters,
            keyring=Keyring(lambda: types.SimpleNamespace(get_password=self.get_password)),
            redact=self.redact,
            discover=self.discover,
        )


@pytest.fixture
def house(tmp_path) -> House:
    return House(tmp_path)


def names(registry: Registry, task="complete") -> list[str]:
    return [model.profile.name for model in registry.for_task(task)]
