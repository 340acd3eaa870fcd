"""Read what llama.cpp's server streams: events, the forced word, figures, errors."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Literal, cast

from ...errors import (
    BadRequestError,
    ConnectionFailedError,
    ContextTooLongError,
    InvalidResponseError,
    ProviderError,
    ServiceUnavailableError,
)
from ...models.wire_format import whole
from ...types import Chunk, Usage
from .local_prompts import Confidence
from .repetition import RepetitionWatch

Event = dict[str, Any]


class LlamaAnswer:
    """One answer as it comes in: takes events, gives chunks without the forced word."""

    def __init__(
        self, model: str, forced: str = "", *, one_line: bool = False, may_repeat: bool = True
    ) -> None:
        self._model = model
        self._forced = forced
        self._one_line = one_line
        self._has_text = False
        self.ended = False
        """Whether the one line that was wanted is complete, or the model repeats itself."""
        self._repetition = None if may_repeat else RepetitionWatch()
        self._held = ""
        self._confidence = Confidence(forced)

    def chunk(self, event: Event) -> Chunk | None:
        """Return the chunk of an event; None for one that brings no text yet."""
        self._confidence.add(cast("list[Event]", event.get("completion_probabilities") or []))
        text = self._own(str(event.get("content") or ""))
        confidence = self._confidence.value
        text = self._line(text) if self._one_line else text
        if self._repetition is not None and self._repetition.add(text):
            self.ended = True
        if self.ended and not event.get("stop"):
            return Chunk(text, self._model, finish="stop", confidence=confidence)
        if event.get("stop"):
            return Chunk(text, self._model, _usage(event), _finish(event), confidence)
        return Chunk(text, self._model, confidence=confidence) if text else None

    def _line(self, text: str) -> str:
        """A piece up to the end of the first line that holds anything."""
        if self.ended:
            return ""
        start = 0 if self._has_text else len(text) - len(text.lstrip())
        self._has_text = self._has_text or bool(text.strip())
        end = text.find("\n", start)
        if not self._has_text or end < 0:
            return text
        self.ended = True
        return text[:end]

    def _own(self, text: str) -> str:
        if not self._forced:
            return text
        self._held += text
        if len(self._held) < len(self._forced):
            return ""
        if not self._held.startswith(self._forced):
            raise InvalidResponseError(
                self._model, f"{self._model} did not continue the half-typed word; ask again."
            )
        own, self._forced = self._held[len(self._forced) :], ""
        return own


async def events(lines: AsyncIterator[str], model: str) -> AsyncGenerator[Event]:
    """Yield the events of a stream; raises ``ProviderError`` for one that reports an error."""
    async for line in lines:
        kind, _, data = line.partition(":")
        if kind not in ("data", "error") or data.strip() in ("", "[DONE]"):
            continue
        event = read_object(data, model)
        if kind == "error" or "error" in event:
            raise error_of(model, 500, event)
        yield event


def read_object(text: str | bytes, model: str) -> Event:
    """Return a JSON object; raises ``InvalidResponseError`` for anything else."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidResponseError(
            model, f"The engine of {model} sent an invalid answer; ask again."
        )
    return cast(Event, value)


def error_of(model: str, status: int, answer: Event) -> ProviderError:
    """Return the error that an answer reports: ``{"error": {"code", "message", "type"}}``."""
    fault: Any = answer.get("error", answer)
    error = cast(Event, fault) if isinstance(fault, dict) else {}
    kind = str(error.get("type", ""))
    code = error.get("code")
    status = code if isinstance(code, int) else status
    if kind == "exceed_context_size_error":
        window = error.get("n_ctx", "")
        return ContextTooLongError(
            model, f"The prompt does not fit {model}'s window of {window} tokens; select less."
        )
    detail = " ".join(str(error.get("message", "")).split())[:200]
    if status == 503:
        return ServiceUnavailableError(model, f"{model} is still loading; ask again in a moment.")
    if status in (401, 403):
        return ConnectionFailedError(
            model, f"The engine of {model} belongs to another process; ask again."
        )
    if 400 <= status < 500:
        return BadRequestError(model, f"The engine of {model} refuses the request: {detail}")
    return ServiceUnavailableError(
        model, f"The engine of {model} failed ({detail or status}); ask again."
    )


def _usage(event: Event) -> Usage:
    timings = cast(Event, event.get("timings") or {})
    return Usage(
        input_tokens=whole(event.get("tokens_evaluated")),
        output_tokens=whole(event.get("tokens_predicted")),
        cached_tokens=whole(timings.get("cache_n")),
    )


def _finish(event: Event) -> Literal["stop", "length"]:
    return "length" if event.get("stop_type") == "limit" else "stop"
