"""The ``openai`` provider: OpenAI and every server that speaks one of its three wire formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ..settings import ModelSettings
from ..types import Prompt, Usage
from .assemble import Delta, Finish
from .base import Profile
from .profiles import FimTemplate, base_url, fim_template, known_model
from .render import chat_messages, fim_prompt, plain_prompt
from .sdk import Body, Create, SdkModel, Wire, whole
from .translate import AnswerError

# Services take four stop strings; servers on this machine take more. What is left out is cut here.
_MOST_STOPS = 4

_OPTIONAL = {
    "stream_options": re.compile(r"\bstream_options\b"),
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "temperature": re.compile(r"\btemperature\b"),
    "reasoning_effort": re.compile(r"\breasoning_effort\b"),
    "reasoning": re.compile(r"\breasoning\b"),
    "suffix": re.compile(r"\bsuffix\b|support insert"),
    "logprobs": re.compile(r"\blogprobs\b"),
    "store": re.compile(r"[\"'`]store[\"'`]"),
    "stop": re.compile(r"[\"'`]stop[\"'`]|\bstop sequences?\b", re.I),
    "system": re.compile(r"system role|role.{0,20}\bsystem\b|system messages?", re.I),
}
_THINKING_TOKENS = 2048
"""Allowed on top of an answer to a model that thinks before it writes."""

_FINISH: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
}


_USAGE = '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
_HEAD = '"id":"1","created":1,"model":"m"'
_RESPONSE = (
    '"response":{"id":"1","object":"response","created_at":1,"model":"m","status":"completed",'
    '"output":[{"id":"1","type":"message","role":"assistant","status":"completed",'
    '"content":[{"type":"output_text","text":"a","annotations":[]}]}],'
    '"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{"input_tokens":1,'
    '"input_tokens_details":{"cached_tokens":0},"output_tokens":1,'
    '"output_tokens_details":{"reasoning_tokens":0},"total_tokens":2}}'
)
_SAMPLES = {
    "chat": (
        f'data: {{{_HEAD},"object":"chat.completion.chunk",{_USAGE},"choices":[{{"index":0,'
        '"delta":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}\n\n'
    ),
    "completions": (
        f'data: {{{_HEAD},"object":"text_completion",{_USAGE},"choices":[{{"index":0,"text":"a",'
        '"finish_reason":"stop","logprobs":{"tokens":["a"],"token_logprobs":[0.0]}}]}\n\n'
    ),
    "responses": (
        'data: {"type":"response.output_text.delta","sequence_number":0,"item_id":"1",'
        '"output_index":0,"content_index":0,"delta":"a","logprobs":[]}\n\n'
        f'data: {{"type":"response.completed","sequence_number":1,{_RESPONSE}}}\n\n'
    ),
}


class OpenAIModel(SdkModel):
    """A model behind OpenAI's ``chat``, ``completions`` or ``responses`` API.

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
        wire = _WIRES[settings.api](settings, profile)
        super().__init__(settings, profile, key, wire, http_client=http_client)


def _wire(
    settings: ModelSettings,
    method: str,
    body: Callable[[Prompt, frozenset[str]], Body],
    read: Callable[[Any], Delta],
    stops: Callable[[Prompt], tuple[str, ...]],
) -> Wire:
    return Wire(
        load=lambda http, key: _load(settings, method, http, key),
        body=body,
        reader=lambda: read,
        stops=stops,
        optional=_OPTIONAL,
        sample=_SAMPLES[method],
        auth=lambda key: {"authorization": f"Bearer {key}"},
    )


def _load(settings: ModelSettings, method: str, http: Any, key: str) -> tuple[Any, Create]:
    import openai

    from .transport import quiet

    quiet("openai", "httpx2")
    client = openai.AsyncOpenAI(
        api_key=key,
        base_url=base_url(settings),
        max_retries=0,
        http_client=http,
    )
    # Resources import their modules when they are first touched: do it here, in the thread.
    creates: dict[str, Callable[[], Any]] = {
        "chat": lambda: client.chat.completions.create,
        "completions": lambda: client.completions.create,
        "responses": lambda: client.responses.create,
    }
    return client, creates[method]()


