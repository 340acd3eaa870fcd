"""Whether a server on this machine says that it forwards to a service.

A program on this machine may be a proxy: LiteLLM, a gateway of a team, Ollama with a model of its cloud.
What is sent to it leaves this machine. Some proxies say nothing; then only the setting ``local`` helps.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ..models.hosted_ids import is_hosted
from ..models.interface import Profile
from ..models.profiles import base_url, is_loopback
from ..provider_spec import spec_of
from ..settings import ModelSettings
from .loopback import LoopbackAnswer, get

_OWNERS = re.compile(
    r"""open-?ai|anthropic|claude|google|gemini|antigravity|vertex|azure|microsoft|github|copilot|groq|x-?ai$|cohere|deepseek
    |moonshot|kimi|zhipu|z-?ai$|alibaba|aliyun|dashscope|qwen-?(?:cloud|oauth|portal)|bedrock|aws|amazon|open-?router|together|fireworks
    |perplexity|replicate|cerebras|sambanova|ai21|minimax|novita|deepinfra|litellm|portkey|requesty|helicone|cloudflare|databricks
    |vercel|poe$|mistral|nvidia|nim$|iflow|kiro|cursor|windsurf|codeium|kilo|chutes|hyperbolic|nebius|scaleway|siliconflow|volc
    |doubao|bytedance|baidu|tencent|hunyuan|stepfun|baichuan|upstage|writer|inception|voyage|watsonx|oracle|anyscale|hugging-?face-?(?:hub|inference)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Owners of models (``owned_by``) that are services. Programs that run models name themselves there."""
_OWNER_KEYS = frozenset(
    ("provider", "engine", "backend", "source", "owner", "vendor", "api_type", "platform")
)
_UPSTREAM_KEYS = frozenset(
    ("top_provider", "pricing", "litellm_provider", "litellm_params", "providers", "upstream",
     "upstream_provider", "vendor", "model_picker_enabled", "remote_host", "remote_model", "model_group", "peerid",
     "is_remote")
)  # fmt: skip
_ADDRESS_KEYS = re.compile(r"(?i)base|host|endpoint|upstream|api_?url|server_?url|proxy")
_REMOTE_VALUES = frozenset(
    (("connection_type", "external"), ("type", "remote"), ("location", "remote"))
)
_MAX_DEPTH = 3
_HEADERS = re.compile(
    r"""x-litellm|openai-|anthropic-|cf-(?:ray|cache)|x-portkey|(?:x-)?helicone|x-openrouter|x-generation-id|x-github|x-ratelimit-|via$
    |x-envoy-upstream|x-amzn?-|apim-|x-ms-|x-azure|azureml-|x-kong-|strict-transport-security$|alt-svc$|x-vercel|x-groq|mistral-
    |x-cloud-trace|x-goog-|x-served-by$|x-fastly|fly-request|x-render-|x-railway|x-nf-|x-deepinfra|x-together|x-fireworks|x-upstream
    |x-accel-|x-cache""",
    re.VERBOSE,
)
"""Headers of services, of networks in front of them, and of gateways. A program that runs models sends none of them."""
_SERVERS = re.compile(
    r"(?i)cloudflare|google|gws$|esf$|awselb|amazon|cloudfront|akamai|fastly|vercel|envoy|istio|kong|litellm|ghs"
)
_ERRORS = re.compile(
    r"(?i)litellm|no api key passed in|platform\.openai\.com|anthropic|openrouter"
    r"|console\.groq|aistudio|generativelanguage|bedrock"
)


async def find_forwarding(base: str, model: str, key: str, seconds: float) -> str | None:
    """Return how a server shows that it forwards a model, as a clause; "" if nothing shows it.

    ``None`` if the server does not answer within the seconds.
    """
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    base = base.rstrip("/")
    listing = f"{base}/models" if urlsplit(base).path else f"{base}/v1/models"
    root = re.sub(r"/v\d+$", "", base)
    pages = ("/api/tags", "/api/status", "/model/info", "/v1/model/info", "/health/readiness")
    urls = dict.fromkeys(f"{each}{page}" for page in pages for each in (origin, root))
    answers = await asyncio.gather(
        *(get(url, key=key, seconds=seconds) for url in (listing, *urls))
    )
    if answers[0] is None:
        return None
    models, *others = (answer or LoopbackAnswer() for answer in answers)
    found = (
        _of_answers((models, *others))
        or next(filter(None, (_of_page(other, model) for other in others)), "")
        or forwards_models(_listed(models.body))
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


def forwards_item(item: Mapping[str, Any], depth: int = 0) -> str:
    """Return how one entry of a list shows that its model runs elsewhere; "" if nothing shows it."""
    if depth > _MAX_DEPTH:
        return ""
    for key, value in item.items():
        if reason := _of_value(key, value):
            return reason
        if isinstance(value, dict) and (
            reason := forwards_item(cast("dict[str, Any]", value), depth + 1)
        ):
            return reason
    return ""


def _of_value(key: str, value: Any) -> str:
    """Return how a value of an entry shows that its model runs elsewhere."""
    folded = key.lower()
    if folded in _UPSTREAM_KEYS and value:
        return f"lists a model's {folded.replace('_', ' ')}"
    if not isinstance(value, str):
        return ""
    if folded in ("id", "root", "parent", "model", "name") and is_hosted(value):
        return "lists a model that only a service has"
    if folded in _OWNER_KEYS and _OWNERS.match(value.strip()):
        return f"lists a model's {folded.replace('_', ' ')}"
    if (folded, value.lower()) in _REMOTE_VALUES:
        return f"lists a model with the {folded.replace('_', ' ')} {value[:20]}"
    if _ADDRESS_KEYS.search(folded) and value[:4].lower() == "http" and not is_loopback(value):
        return f"lists a model's {folded.replace('_', ' ')[:40]}"
    return ""


def _listed(body: Any) -> list[dict[str, Any]]:
    """Return the entries of a list of models in any usual form."""
    if isinstance(body, dict):
        table = cast("dict[str, Any]", body)
        found = next((table[key] for key in ("data", "models", "list") if table.get(key)), [])
    else:
        found = body
    entries = cast("list[Any]", found) if isinstance(found, list) else []
    named = [{"id": each} if isinstance(each, str) else each for each in entries]
    return [cast("dict[str, Any]", each) for each in named if isinstance(each, dict)]


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


def _of_answers(answers: Iterable[LoopbackAnswer]) -> str:
    """Return how the headers, a redirection or an error show that a server forwards."""
    for answer in answers:
        if name := next((name for name in answer.headers if _HEADERS.match(name)), None):
            return f"answers with the header {name}"
        if _SERVERS.match(answer.headers.get("server", "")):
            return f"answers as {answer.headers['server'][:40]}"
        target = answer.headers.get("location", "")
        if 300 <= answer.status < 400 and "//" in target and not is_loopback(target):
            return "redirects to another address"
        if found := _ERRORS.search(answer.error):
            return f"answers with an error of a service ({found.group()[:40]})"
    return ""


def _of_page(answer: LoopbackAnswer, model: str) -> str:
    """Return how a page of LiteLLM, of One API or of Ollama shows that a server forwards a model."""
    body = cast("dict[str, Any]", answer.body) if isinstance(answer.body, dict) else {}
    if "litellm_version" in body or {"status", "db"} <= body.keys():
        return "is LiteLLM"
    data = body.get("data")
    if isinstance(data, dict) and {"system_name", "quota_per_unit"} & data.keys():
        return "is a gateway to services"
    if items_of(answer.body):
        return "describes its upstream models at /model/info"
    names = set(cloud_models(answer.body))
    return "runs this model in its cloud" if {model, f"{model}:latest"} & names else ""
