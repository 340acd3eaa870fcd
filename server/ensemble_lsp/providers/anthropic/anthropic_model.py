"""The ``anthropic`` provider: Anthropic's messages, and servers that speak them."""

from __future__ import annotations

import re
from typing import Any

from ...models.address import Address, address_of
from ...models.error_mapping import AnswerError
from ...models.error_words import error_in
from ...models.interface import BuildContext, Profile
from ...models.prompt_rendering import chat_messages, stable_lengths
from ...models.sdk_model import Body, Post, SdkModel
from ...models.stream_assembler import Delta, Finish
from ...models.thinking import Switch
from ...models.wire_format import WireFormat, items, table, whole
from ...settings import ModelSettings
from ...types import Prompt, Usage

# These take a temperature and think only on request; later ones take no temperature, and may think
# unless the request disables it.
_OLDER = re.compile(r"claude-(v?\d|instant|(opus|sonnet|haiku)-4(-[0-5])?(-\d{6,})?$)")
# The shortest prompt that can be cached, in tokens.
_LARGE_CACHE = re.compile(r"haiku-4-5|opus-4-[5-9]|opus-[5-9]|haiku-[5-9]|mythos|fable")
_CACHED_TOKENS, _LARGE_CACHED_TOKENS = 1024, 4096
_CHARACTERS_PER_TOKEN = 3
"""Mean length of a token of code. A mark on a prompt that is a little too short has no effect."""

_OPTIONAL = {
    "temperature": re.compile(r"\btemperature\b"),
    # With marks the content is a list, which some servers do not accept.
    "cache_control": re.compile(
        r"\bcache_control\b|\b(content|system)\b.{0,60}\bbe a (valid )?string"
        r"|invalid type: sequence, expected a string|cannot unmarshal array into .{0,60}\bstring",
        re.I,
    ),
    "stop_sequences": re.compile(r"\bstop_sequences\b"),
}
_SWITCHES = (
    Switch("thinking=disabled", "off", {"thinking": {"type": "disabled"}}, reliable=True),
    Switch("effort=low", "low", {"output_config": {"effort": "low"}}),
)
_FINISH: dict[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filter",
}


class AnthropicModel(SdkModel):
    """A model behind Anthropic's messages API."""

    def __init__(self, settings: ModelSettings, profile: Profile, context: BuildContext) -> None:
        address = address_of(settings)
        super().__init__(
            settings,
            profile,
            context,
            connect=lambda http, secret: _connect(address, http, secret),
            auth=lambda secret: {"x-api-key": secret},
        )
        self._wire = messages_wire(settings)

    @classmethod
    def build(
        cls, settings: ModelSettings, profile: Profile, context: BuildContext
    ) -> AnthropicModel:
        """Build the adapter of a provider's spec."""
        return cls(settings, profile, context)

    def wire(self, prompt: Prompt, facts: frozenset[str]) -> WireFormat:
        """Return the one format."""
        return self._wire


def _connect(address: Address, http: Any, key: str) -> tuple[Any, Post]:
    import anthropic
    import httpx2

    from ...models.http_transport import quiet

    quiet("anthropic", "httpx2")
    client = anthropic.AsyncAnthropic(
        api_key=key,
        base_url=address.base,
        max_retries=0,
        http_client=http,
        # Spans could carry the user's code to wherever the environment says.
        open_telemetry=False,
    )
    kind = anthropic.AsyncStream[object]

    def post(path: str, body: Body) -> Any:
        return client.post(path, cast_to=httpx2.Response, body=body, stream=True, stream_cls=kind)

    return client, post


def messages_wire(settings: ModelSettings) -> WireFormat:
    """Return the format of messages."""
    model = settings.model
    newer = "claude" in model and not _OLDER.search(model)

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        wanted: Body = {}
        if not newer:
            wanted["temperature"] = min(prompt.temperature, 1.0)
        if stops := list(_stops(prompt)):
            wanted["stop_sequences"] = stops
        content: Any = user if "cache_control" in facts else _marked(model, prompt, system, user)
        return {
            "model": model,
            **({"system": system} if system else {}),
            "messages": [{"role": "user", "content": content}],
            "max_tokens": prompt.max_tokens,
            **{k: v for k, v in wanted.items() if k not in facts},
        }

    return WireFormat(
        name="messages",
        path="/v1/messages",
        body=body,
        reader=MessagesReader,
        stops=_stops,
        optional=_OPTIONAL,
        switches=_SWITCHES,
        thinks=newer,
    )


