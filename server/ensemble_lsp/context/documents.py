"""The open documents as immutable snapshots, and files read for the command line."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import DocumentError
from ..languages import language_of
from ..types import Document, Edit, Span

LARGEST_FILE = 5_000_000
"""Bytes; a larger file is data, not code that somebody writes."""

EditFactory = Callable[[Document], Edit]
"""Makes an edit for the text that it is applied to."""


class DocumentListener(Protocol):
    """Who wants to know what becomes of the open documents. Called on the loop: be quick."""

    def opened(self, document: Document) -> None:
        """A document was opened, or replaced as a whole."""
        ...

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """A document changed; each edit's span is of the text after the edits before it."""
        ...

    def closed(self, document: Document) -> None:
        """A document was closed; this was its last text."""
        ...


class Documents:
    """The open documents. A snapshot is immutable: keep it, and an edit will not change it."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Document] = OrderedDict()
        self._listeners: list[DocumentListener] = []

    def subscribe(self, listener: DocumentListener) -> Callable[[], None]:
        """Tell a listener of every change from now on; call the result to end that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def open(self, uri: str, version: int, language: str, text: str) -> Document:
        """Take a document in; one that is open already is replaced."""
        document = Document.from_text(uri, version, language, text)
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
        """Let a document go; its last text, or ``None`` if it was not open."""
        document = self._open.pop(uri, None)
        if document is not None:
            for listener in tuple(self._listeners):
                listener.closed(document)
        return document

    def get(self, uri: str) -> Document | None:
        """The latest snapshot of an open document."""
        return self._open.get(uri)

    def recent(self) -> tuple[Document, ...]:
        """All open documents, the most recently opened or edited first."""
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
    """The text of a file's bytes; raises ``DocumentError`` where they are none."""
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
        # Devices and pipes never end: only a plain file is read, never more of it than allowed.
        if path.exists() and not path.is_file():
            raise DocumentError(f"{path} is not a plain file; name a text file.")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise DocumentError(f"{path} does not exist; check the path.") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"{path} cannot be read ({reason}); check the path.") from error
    if len(data) > LARGEST_FILE:
        raise DocumentError(f"{path} is larger than 5 MB; choose a smaller file.")
    return Document.from_text(path.as_uri(), 0, language_of(path), decode(data, str(path)))


def _clamped(document: Document, span: Span) -> Span:
    """The nearest span that exists; one given backwards is turned round."""
    start, end = document.clamp(span.start), document.clamp(span.end)
    return Span(min(start, end), max(start, end))
