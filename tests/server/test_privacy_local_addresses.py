"""Servers on this machine that forward to a service count as remote."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.server.conftest import Home, cli
from tests.server.remote_model import APP, KEY, LIKE, MARK, asks, everything, file, sent
from tests.support.providers import LoopbackProvider, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="paths of POSIX"),
]


class Proxy(LoopbackProvider):
    """A server on this machine that says of itself what ``pages`` has."""

    def __init__(self, pages: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__("width * height")
        self.pages = pages
        self.headers = headers or {}

    async def _list_models(self, request: web.Request) -> web.Response:
        if request.path in self.pages:
            return web.json_response(self.pages[request.path], headers=self.headers)
        answer = await super()._list_models(request)
        answer.headers.update(self.headers)
        return answer

    async def _list_tags(self, request: web.Request) -> web.Response:
        if request.path in self.pages:
            return web.json_response(self.pages[request.path])
        return await super()._list_tags(request)


def listed(**more: Any) -> dict[str, Any]:
    return {"/v1/models": {"object": "list", "data": [{"id": "near", "object": "model", **more}]}}


PROXIES: dict[str, Proxy] = {
    "litellm": Proxy(listed(owned_by="openai")),
    "copilot": Proxy(listed(owned_by="Azure OpenAI", vendor="Azure OpenAI")),
    "openrouter": Proxy(listed(pricing={"prompt": "0.1"}, top_provider={"context_length": 1})),
    "ollama": Proxy(
        {"/api/tags": {"models": [{"name": "near", "remote_host": "https://ollama.com:443"}]}}
    ),
    "others": Proxy({"/v1/models": {"data": [{"id": "near"}, {"id": "anthropic/claude-opus-4"}]}}),
    "headers": Proxy({}, {"openai-processing-ms": "12"}),
    "network": Proxy(listed(owned_by="me"), {"cf-ray": "8"}),
    "names": Proxy({"/v1/models": {"data": ["near", "gpt-4o"]}}),
    "engine": Proxy(listed(engine="anthropic")),
    "upstream": Proxy(listed(meta={"endpoint": "https://gateway.example/v1"})),
}


@pytest.fixture(params=sorted(PROXIES))
def proxy(request: pytest.FixtureRequest) -> Iterator[LoopbackProvider]:
    with running(PROXIES[request.param]) as provider:
        yield provider
        provider.requests.clear()


async def secrets_sent(home: Home, provider: LoopbackProvider) -> str:
    """What a model at that server gets of a file with a key, and of one that is ignored."""
    file(home, ".gitignore", "ignored.py\n")
    ignored = file(home, "ignored.py", LIKE.format(MARK) + APP)
    app = file(home, "app.py", f'KEY = "{KEY}"\n\n{APP}')
    async with home.server() as client:
        await client.inline(client.open(ignored.as_uri(), ignored.read_text()))
        uri = client.open(app.as_uri(), app.read_text())
        await everything(client, uri)
    assert provider.requests
    return sent(provider)


async def test_a_proxy_on_this_machine_counts_as_remote(
    home: Home, proxy: LoopbackProvider
) -> None:
    home.model("near", proxy.base_url)
    text = await secrets_sent(home, proxy)
    assert KEY not in text and MARK not in text and "def total" in text


async def test_a_setting_overrides_what_a_server_says(home: Home, proxy: LoopbackProvider) -> None:
    home.model("near", proxy.base_url, local=True)
    assert KEY in await secrets_sent(home, proxy)


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "glm-4.6:cloud", "gpt-4.1", "o3"])
async def test_models_that_no_machine_has_are_remote_behind_any_address(
    home: Home, provider: LoopbackProvider, model: str
) -> None:
    home.model("near", provider.base_url)
    home.models[0]["model"] = model
    text = await secrets_sent(home, provider)
    assert KEY not in text and MARK not in text


async def test_an_ordinary_server_is_local_unless_the_user_says_otherwise(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("near", provider.base_url)
    text = await secrets_sent(home, provider)
    assert KEY in text and MARK in text
    provider.requests.clear()
    home.models[0]["local"] = False
    text = await secrets_sent(home, provider)
    assert KEY not in text and MARK not in text


async def test_a_proxy_that_starts_after_the_editor_gets_nothing_before_it_is_known(
    home: Home,
) -> None:
    provider = Proxy(listed(owned_by="anthropic"))
    with running(provider):
        port = provider.port
    home.model("near", f"http://127.0.0.1:{port}/v1")
    app = file(home, "app.py", f'KEY = "{KEY}"\n\n{APP}')
    async with home.server() as client:
        uri = client.open(app.as_uri(), app.read_text())
        assert await client.command("ensemble.models")
        late = Proxy(listed(owned_by="anthropic"))
        late._port = port
        async with late:
            for _ in range(4):
                client.append(uri, " ")
                await client.inline(uri)
                await asyncio.sleep(0.1)
            await asks(client, uri)
            assert late.requests and KEY not in sent(late)


def test_doctor_and_the_list_of_models_say_what_an_address_cannot_tell(
    home: Home, proxy: LoopbackProvider
) -> None:
    with running(LoopbackProvider("1")) as plain:
        home.model("near", proxy.base_url)
        home.model("plain", plain.base_url)
        told = cli(home, "doctor").stdout
        listed_models = cli(home, "models", "list").stderr
    for text in (told, listed_models):
        assert "it counts as remote: its server" in text and "local = true" in text
        assert "if its server forwards to a service, set `local = false`" in text
