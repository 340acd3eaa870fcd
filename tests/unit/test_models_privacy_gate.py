"""The gate before every adapter: no prompt of a remote model passes it unredacted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ensemble_lsp.errors import ConnectionFailedError
from ensemble_lsp.models.hosted_ids import runs_elsewhere
from ensemble_lsp.models.interface import BuildContext, Profile
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import PrivacyGate
from ensemble_lsp.provider_spec import specs
from ensemble_lsp.registry.forwarding import find_forwarding, forwards_models
from ensemble_lsp.registry.provider_factory import ProviderFactory, build_model
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support.fake_models import FakeModel
from tests.support.providers import LoopbackProvider

REMOTE = Profile("m", "openai", "m")
LOCAL = replace(REMOTE, local=True)
PROMPT = Prompt("complete", "python", "a.py", prefix="secret")


class Redacts:
    """Replaces the whole text."""

    async def redact_prompt(self, prompt: Prompt) -> Prompt:
        return replace(prompt, prefix="clean")


def answering(*answers: str | None):
    left = list(answers)

    async def ask(seconds: float) -> str | None:
        return left.pop(0)

    return ask


async def test_a_remote_model_gets_the_redacted_prompt_and_a_local_one_all() -> None:
    for local, shown in ((False, "clean"), (True, "secret")):
        model = FakeModel("m", "x", local=local)
        answer = await gather(PrivacyGate(model, Redacts()), PROMPT)
        assert answer.text == "x"
        assert [prompt.prefix for prompt in model.prompts] == [shown]


async def test_a_server_that_forwards_gets_nothing_that_was_made_for_a_local_model() -> None:
    model = FakeModel("m", "x", local=True)
    gate = PrivacyGate(model, Redacts(), answering(None, "is LiteLLM"))
    assert gate.profile.local
    await gather(gate, PROMPT)
    assert model.prompts.pop().prefix == "secret"
    with pytest.raises(ConnectionFailedError, match="is LiteLLM") as caught:
        await gather(gate, PROMPT)
    assert not caught.value.trips_breaker and not caught.value.was_sent
    assert not gate.profile.local and model.prompts == []
    await gather(gate, PROMPT)
    assert model.prompts.pop().prefix == "clean"


async def test_a_server_is_asked_until_it_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel("m", "x", local=True)
    gate = PrivacyGate(model, Redacts(), answering(None, None, None, ""))
    for _ in range(6):
        await gather(gate, PROMPT)
    assert gate.profile.local and len(model.prompts) == 6


def test_no_adapter_is_built_without_the_gate(tmp_path: Path) -> None:
    for name, spec in specs().items():
        if spec.local or name == "echo":
            continue
        for url in (None, "http://127.0.0.1:9/v1", "https://models.example/v1"):
            settings = ModelSettings(name="x", provider=name, model="m", base_url=url)
            profile = make_profile(settings)
            model = build_model(settings, profile, BuildContext(tmp_path, "key"))
            assert isinstance(model, PrivacyGate)


async def test_a_factory_without_a_redactor_removes_every_secret(tmp_path: Path) -> None:
    settings = ModelSettings(name="x", provider="openai", model="m", base_url="http://h.example/v1")
    model = build_model(settings, make_profile(settings), BuildContext(tmp_path, "key"))
    assert isinstance(model, PrivacyGate)
    model.inner = FakeModel("x", "y")
    key = "sk-proj-Zk3vQ8mN2xR7tW5yB1cD4fG6hJ9kL0pA"
    await gather(model, replace(PROMPT, prefix=f"key = '{key}'"))
    assert model.inner.prompts[0].prefix == "key = '<redacted>'"


def test_adapters_with_different_redactors_differ(tmp_path: Path) -> None:
    assert ProviderFactory(tmp_path, None, Redacts()) != ProviderFactory(tmp_path, None, Redacts())


@pytest.mark.parametrize(
    ("model", "hosted"),
    [
        ("gpt-oss:120b-cloud", True), ("glm-4.6:cloud", True), ("Kimi-K2:1T-CLOUD", True), ("gpt-4.1-mini", True),
        ("openai/gpt-5", True), ("claude-sonnet-5", True), ("o3-mini", True), ("gemini-2.5-pro", True), ("grok-4", True),
        ("gpt-oss:20b", False), ("qwen2.5-coder:7b", False), ("cloudy:7b", False), ("gpt4all-j", False), ("grok-1", False),
        ("olmo1", False), ("codestral", False), ("claude", False), ("gpt", False), ("llama-cloud:7b", False),
    ],
)  # fmt: skip
def test_models_that_only_services_have(model: str, hosted: bool) -> None:
    assert runs_elsewhere(model) is hosted
    near = ModelSettings(name="x", provider="openai", model=model, base_url="http://localhost:1/v1")
    assert make_profile(near).local is not hosted
    for local in (True, False):
        assert make_profile(near.model_copy(update={"local": local})).local is local


def test_a_setting_makes_a_host_of_the_users_network_local() -> None:
    far = ModelSettings(name="x", provider="openai", model="m", base_url="http://10.0.0.2/v1")
    assert not make_profile(far).local
    assert make_profile(far.model_copy(update={"local": True})).local


@pytest.mark.parametrize(
    ("item", "forwards"),
    [
        ({"owned_by": "openai"}, True), ({"owned_by": "Anthropic"}, True), ({"owned_by": "github-copilot"}, True),
        ({"owned_by": "Azure OpenAI"}, True), ({"vendor": "Google"}, True), ({"pricing": {"prompt": "1"}}, True),
        ({"top_provider": {}}, False), ({"top_provider": {"x": 1}}, True), ({"id": "gpt-4o"}, True),
        ({"owned_by": "library"}, False), ({"owned_by": "llamacpp"}, False), ({"owned_by": "vllm"}, False),
        ({"owned_by": "organization_owner"}, False), ({"owned_by": "sglang"}, False), ({"owned_by": "me"}, False),
        ({"owned_by": "", "meta": {"n_ctx": 1}}, False), ({"owned_by": 7, "id": 8}, False), ({"owned_by": "xai"}, True),
        ({"owned_by": "xainfer"}, False), ({"owned_by": "docker"}, False), ({"owned_by": "llama-swap"}, False),
    ],
)  # fmt: skip
def test_what_a_list_of_models_says(item: dict[str, object], forwards: bool) -> None:
    assert bool(forwards_models([{"id": "m", **item}])) is forwards


async def test_a_server_is_asked_for_what_it_says_of_itself() -> None:
    async with LoopbackProvider() as plain:
        assert await find_forwarding(plain.base_url, "m", "", 2.0) == ""
        assert set(plain.looked_up) == {"/v1/models", "/api/tags"}
        url = plain.base_url
    assert await find_forwarding(url, "m", "", 2.0) is None
