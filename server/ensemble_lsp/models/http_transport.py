"""The HTTP client of the providers' SDKs: limits the headers sent and the size of an answer.

Imported only off the event loop: ``httpx2`` is slow to import, and a TLS context is read from disk.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import AsyncIterator, Mapping

import httpx2

from .interface import Profile
from .kept_connection import KeptConnection

MAX_BODY = 16 * 1024 * 1024
"""Upper bound of an answer, in bytes."""

# Other headers that an SDK adds (custom headers from the environment, an organisation's id, telemetry,
# cookies) may be secrets and are not needed.
_ALLOWED = frozenset(
    (
        "host",
        "accept",
        "connection",
        "user-agent",
        "content-type",
        "content-length",
        "transfer-encoding",
        "anthropic-version",
    )
)


_INFLATED = ("gzip", "x-gzip", "deflate")
_PIECE = 64 * 1024


class AnswerTooLongError(Exception):
    """An answer went past ``MAX_BODY``."""


class _Limited(httpx2.AsyncByteStream):
    """A body that raises an error once it exceeds the limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._left -= len(part)
            if self._left < 0:
                raise AnswerTooLongError
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Inflated(httpx2.AsyncByteStream):
    """A compressed body, inflated in pieces: a few bytes may expand to gigabytes."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip's or zlib's header
        try:
            async for part in self._stream:
                left = part
                while left:
                    yield inflate.decompress(left, _PIECE)
                    left = inflate.unconsumed_tail
        except zlib.error as error:
            raise httpx2.DecodingError(str(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


LIMITS = httpx2.Limits(max_keepalive_connections=4, keepalive_expiry=60.0)
"""Connections are kept between requests: a TLS handshake takes as long as the first token."""


def make_client(
    profile: Profile,
    auth: Mapping[str, str],
    max_body: int = MAX_BODY,
    kept: KeptConnection | None = None,
) -> httpx2.AsyncClient:
    """An HTTP client for one model: follows no redirect, sends ``auth`` and no other secret.

    A model on this machine is never reached through a proxy: its traffic must not leave the machine.
    The timeouts only end dead connections; ``wrappers.Timeout`` limits an answer's time.
    """

    async def prune(request: httpx2.Request) -> None:
        kept = {name: value for name, value in request.headers.items() if name in _ALLOWED}
        # A compressed stream arrives in lumps.
        request.headers = httpx2.Headers({**kept, "accept-encoding": "identity", **auth})

    async def limit(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.AsyncByteStream):
            stream = _Limited(response.stream, max_body)
            # The library would inflate a whole piece at once, whatever its size.
            encoding = response.headers.pop("content-encoding", "")
            if encoding.lower() in _INFLATED:
                stream = _Limited(_Inflated(stream), max_body)
            response.stream = stream

    return httpx2.AsyncClient(
        follow_redirects=False,
        # A proxy on this machine may count as remote, but its address is still this machine's.
        trust_env=not (profile.local or profile.backend),
        timeout=httpx2.Timeout(profile.timeout, connect=5.0, pool=None),
        limits=LIMITS,
        transport=kept,
        event_hooks={"request": [prune], "response": [limit]},
    )


def canned_client(events: str) -> httpx2.AsyncClient:
    """Return an HTTP client without a network that answers each request with these events."""
    headers = {"content-type": "text/event-stream"}

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, text=events)

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def quiet(*loggers: str) -> None:
    """Keep SDKs from logging requests, which contain the user's code, at level DEBUG."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.WARNING)
