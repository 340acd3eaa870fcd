"""Whether a server on this machine says that it forwards to a service.

A program on this machine may be a proxy: LiteLLM, a gateway of a team, Ollama with a model of its cloud.
What is sent to it leaves this machine. Some proxies say nothing; then only the setting ``local`` helps.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ..models.interface import Profile
from ..models.profiles import base_url, is_hosted, is_loopback
from ..provider_spec import spec_of
from ..settings import ModelSettings
from .loopback import LoopbackAnswer, get

_OWNERS = re.compile(
    r"open-?ai|anthropic|google|gemini|vertex|azure|microsoft|github|copilot|groq|x-?ai$|cohere|deepseek|moonshot|zhipu"
    r"|z-?ai$|alibaba|aliyun|dashscope|bedrock|aws|amazon|open-?router|together|fireworks|perplexity|replicate|cerebras"
    r"|sambanova|ai21|minimax|novita|deepinfra|litellm|portkey|requesty|helicone|cloudflare|databricks|vercel|poe$|mistral",
    re.IGNORECASE,
)
"""Owners of models (``owned_by``) that are services. Programs that run models name themselves there."""
_UPSTREAM_KEYS = frozenset(
    ("top_provider", "pricing", "litellm_provider", "litellm_params", "providers", "upstream",
     "upstream_provider", "vendor", "model_picker_enabled", "remote_host", "remote_model")
)  # fmt: skip
_HEADERS = re.compile(
    r"x-litellm|openai-|anthropic-|cf-ray$|x-portkey|helicone|x-openrouter|x-github|x-ratelimit-|via$"
)


async def find_forwarding(base: str, model: str, key: str, seconds: float) -> str | None:
    """Return how a server shows that it forwards a model, as a clause; "" if nothing shows it.

    ``None`` if the server does not answer within the seconds.
    """
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    base = base.rstrip("/")
    listing = f"{base}/models" if urlsplit(base).path else f"{base}/v1/models"
    urls = (listing, f"{origin}/api/tags", f"{origin}/model/info", f"{origin}/health/readiness")
    answers = await asyncio.gather(*(get(url, key=key, seconds=seconds) for url in urls))
    if answers[0] is None:
        return None
    models, tags, info, health = (answer or LoopbackAnswer() for answer in answers)
    found = (
        _of_headers((models, info, health))
        or _of_litellm(info, health)
        or _of_tags(tags, model)
        or forwards_models(items_of(models.body))
    )
    return found or ("" if models.status else None)


def locality(settings: ModelSettings, profile: Profile, forwarding: str) -> str:
    """Say why a model at an address of this machine counts as local, or as remote; "" for any other."""
    if spec_of(settings.provider).local or not is_loopback(base_url(settings)):
        return ""
    if profile.local:
        return (
            "its address is on this machine, so it gets ignored files and secrets too; "
            "if its server forwards to a service, set `local = false`"
        )
    reason = f"its server {forwarding}" if forwarding else "a service runs it"
    return f"it counts as remote: {reason}; if code stays on this machine, set `local = true`"


def forwards_models(items: list[dict[str, Any]]) -> str:
    """Return how a list of models shows that its server forwards; "" if nothing shows it."""
    for item in items:
        owner = item.get("owned_by")
        if isinstance(owner, str) and _OWNERS.match(owner.strip()):
            return f"lists models of {owner.strip()[:40]}"
        if reason := forwards_item(item):
            return reason
    return ""


def forwards_item(item: Mapping[str, Any]) -> str:
    """Return how one entry of a list shows that its model runs elsewhere; "" if nothing shows it."""
    keys = sorted(_UPSTREAM_KEYS.intersection(k for k, value in item.items() if value))
    if keys:
        return f"lists a model's {keys[0].replace('_', ' ')}"
    name = item.get("id")
    return (
        "lists a model that only a service has" if isinstance(name, str) and is_hosted(name) else ""
    )


def items_of(answer: Any, key: str = "data") -> list[dict[str, Any]]:
    """Return the objects of a list in OpenAI's form; none if the answer is anything else."""
    found = cast("dict[str, Any]", answer).get(key) if isinstance(answer, dict) else answer
    if not isinstance(found, list):
        return []
    return [
        cast("dict[str, Any]", each) for each in cast("list[Any]", found) if isinstance(each, dict)
    ]


def cloud_models(tags: Any) -> Iterator[str]:
    """Yield the names of the models in Ollama's own list that run in its cloud."""
    for item in items_of(tags, "models"):
        if item.get("remote_host") or item.get("remote_model"):
            yield from (
                name for name in (item.get("name"), item.get("model")) if isinstance(name, str)
            )


def _of_headers(answers: tuple[LoopbackAnswer, ...]) -> str:
    names = (name for answer in answers for name in answer.headers)
    found = next((name for name in names if _HEADERS.match(name)), None)
    return f"answers with the header {found}" if found else ""


def _of_litellm(info: LoopbackAnswer, health: LoopbackAnswer) -> str:
    if isinstance(health.body, dict) and "litellm_version" in health.body:
        return "is LiteLLM"
    return "describes its upstream models at /model/info" if items_of(info.body) else ""


def _of_tags(tags: LoopbackAnswer, model: str) -> str:
    names = set(cloud_models(tags.body))
    return "runs this model in its cloud" if {model, f"{model}:latest"} & names else ""
