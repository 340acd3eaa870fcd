"""Work that continues after a request is answered: its answers go into the cache, for the next request.

A protocol request is answered once. What comes later (a better model's answer beside an instant one, further
samples, the rest of an answer that the time budget cut off) is served to the next request at that place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass

from ..types import Document, Position
from .cache import CachedAnswer, CacheKey, typed_since

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _FollowUp:
    key: CacheKey
    task: asyncio.Task[list[CachedAnswer]]


class FollowUps:
    """At most one background task for each document."""

    def __init__(self) -> None:
        self._running: dict[str, _FollowUp] = {}

    def __contains__(self, uri: str) -> bool:
        return uri in self._running

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._running))

    def start(
        self,
        document: Document,
        position: Position,
        work: Coroutine[None, None, list[CachedAnswer]],
    ) -> asyncio.Task[list[CachedAnswer]]:
        """Run ``work`` for a place; it replaces the document's earlier task."""
        uri = document.uri
        self.cancel(uri)
        task = asyncio.ensure_future(work)
        entry = self._running[uri] = _FollowUp(CacheKey.at(document, position), task)

        def ended(_: asyncio.Task[list[CachedAnswer]]) -> None:
            if self._running.get(uri) is entry:
                del self._running[uri]
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.error("a completion in the background failed", exc_info=error)

        task.add_done_callback(ended)
        return task

    def cancel(self, uri: str) -> None:
        """Cancel a document's task."""
        if entry := self._running.pop(uri, None):
            entry.task.cancel()

    async def wait(self, document: Document, position: Position) -> bool:
        """Wait for the task of this very place; ``False`` without one."""
        entry = self._running.get(document.uri)
        if entry is None or typed_since(entry.key, document, position) != "":
            return False
        await asyncio.wait({entry.task})
        return True

    async def settled(self) -> None:
        """Wait for all tasks."""
        if self._running:
            await asyncio.wait({entry.task for entry in self._running.values()})
