"""Passages similar to the code at the cursor, from open and recently edited documents.

Documents are cut into passages of 8 to 24 lines at blank or unindented lines. An inverted index over
their identifiers ranks them against the lines around the cursor by BM25 (Robertson and Zaragoza, "The
Probabilistic Relevance Framework: BM25 and Beyond", 2009; k1 = 1.2, b = 0.75). An edit re-indexes only
the passages it touches; a newly opened document is indexed in slices, so that no request waits for it.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from ..models.token_estimates import estimate_tokens
from ..types import Document, Edit, Position, Snippet, split_lines
from .context_window import cut_lines

K1, B = 1.2, 0.75
MEAN_WORDS = 60
"""BM25's mean length, in words. It is fixed so that a word's weight in a passage never changes and is
computed once."""
MIN_LINES, MAX_LINES = 8, 24
"""Lines of a passage."""

_WORD = re.compile(r"[^\W\d]\w{2,}")
_MAX_DOCUMENTS = 300
_MAX_LINES = 10_000
_MAX_CLOSED = 20
_MAX_TERMS = 40
_MAX_VISITS = 8_000
"""Postings that one query may visit, rarest words first: bounds the query's time."""
_MAX_SNIPPETS = 6
_MAX_SHOWN = 50
"""Documents whose last result is remembered."""
_QUERY_ABOVE, _QUERY_BELOW = 20, 4
_MIN_SHARE = 0.1
"""A share of the score of a passage with every word of the query; below it, similarity is chance."""
_OTHER_LANGUAGE = 0.5
_SLICE_SECONDS = 0.002
"""Seconds of indexing before the loop is free again for a keystroke."""


@dataclass(slots=True)
class _Passage:
    uri: str
    lines: int
    words: tuple[str, ...]


@dataclass(slots=True)
class _Entry:
    """One document's passages, in order."""

    document: Document
    passages: list[int] = field(default_factory=list[int])
    read: int = 0
    """The number of lines in the passages."""
    edited: bool = False
    closed: bool = False


