"""The very request that a model would be sent, without sending it."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from ..errors import ProviderError
from ..models.interface import Profile
from ..settings import ModelSettings
from ..types import Prompt


@dataclass(frozen=True, slots=True)
class PreviewedRequest:
    """One HTTP request, without its headers: of the user's own they hold only the key."""

    url: str
    body: dict[str, Any]


async def preview_request(
    settings: ModelSettings, profile: Profile, prompt: Prompt
) -> PreviewedRequest | None:
    """What the adapter and its SDK make of a prompt; None for a model that is sent nothing by HTTP.

    The real adapter runs, over an HTTP client that reaches nobody and notes what it is given; so
    it is the request, byte for byte, and not another description of it.
    """
    if settings.provider not in ("openai", "anthropic"):
        return None
    seen: list[PreviewedRequest] = []
    adapter = await asyncio.to_thread(_adapter, settings, profile, seen)
    try:
        async with aclosing(adapter.stream(prompt)) as chunks:
            with suppress(ProviderError):  # nobody answers
                async for _ in chunks:
                    pass
    finally:
        await adapter.close()
    return seen[0] if seen else None


def _adapter(settings: ModelSettings, profile: Profile, seen: list[PreviewedRequest]) -> Any:
    import httpx2

    def note(request: httpx2.Request) -> httpx2.Response:
        seen.append(PreviewedRequest(str(request.url), json.loads(request.content)))
        return httpx2.Response(503, json={"error": {"message": "nobody was asked"}})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(note))
    if settings.provider == "anthropic":
        from ..providers.anthropic.anthropic_model import AnthropicModel

        return AnthropicModel(settings, profile, "no-key", http_client=client)
    from ..providers.openai.openai_model import OpenAIModel

    return OpenAIModel(settings, profile, "no-key", http_client=client)