def _chat_wire(settings: ModelSettings, profile: Profile) -> Wire:
    thinks = known_model(settings.model).thinks
    own = (urlsplit(base_url(settings)).hostname or "").endswith("openai.com")

    def body(prompt: Prompt, refused: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        if "system" in refused:
            messages = [{"role": "user", "content": f"{system}\n\n{user}"}]
        # Both mean the same: OpenAI's own models want the newer name, most other servers the older.
        names = ["max_completion_tokens", "max_tokens"]
        names = names if own or thinks else names[::-1]
        length = next((n for n in names if n not in refused), "")
        wanted: Body = {
            "stream_options": {"include_usage": True},
            length: prompt.max_tokens + (_THINKING_TOKENS if thinks else 0),
            **_manner(prompt, thinks, {"reasoning_effort": "low"}),
        }
        if not thinks and (stop := list(_chat_stops(prompt)[:_MOST_STOPS])):
            wanted["stop"] = stop
        return {"model": settings.model, "messages": messages, **_without(wanted, refused)}

    return _wire(settings, "chat", body, _read_chat, _chat_stops)


def _completions_wire(settings: ModelSettings, profile: Profile) -> Wire:
    def template(refused: frozenset[str]) -> FimTemplate | None:
        if profile.fim == "suffix" and "suffix" in refused:
            return fim_template(known_model(settings.model).fim)
        return fim_template(profile.fim)

    def stops(prompt: Prompt) -> tuple[str, ...]:
        if prompt.task != "complete":
            return prompt.stop
        known = template(frozenset(("suffix",)))
        return prompt.stop + (known.stop if known else ())

    def body(prompt: Prompt, refused: frozenset[str]) -> Body:
        fim = template(refused) if prompt.task == "complete" else None
        text = fim_prompt(prompt, fim) if fim else plain_prompt(prompt)
        wanted: Body = {
            "stream_options": {"include_usage": True},
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.task == "complete" and profile.fim == "suffix":
            wanted["suffix"] = prompt.suffix
        if profile.local:
            wanted["logprobs"] = 1
        if most := list(stops(prompt)[: 4 * _MOST_STOPS if profile.local else _MOST_STOPS]):
            wanted["stop"] = most
        return {"model": settings.model, "prompt": text, **_without(wanted, refused)}

    return _wire(settings, "completions", body, _read_completions, stops)


def _responses_wire(settings: ModelSettings, profile: Profile) -> Wire:
    thinks = known_model(settings.model).thinks

    def body(prompt: Prompt, refused: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        wanted: Body = {
            # The service keeps an answer for 30 days unless it is told not to.
            "store": False,
            **_manner(prompt, thinks, {"reasoning": {"effort": "low"}}),
        }
        length = max(16, prompt.max_tokens + (_THINKING_TOKENS if thinks else 0))
        fixed: Body = {"model": settings.model, "instructions": system, "input": user}
        return {**fixed, "max_output_tokens": length, **_without(wanted, refused)}

    return _wire(settings, "responses", body, _read_responses, _chat_stops)


_WIRES: dict[str, Callable[[ModelSettings, Profile], Wire]] = {
    "chat": _chat_wire,
    "completions": _completions_wire,
    "responses": _responses_wire,
}


def _manner(prompt: Prompt, thinks: bool, thinking: Body) -> Body:
    return thinking if thinks else {"temperature": prompt.temperature}


def _without(wanted: Body, refused: frozenset[str]) -> Body:
    return {k: v for k, v in wanted.items() if k and k not in refused}


def _chat_stops(prompt: Prompt) -> tuple[str, ...]:
    # A chat model may begin with a line end or a fence, and end its answer there by such a stop.
    return tuple(s for s in prompt.stop if s.strip())


def _first_choice(event: Any) -> Any:
    if error := getattr(event, "error", None):
        raise AnswerError({"error": error})
    choices: Any = getattr(event, "choices", None) or []
    return next((c for c in choices if not getattr(c, "index", 0)), None)


def _read_chat(event: Any) -> Delta:
    choice = _first_choice(event)
    delta = getattr(choice, "delta", None)
    text = getattr(delta, "content", None)
    return Delta(
        text=text if isinstance(text, str) else "",
        finish=_finish(choice),
        usage=_usage(getattr(event, "usage", None)),
        refusal=bool(getattr(delta, "refusal", None)),
    )


def _read_completions(event: Any) -> Delta:
    choice = _first_choice(event)
    text = getattr(choice, "text", None)
    return Delta(
        text=text if isinstance(text, str) else "",
        finish=_finish(choice),
        usage=_usage(getattr(event, "usage", None)),
        logprobs=_logprobs(getattr(choice, "logprobs", None)),
    )


def _read_responses(event: Any) -> Delta:
    kind = str(getattr(event, "type", ""))
    if kind == "response.output_text.delta":
        text = getattr(event, "delta", None)
        return Delta(text if isinstance(text, str) else "")
    if kind.startswith("response.refusal"):
        return Delta(refusal=True)
    if kind == "error":
        raise AnswerError({"code": event.code, "message": event.message})
    response = getattr(event, "response", None)
    if kind == "response.failed":
        error = getattr(response, "error", None)
        words = {k: getattr(error, k, None) for k in ("code", "message")}
        raise AnswerError(words)
    if kind == "response.completed":
        return Delta(finish="stop", usage=_usage(getattr(response, "usage", None)))
    if kind == "response.incomplete":
        reason = getattr(getattr(response, "incomplete_details", None), "reason", "")
        finish: Finish = "filter" if reason == "content_filter" else "length"
        return Delta(finish=finish, usage=_usage(getattr(response, "usage", None)))
    return Delta()


def _finish(choice: Any) -> Finish | None:
    reason = getattr(choice, "finish_reason", None)
    if not reason or reason == "error":
        return None
    return _FINISH.get(str(reason), "stop")


def _usage(usage: Any) -> Usage | None:
    if not usage:
        return None
    details = getattr(usage, "prompt_tokens_details", None)
    details = details or getattr(usage, "input_tokens_details", None)
    return Usage(
        input_tokens=_either(usage, "prompt_tokens", "input_tokens"),
        output_tokens=_either(usage, "completion_tokens", "output_tokens"),
        cached_tokens=whole(getattr(details, "cached_tokens", None)),
    )


def _either(usage: Any, *names: str) -> int:
    return max(whole(getattr(usage, name, None)) for name in names)


def _logprobs(logprobs: Any) -> tuple[float, ...]:
    """Of OpenAI's form (``token_logprobs``) and of llama.cpp's (``content``)."""
    values: list[Any] = list(getattr(logprobs, "token_logprobs", None) or [])
    # The SDK knows no ``content`` here and leaves it as decoded.
    tokens: list[dict[str, Any]] = getattr(logprobs, "content", None) or []
    values += [token.get("logprob") for token in tokens]
    return tuple(float(v) for v in values if isinstance(v, int | float))