class RelatedIndex:
    """Finds passages similar to the code at the cursor; listens to ``Documents``."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._passages: dict[int, _Passage] = {}
        self._postings: dict[str, dict[int, float]] = {}
        self._pending: OrderedDict[str, Document] = OrderedDict()
        self._running: tuple[str, Generator[None]] | None = None
        self._next = 0
        self._shown: OrderedDict[str, list[Snippet]] = OrderedDict()
        """The last result for each document."""

    def __contains__(self, uri: str) -> bool:
        return uri in self._entries or uri in self._pending

    # -- document events -----------------------------------------------------------------------

    def opened(self, document: Document) -> None:
        """Queue a document for indexing, by ``settle`` or in slices at each query."""
        self._remove(document.uri)
        self._pending[document.uri] = document

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Re-index the passages that the edits touch."""
        entry = self._entries.get(after.uri)
        if entry is None or entry.document is not before:
            self.opened(after)
            return
        entry.edited = True
        self._entries.move_to_end(after.uri)
        first, tail = _touched(before, edits)
        running = self._running is not None and self._running[0] == after.uri
        if running and len(before.lines) - tail > entry.read:
            # Restarting at each keystroke would never finish.
            self._drop_from(entry, first)
            entry.document = after
        elif len(after.lines) - tail - first > 2000:
            self.opened(after)
        else:
            self._replace(entry, after, first, tail)

    def closed(self, document: Document) -> None:
        """Keep an edited document for a while; forget one that was only read."""
        entry = self._entries.get(document.uri)
        if entry is None or not entry.edited:
            self._remove(document.uri)
            return
        entry.closed = True
        closed = [uri for uri, e in self._entries.items() if e.closed]
        for uri in closed[:-_MAX_CLOSED]:
            self._remove(uri)

    # -- indexing ------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Index all pending documents, in slices between which the loop is free."""
        while self._pending or self._running:
            self._work(_SLICE_SECONDS)
            await asyncio.sleep(_SLICE_SECONDS)

    def _work(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if self._running is None:
                if not self._pending:
                    return
                uri, document = self._pending.popitem(last=True)
                self._running = (uri, self._index(document))
            if next(self._running[1], self) is self:
                self._running = None

    def _index(self, document: Document) -> Generator[None]:
        entry = _Entry(document)
        self._entries[document.uri] = entry
        while len(self._entries) > _MAX_DOCUMENTS:
            self._remove(next(iter(self._entries)))
        while entry.read < min(len(entry.document.lines), _MAX_LINES):
            lines = entry.document.lines[entry.read : min(entry.read + MAX_LINES, _MAX_LINES)]
            lines = lines[: _passage_length(lines, 0)]
            entry.passages.append(self._add(document.uri, lines))
            entry.read += len(lines)
            yield

    def _drop_from(self, entry: _Entry, line: int) -> None:
        """Drop the passages from the one with a given line on; they are read again."""
        while entry.read > line:
            number = entry.passages.pop()
            entry.read -= self._passages[number].lines
            self._drop(number)

    def _replace(self, entry: _Entry, after: Document, first: int, tail: int) -> None:
        """Replace the passages of the changed lines."""
        end = len(entry.document.lines) - tail
        index = start = 0
        while index < len(entry.passages):
            lines = self._passages[entry.passages[index]].lines
            if start + lines > first:
                break
            start, index = start + lines, index + 1
        stop, last = index, start
        while stop < len(entry.passages) and last < max(end, first + 1):
            last += self._passages[entry.passages[stop]].lines
            stop += 1
        grown = len(after.lines) - len(entry.document.lines)
        new: list[int] = []
        lines = after.lines[start : min(last + grown, _MAX_LINES)]
        at = 0
        while at < len(lines):
            count = _passage_length(lines, at)
            new.append(self._add(after.uri, lines[at : at + count]))
            at += count
        for old in entry.passages[index:stop]:
            self._drop(old)
        entry.passages[index:stop] = new
        entry.read += at - (last - start)
        entry.document = after

    def _add(self, uri: str, lines: Sequence[str]) -> int:
        words = Counter(_WORD.findall("".join(line[:500] for line in lines)))
        self._next += 1
        norm = K1 * (1 - B + B * sum(words.values()) / MEAN_WORDS)
        self._passages[self._next] = _Passage(uri, len(lines), tuple(words))
        for word, count in words.items():
            self._postings.setdefault(word, {})[self._next] = count * (K1 + 1) / (count + norm)
        return self._next

    def _drop(self, number: int) -> None:
        passage = self._passages.pop(number)
        for word in passage.words:
            postings = self._postings[word]
            del postings[number]
            if not postings:
                del self._postings[word]

    def _remove(self, uri: str) -> None:
        self._pending.pop(uri, None)
        if self._running is not None and self._running[0] == uri:
            self._running = None
        entry = self._entries.pop(uri, None)
        for number in entry.passages if entry else ():
            self._drop(number)

    # -- queries -------------------------------------------------------------------------------

    def related(
        self,
        document: Document,
        position: Position,
        budget_tokens: int,
        *,
        shown: tuple[int, int] | None = None,
        passages_of: Callable[[Document], Document | None] | None = None,
    ) -> tuple[Snippet, ...]:
        """Return passages similar to the code at a position, best first, within a token budget.

        ``shown``: the first and last line of the document that the prompt already has. ``passages_of`` returns
        a document as it may be shown, with as many lines, or ``None``. A snippet's ``path`` is absolute.
        Passages of the document's last result keep their order and precede new ones, so that providers'
        prompt caches still apply.
        """
        if budget_tokens <= 0:
            return ()
        if self._pending or self._running:
            self._work(_SLICE_SECONDS)
        shown = shown or (position.line - 60, position.line + 30)
        found: list[Snippet] = []
        seen = [_bare(document.lines[max(0, shown[0]) : shown[1] + 1])]
        for number, share in self._ranked(document, position):
            passage = self._passages[number]
            entry = self._entries[passage.uri]
            source = entry.document if passages_of is None else passages_of(entry.document)
            if source is None:
                continue
            start = self._start(entry, number)
            end = start + passage.lines
            if passage.uri == document.uri and start <= shown[1] and end > shown[0]:
                continue
            lines = source.lines[start:end]
            bare = _bare(lines)
            if any(bare in other or other in bare for other in seen if other):
                continue
            seen.append(bare)
            text = cut_lines("".join(lines).strip("\r\n") + "\n", budget_tokens)
            if not text.strip():
                break
            budget_tokens -= estimate_tokens(text)
            found.append(Snippet(entry.document.path, text, round(share, 3)))
            if len(found) == _MAX_SNIPPETS:
                break
        return tuple(self._in_order(document.uri, found))

    def _in_order(self, uri: str, found: list[Snippet]) -> list[Snippet]:
        """Order by text, not by passage: a re-indexed file is the same to a provider's cache."""
        new = {(snippet.path, snippet.text): snippet for snippet in found}
        before = [(snippet.path, snippet.text) for snippet in self._shown.pop(uri, [])]
        order = [new.pop(key) for key in before if key in new] + list(new.values())
        self._shown[uri] = order
        while len(self._shown) > _MAX_SHOWN:
            self._shown.popitem(last=False)
        return order

    def _ranked(self, document: Document, position: Position) -> list[tuple[int, float]]:
        total = len(self._passages)
        if not total:
            return []
        top = max(0, position.line - _QUERY_ABOVE)
        lines = document.lines[top : position.line + _QUERY_BELOW + 1]
        words = set(_WORD.findall("".join(line[:500] for line in lines)))
        terms = sorted(
            ((len(postings), word) for word in words if (postings := self._postings.get(word))),
        )[:_MAX_TERMS]
        scores: dict[int, float] = {}
        get = scores.get
        # Words without postings count with the weight of the rarest: similarity is of the whole query.
        best = (len(words) - len(terms)) * math.log(2 * total + 2)
        visits = _MAX_VISITS
        for count, word in terms:
            visits -= count
            if visits < 0:
                break
            idf = math.log(1 + (total - count + 0.5) / (count + 0.5))
            best += idf * (K1 + 1)
            for number, weight in self._postings[word].items():
                scores[number] = get(number, 0.0) + idf * weight
        minimum = _MIN_SHARE * best
        good = [(score, -number) for number, score in scores.items() if score >= minimum]
        top = heapq.nlargest(8 * _MAX_SNIPPETS, good)
        shares = [(-n, self._share(-n, score / best, document)) for score, n in top]
        return sorted((each for each in shares if each[1] >= _MIN_SHARE), key=lambda each: -each[1])

    def _share(self, number: int, share: float, document: Document) -> float:
        language = self._entries[self._passages[number].uri].document.language
        return share if language == document.language else share * _OTHER_LANGUAGE

    def _start(self, entry: _Entry, number: int) -> int:
        start = 0
        for each in entry.passages:
            if each == number:
                break
            start += self._passages[each].lines
        return start


def _passage_length(lines: Sequence[str], start: int) -> int:
    """Return the number of lines of the passage at ``start``: up to the first good cut, or the maximum."""
    for count in range(MIN_LINES, min(MAX_LINES, len(lines) - start)):
        line = lines[start + count]
        if not line.strip() or not line[0].isspace():
            return count
    return min(MAX_LINES, len(lines) - start)


def _touched(before: Document, edits: Sequence[Edit]) -> tuple[int, int]:
    """Return the first line that edits touch, and the number of untouched lines at the end."""
    first, tail, size = len(before.lines), len(before.lines), len(before.lines)
    for edit in edits:
        first = min(first, edit.span.start.line)
        tail = min(tail, size - 1 - edit.span.end.line)
        size += len(split_lines(edit.text)) - 1 - (edit.span.end.line - edit.span.start.line)
    # A "\r" at the end of one line and a "\n" at the start of the next become one line end.
    return max(0, first - 1), max(0, tail - 1)


def _bare(lines: Sequence[str]) -> str:
    return "\n".join(line.strip() for line in lines if line.strip())
