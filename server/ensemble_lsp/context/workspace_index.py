"""What is known beyond one document: folders, privacy, related code, imported signatures."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..models.interface import Profile
from ..settings import PrivacySettings
from ..syntax.trees import Trees
from ..types import Document, Edit, Position, Snippet
from .content_exclusion import PrivacyFilter
from .imports import ImportSignatures
from .related_passages import RelatedIndex
from .secret_redaction import Redactor

_LARGEST = 2_000_000
"""Characters; a larger document is not indexed."""
_PATIENCE = 0.05
"""Seconds a first request waits for the signatures of what its document imports."""
_GROWTH = 0.01
"""Seconds after the last change until its tree is grown; a request that comes sooner parses by itself."""
_HEAD = 400
"""Lines in which imports stand."""


class WorkspaceContext:
    """A listener of the documents that keeps what prompts need beyond them.

    What needs the disk is done ahead of time, in the background, when a document is opened or its
    imports change; ``await prepare(document)`` makes sure of it before a prompt is built.
    """

    def __init__(
        self, privacy: PrivacySettings | None = None, folders: Sequence[Path] = ()
    ) -> None:
        self._settings = privacy or PrivacySettings()
        self.folders: tuple[Path, ...] = tuple(folders)
        self._redactor = Redactor()
        self.privacy = self._filter()
        self.related = RelatedIndex()
        self.imports = ImportSignatures()
        self.trees = Trees()
        self._documents: dict[str, Document] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._settling: asyncio.Task[None] | None = None
        self._growing: asyncio.TimerHandle | None = None
        self._growth = 0.0
        """Seconds that the last tree took."""

    @property
    def project(self) -> str:
        """A short name that tells projects apart without naming them; empty without folders."""
        if not self.folders:
            return ""
        return hashlib.sha256(os.fsencode(self.folders[0])).hexdigest()[:12]

    # -- settings and folders ------------------------------------------------------------------

    async def set_folders(self, folders: Sequence[Path]) -> None:
        """The workspace's folders are these from now on."""
        self.folders = tuple(map(_normal, folders))
        self._renew()

    async def set_privacy(self, privacy: PrivacySettings) -> None:
        """The privacy settings are these from now on."""
        if privacy != self._settings:
            self._settings = privacy
            self._renew()

    def _renew(self) -> None:
        """A new filter knows no verdicts: until they are there again, nothing is sent."""
        self.privacy = self._filter()
        for document in self._documents.values():
            self.imports.forget(document.uri)
            self._look_soon(document)

    def _filter(self) -> PrivacyFilter:
        settings = self._settings
        return PrivacyFilter(
            self.folders,
            settings.exclude,
            redact_secrets=settings.redact_secrets,
            redactor=self._redactor,
        )

    # -- what the documents tell ---------------------------------------------------------------

    def opened(self, document: Document) -> None:
        """Judge, index and look up imports in the background."""
        self._documents[document.uri] = document
        if sum(map(len, document.lines)) <= _LARGEST:
            self.related.opened(document)
        self._look_soon(document)
        self._settle_soon()

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Follow an edit."""
        self._documents[after.uri] = after
        if before.uri in self.related:
            self.related.changed(before, after, edits)
            self._settle_soon()
        # Below the head an edit cannot change what is imported.
        if any(edit.span.start.line < _HEAD for edit in edits) and self.imports.stale(after):
            self._look_soon(after)
        if edits and self.trees.knows(after.uri):
            self._grow_soon(after, edits[-1].span.start)

    def closed(self, document: Document) -> None:
        """Let a document go."""
        self._documents.pop(document.uri, None)
        self.related.closed(document)
        self.imports.forget(document.uri)
        self.trees.forget(document.uri)

    async def prepare(self, document: Document) -> None:
        """Make sure that the ignore rules' verdict on a document is known and fresh.

        Waits a moment for the signatures of its imports where nothing is known of them yet.
        """
        if not _is_file(document.uri):
            return
        await self.privacy.prepare(document.path)
        if not self.imports.known(document.uri) and (task := self._look_soon(document)):
            await asyncio.wait({task}, timeout=_PATIENCE)

    async def guard(self, profiles: Iterable[Profile]) -> None:
        """Make sure, off the loop, that prompts for these models can be cleared of secrets."""
        if not all(profile.local for profile in profiles):
            await self.privacy.ready()

    async def settle(self) -> None:
        """Wait until all that goes on in the background is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """End what goes on in the background."""
        if self._growing is not None:
            self._growing.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await self.settle()

    def _look_soon(self, document: Document) -> asyncio.Task[None] | None:
        running = self._looking.get(document.uri)
        if running is not None and not running.done():
            return running
        task = self._background(self._look(document.uri, document))
        if task is not None and _is_file(document.uri):
            self._looking[document.uri] = task
            task.add_done_callback(lambda _: self._looked(document.uri, task))
        return task

    async def _look(self, uri: str, document: Document) -> None:
        if not _is_file(uri):
            return
        await self.privacy.prepare(document.path)
        latest = self._documents.get(uri, document)
        while self.imports.stale(latest):
            await self.imports.refresh(latest, self.privacy)
            latest = self._documents.get(uri, latest)
        if uri not in self._documents and latest is not document:
            self.imports.forget(uri)

    def _looked(self, uri: str, task: asyncio.Task[None]) -> None:
        if self._looking.get(uri) is task:
            del self._looking[uri]

    def _settle_soon(self) -> None:
        if self._settling is None or self._settling.done():
            self._settling = self._background(self.related.settle())

    def _grow_soon(self, document: Document, position: Position) -> None:
        """Parse what changed once the loop is free: the request that follows finds the tree."""
        with contextlib.suppress(RuntimeError):  # without a loop whoever asks parses
            if self._growing is not None:
                self._growing.cancel()
            # Broken code can take ten times as long as whole: then only a pause in typing is used.
            pause = max(_GROWTH, 4 * self._growth)
            loop = asyncio.get_running_loop()
            self._growing = loop.call_later(pause, self._grow, document, position)

    def _grow(self, document: Document, position: Position) -> None:
        self._growing = None
        if self._documents.get(document.uri) is document:
            start = time.perf_counter()
            self.trees.at(document, position)
            self._growth = time.perf_counter() - start

    def _background(self, work: Coroutine[object, object, None]) -> asyncio.Task[None] | None:
        try:
            task = asyncio.get_running_loop().create_task(work)
        except RuntimeError:
            # Without a loop there is no background: a query indexes, ``prepare`` judges.
            work.close()
            return None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- what prompts ask ----------------------------------------------------------------------

    def exclusion_reason(self, document: Document, profile: Profile) -> str | None:
        """One sentence why a model may not see a document, naming the rule; ``None`` if it may."""
        if profile.local:
            return None
        reason = self._reason(document.uri)
        if reason is None:
            return None
        return (
            f"{document.name} is not sent to {profile.name}: {reason}; "
            "use a local model or change the rule."
        )

    def allowed(self, uri: str) -> bool:
        """Whether a document may be shown to a remote model."""
        return self._reason(uri) is None

    def relative(self, path: str) -> str:
        """A path as models are shown it: from the workspace's folder, else the file's name.

        On one line: a name with line ends in it could pass for a line of the prompt.
        """
        pure = Path(path)
        inside = next((f for f in self.folders if f in pure.parents), None)
        shown = pure.name if inside is None else pure.relative_to(inside).as_posix()
        return "".join(char if char.isprintable() else "?" for char in shown)

    def signatures(self, document: Document, profile: Profile) -> tuple[Snippet, ...]:
        """Signatures of what a document imports; for a remote model, of files it may see."""
        found = self.imports.get(document.uri)
        if profile.local:
            return found
        return tuple(s for s in found if self.privacy.allowed(s.path))

    def _reason(self, uri: str) -> str | None:
        if _is_file(uri):
            return self.privacy.exclusion_reason(Document(uri, 0, "", ("",)).path)
        # Not on disk: a new file, a notebook's cell, a diff's other side.
        return self.privacy.by_name(unquote(urlsplit(uri).path).lstrip("/") or "untitled")


def _normal(folder: Path) -> Path:
    """Without ``..`` and doubled separators; the disk is not asked."""
    return Path(os.path.normpath(folder))


def _is_file(uri: str) -> bool:
    return uri.startswith("file:")
