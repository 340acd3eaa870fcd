"""The running streams of each document: a newer request takes over a stream that the user types along."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from ..types import Document, Position
from .cache import CacheKey, typed_since
from .inflight import InflightRequest

MAX_STREAMS = 4
"""Streams of one document that are kept for newer requests."""


@dataclass(slots=True)
class _Registered:
    key: CacheKey
    stream: InflightRequest


class InflightRegistry:
    """The streams of automatic requests that newer requests may take over."""

    def __init__(self) -> None:
        self._running: dict[str, list[_Registered]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._running))

    def add(self, document: Document, position: Position, stream: InflightRequest) -> None:
        """Offer a stream to newer requests."""
        entry = _Registered(CacheKey.at(document, position), stream)
        self._running.setdefault(document.uri, []).append(entry)

    def take_over(
        self, model: str, document: Document, position: Position
    ) -> tuple[InflightRequest, str] | None:
        """Return a model's running stream that fits the cursor, and the text typed since it began."""
        for entry in self._running.get(document.uri, []):
            typed = typed_since(entry.key, document, position)
            if entry.stream.profile.name == model and typed is not None:
                return entry.stream, typed
        return None

    def supersede(self, document: Document, position: Position) -> None:
        """Close a document's streams, except those whose text the user is typing."""
        kept: list[_Registered] = []
        for entry in self._running.pop(document.uri, []):
            typed = typed_since(entry.key, document, position)
            typed_along = typed is not None and entry.stream.text.startswith(typed)
            if entry.stream.text and typed_along and entry.stream.error is None:
                kept.append(entry)
            else:
                entry.stream.close()
        for entry in kept[:-MAX_STREAMS]:
            entry.stream.close()
        if kept:
            self._running[document.uri] = kept[-MAX_STREAMS:]

    def streams(self, uri: str) -> list[InflightRequest]:
        """Return the running streams of a document."""
        return [entry.stream for entry in self._running.get(uri, [])]

    def close(self, uri: str) -> None:
        """Close the streams of a document."""
        for entry in self._running.pop(uri, []):
            entry.stream.close()


async def wait_for_any(streams: list[InflightRequest], timeout: float) -> None:
    """Wait until one of the answers is complete, at most ``timeout`` seconds."""
    ends = [stream.completed for stream in streams]
    await asyncio.wait(ends, timeout=max(0.0, timeout), return_when=asyncio.FIRST_COMPLETED)
