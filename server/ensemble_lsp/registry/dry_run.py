"""Show the exact request that a model would be sent, without sending it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ProviderError
from ..models.interface import BuildContext, Profile, PromptRedactor
from ..provider_spec import spec_of
from ..settings import ModelSettings
from ..types import Prompt
from .provider_factory import build_model

_KEY_IN_QUERY = re.compile(
    r"(?i)([?&][^=&#]*(?:key|token|secret|password|sig|signature|code)=)[^&#]+"
)


@dataclass(frozen=True, slots=True)
class PreviewedRequest:
    """One HTTP request without its headers, which hold nothing of the user's but the key."""

    url: str
    """A key in its query is replaced: people paste what they see into reports."""
    body: dict[str, Any]


async def preview_request(
    settings: ModelSettings,
    profile: Profile,
    prompt: Prompt,
    redactor: PromptRedactor | None = None,
) -> PreviewedRequest | None:
    """Return the request that the adapter and its SDK make of a prompt; None for one without HTTP.

    The real adapter runs, with an HTTP client that records the request and reaches no server. So
    the result is the request itself, byte for byte, except for a key in the address.
    """
    if not spec_of(settings.provider).previews_requests:
        return None
    seen: list[PreviewedRequest] = []
    adapter: Any = await asyncio.to_thread(_adapter, settings, profile, seen, redactor)
    try:
        async with aclosing(adapter.stream(prompt)) as chunks:
            with suppress(ProviderError):  # the client answers with an error
                async for _ in chunks:
                    pass
    finally:
        await adapter.close()
    return seen[0] if seen else None


def _adapter(
    settings: ModelSettings,
    profile: Profile,
    seen: list[PreviewedRequest],
    redactor: PromptRedactor | None,
) -> Any:
    import httpx2

    def record(request: httpx2.Request) -> httpx2.Response:
        url = _KEY_IN_QUERY.sub(r"\1[key]", str(request.url))
        seen.append(PreviewedRequest(url, json.loads(request.content)))
        return httpx2.Response(503, json={"error": {"message": "a preview sends nothing"}})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(record))
    # No folder: what other users leave in a shared one must not change the requests.
    context = BuildContext(Path(os.devnull), "no-key", prompt_redactor=redactor, http_client=client)
    return build_model(settings, profile, context)
