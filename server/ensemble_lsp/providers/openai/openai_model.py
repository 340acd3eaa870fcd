"""The ``openai`` provider: OpenAI and every server that speaks one of its three wire formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from ...models.error_mapping import AnswerError
from ...models.interface import Profile
from ...models.profiles import FimTemplate, base_url, fim_template, known_model
from ...models.prompt_rendering import chat_messages, fim_prompt, plain_prompt
from ...models.sdk_model import Body, Open, SdkModel, WireFormat, table, whole
from ...models.stream_assembler import Delta, Finish
from ...models.token_estimates import THINKING_TOKENS
from ...settings import ModelSettings
from ...types import Prompt, Usage

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

_FINISH: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
}


_PATHS = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "fim": "/fim/completions",
    "infill": "/infill",
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
    read: Callable[[Body], Delta],
    stops: Callable[[Prompt], tuple[str, ...]],
) -> WireFormat:
    return WireFormat(
        load=lambda http, key: _load(settings, _PATHS[method], http, key),
        body=body,
        reader=lambda: read,
        stops=stops,
        optional=_OPTIONAL,
        auth=lambda key: {"authorization": f"Bearer {key}"},
    )


def _load(settings: ModelSettings, path: str, http: Any, key: str) -> tuple[Any, Open]:
    import openai

    from ...models.http_transport import quiet

    quiet("openai", "httpx2")
    client = openai.AsyncOpenAI(
        api_key=key,
        base_url=base_url(settings),
        max_retries=0,
        http_client=http,
    )
    kind = openai.AsyncStream[object]

    def send(body: Body) -> Any:
        body = {**body, "stream": True}
        return client.post(path, cast_to=object, body=body, stream=True, stream_cls=kind)

    return client, send


def _chat_wire(settings: ModelSettings, profile: Profile) -> WireFormat:
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
            length: prompt.max_tokens + (THINKING_TOKENS if thinks else 0),
            **_manner(prompt, thinks, {"reasoning_effort": "low"}),
        }
        if not thinks and (stop := list(_chat_stops(prompt)[:_MOST_STOPS])):
            wanted["stop"] = stop
        return {"model": settings.model, "messages": messages, **_without(wanted, refused)}

    return _wire(settings, "chat", body, _read_chat, _chat_stops)


def _completions_wire(settings: ModelSettings, profile: Profile) -> WireFormat:
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


def _responses_wire(settings: ModelSettings, profile: Profile) -> WireFormat:
    thinks = known_model(settings.model).thinks

    def body(prompt: Prompt, refused: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        wanted: Body = {
            # The service keeps an answer for 30 days by default.
            "store": False,
            **_manner(prompt, thinks, {"reasoning": {"effort": "low"}}),
        }
        length = max(16, prompt.max_tokens + (THINKING_TOKENS if thinks else 0))
        fixed: Body = {"model": settings.model, "instructions": system, "input": user}
        return {**fixed, "max_output_tokens": length, **_without(wanted, refused)}

    return _wire(settings, "responses", body, _read_responses, _chat_stops)


_WIRES: dict[str, Callable[[ModelSettings, Profile], WireFormat]] = {
    "chat": _chat_wire,
    "completions": _completions_wire,
    "responses": _responses_wire,
    "fim": _completions_wire,
    "infill": _completions_wire,
}


def _manner(prompt: Prompt, thinks: bool, thinking: Body) -> Body:
    return thinking if thinks else {"temperature": prompt.temperature}


def _without(wanted: Body, refused: frozenset[str]) -> Body:
    return {k: v for k, v in wanted.items() if k and k not in refused}


def _chat_stops(prompt: Prompt) -> tuple[str, ...]:
    # A chat model may begin with a line end or a fence, and end its answer there by such a stop.
    return tuple(s for s in prompt.stop if s.strip())


def _first_choice(event: Body) -> Body:
    if error := event.get("error"):
        raise AnswerError({"error": error})
    choices: Any = event.get("choices")
    found = map(table, cast("list[Any]", choices) if isinstance(choices, list) else [])
    return next((c for c in found if not c.get("index")), {})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_chat(event: Body) -> Delta:
    choice = _first_choice(event)
    delta = table(choice.get("delta"))
    return Delta(
        text=_text(delta.get("content")),
        finish=_finish(choice),
        usage=_usage(event.get("usage")),
        refusal=bool(delta.get("refusal")),
    )


def _read_completions(event: Body) -> Delta:
    choice = _first_choice(event)
    return Delta(
        text=_text(choice.get("text")),
        finish=_finish(choice),
        usage=_usage(event.get("usage")),
        logprobs=_logprobs(table(choice.get("logprobs"))),
    )


def _read_responses(event: Body) -> Delta:
    kind = str(event.get("type") or "")
    if kind == "response.output_text.delta":
        return Delta(_text(event.get("delta")))
    if kind.startswith("response.refusal"):
        return Delta(refusal=True)
    if kind == "error" or (kind == "" and event.get("error")):
        raise AnswerError(event)
    response = table(event.get("response"))
    if kind == "response.failed":
        raise AnswerError(response.get("error"))
    if kind == "response.completed":
        return Delta(finish="stop", usage=_usage(response.get("usage")))
    if kind == "response.incomplete":
        reason = table(response.get("incomplete_details")).get("reason")
        finish: Finish = "filter" if reason == "content_filter" else "length"
        return Delta(finish=finish, usage=_usage(response.get("usage")))
    return Delta()


def _finish(choice: Body) -> Finish | None:
    reason = choice.get("finish_reason")
    if not reason or reason == "error":
        return None
    return _FINISH.get(str(reason), "stop")


def _usage(value: Any) -> Usage | None:
    usage = table(value)
    if not usage:
        return None
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return Usage(
        input_tokens=_either(usage, "prompt_tokens", "input_tokens"),
        output_tokens=_either(usage, "completion_tokens", "output_tokens"),
        cached_tokens=whole(table(details).get("cached_tokens")),
    )


def _either(usage: Body, *names: str) -> int:
    return max(whole(usage.get(name)) for name in names)


def _logprobs(logprobs: Body) -> tuple[float, ...]:
    """Of OpenAI's form (``token_logprobs``) and of llama.cpp's (``content``)."""
    values: list[Any] = list(logprobs.get("token_logprobs") or [])
    values += [table(token).get("logprob") for token in logprobs.get("content") or []]
    return tuple(float(v) for v in values if isinstance(v, int | float))
