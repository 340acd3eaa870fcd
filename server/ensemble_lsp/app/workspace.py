"""The open documents and their indexes. Outlives every ``AppContext``."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple, TypeVar

from ..context.documents import DocumentListener, Documents
from ..context.workspace_files import read_source_files
from ..context.workspace_index import WorkspaceContext
from ..providers.recall.token_index import RecallIndex
from ..selection.complexity_cache import ComplexityCache
from ..types import Document, Edit
from ..uris import is_file_uri, uri_to_path

_Path = TypeVar("_Path", bound=PurePath)
_OPENS_AT_ONCE = 8
_OPENS_PER_SECOND = 5.0
"""Documents that recall reads as soon as they are opened. A client that opens more (a search in the whole project,
or a broken one) must not hold up requests; those are read in the background, unless they are closed before."""
_SLICE_LINES = 60
_PAUSE = 0.002
"""Lines that recall reads at once, and the seconds after them in which requests get the loop."""
_REREAD_AFTER = 300.0
"""Seconds after which opening or saving a document makes recall read the folders again."""


class _FileOnDisk(NamedTuple):
    """A file that recall has read."""

    uri: str
    """Its URI in recall's index. An editor may spell the same file's URI differently."""
    text: int
    """The hash of its text."""


class Workspace:
    """The one listener of the documents: updates the indexes, then its own listeners."""

    def __init__(
        self,
        documents: Documents,
        context: WorkspaceContext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self.documents = documents
        context.notebooks = documents.notebooks
        self.context = context
        """Folders, privacy, syntax trees and related code: what prompts are built from."""
        self.recall = RecallIndex()
        self.complexity = ComplexityCache()
        self.indexing = asyncio.Event()
        """Set while recall reads what was opened."""
        self._listeners: list[DocumentListener] = []
        self.on_file: Callable[[str, str, str], None] | None = None
        """Called with the URI, language and text of each source file on disk."""
        self._unread: dict[str, Document] = {}
        """Open documents that recall has not begun to read."""
        self._opens = TokenBucket(_OPENS_AT_ONCE, _OPENS_PER_SECOND)
        self._reader: asyncio.Task[None] | None = None
        self._disk_reader: asyncio.Task[None] | None = None
        self._disk_read_at = 0.0
        """The time at which recall last began to read the folders."""
        self._saved_since: set[Path] = set()
        """Files that were saved since then: their text on disk may have been read before."""
        self._on_disk: dict[Path, _FileOnDisk] = {}
        documents.subscribe(self)
        for document in documents.recent():
            self.opened(document)

    def add_listener(self, listener: DocumentListener) -> None:
        """Call a listener after the indexes, for every later change."""
        self._listeners.append(listener)

    def opened(self, document: Document) -> None:
        """Index a document."""
        if self._opens.take():
            self.recall.open(document)
        else:
            self.recall.close(document.uri)
            self._unread[document.uri] = document
        self._rename_on_disk(document)
        self._look_again()
        self._read_soon()
        self.context.opened(document)
        self.complexity.opened(document)
        for listener in self._listeners:
            listener.opened(document)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Update the indexes with an edit."""
        if self._unread.pop(after.uri, None) is not None:
            self.recall.open(after)
        else:
            self.recall.change(before, after, edits)
        self.context.changed(before, after, edits)
        self.complexity.schedule(after)
        for listener in self._listeners:
            listener.changed(before, after, edits)

    def closed(self, document: Document) -> None:
        """Drop a document from the indexes."""
        if self._unread.pop(document.uri, None) is None:
            self.recall.close(document.uri)
        self.context.closed(document)
        self.complexity.forget(document.uri)
        for listener in self._listeners:
            listener.closed(document)

    async def set_folders(self, uris: Sequence[str]) -> None:
        """Take the workspace's folders, as URIs."""
        await self.context.set_folders(paths_of(uris))

    def saved(self, document: Document) -> None:
        """Keep a saved file in recall after it is closed, if the workspace may read it."""
        self._look_again()
        path = Path(document.path)
        inside = any(folder in path.parents for folder in self.context.folders)
        if document.uri in self.documents.notebooks:
            return  # the file on disk is not the cell's text
        if inside and self.context.allowed(document.uri):
            self._saved_since.add(path)
            self._add_file(path, document.uri, document.language, document.text)

    def _rename_on_disk(self, document: Document) -> None:
        path = Path(document.path)
        known = self._on_disk.get(path)
        if known is not None and known.uri != document.uri:
            self.recall.remove_file(known.uri)
            self._add_file(path, document.uri, document.language, document.text)

    def _add_file(self, path: Path, uri: str, language: str, text: str) -> bool:
        """Give recall a file's text as it is on disk; return whether it is new or changed."""
        file = _FileOnDisk(uri, hash(text))
        if self._on_disk.get(path) == file:
            return False
        self._on_disk[path] = file
        self.recall.add_file(uri, language, text)
        return True

    def index_files(self) -> None:
        """Read the folders' source files into recall, in the background."""
        if self._disk_reader is not None:
            self._disk_reader.cancel()
        self._disk_read_at = self._clock()
        self._saved_since.clear()
        self._disk_reader = asyncio.get_running_loop().create_task(self._read_disk())

    def _look_again(self) -> None:
        """Notice files that were deleted, moved or changed by another program, such as git."""
        read = self._disk_reader
        if read is not None and read.done() and self._clock() > self._disk_read_at + _REREAD_AFTER:
            self.index_files()

    async def _read_disk(self) -> None:
        known = set(self._on_disk)  # a file that is saved meanwhile stays
        stopped = threading.Event()
        try:
            files = await asyncio.to_thread(
                read_source_files,
                self.context.folders,
                self.context.privacy,
                stopped=stopped.is_set,
            )
        finally:
            stopped.set()  # after a cancel the thread ends at the next file
        for path in known - {file.path for file in files}:
            self.recall.remove_file(self._on_disk.pop(path).uri)
        opened = {Path(document.path): document.uri for document in self.documents.recent()}
        for file in files:
            uri = opened.get(file.path) or file.path.as_uri()
            if file.path in self._saved_since or not self._add_file(
                file.path, uri, file.language, file.text
            ):
                continue
            if self.on_file is not None:
                self.on_file(uri, file.language, file.text)
            self._read_soon()
            await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        """End the background work."""
        for reader in (self._reader, self._disk_reader):
            if reader is not None:
                reader.cancel()
        await self.context.close()
        await self.complexity.close()

    def _read_soon(self) -> None:
        if self._reader is None or self._reader.done():
            with contextlib.suppress(RuntimeError):  # no loop: recall reads when it is asked
                self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        self.indexing.set()
        try:
            while self._unread or self.recall.work(_SLICE_LINES):
                if self._unread:
                    _, document = self._unread.popitem()
                    self.recall.open(document)
                await asyncio.sleep(_PAUSE)
        finally:
            self.indexing.clear()


class TokenBucket:
    """Allows a number of actions at once, and later ones at a rate."""

    def __init__(
        self, size: int, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._rate = per_second
        self._clock = clock
        self._left = float(size)
        self._seen = clock()

    def take(self) -> bool:
        """Take one; return whether there was one."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._seen) * self._rate)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def paths_of(uris: Sequence[str], flavour: type[_Path] = Path) -> list[_Path]:
    """Return the paths of file URIs; others are left out."""
    return [flavour(uri_to_path(uri, flavour)) for uri in uris if is_file_uri(uri)]