def _marked(model: str, prompt: Prompt, system: str, user: str) -> str | list[Body]:
    """Mark the parts that stay the same while the user types, if they are long enough to be cached.

    Writing to the cache costs a quarter more, so only completions, which come one after the other, do.
    """
    if prompt.task != "complete":
        return user
    tokens = _LARGE_CACHED_TOKENS if _LARGE_CACHE.search(model) else _CACHED_TOKENS
    least = tokens * _CHARACTERS_PER_TOKEN - len(system)
    starts, ends = [0], list[int]()
    for end in sorted({end for end in stable_lengths(prompt, user) if end >= least}):
        # The API refuses a part of white space alone.
        if user[starts[-1] : end].strip():
            starts.append(end)
            ends.append(end)
    if not ends:
        return user
    return [
        *(
            {"type": "text", "text": user[start:end], "cache_control": {"type": "ephemeral"}}
            for start, end in zip(starts, ends, strict=False)
        ),
        {"type": "text", "text": user[ends[-1] :]},
    ]


def _stops(prompt: Prompt) -> tuple[str, ...]:
    # The API refuses stop sequences of white space alone.
    return tuple(s for s in prompt.stop if s.strip())


class MessagesReader:
    """Reads the events of a message, or the whole object."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._open: set[Any] = set()
        self._text = False
        self._finished = False

    def read(self, event: Body) -> Delta:
        """Return what an event says."""
        kind = event.get("type")
        if kind == "error" or (kind is None and error_in(event)):
            raise AnswerError(error_in(event) or event)
        if kind == "message_start":
            return self._message(table(event.get("message")))
        if kind == "message":
            return self._message(event)
        if kind == "content_block_start":
            self._open.add(event.get("index"))
            return self._block(table(event.get("content_block")))
        if kind == "content_block_delta":
            return self._block(table(event.get("delta")))
        if kind == "content_block_stop":
            self._open.discard(event.get("index"))
        if kind == "message_delta":
            self._count(event.get("usage"))
            return self._finish(table(event.get("delta")).get("stop_reason"))
        if kind == "message_stop" and not self._finished:
            return self._finish("end_turn")
        return Delta()

    def end(self, complete: bool) -> Finish | None:
        """Return the finish of a stream without a reason: it is whole if every block was closed."""
        return "stop" if self._text and (complete or not self._open) else None

    def _message(self, message: Body) -> Delta:
        """Read the start of a message; some servers put the whole answer there."""
        self._count(message.get("usage"))
        deltas = [self._block(block) for block in items(message.get("content"))]
        ended = self._finish(message.get("stop_reason"))
        return Delta(
            "".join(delta.text for delta in deltas),
            ended.finish,
            ended.usage if ended.finish else None,
            thought=any(delta.thought for delta in deltas),
        )

    def _block(self, block: Body) -> Delta:
        text: Any = block.get("text")
        if isinstance(text, str):
            self._text = True
            return Delta(text)
        return Delta(thought="thinking" in str(block.get("type")))

    def _finish(self, reason: Any) -> Delta:
        if not reason:
            return Delta(usage=self._usage())
        self._finished = True
        if reason == "model_context_window_exceeded" and not self._text:
            raise AnswerError({"error": reason})
        return Delta(finish=_FINISH.get(str(reason), "stop"), usage=self._usage())

    def _count(self, usage: Any) -> None:
        """Keep the latest of each count: the last event repeats some and adds the rest."""
        for name in (
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
        ):
            if value := whole(table(usage).get(name)):
                self._counts[name] = value

    def _usage(self) -> Usage | None:
        counts = self._counts
        if not counts:
            return None
        cached = counts.get("cache_read_input_tokens", 0)
        # ``input_tokens`` counts only what no cache had a part in.
        sent = counts.get("input_tokens", 0) + counts.get("cache_creation_input_tokens", 0) + cached
        return Usage(sent, counts.get("output_tokens", 0), cached)
