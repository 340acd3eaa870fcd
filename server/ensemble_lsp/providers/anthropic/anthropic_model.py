"""The ``anthropic`` provider: Anthropic's messages, and servers that speak them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ...models.error_mapping import AnswerError
from ...models.interface import Profile
from ...models.profiles import base_url
from ...models.prompt_rendering import chat_messages
from ...models.sdk_model import Body, Open, SdkModel, WireFormat, table, whole
from ...models.stream_assembler import Delta, Finish
from ...models.token_estimates import THINKING_TOKENS
from ...settings import ModelSettings
from ...types import Prompt, Usage

# These take a temperature and think only on request; later ones take no temperature, and may think
# unless the request disables it.
_OLDER = re.compile(r"claude-(v?\d|instant|(opus|sonnet|haiku)-4(-[0-5])?(-\d{6,})?$)")

_OPTIONAL = {
    "temperature": re.compile(r"\btemperature\b"),
    "thinking": re.compile(r"\bthinking\b"),
    "output_config": re.compile(r"\boutput_config\b|\beffort\b"),
    "stop_sequences": re.compile(r"\bstop_sequences\b"),
}
_FINISH: dict[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filter",
}


class AnthropicModel(SdkModel):
    """A model behind Anthropic's messages API.

    ``key`` may be None for a server that wants none. ``http_client`` (an ``httpx2.AsyncClient``) is
    a seam for tests.
    """

    def __init__(
        self,
        settings: ModelSettings,
        profile: Profile,
        key: str | None,
        *,
        http_client: Any = None,
    ) -> None:
        wire = WireFormat(
            load=lambda http, secret: _load(settings, http, secret),
            body=lambda prompt, refused: _body(settings.model, prompt, refused),
            reader=_reader,
            stops=_stops,
            optional=_OPTIONAL,
            auth=lambda secret: {"x-api-key": secret},
        )
        super().__init__(settings, profile, key, wire, http_client=http_client)


def _load(settings: ModelSettings, http: Any, key: str) -> tuple[Any, Open]:
    import anthropic

    from ...models.http_transport import quiet

    quiet("anthropic", "httpx2")
    client = anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url(settings),
        max_retries=0,
        http_client=http,
        # Spans could carry the user's code to wherever the environment says.
        open_telemetry=False,
    )
    kind = anthropic.AsyncStream[object]

    def send(body: Body) -> Any:
        body = {**body, "stream": True}
        return client.post("/v1/messages", cast_to=object, body=body, stream=True, stream_cls=kind)

    return client, send


def _body(model: str, prompt: Prompt, refused: frozenset[str]) -> Body:
    system, user = chat_messages(prompt)
    newer = "claude" in model and not _OLDER.search(model)
    # Where thinking cannot be switched off there must be room for it.
    thinks = newer and "thinking" in refused
    wanted: Body = {"thinking": {"type": "disabled"}} if newer else {}
    if thinks:
        wanted["output_config"] = {"effort": "low"}
    if not newer:
        wanted["temperature"] = min(prompt.temperature, 1.0)
    if stops := list(_stops(prompt)):
        wanted["stop_sequences"] = stops
    return {
        "model": model,
        "system": system,
        "messages": [{"role": "user", "content": user}],
        "max_tokens": prompt.max_tokens + (THINKING_TOKENS if thinks else 0),
        **{k: v for k, v in wanted.items() if k not in refused},
    }


def _stops(prompt: Prompt) -> tuple[str, ...]:
    # The API refuses stop sequences of white space alone.
    return tuple(s for s in prompt.stop if s.strip())


def _reader() -> Callable[[Body], Delta]:
    counts: dict[str, int] = {}

    def read(event: Body) -> Delta:
        kind = event.get("type")
        if kind == "error":
            raise AnswerError({"error": event.get("error")})
        if kind == "message_start":
            _count(counts, table(event.get("message")).get("usage"))
        elif kind == "content_block_delta":
            text = table(event.get("delta")).get("text")
            return Delta(text if isinstance(text, str) else "")
        elif kind == "message_delta":
            _count(counts, event.get("usage"))
            reason = table(event.get("delta")).get("stop_reason")
            finish = _FINISH.get(str(reason), "stop") if reason else None
            return Delta(finish=finish, usage=_usage(counts))
        return Delta()

    return read


def _count(counts: dict[str, int], usage: Any) -> None:
    """Keep the latest of each count: the last event repeats some and adds the rest."""
    for name in (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
    ):
        if value := whole(table(usage).get(name)):
            counts[name] = value


def _usage(counts: dict[str, int]) -> Usage | None:
    if not counts:
        return None
    cached = counts.get("cache_read_input_tokens", 0)
    # ``input_tokens`` counts only what no cache had a part in.
    sent = counts.get("input_tokens", 0) + counts.get("cache_creation_input_tokens", 0) + cached
    return Usage(sent, counts.get("output_tokens", 0), cached)
