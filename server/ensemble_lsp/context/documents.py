"""The open documents as immutable snapshots, and files read from disk."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import DocumentError
from ..languages import language_id, language_of
from ..types import Document, Edit, Span
from ..uris import uri_to_path
from .notebooks import Notebooks

MAX_FILE_BYTES = 5_000_000
"""Bytes; a larger file is data, not handwritten code."""

EditFactory = Callable[[Document], Edit]
"""Makes an edit for the text that it is applied to."""


class DocumentListener(Protocol):
    """Receives the changes of the open documents, on the event loop: it must be quick."""

    def opened(self, document: Document) -> None:
        """Handle a document that was opened, or opened again with another text."""
        ...

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Handle a change; each edit's span is of the text after the edits before it."""
        ...

    def closed(self, document: Document) -> None:
        """Handle the close of a document; this is its last text."""
        ...


class Documents:
    """The open documents. Snapshots are immutable: an edit makes a new one."""

    def __init__(self) -> None:
        self.notebooks = Notebooks()
        """The notebooks whose cells are among the documents."""
        self._open: OrderedDict[str, Document] = OrderedDict()
        self._listeners: list[DocumentListener] = []

    def subscribe(self, listener: DocumentListener) -> Callable[[], None]:
        """Add a listener; return a function that removes it."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def open(self, uri: str, version: int, language: str, text: str) -> Document:
        """Open a document; replaces one with the same URI. Without a language its name implies one."""
        name = language_id(language) or language_of(uri_to_path(uri))
        document = Document.from_text(uri, version, name, text)
        self._keep(document)
        for listener in tuple(self._listeners):
            listener.opened(document)
        return document

    def change(
        self, uri: str, version: int, edits: Sequence[Edit | EditFactory]
    ) -> tuple[Document, Document]:
        """Apply edits in order and return the document before and after.

        Each span is of the text after the edits before it, and is clamped to that text. An edit may
        be a function of that text. Versions may skip. Raises ``DocumentError`` if it is not open.
        """
        before = after = self._known(uri)
        applied: list[Edit] = []
        for each in edits:
            edit = each if isinstance(each, Edit) else each(after)
            span = _clamped(after, edit.span)
            after = after.replace(span, edit.text, version)
            applied.append(Edit(span, edit.text))
        if not applied:
            after = Document(before.uri, version, before.language, before.lines)
        self._keep(after)
        for listener in tuple(self._listeners):
            listener.changed(before, after, applied)
        return before, after

    def close(self, uri: str) -> Document | None:
        """Close a document and return its last snapshot; ``None`` if it was not open."""
        document = self._open.pop(uri, None)
        if document is not None:
            for listener in tuple(self._listeners):
                listener.closed(document)
        return document

    def get(self, uri: str) -> Document | None:
        """Return the latest snapshot of an open document."""
        return self._open.get(uri)

    def recent(self) -> tuple[Document, ...]:
        """Return all open documents, the most recently opened or edited first."""
        return tuple(reversed(self._open.values()))

    def _known(self, uri: str) -> Document:
        document = self._open.get(uri)
        if document is None:
            raise DocumentError(f"{uri} is not open; open it in the editor first.")
        return document

    def _keep(self, document: Document) -> None:
        self._open[document.uri] = document
        self._open.move_to_end(document.uri)


async def read(path: str | Path) -> Document:
    """Read a file as a document, off the loop; its version is 0.

    Raises ``DocumentError`` for a file that is missing, a folder, binary, too large or not UTF-8.
    """
    return await asyncio.to_thread(_read, Path(path))


def decode(data: bytes, name: str) -> str:
    """Decode a file's bytes; raises ``DocumentError`` for binary data or another encoding."""
    if b"\0" in data:
        raise DocumentError(f"{name} is a binary file; choose a text file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again."
        ) from error


def _read(path: Path) -> Document:
    try:
        path = path.resolve()
        if path.is_dir():
            raise DocumentError(f"{path} is a folder; name a file.")
        # Devices and pipes have no end: read only regular files, and only up to the limit.
        if path.exists() and not path.is_file():
            raise DocumentError(f"{path} is not a plain file; name a text file.")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError(f"{path} does not exist; check the path.") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"{path} cannot be read ({reason}); check the path.") from error
    if len(data) > MAX_FILE_BYTES:
        raise DocumentError(f"{path} is larger than 5 MB; choose a smaller file.")
    return Document.from_text(path.as_uri(), 0, language_of(path), decode(data, str(path)))


def _clamped(document: Document, span: Span) -> Span:
    """Return the nearest span that exists, with its ends in order."""
    start, end = document.clamp(span.start), document.clamp(span.end)
    return Span(min(start, end), max(start, end))
