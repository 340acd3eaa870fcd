"""The complexity of open documents: measured in the background, read at once."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict

from ..types import Document
from .complexity import Complexity, FileComplexity, measure

_PAUSE = 0.002
"""Seconds between blocks of about a millisecond each, so that a keystroke waits for one block only."""

READY_LINES = 1_000
"""Largest file, in lines, that is measured before the first choice of a model."""
READY_SECONDS = 0.15
"""Longest wait for that measurement; the first import of the programs that measure takes most of it."""


class ComplexityCache:
    """Complexity of open documents, by URI. Call all methods on the event loop's thread."""

    def __init__(self, *, debounce_ms: float = 300, documents: int = 200) -> None:
        self._debounce = debounce_ms / 1e3
        self._limit = documents
        self._files: OrderedDict[str, FileComplexity] = OrderedDict()
        self._waiting: dict[str, Document] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._urgent: dict[str, asyncio.Task[None]] = {}
        # Every further thread would compete with keystrokes for the interpreter.
        self._one_at_a_time = asyncio.Lock()
        self._closing = threading.Event()

    def peek(self, uri: str, line: int) -> Complexity:
        """Return the known complexity at a line (from 0); never computes."""
        known = self._files.get(uri)
        return known.at(line) if known else Complexity()

    def opened(self, document: Document) -> None:
        """Measure a document for the first time, in a thread: no one types in it yet."""
        self._start(document, 0)

    def schedule(self, document: Document) -> None:
        """Measure soon, in a thread; further calls within the debounce time are merged."""
        self._start(document, self._debounce)

    def _start(self, document: Document, debounce: float) -> None:
        self._waiting[document.uri] = document
        if document.uri not in self._tasks:
            name = f"complexity of {document.name}"
            work = self._work(document.uri, debounce)
            self._tasks[document.uri] = asyncio.create_task(work, name=name)

    async def ready(self, document: Document) -> None:
        """Wait briefly for the first measurement of a small document; call it before a choice.

        A request passes the other documents that wait to be measured, as an editor may open many at once.
        """
        uri = document.uri
        if uri in self._files or len(document.lines) > READY_LINES or self._closing.is_set():
            return
        if uri not in self._urgent:
            name = f"complexity of {document.name}, before a choice"
            self._urgent[uri] = asyncio.create_task(self._measure_first(document), name=name)
        await asyncio.wait([self._urgent[uri]], timeout=READY_SECONDS)

    async def _measure_first(self, document: Document) -> None:
        try:
            known = await asyncio.to_thread(measure, document, None, self._closing.is_set)
            if document.uri not in self._files:
                self._store(document.uri, known)
        finally:
            self._urgent.pop(document.uri, None)

    async def update(self, document: Document) -> FileComplexity:
        """Measure now, in a thread, and return the result."""
        known = self._files.get(document.uri)
        if known is None or known.version != document.version:
            async with self._one_at_a_time:
                known = await asyncio.to_thread(measure, document, known, self._stopped)
            self._store(document.uri, known)
        return known

    def forget(self, uri: str) -> None:
        """Drop a closed document."""
        self._waiting.pop(uri, None)
        self._files.pop(uri, None)
        for tasks in (self._tasks, self._urgent):
            if task := tasks.pop(uri, None):
                task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is scheduled."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Cancel scheduled work, and stop a running measurement at its next block."""
        self._closing.set()
        tasks = [*self._tasks.values(), *self._urgent.values()]
        self._tasks.clear()
        self._urgent.clear()
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stopped(self) -> bool:
        """Pause to let the event loop run; return whether the cache is closing."""
        return self._closing.wait(_PAUSE)

    async def _work(self, uri: str, debounce: float) -> None:
        try:
            while uri in self._waiting:
                await asyncio.sleep(debounce)
                debounce = self._debounce
                async with self._one_at_a_time:
                    document = self._waiting.pop(uri, None)
                    known = self._files.get(uri)
                    if document and (known is None or known.version != document.version):
                        known = await asyncio.to_thread(measure, document, known, self._stopped)
                        self._store(uri, known)
        finally:
            if self._tasks.get(uri) is asyncio.current_task():
                del self._tasks[uri]

    def _store(self, uri: str, known: FileComplexity) -> None:
        self._files[uri] = known
        self._files.move_to_end(uri)
        while len(self._files) > self._limit:
            self._files.popitem(last=False)
