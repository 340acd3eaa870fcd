"""Which adapter a provider gets, and that none is imported before it is wanted."""

from __future__ import annotations

import subprocess
import sys

from ensemble_lsp.errors import AuthenticationError
from ensemble_lsp.models.api_keys import Key, no_key
from ensemble_lsp.models.wrappers import PrivacyGate
from ensemble_lsp.providers.anthropic.anthropic_model import AnthropicModel
from ensemble_lsp.providers.openai.openai_model import OpenAIModel
from ensemble_lsp.registry.provider_factory import ProviderFactory
from ensemble_lsp.settings import ModelSettings


def test_each_service_gets_its_adapter(tmp_path):
    adapters = ProviderFactory(tmp_path, None)
    for provider, kind in (("openai", OpenAIModel), ("anthropic", AnthropicModel)):
        settings = ModelSettings(name="x", provider=provider, model="m")
        profile = adapters.profile(settings)
        assert profile.name == "x"
        gate = adapters.make(settings, profile, Key("sk-1", "y"))
        assert isinstance(gate, PrivacyGate)
        assert isinstance(gate.inner, kind)


def test_a_service_without_a_key_has_an_obstacle_and_a_local_server_none(tmp_path):
    adapters = ProviderFactory(tmp_path, None)
    settings = ModelSettings(name="x", provider="anthropic", model="m")
    assert isinstance(adapters.obstacle(settings, no_key()), AuthenticationError)
    assert adapters.obstacle(settings, Key("sk-1", "y")) is None
    local = settings.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    assert adapters.obstacle(local, no_key()) is None


def test_adapters_are_equal_for_the_same_folder_and_index(tmp_path):
    index = object()
    assert ProviderFactory(tmp_path, index) == ProviderFactory(tmp_path, index)
    assert ProviderFactory(tmp_path, index) != ProviderFactory(tmp_path, object())
    assert ProviderFactory(tmp_path, index) != ProviderFactory(tmp_path / "x", index)


def test_the_registry_imports_no_sdk_no_keyring_and_no_array_library():
    code = (
        "import sys, ensemble_lsp.registry.model_registry; "
        "print([m for m in ('openai', 'anthropic', 'xllamacpp', 'httpx2', 'keyring', 'numpy', "
        "'tomlkit', 'platformdirs') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
