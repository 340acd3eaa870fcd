"""The answers of OpenAI's and Anthropic's APIs on the wire, as their documentation shows them.

``events`` gives the events of a streamed answer, one ``bytes`` each; ``whole`` the body of one that
is not streamed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Api = Literal["chat", "completions", "responses", "messages"]

_CREATED = 1_767_225_600


@dataclass(frozen=True)
class Answer:
    """What is to be said, in no format's words."""

    pieces: Iterable[str]
    finish: str = "stop"
    """``stop``, ``length``, ``content_filter`` or ``refusal``."""
    model: str = "loopback"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    include_usage: bool = True
    logprob: float | None = None


def tokens(text: str) -> list[str]:
    """Text in pieces about as a model's tokens would cut it."""
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+", text)


def prompt_text(body: dict[str, Any]) -> str:
    """All text of a request that a model would read, joined by line ends."""
    parts = [body.get(k) for k in ("system", "instructions", "input", "prompt", "suffix")]
    parts += [m.get("content") for m in body.get("messages", [])]
    return "\n".join(p if isinstance(p, str) else json.dumps(p) for p in parts if p)


def events(api: Api, answer: Answer) -> Iterator[bytes]:
    """The events of a streamed answer."""
    return _STREAMS[api](answer)


def whole(api: Api, answer: Answer) -> dict[str, Any]:
    """The body of an answer that was not asked as a stream."""
    text = "".join(answer.pieces)
    if api == "messages":
        return {
            **_message(answer),
            "content": [{"type": "text", "text": text}],
            "stop_reason": _ANTHROPIC_FINISH[answer.finish],
            "usage": _anthropic_usage(answer, answer.output_tokens),
        }
    if api == "responses":
        return _response(answer, "completed", text)
    if api == "chat":
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "logprobs": None}
        head = _head("chatcmpl-1", "chat.completion", answer)
    else:
        choice = {"index": 0, "text": text, "logprobs": None}
        head = _head("cmpl-1", "text_completion", answer)
    choice["finish_reason"] = answer.finish
    return {**head, "choices": [choice], "usage": _openai_usage(answer)}


def error_body(
    api: Api, message: str, kind: str = "invalid_request_error", **more: Any
) -> dict[str, Any]:
    """An error as the API's own servers word it."""
    if api == "messages":
        return {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        }
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **more}}


def data(value: Any, event: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _head(ident: str, kind: str, answer: Answer) -> dict[str, Any]:
    return {"id": ident, "object": kind, "created": _CREATED, "model": answer.model}


def _openai_usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": 0},
    }


def _chat(answer: Answer) -> Iterator[bytes]:
    head = _head("chatcmpl-1", "chat.completion.chunk", answer)

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        more = {"usage": None} if answer.include_usage else {}
        return data({**head, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in answer.pieces:
        yield chunk({"refusal": piece} if answer.finish == "refusal" else {"content": piece})
    yield chunk({}, "stop" if answer.finish == "refusal" else answer.finish)
    if answer.include_usage:
        yield data({**head, "choices": [], "usage": _openai_usage(answer)})
    yield b"data: [DONE]\n\n"


def _completions(answer: Answer) -> Iterator[bytes]:
    head = _head("cmpl-1", "text_completion", answer)

    def chunk(text: str, finish: str | None = None) -> bytes:
        logprobs = None
        if answer.logprob is not None and text:
            logprobs = {
                "tokens": [text],
                "token_logprobs": [answer.logprob],
                "top_logprobs": [{text: answer.logprob}],
                "text_offset": [0],
            }
        choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish}
        return data({**head, "choices": [choice]})

    for piece in answer.pieces:
        yield chunk(piece)
    yield chunk("", answer.finish)
    if answer.include_usage:
        yield data({**head, "choices": [], "usage": _openai_usage(answer)})
    yield b"data: [DONE]\n\n"


def _response(answer: Answer, status: str, text: str | None = None) -> dict[str, Any]:
    done = status != "in_progress"
    incomplete = None
    if status == "incomplete":
        filtered = answer.finish == "content_filter"
        incomplete = {"reason": "content_filter" if filtered else "max_output_tokens"}
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": None,
        "model": answer.model,
        "output": [] if text is None else [_item("completed", text)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if done else None,
    }


def _item(status: str, text: str | None) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": "msg_1",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [] if text is None else [part],
    }


def _responses(answer: Answer) -> Iterator[bytes]:
    number = iter(range(1_000_000_000))

    def event(kind: str, **fields: Any) -> bytes:
        return data({"type": kind, "sequence_number": next(number), **fields}, kind)

    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    refuses = answer.finish == "refusal"
    yield event("response.created", response=_response(answer, "in_progress"))
    yield event("response.in_progress", response=_response(answer, "in_progress"))
    yield event("response.output_item.added", output_index=0, item=_item("in_progress", None))
    empty = {"type": "output_text", "text": "", "annotations": []}
    yield event("response.content_part.added", **at, part=empty)
    said: list[str] = []
    for piece in answer.pieces:
        said.append(piece)
        if refuses:
            yield event("response.refusal.delta", **at, delta=piece)
        else:
            yield event("response.output_text.delta", **at, delta=piece, logprobs=[])
    text = "".join(said)
    part = {"type": "output_text", "text": text, "annotations": []}
    yield event("response.output_text.done", **at, text=text, logprobs=[])
    yield event("response.content_part.done", **at, part=part)
    yield event("response.output_item.done", output_index=0, item=_item("completed", text))
    status = "completed" if answer.finish in ("stop", "refusal") else "incomplete"
    yield event(f"response.{status}", response=_response(answer, status, text))


_ANTHROPIC_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
}


def _message(answer: Answer) -> dict[str, Any]:
    return {
        "id": "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": answer.model,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _anthropic_usage(answer, 1),
    }


def _anthropic_usage(answer: Answer, output: int) -> dict[str, Any]:
    return {
        "input_tokens": answer.input_tokens - answer.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.cached_tokens,
        "output_tokens": output,
    }


def _messages(answer: Answer) -> Iterator[bytes]:
    def event(kind: str, **fields: Any) -> bytes:
        return data({"type": kind, **fields}, kind)

    yield event("message_start", message=_message(answer))
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    yield event("ping")
    for piece in answer.pieces:
        delta = {"type": "text_delta", "text": piece}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    reason = {"stop_reason": _ANTHROPIC_FINISH[answer.finish], "stop_sequence": None}
    yield event("message_delta", delta=reason, usage={"output_tokens": answer.output_tokens})
    yield event("message_stop")


_STREAMS = {
    "chat": _chat,
    "completions": _completions,
    "responses": _responses,
    "messages": _messages,
}
