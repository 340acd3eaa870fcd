"""Shared parts of the formats of OpenAI's APIs: parameters, choices, usage."""

from __future__ import annotations

import re
from typing import Any

from ...models.error_mapping import AnswerError
from ...models.error_words import error_in
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
    "stop": re.compile(
        r"[\"'`]stop[\"'`]|\bstop[ _]sequences?\b"
        r"|\b(parameter|argument|field|property|model):? stop\b|\bstop (is|are) (not|un)",
        re.I,
    ),
    # A chat is an instruction and one message of the user: no other role can be wrong.
    "system": re.compile(
        r"\b(message|conversation|chat)? ?roles?\b(?!=)"
        r"|(system|developer) (messages?|instructions?|prompts?)|messages.{0,9}\brole\b"
        r"|[\"'`]system[\"'`].{0,60}supported values",
        re.I,
    ),
}

_TOO_LONG = re.compile(r"length|max_(\w+_)?tokens|(context_window|token)\w*_(exceeded|limit)")
_FILTERED = re.compile(
    r"content_filter|sensitive|safety|recitation|prohibited_content|blocklist|spii|guardrail|refusal"
)
"""Parts of the finish reasons of services; Gemini sends ``content_filter: PROHIBITED_CONTENT``."""
_WINDOW_FULL = re.compile(r"context_window_exceeded|context_(length|limit)")
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
        self._answers = self._text = False

    def read(self, event: Body) -> Delta:
        """Return what an event says."""
        choice = _first_choice(event)
        self._answers = self._answers or bool(choice)
        reason = str(choice.get("finish_reason") or "").lower()
        if choice.get("error") or _INTERRUPTED.fullmatch(reason):
            raise AnswerError({"error": choice.get("error") or f"the model failed: {reason}"})
        # Beside a delta, even an empty one, a message repeats the text so far.
        message = table(choice.get("message" if choice.get("delta") is None else "delta"))
        text, thought = _content(message.get("content") if message else choice.get("text"))
        self._text = self._text or bool(text)
        if _WINDOW_FULL.search(reason) and not self._text:
            raise AnswerError({"error": reason})
        usage = _usage_of(event, choice)
        return Delta(
            text=text,
            finish=_finish_of(reason),
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


def _finish_of(reason: str) -> Finish | None:
    if _FILTERED.search(reason):
        return "filter"
    if _TOO_LONG.search(reason):
        return "length"
    return "stop" if reason else None


def _first_choice(event: Body) -> Body:
    if error := error_in(event):
        raise AnswerError(error)
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
