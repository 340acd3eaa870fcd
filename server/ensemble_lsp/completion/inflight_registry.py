"""The streams that run for each document: a newer request takes over one that the user types along."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from ..types import Document, Position
from .cache import CacheKey, typed_since
from .inflight import InflightRequest

JOINABLE = 4
"""Streams of one document that a newer request may take over."""


@dataclass(slots=True)
class _Inflight:
    place: CacheKey
    flight: InflightRequest


class InflightRegistry:
    """What automatic requests have asked and is still of use."""

    def __init__(self) -> None:
        self._running: dict[str, list[_Inflight]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._running))

    def add(self, document: Document, position: Position, flight: InflightRequest) -> None:
        """A stream that newer requests may take over."""
        one = _Inflight(CacheKey.at(document, position), flight)
        self._running.setdefault(document.uri, []).append(one)

    def take_over(
        self, model: str, document: Document, position: Position
    ) -> tuple[InflightRequest, str] | None:
        """A model's running stream that fits the cursor, and what was typed since it was asked."""
        for one in self._running.get(document.uri, []):
            typed = typed_since(one.place, document, position)
            if one.flight.profile.name == model and typed is not None:
                return one.flight, typed
        return None

    def supersede(self, document: Document, position: Position) -> None:
        """A newer request is there: close all but the streams that the user is typing along."""
        kept: list[_Inflight] = []
        for one in self._running.pop(document.uri, []):
            typed = typed_since(one.place, document, position)
            along = typed is not None and one.flight.text.startswith(typed)
            if one.flight.text and along and one.flight.error is None:
                kept.append(one)
            else:
                one.flight.close()
        for one in kept[:-JOINABLE]:
            one.flight.close()
        if kept:
            self._running[document.uri] = kept[-JOINABLE:]

    def requests(self, uri: str) -> list[InflightRequest]:
        """The streams that run for a document."""
        return [one.flight for one in self._running.get(uri, [])]

    def close(self, uri: str) -> None:
        """End the streams of a document."""
        for one in self._running.pop(uri, []):
            one.flight.close()


async def wait_for_any(flights: list[InflightRequest], timeout: float) -> None:
    """Wait until one of the flights ends, at most ``timeout`` seconds."""
    ends = [flight.end for flight in flights]
    await asyncio.wait(ends, timeout=max(0.0, timeout), return_when=asyncio.FIRST_COMPLETED)
