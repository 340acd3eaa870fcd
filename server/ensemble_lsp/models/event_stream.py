"""Read the events of an answer from its bytes: server-sent events, or whole JSON that came instead.

``httpx2.EventSource`` parses the events. This module only gives it what it does not accept by itself: a
stream under another content type, one without a last empty line, several events under one empty line.
Imported only off the event loop: ``httpx2`` is slow to import.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any, cast

import httpx2

from .http_transport import MAX_BODY

_DRAIN_SECONDS = 0.1
_SPACES = b" \t\r\n\xef\xbb\xbf"
_ERROR_FIELD, _ERROR_EVENT = re.compile(rb"^error: ?(?=\{)", re.MULTILINE), b"event: error\ndata: "
"""An error as older llama.cpp servers send it, at the start of a line or of a packet; and as an event."""
_FIELDS = (b"data", b"event", b"id", b"retry", b":", b"error")


class NotAnAnswerError(Exception):
    """The body is neither events nor JSON; ``kind`` is its content type."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


class EventReader:
    """The decoded events of one answer."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.complete = False
        """Whether the end was announced: ``[DONE]``, or the body was whole JSON."""
        self.sound = _is_framed(response)
        """Whether the body's end can be believed: a cut one is an error of the transport, and no event was damaged."""

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield each event as a JSON object; raise ``ValueError`` for broken JSON."""
        async with aclosing(_chunks(self._response)) as chunks:
            first = await _first(chunks)
            found = self._whole(first, chunks) if self._is_json(first) else self._sse(first, chunks)
            async with aclosing(found) as events:
                async for event in events:
                    yield event

    async def close(self) -> None:
        """Close the connection, or give it back for the next request if the body has ended."""
        await self._response.aclose()

    def _is_json(self, first: bytes) -> bool:
        """Tell whole JSON from events by the first bytes; the content type is often wrong."""
        if first[:1] in (b"{", b"["):
            return True
        kind = str(self._response.headers.get("content-type", "")).split(";")[0].strip().lower()
        if kind not in ("", "text/event-stream") and not first.startswith(_FIELDS):
            raise NotAnAnswerError(kind)
        return False

    async def _whole(
        self, first: bytes, chunks: AsyncIterator[bytes]
    ) -> AsyncGenerator[dict[str, Any], None]:
        body = bytearray(first)
        async for chunk in chunks:
            body += chunk
        text = body.decode("utf-8", "replace")
        try:
            found: list[Any] = [json.loads(text)]
            self.complete = True
        except ValueError:
            # Ollama's own API and some gateways send one object a line.
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        for event in found:
            # Gemini puts an error into a list.
            items = cast("list[Any]", event) if isinstance(event, list) else [event]
            for item in items:
                if isinstance(item, dict):
                    yield cast("dict[str, Any]", item)

    async def _sse(
        self, first: bytes, chunks: AsyncIterator[bytes]
    ) -> AsyncGenerator[dict[str, Any], None]:
        source = httpx2.EventSource(_event_response(self._response, first, chunks), MAX_BODY)
        async with aclosing(cast("AsyncGenerator[httpx2.ServerSentEvent]", aiter(source))) as found:
            async for sse in found:
                for data in _documents(sse.data):
                    if data.startswith("[DONE]"):
                        self.complete = True
                        break
                    event = _event(data, sse.event)
                    self.sound = self.sound and event is not None and "\ufffd" not in data
                    if event is not None:
                        yield {"error": event} if _is_bare_error(sse.event, event) else event
                if self.complete:
                    break
        # The rest must be read for the connection to be used again.
        with suppress(asyncio.TimeoutError, httpx2.TransportError):
            await asyncio.wait_for(_drain(chunks), _DRAIN_SECONDS)


def _event(data: str, name: str) -> dict[str, Any] | None:
    """Decode the data of an event; None for a keep-alive without JSON. A proxy's error may be plain text."""
    if not data.lstrip().startswith(("{", "[")):
        return {"error": data} if name == "error" else None
    event: Any = json.loads(data)
    return cast("dict[str, Any]", event) if isinstance(event, dict) else None


def _documents(data: str) -> Iterator[str]:
    """Split data into JSON documents: a server that sends one newline between events joins them."""
    if "\n" in data:
        lines = [line for line in data.split("\n") if line.strip()]
        with suppress(ValueError):
            json.loads(data)
            lines = [data]
        yield from lines
    elif data.strip():
        yield data


def _is_bare_error(name: str, event: dict[str, Any]) -> bool:
    return name == "error" and "error" not in event and event.get("type") != "error"


def _is_framed(response: httpx2.Response) -> bool:
    """Return whether the body's end differs from the end of the connection."""
    chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    return chunked or "content-length" in response.headers or response.http_version == "HTTP/2"


async def _chunks(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    async for chunk in response.aiter_bytes():
        yield chunk


async def _first(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the bytes up to the first one that is not white space."""
    found = b""
    async for chunk in chunks:
        found += chunk
        if len(found) >= 3 and (rest := found.lstrip(_SPACES)):
            return rest
    return found.lstrip(_SPACES)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass


class _EventBytes(httpx2.AsyncByteStream):
    """The chunks of an event stream, with an empty line at the end: the last event may lack it."""

    def __init__(self, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        self._first = first
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield _ERROR_FIELD.sub(_ERROR_EVENT, self._first)
        async for chunk in self._chunks:
            yield _ERROR_FIELD.sub(_ERROR_EVENT, chunk)
        yield b"\n\n"


def _event_response(
    response: httpx2.Response, first: bytes, chunks: AsyncIterator[bytes]
) -> httpx2.Response:
    return httpx2.Response(
        200,
        headers={"content-type": "text/event-stream"},
        stream=_EventBytes(first, chunks),
        request=response.request,
        default_encoding="utf-8",
    )
