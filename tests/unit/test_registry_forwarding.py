"""Signs by which a server on this machine shows that it forwards to a service."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from ensemble_lsp.models.hosted_ids import runs_elsewhere
from ensemble_lsp.registry import loopback
from ensemble_lsp.registry.forwarding import find_forwarding

Pages = dict[str, Any]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a connection on a busy machine."""
    monkeypatch.setattr(loopback, "CONNECT_SECONDS", 20.0)


def listed(*items: Any) -> Pages:
    return {"/v1/models": {"object": "list", "data": [{"id": "near"}, *items]}}


PROXIES: dict[str, Pages] = {
    "LiteLLM that wants a key": {
        "/v1/models": (401, {"error": {"message": "Authentication Error, No api key passed in."}})
    },
    "LiteLLM without a version": {
        **listed(),
        "/health/readiness": {"status": "connected", "db": ""},
    },
    "LiteLLM's other page": {**listed(), "/v1/model/info": {"data": [{"model_name": "near"}]}},
    "LiteLLM below a path": {
        "/llm/v1/models": {"data": [{"id": "near"}]},
        "/llm/model/info": {"data": [{"model_name": "near"}]},
    },
    "One API": {**listed(), "/api/status": {"data": {"system_name": "New API"}}},
    "Jan": listed({"id": "m", "engine": "anthropic"}),
    "Open WebUI": listed({"id": "m", "connection_type": "external"}),
    "a list of names": {"/v1/models": {"data": ["near", "gpt-4o"]}},
    "a list under another name": {"/v1/models": {"models": [{"id": "gpt-4o"}]}},
    "an alias": listed({"id": "m", "root": "gpt-4o"}),
    "an address": listed({"id": "m", "meta": {"endpoint": "https://gateway.example"}}),
    "a peer": listed({"id": "m", "meta": {"llamaswap": {"peerID": "box"}}}),
    "an owner": listed({"id": "m", "owned_by": "antigravity"}),
    "a redirection": {"/v1/models": (307, None, {"location": "https://api.example/v1/models"})},
    "a service's error": {
        "/v1/models": (401, {"error": {"message": "See https://platform.openai.com/api-keys."}})
    },
}
HEADERS = (
    "cf-ray", "x-envoy-upstream-service-time", "x-amzn-requestid", "apim-request-id", "x-kong-upstream-latency",
    "strict-transport-security", "x-vercel-id", "x-groq-region", "mistral-correlation-id", "openai-version",
)  # fmt: skip
SERVERS: dict[str, Pages] = {
    "llama.cpp": listed({"id": "qwen", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}),
    "vLLM": listed({"id": "Qwen/Qwen2.5-Coder-7B", "owned_by": "vllm", "root": "Qwen/Qwen2.5-Coder-7B"}),
    "Ollama": listed({"id": "gpt-oss:20b", "owned_by": "library"}),
    "LM Studio": listed({"id": "openai/gpt-oss-20b", "owned_by": "organization_owner", "publisher": "openai"}),
    "Jan": listed({"id": "m", "engine": "llama-cpp"}),
    "a page about the model": listed({"id": "m", "url": "https://huggingface.co/Qwen/m"}),
}  # fmt: skip


async def asked(pages: Pages, headers: dict[str, str] | None = None) -> str | None:
    async def answer(request: web.Request) -> web.Response:
        page = pages.get(request.path)
        if page is None:
            return web.json_response({"detail": "Not Found"}, status=404, headers=headers)
        status, body, more = (*page, {})[:3] if isinstance(page, tuple) else (200, page, {})
        return web.json_response(body, status=status, headers={**(headers or {}), **more})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        path = next(path for path in pages if path.endswith("/models")).removesuffix("/models")
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        return await find_forwarding(url, "near", "", 20)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("name", PROXIES)
async def test_a_proxy_is_recognised(name: str) -> None:
    assert await asked(PROXIES[name])


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_of_a_service_shows_it(name: str) -> None:
    assert name in (await asked(listed(), {name: "1"}) or "")


@pytest.mark.parametrize("name", ["cloudflare", "Google Frontend", "awselb/2.0", "istio-envoy"])
async def test_the_name_of_a_services_server_shows_it(name: str) -> None:
    assert await asked(listed(), {"server": name})


@pytest.mark.parametrize("name", SERVERS)
async def test_a_program_that_runs_models_is_local(name: str) -> None:
    assert await asked(SERVERS[name], {"server": "uvicorn"}) == ""


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "openai/gpt-4o", "azure/gpt-4o", "o4-mini", "us.anthropic.claude-opus-4", "gemini-pro",
        "models/gemini-1.5-pro", "mistral-large-latest", "mistral-medium-2505", "codestral-latest", "deepseek-chat",
        "qwen-max", "qwen3-coder-plus", "x-ai/grok-4", "moonshot-v1-8k", "bedrock/m", "groq/llama-3.1-8b",
        "meta-llama/llama-3.3-70b-instruct:free", "accounts/fireworks/models/m", "amazon.nova-pro-v1:0",
        "glm-4.6:cloud", "gpt-oss:120b-CLOUD", "kimi-k2-cloud:latest", "command-a-03-2025",
    ],
)  # fmt: skip
def test_ids_that_only_a_service_has(model: str) -> None:
    assert runs_elsewhere(model)


@pytest.mark.parametrize(
    "model",
    [
        "qwen2.5-coder:7b", "gpt-oss:20b", "openai/gpt-oss-20b", "gpt-neox-20b", "gpt4all-j", "gpt2", "o1-open",
        "codestral:22b", "deepseek-coder-v2:16b", "deepseek-ai/DeepSeek-V3", "mistral-small-3.1", "devstral",
        "command-r:35b", "llama3.2:latest", "google/gemma-3-4b", "claude-distill-7b.gguf", "sonar-7b.gguf",
        "cloud-coder-7b", "kimi-k2.gguf",
    ],
)  # fmt: skip
def test_ids_of_models_that_a_machine_may_have(model: str) -> None:
    assert not runs_elsewhere(model)
