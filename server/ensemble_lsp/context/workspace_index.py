"""The context beyond one document: folders, privacy, related passages, imported signatures."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import lru_cache
from pathlib import Path, PurePath

from ..models.interface import Profile
from ..settings import PrivacySettings
from ..syntax.trees import Trees
from ..types import Document, Edit, Position, Prompt, Snippet
from ..uris import is_file_uri, paths_in
from .content_exclusion import PrivacyFilter
from .imports import ImportSignatures
from .notebooks import CellInNotebook, Notebooks
from .redacted_documents import DocumentView, RedactedDocuments, redact_prompt
from .related_passages import RelatedIndex
from .secret_redaction import Redactor

_MAX_CHARACTERS = 2_000_000
"""Characters; larger documents are not indexed."""
_IMPORTS_WAIT = 0.05
"""Seconds that the first request waits for the signatures of the document's imports."""
_PARSE_DELAY = 0.01
"""Seconds after the last change until its tree is updated; an earlier request parses by itself."""
_HEAD_LINES = 400
"""Lines that are searched for imports."""


RecentlyEdited = Callable[
    ["WorkspaceContext", Document, tuple[int, int], Profile], Sequence[Snippet]
]
"""Returns passages for a model, the latest first; not of the given lines of the document."""


class WorkspaceContext:
    """Listens to the documents and keeps the context that prompts need beyond them.

    Work that needs the disk is done ahead of time, in the background, when a document is opened or its
    imports change; ``await prepare(document)`` completes it before a prompt is built.
    """

    def __init__(
        self, privacy: PrivacySettings | None = None, folders: Sequence[Path] = ()
    ) -> None:
        self._settings = privacy or PrivacySettings()
        self.folders: tuple[Path, ...] = tuple(folders)
        self._redactor = Redactor()
        self._redacted = RedactedDocuments(self._redactor)
        self._guarding = False
        """Whether a remote model may be asked, so that documents are searched for secrets ahead of time."""
        self.privacy = self._new_filter()
        self.notebooks = Notebooks()
        self.related = RelatedIndex()
        self.recently_edited: RecentlyEdited | None = None
        """Returns what the user edited last, for a completion's prompt."""
        self.imports = ImportSignatures()
        self.trees = Trees()
        self._redacted_trees = Trees()
        self._documents: dict[str, Document] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookups: dict[str, asyncio.Task[None]] = {}
        self._indexing: asyncio.Task[None] | None = None
        self._parse_timer: asyncio.TimerHandle | None = None
        self._parse_seconds = 0.0
        """The time of the last tree update, in seconds."""

    @property
    def project(self) -> str:
        """A short hash that identifies the project without naming it; empty without folders."""
        if not self.folders:
            return ""
        return hashlib.sha256(os.fsencode(self.folders[0])).hexdigest()[:12]

    # -- settings and folders ------------------------------------------------------------------

    async def set_folders(self, folders: Sequence[Path]) -> None:
        """Set the workspace's folders."""
        self.folders = tuple(map(_normalised, folders))
        self._reset_privacy()

    async def set_privacy(self, privacy: PrivacySettings) -> None:
        """Set the privacy settings."""
        if privacy != self._settings:
            self._settings = privacy
            self._reset_privacy()

    def _reset_privacy(self) -> None:
        """Replace the filter; until it has verdicts again, remote models get nothing."""
        self.privacy = self._new_filter()
        for document in self._documents.values():
            self.imports.forget(document.uri)
            self._schedule_lookup(document)

    def _new_filter(self) -> PrivacyFilter:
        settings = self._settings
        return PrivacyFilter(
            self.folders,
            settings.exclude,
            redact_secrets=settings.redact_secrets,
            redactor=self._redactor,
        )

    # -- document events -----------------------------------------------------------------------

    def opened(self, document: Document) -> None:
        """Check, index and look up imports in the background."""
        self._documents[document.uri] = document
        # Prompts have the cells of a notebook around each other.
        is_cell = document.uri in self.notebooks
        if not is_cell and sum(map(len, document.lines)) <= _MAX_CHARACTERS:
            self.related.opened(document)
        self._schedule_lookup(document)
        self._schedule_indexing()
        if self._guarding:
            self._background(self._search_for_secrets(document))

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Update the indexes."""
        self._documents[after.uri] = after
        if before.uri in self.related:
            self.related.changed(before, after, edits)
            self._schedule_indexing()
        # Imports are above this line: edits below cannot change them.
        if any(edit.span.start.line < _HEAD_LINES for edit in edits) and self.imports.stale(after):
            self._schedule_lookup(after)
        if edits and self.trees.knows(after.uri):
            self._schedule_parse(after, edits[-1].span.start)

    def closed(self, document: Document) -> None:
        """Forget a document."""
        self._documents.pop(document.uri, None)
        self.related.closed(document)
        if document.uri not in self.related:
            self._redacted.forget(document.uri)
        self.imports.forget(document.uri)
        self.trees.forget(document.uri)
        self._redacted_trees.forget(document.uri)

    async def prepare(self, document: Document) -> None:
        """Make sure that the document's exclusion verdict is fresh and its secrets are known.

        Waits briefly for the signatures of its imports if they have not been read yet.
        """
        await self.privacy.prepare(*self._paths(document.uri))
        if self._guarding:
            await self._search_for_secrets(document)
            if (cell := self.in_notebook(document)) is not None:
                await self._search_for_secrets(cell.script)
        if not is_file_uri(document.uri):
            return
        if not self.imports.known(document.uri) and (task := self._schedule_lookup(document)):
            await asyncio.wait({task}, timeout=_IMPORTS_WAIT)

    async def guard(self, profiles: Iterable[Profile] | None = None) -> None:
        """Make sure, off the loop, that prompts for remote models (default: any) can be redacted."""
        if profiles is not None and all(profile.local for profile in profiles):
            return
        await self.privacy.ready()
        if not self._guarding:
            self._guarding = True
            for document in self._documents.values():
                self.imports.forget(document.uri)
                self._schedule_lookup(document)
                self._background(self._search_for_secrets(document))

    async def _search_for_secrets(self, document: Document) -> None:
        if self.privacy.redactor is not None:
            await self._redacted.prepare(document)

    async def settle(self) -> None:
        """Wait for the background work."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """Stop the background work."""
        if self._parse_timer is not None:
            self._parse_timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await self.settle()

    def _schedule_lookup(self, document: Document) -> asyncio.Task[None] | None:
        running = self._lookups.get(document.uri)
        if running is not None and not running.done():
            return running
        task = self._background(self._lookup(document.uri, document))
        if task is not None:
            self._lookups[document.uri] = task
            task.add_done_callback(lambda _: self._lookup_done(document.uri, task))
        return task

    async def _lookup(self, uri: str, document: Document) -> None:
        await self.privacy.prepare(*self._paths(uri))
        if not is_file_uri(uri):
            return
        latest = self._documents.get(uri, document)
        while self.imports.stale(latest):
            await self.imports.refresh(latest, self.privacy, self._guarding)
            latest = self._documents.get(uri, latest)
        if uri not in self._documents and latest is not document:
            self.imports.forget(uri)

    def _lookup_done(self, uri: str, task: asyncio.Task[None]) -> None:
        if self._lookups.get(uri) is task:
            del self._lookups[uri]

    def _schedule_indexing(self) -> None:
        if self._indexing is None or self._indexing.done():
            self._indexing = self._background(self.related.settle())

    def _schedule_parse(self, document: Document, position: Position) -> None:
        """Parse the change when the loop is free, so that the next request finds the tree."""
        with contextlib.suppress(RuntimeError):  # without a loop, the next request parses
            if self._parse_timer is not None:
                self._parse_timer.cancel()
            # Broken code can take ten times as long to parse: then wait for a pause in typing.
            pause = max(_PARSE_DELAY, 4 * self._parse_seconds)
            loop = asyncio.get_running_loop()
            self._parse_timer = loop.call_later(pause, self._parse, document, position)

    def _parse(self, document: Document, position: Position) -> None:
        self._parse_timer = None
        if self._documents.get(document.uri) is document:
            start = time.perf_counter()
            self.trees.at(document, position)
            self._parse_seconds = time.perf_counter() - start

    def _background(self, work: Coroutine[object, object, None]) -> asyncio.Task[None] | None:
        try:
            task = asyncio.get_running_loop().create_task(work)
        except RuntimeError:
            # Without a loop, queries index and ``prepare`` checks.
            work.close()
            return None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- prompts -------------------------------------------------------------------------------

    def exclusion_reason(self, document: Document, profile: Profile) -> str | None:
        """Return why a model may not see a document, in one sentence; ``None`` if it may."""
        if profile.local:
            return None
        reason = self._reason(document.uri)
        if reason is None:
            return None
        return (
            f"{document.name} is not sent to {profile.name}: {reason}; "
            "use a local model or change the rule."
        )

    def in_notebook(self, document: Document) -> CellInNotebook | None:
        """Return a cell with the other cells of its notebook; ``None`` for a document that is not a cell."""
        return self.notebooks.script(document, self._documents.get)

    def allowed(self, uri: str) -> bool:
        """Return whether a document may be shown to a remote model."""
        return self._reason(uri) is None

    def view(self, document: Document, profile: Profile) -> DocumentView:
        """Return a document as a model may see it: without secrets for a remote one."""
        if profile.local or self.privacy.redactor is None:
            return DocumentView(document)
        return self._redacted.view(document)

    def redacted(self, document: Document) -> DocumentView:
        """Return a document without secrets if it has been searched, for texts that are kept."""
        if document.uri not in self._redacted:
            return DocumentView(document)
        return self._redacted.view(document)

    def passages_of(self, profile: Profile) -> Callable[[Document], Document | None]:
        """Return a function that returns a document as the model may see it.

        It returns ``None`` for one that may not be sent or has not been searched for secrets yet.
        """

        def shown(document: Document) -> Document | None:
            if profile.local:
                return document
            if not self.allowed(document.uri):
                return None
            if self._guarding and document.uri not in self._redacted:
                return document if self.privacy.redactor is None else None
            return self.view(document, profile).document

        return shown

    def trees_of(self, view: DocumentView) -> Trees:
        """Return the trees of the documents in their original or their redacted form."""
        return self.trees if view.redaction is None else self._redacted_trees

    async def redact_prompt(self, prompt: Prompt) -> Prompt:
        """Return a prompt as it may leave this machine: the last step, whatever made the prompt."""
        redactor = self.privacy.redactor
        if redactor is None:
            return prompt
        await redactor.ready()
        return redact_prompt(prompt, redactor, self._redacted.known())[0]

    def without_known_secrets(self, prompt: Prompt, profile: Profile) -> Prompt:
        """Return a prompt without the secrets that documents have or had; all rules are loaded."""
        redactor = self.privacy.redactor
        if profile.local or redactor is None:
            return prompt
        return redact_prompt(prompt, redactor, self._redacted.known())[0]

    def relative(self, path: str) -> str:
        """Return a path as prompts show it: relative to the workspace folder, else the file's name.

        Unprintable characters are replaced: a line end in a name could pass for a line of the prompt.
        """
        return shown_path(Path(path), self.folders)

    def signatures(self, document: Document, profile: Profile) -> tuple[Snippet, ...]:
        """Return the signatures of the document's imports that the model may see."""
        if profile.local:
            return self.imports.get(document.uri)
        found = self.imports.get(document.uri, redacted=self.privacy.redactor is not None)
        return tuple(s for s in found if self.privacy.allowed(s.path))

    def _reason(self, uri: str) -> str | None:
        """Return why a document may not be sent; a cell may only be sent if its notebook may."""
        reasons = map(self._own_reason, self.notebooks.addresses(uri))
        return next((reason for reason in reasons if reason is not None), None)

    def _own_reason(self, uri: str) -> str | None:
        if not _has_path(uri):
            # A new document has only a name to go by.
            return self.privacy.by_name(uri.rpartition(":")[2] or "untitled")
        reasons = map(self.privacy.exclusion_reason, self._own_paths(uri))
        return next((reason for reason in reasons if reason is not None), None)

    def _paths(self, uri: str) -> tuple[Path, ...]:
        """Return the paths that decide whether a document may be sent."""
        addresses = self.notebooks.addresses(uri)
        return tuple(path for each in addresses for path in self._own_paths(each))

    def _own_paths(self, uri: str) -> tuple[Path, ...]:
        if not _has_path(uri):
            return ()
        paths = _known_paths(uri)
        folders = self.folders or (Path(),)
        return tuple(
            path
            for each in paths
            for path in ([each] if each.is_absolute() else _below(folders, each))
        )


@lru_cache(maxsize=2000)
def _known_paths(uri: str) -> tuple[Path, ...]:
    return tuple(map(Path, paths_in(uri)))


def _has_path(uri: str) -> bool:
    """Return whether an address names more than a new, unnamed document, such as ``untitled:Untitled-1``."""
    paths = _known_paths(uri)
    return is_file_uri(uri) or any(len(path.parts) > 1 or path.suffix for path in paths)


def _below(folders: Sequence[Path], path: Path) -> list[Path]:
    return [folder / path for folder in folders]


def shown_path(path: PurePath, folders: Sequence[PurePath]) -> str:
    """Return a path relative to the folder that holds it, else its name, in printable characters."""
    inside = next((folder for folder in folders if folder in path.parents), None)
    shown = path.name if inside is None else path.relative_to(inside).as_posix()
    return "".join(char if char.isprintable() else "?" for char in shown)


def _normalised(folder: Path) -> Path:
    """Normalise ``..`` and doubled separators without reading the disk."""
    return Path(os.path.normpath(folder))
