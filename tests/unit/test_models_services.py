"""Registry, policies and adapters together, against a real HTTP provider on loopback."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from ensemble_lsp.errors import ProviderError
from ensemble_lsp.models.api_keys import Keyring
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import ModelCall
from ensemble_lsp.registry.discovery import LocalServer, discover
from ensemble_lsp.registry.model_registry import Registry
from ensemble_lsp.settings import ModelSettings, Settings
from tests.support.providers import LoopbackProvider
from tests.support.scripted import PROMPT, prompt


def no_keyring() -> None:
    raise RuntimeError("none here")


async def build(tmp_path, calls: list[ModelCall], *models: ModelSettings) -> Registry:
    return await Registry.build(
        Settings(models=models),
        env={"K": "sk-0123456789"},
        data_dir=tmp_path,
        document_index=None,
        on_call=calls.append,
        keyring=Keyring(no_keyring),
    )


def model(provider: LoopbackProvider, **values) -> ModelSettings:
    base = {"name": "m", "provider": "openai", "model": "gpt-4.1-mini", "api_key_env": "K"}
    return ModelSettings(**base, base_url=provider.base_url, **values)


async def test_an_answer_comes_through_all_policies_and_is_metered(tmp_path):
    calls: list[ModelCall] = []
    async with LoopbackProvider("x = 1") as provider:
        registry = await build(tmp_path, calls, model(provider, output_price=1.0))
        answer = await gather(registry.get("m"), prompt("generate"))
        assert (await registry.test("m")).ok
        await registry.close()
    assert (answer.text, answer.model) == ("x = 1", "m")
    (call,) = calls
    assert (call.status, call.usage.output_tokens > 0, call.cost > 0) == ("ok", True, True)
    assert call.usage.estimated is False


async def test_closing_the_outermost_stream_closes_the_providers_connection(tmp_path):
    async with LoopbackProvider("one two three four " * 50, delay_chunk=0.2) as provider:
        registry = await build(tmp_path, [], model(provider))
        async with aclosing(registry.get("m").stream(PROMPT)) as chunks:
            await anext(chunks)
        await provider.until(lambda p: p.requests[0].closed)
        await registry.close()


async def test_a_server_that_is_down_opens_the_breaker_and_is_tested_when_it_is_back(tmp_path):
    provider = LoopbackProvider("x = 1")
    await provider.start()
    registry = await build(tmp_path, [], model(provider))
    await provider.stop()
    for _ in range(3):
        with pytest.raises(ProviderError):
            await gather(registry.get("m"), PROMPT)
    (entry,) = registry.entries()
    assert not entry.available
    assert "paused" in entry.reason
    assert not (await registry.test("m")).ok
    await registry.close()


async def test_a_real_http_server_is_discovered(tmp_path):
    async with LoopbackProvider("x") as provider:
        found = await discover({}, tmp_path, servers=[LocalServer("Ollama", provider.port)])
    assert any(f.settings.base_url == f"http://127.0.0.1:{provider.port}/v1" for f in found)
