"""Shared parts of the formats of OpenAI's APIs: parameters, choices, usage."""

from __future__ import annotations

import re
from typing import Any

from ...models.error_mapping import AnswerError
from ...models.stream_assembler import Delta, Finish
from ...models.wire_format import Body, items, table, whole
from ...types import Prompt, Usage

MOST_STOPS = 4
"""Services take four stop strings; servers on this machine take more. The adapter cuts at the others."""

OPTIONAL = {
    "stream_options": re.compile(r"\bstream_options\b"),
    "prediction": re.compile(r"\bprediction\b|predicted outputs"),
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "temperature": re.compile(r"\btemperature\b"),
    "suffix": re.compile(r"\bsuffix\b|support insert"),
    "logprobs": re.compile(r"\blogprobs\b"),
    "store": re.compile(r"[\"'`]store[\"'`]"),
    "stop": re.compile(r"[\"'`]stop[\"'`]|\bstop sequences?\b", re.I),
    "system": re.compile(r"system role|role.{0,20}\bsystem\b|system messages?", re.I),
}

_FINISH: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "content_filter": "filter",
    "sensitive": "filter",
    "safety": "filter",
    "recitation": "filter",
    "prohibited_content": "filter",
    "blocklist": "filter",
    "spii": "filter",
}
_INTERRUPTED = re.compile(
    r"error|abort|cancelled|timeout|insufficient_system_resource|network_error"
)
"""Reasons of a service that could not complete the answer."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thinking_blocks", "reasoning_details")


def without(wanted: Body, facts: frozenset[str]) -> Body:
    """Return the parameters that are not refused."""
    return {k: v for k, v in wanted.items() if k and k not in facts}


def chat_stops(prompt: Prompt) -> tuple[str, ...]:
    """Return the stop strings of a chat: it may begin with a line end or a fence."""
    return tuple(s for s in prompt.stop if s.strip())


class ChoiceReader:
    """Reads choices, streamed or whole: of chat (``delta``, ``message``) or of completions (``text``)."""

    def __init__(self) -> None:
        self._answers = False

    def read(self, event: Body) -> Delta:
        """Return what an event says."""
        choice = _first_choice(event)
        self._answers = self._answers or bool(choice)
        reason = str(choice.get("finish_reason") or "").lower()
        if _INTERRUPTED.fullmatch(reason):
            raise AnswerError({"error": choice.get("error") or f"the model failed: {reason}"})
        message = table(choice.get("delta")) or table(choice.get("message"))
        text, thought = _content(message.get("content") if message else choice.get("text"))
        usage = _usage_of(event, choice)
        return Delta(
            text=text,
            finish=_FINISH.get(reason, "stop") if reason else None,
            usage=usage_from(usage),
            logprobs=logprobs(table(choice.get("logprobs"))) if choice.get("logprobs") else (),
            refusal=bool(message.get("refusal")),
            thought=thought
            or any(message.get(name) for name in _THOUGHTS)
            or thought_tokens(usage) > 0,
        )

    def end(self, complete: bool) -> Finish | None:
        """Return the finish of a stream that gave no reason: it is whole if its end was announced."""
        return "stop" if complete and self._answers else None


def _first_choice(event: Body) -> Body:
    if error := event.get("error"):
        raise AnswerError({"error": error})
    first = (c for c in items(event.get("choices")) if str(c.get("index") or 0) == "0")
    return next(first, {})


def _content(content: Any) -> tuple[str, bool]:
    """Return the text of a content, and whether it holds a thought: a text, or a list of pieces."""
    if isinstance(content, str):
        return content, False
    pieces = items(content)
    text = "".join(str(p.get("text") or "") for p in pieces if p.get("type", "text") == "text")
    return text, any(p.get("type") in ("thinking", "reasoning") for p in pieces)


def _usage_of(event: Body, choice: Body) -> Body:
    """Return the token counts, wherever a service puts them."""
    groq = table(event.get("x_groq")).get("usage")
    return table(event.get("usage")) or table(choice.get("usage")) or table(groq)


def usage_from(usage: Body) -> Usage | None:
    """Return the token counts of OpenAI's form; None without any."""
    if not usage:
        return None
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return Usage(
        input_tokens=_either(usage, "prompt_tokens", "input_tokens"),
        output_tokens=_either(usage, "completion_tokens", "output_tokens"),
        cached_tokens=whole(table(details).get("cached_tokens")),
    )


def thought_tokens(usage: Body) -> int:
    """Return the number of tokens that a thought took."""
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    return whole(table(details).get("reasoning_tokens")) or whole(usage.get("reasoning_tokens"))


def _either(usage: Body, *names: str) -> int:
    return max(whole(usage.get(name)) for name in names)


def logprobs(found: Body) -> tuple[float, ...]:
    """Read OpenAI's form (``token_logprobs``) and llama.cpp's (``content``)."""
    values: list[Any] = list(found.get("token_logprobs") or [])
    values += [token.get("logprob") for token in items(found.get("content"))]
    return tuple(float(v) for v in values if isinstance(v, int | float))
