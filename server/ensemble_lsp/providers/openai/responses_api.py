"""OpenAI's ``/responses``."""

from __future__ import annotations

from typing import Any

from ...models.error_mapping import AnswerError
from ...models.error_words import error_in
from ...models.profiles import known_model
from ...models.prompt_rendering import chat_messages
from ...models.stream_assembler import Delta, Finish
from ...models.thinking import Switch
from ...models.wire_format import Body, WireFormat, items, table
from ...settings import ModelSettings
from ...types import Prompt
from .choices import OPTIONAL, chat_stops, thought_tokens, usage_from, without
from .thinking_switches import EFFORT, switches_for

_LEAST_TOKENS = 16


def responses_wire(settings: ModelSettings) -> WireFormat:
    """Return the format of responses."""
    known = known_model(settings.model)

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        # The service keeps an answer for 30 days by default.
        wanted: Body = {"store": False}
        if not known.thinks:
            wanted["temperature"] = prompt.temperature
        fixed: Body = {"model": settings.model, "input": user}
        if system:
            fixed["instructions"] = system
        length = max(_LEAST_TOKENS, prompt.max_tokens)
        return {**fixed, "max_output_tokens": length, **without(wanted, facts)}

    efforts = [s for s in switches_for(settings.model, "openai", False) if s in EFFORT.values()]
    return WireFormat(
        name="responses",
        path="/responses",
        body=body,
        reader=ResponsesReader,
        stops=chat_stops,
        optional=OPTIONAL,
        switches=tuple(
            Switch(s.name, s.level, {"reasoning": {"effort": s.body["reasoning_effort"]}})
            for s in efforts
        ),
        thinks=known.thinks,
    )


class ResponsesReader:
    """Reads the events of a response, or the whole object."""

    def __init__(self) -> None:
        self._open = False
        self._text = False

    def read(self, event: Body) -> Delta:
        """Return what an event says."""
        kind = str(event.get("type") or "")
        if kind == "response.output_text.delta":
            text: Any = event.get("delta")
            self._open = self._text = True
            return Delta(text if isinstance(text, str) else "")
        if kind in ("response.output_text.done", "response.output_item.done"):
            self._open = False
            # Some servers send no deltas.
            if not self._text and (whole := _done_text(event)):
                self._text = True
                return Delta(whole)
        if kind.startswith("response.refusal"):
            return Delta(refusal=True)
        if kind.startswith("response.reasoning") or _is_reasoning(event.get("item")):
            return Delta(thought=True)
        if kind == "error" or (
            kind == "" and event.get("object") != "response" and error_in(event)
        ):
            raise AnswerError(event if kind else error_in(event))
        response = table(event.get("response"))
        if event.get("object") == "response":
            response, text = event, _text_of(event)
            return _ended(response, text)
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            return _ended(response, "" if self._text else _text_of(response))
        return Delta()

    def end(self, complete: bool) -> Finish | None:
        """Return the finish of a stream without its last event: every text was closed."""
        return "stop" if self._text and (complete or not self._open) else None


def _is_reasoning(item: Any) -> bool:
    return table(item).get("type") == "reasoning"


def _done_text(event: Body) -> str:
    text: Any = event.get("text")
    return text if isinstance(text, str) else _text_of({"output": [event.get("item")]})


def _ended(response: Body, text: str) -> Delta:
    if response.get("status") == "failed" or response.get("error"):
        raise AnswerError(response.get("error"))
    usage = table(response.get("usage"))
    finish: Finish = "stop"
    if response.get("status") == "incomplete" or response.get("incomplete_details"):
        reason = table(response.get("incomplete_details")).get("reason")
        finish = "filter" if reason == "content_filter" else "length"
    refused = any(part.get("type") == "refusal" for part in _parts_of(response))
    thought = thought_tokens(usage) > 0
    return Delta(text, finish, usage_from(usage), refusal=refused, thought=thought)


def _parts_of(response: Body) -> list[Body]:
    return [part for item in items(response.get("output")) for part in items(item.get("content"))]


def _text_of(response: Body) -> str:
    """Return the text of a whole response."""
    parts = _parts_of(response)
    return "".join(str(p.get("text") or "") for p in parts if p.get("type") == "output_text")
