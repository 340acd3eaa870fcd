"""Documents without their secrets: what prompts for remote models are cut from.

A secret may be longer than the part of it that a prompt shows, so it is replaced in the whole document
first. A redacted document has as many lines as the original.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..types import Document, Position, Prompt, Span, common_prefix_length
from .known_secrets import KnownSecrets
from .secret_redaction import PLACEHOLDER, RedactedLines, Redactor, SearchedLines

_MAX_DOCUMENTS = 400
_QUOTED, _SHORTEST_QUOTED = 8, 4
"""Characters by which a quoted secret is recognised, and of the shortest that is looked for."""
_SHORT_SEARCH = 20_000
"""Characters; searching more than that for the first time is done in a thread."""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as a model may see it."""

    document: Document
    redaction: RedactedLines | None = None
    """``None`` if nothing was replaced."""

    def position(self, position: Position, *, before: bool = False) -> Position:
        """Return where a position of the original is; see ``RedactedLines.column``."""
        if self.redaction is None:
            return position
        line, column = position.line, position.column
        return Position(line, self.redaction.column(line, column, before=before))

    def span(self, span: Span) -> Span:
        """Return where a span of the original is; it includes a placeholder that it touches."""
        if span.empty:
            return Span(self.position(span.start), self.position(span.start))
        return Span(self.position(span.start, before=True), self.position(span.end))

    def secrets(self, original: Sequence[str]) -> Iterator[str]:
        """Yield the texts that were replaced in the original's lines."""
        for line, spans in self.redaction.spans.items() if self.redaction else ():
            yield from (original[line][start:end] for start, end in spans)

    def hides(self, span: Span) -> bool:
        """Return whether a span of the original touches a secret."""
        if self.redaction is None:
            return False
        for line in range(span.start.line, span.end.line + 1):
            first = span.start.column if line == span.start.line else 0
            last = span.end.column if line == span.end.line else None
            for start, end in self.redaction.spans.get(line, ()):
                if end > first and (last is None or start < last):
                    return True
        return False


def redacted_view(document: Document, redactor: Redactor) -> DocumentView:
    """Return a document without its secrets, searched as a whole."""
    return _view(document, redactor.redact_lines(document.lines))


def without_quoted(text: str, secrets: Iterable[str]) -> str:
    """Return a text without the secrets that it quotes, whole or cut after some characters."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        size = min(len(secret), _QUOTED)
        if size < _SHORTEST_QUOTED:
            continue
        parts: list[str] = []
        start = 0
        while (found := text.find(secret[:size], start)) >= 0:
            parts += (text[start:found], PLACEHOLDER)
            start = found + common_prefix_length(secret, text[found : found + len(secret)])
        text = "".join((*parts, text[start:]))
    return text


_Kept = tuple[SearchedLines, DocumentView]


class RedactedDocuments:
    """The latest version of each document without secrets. A change costs the changed lines."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._known = KnownSecrets()
        self._are_known = True

    def __contains__(self, uri: str) -> bool:
        return uri in self._kept

    def known(self) -> KnownSecrets:
        """Return the secrets that the documents have or had."""
        if not self._are_known:
            self._known.use(secret for kept in self._kept.values() for secret in _secrets(kept))
            self._are_known = True
        return self._known

    async def prepare(self, document: Document) -> None:
        """Search a document, off the loop where that takes long, so that ``view`` is quick."""
        await self._redactor.ready()
        kept = self._kept.get(document.uri)
        if _new_characters(document, kept[0] if kept else None) <= _SHORT_SEARCH:
            self.view(document)
            return
        self._keep(document, await asyncio.to_thread(self._search, document))

    def view(self, document: Document) -> DocumentView:
        """Return a document without its secrets; the document itself if it has none."""
        kept = self._kept.get(document.uri)
        if kept is None or kept[0].lines is not document.lines:
            self._keep(document, self._search(document))
        else:
            self._kept.move_to_end(document.uri)
        view = self._kept[document.uri][1]
        if view.redaction is None:
            return DocumentView(document)
        return view

    def forget(self, uri: str) -> None:
        """Forget a closed document, but not its secrets."""
        if kept := self._kept.pop(uri, None):
            self._lose(kept)

    def _search(self, document: Document) -> tuple[SearchedLines, DocumentView]:
        kept = self._kept.get(document.uri)
        searched = self._redactor.search(document.lines, kept[0] if kept else None)
        return searched, _view(document, self._redactor.redacted(searched))

    def _keep(self, document: Document, searched: _Kept) -> None:
        before = self._kept.get(document.uri)
        self._kept[document.uri] = searched
        self._kept.move_to_end(document.uri)
        if searched[1].redaction:
            self._are_known = False
        if before:
            self._lose(before, searched)
        while len(self._kept) > _MAX_DOCUMENTS:
            self._lose(self._kept.popitem(last=False)[1])

    def _lose(self, before: _Kept, now: _Kept | None = None) -> None:
        """Remember the secrets that a document had and no longer has."""
        if before[1].redaction is not None:
            present = {*_secrets(now)} if now else set[str]()
            if lost := {*_secrets(before)} - present:
                self._known.lose(lost, present)
            self._are_known = False


def _secrets(kept: _Kept) -> Iterator[str]:
    return kept[1].secrets(kept[0].lines)


def _view(document: Document, redaction: RedactedLines) -> DocumentView:
    if not redaction.spans:
        return DocumentView(document)
    return DocumentView(replace(document, lines=tuple(redaction.lines)), redaction)


def redact_prompt(
    prompt: Prompt, redactor: Redactor, known: KnownSecrets | None = None
) -> tuple[Prompt, int]:
    """Return a prompt without the secrets that its texts show, and their number.

    ``known`` secrets are replaced too: a part of a key that a model repeats may look like nothing.
    """
    total = 0

    def clean(text: str) -> str:
        nonlocal total
        if not text:
            return text
        if known:
            text, count = known.hide(text)
            total += count
        text, count = redactor.redact(text)
        total += count
        return text

    def join(before: str, after: str) -> tuple[str, str]:
        nonlocal total
        for seam in (known.seam, redactor.seam) if known else (redactor.seam,):
            before, after, count = seam(before, after)
            total += count
        return before, after

    prefix, selection, suffix = prompt.prefix, prompt.selection, prompt.suffix
    if selection:
        prefix, selection = join(prefix, selection)
        selection, suffix = join(selection, suffix)
    else:
        prefix, suffix = join(prefix, suffix)
    rendered = prompt.rendered
    redacted = replace(
        prompt,
        rendered=rendered
        and replace(
            rendered,
            text=clean(rendered.text),
            user=clean(rendered.user),
            prediction=clean(rendered.prediction),
        ),
        path=clean(prompt.path),
        prefix=clean(prefix),
        suffix=clean(suffix),
        selection=clean(selection),
        instruction=clean(prompt.instruction),
        symbol=clean(prompt.symbol),
        imports=clean(prompt.imports),
        related=tuple(replace(s, path=clean(s.path), text=clean(s.text)) for s in prompt.related),
    )
    return redacted, total


def _new_characters(document: Document, before: SearchedLines | None) -> int:
    """Return the number of characters in the lines that differ from those searched before."""
    lines = document.lines
    if before is None:
        return sum(map(len, lines))
    if before.lines is lines:
        return 0
    first = common_prefix_length(before.lines, lines)
    last = common_prefix_length(before.lines[first:][::-1], lines[first:][::-1])
    return sum(map(len, lines[first : len(lines) - last]))
