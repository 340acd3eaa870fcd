"""The ways in which a loopback provider goes wrong on purpose."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .wire_formats import Answer


@dataclass(frozen=True)
class Fault:
    """One way to go wrong; make it with the class methods."""

    kind: str
    after: int = 0
    """Events sent in good order before it."""
    code: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def status(cls, code: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Fault:
        """An HTTP status; ``body`` (JSON or text) None: an error in the API's own words."""
        return cls("status", code=code, body=body, headers=headers or {})

    @classmethod
    def html(cls, code: int = 200) -> Fault:
        """A web page."""
        page = "<!doctype html><html><body>Sign in to the network</body></html>"
        return cls("body", code=code, body=page, headers={"content-type": "text/html"})

    @classmethod
    def body_of(cls, body: Any, content_type: str = "application/json", code: int = 200) -> Fault:
        """Any body: text or JSON, in place of the stream."""
        text = body if isinstance(body, str) else json.dumps(body)
        return cls("body", code=code, body=text, headers={"content-type": content_type})

    @classmethod
    def wrong_content_type(cls, content_type: str = "application/octet-stream") -> Fault:
        """The right stream under a wrong name."""
        return cls("content_type", headers={"content-type": content_type})

    @classmethod
    def cut(cls, after: int = 3) -> Fault:
        """The connection is cut in mid-stream."""
        return cls("cut", after)

    @classmethod
    def ends_early(cls, after: int = 3) -> Fault:
        """The stream ends in good HTTP order, but before its last events."""
        return cls("ends_early", after)

    @classmethod
    def stall(cls, after: int = 3) -> Fault:
        """Nothing more comes, and the connection stays open."""
        return cls("stall", after)

    @classmethod
    def never_answer(cls) -> Fault:
        """Not even a status line."""
        return cls("never_answer")

    @classmethod
    def disconnect(cls) -> Fault:
        """The connection is closed without an answer."""
        return cls("disconnect")

    @classmethod
    def garbage(cls, after: int = 2) -> Fault:
        """Events that are not JSON."""
        return cls("raw", after, body=b'event: message_delta\ndata: {"a": [1, \n\n')

    @classmethod
    def event(cls, raw: bytes, after: int = 2) -> Fault:
        """An event of one's own, and then the end."""
        return cls("raw", after, body=raw)

    @classmethod
    def invalid_utf8(cls, after: int = 2) -> Fault:
        """An event whose bytes are no text."""
        return cls("raw", after, body=b'event: message_delta\ndata: {"text": "\xff\xfe\x80"}\n\n')

    @classmethod
    def empty_choices(cls) -> Fault:
        """A stream that says nothing and ends."""
        return cls("empty")

    @classmethod
    def huge_token(cls, characters: int = 2_000_000) -> Fault:
        """All text in one piece."""
        return cls("huge", after=characters)

    @classmethod
    def endless(cls) -> Fault:
        """Text without end."""
        return cls("endless")

    @classmethod
    def refusal(cls) -> Fault:
        """The model declines."""
        return cls("refusal")

    @classmethod
    def content_filter(cls) -> Fault:
        """A filter ends the answer."""
        return cls("content_filter")

    @classmethod
    def redirect(cls, to: str) -> Fault:
        """Another address."""
        return cls("body", code=307, headers={"location": to, "content-type": "text/plain"})


def faulty_answer(answer: Answer, fault: Fault) -> Answer:
    """Return the answer that is streamed for a fault of its content."""
    changes: dict[str, dict[str, Any]] = {
        "huge": {"pieces": ["x" * fault.after]},
        "endless": {"pieces": itertools.repeat(" word")},
        "refusal": {"finish": "refusal", "pieces": ["I", " cannot"]},
        "content_filter": {"finish": "content_filter"},
    }
    return Answer(**{**vars(answer), **changes.get(fault.kind, {})})


async def break_stream(
    fault: Fault, request: web.Request, response: web.StreamResponse
) -> web.StreamResponse:
    """End a stream in the way of a fault."""
    if fault.kind == "stall":
        await asyncio.Event().wait()
    if fault.kind == "cut":
        drop_connection(request)
        return response
    if fault.kind == "raw":
        await response.write(bytes(fault.body))
    await response.write_eof()
    return response


def drop_connection(request: web.Request) -> None:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
