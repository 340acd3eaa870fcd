"""Similar passages of the open and the recently edited documents.

Documents are cut into passages of 8 to 24 lines at blank or unindented lines; an inverted index
over their identifiers ranks them against the lines round the cursor by BM25 (Robertson and
Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; k1 = 1.2, b = 0.75). An
edit indexes only the passages it touches; a newly opened document is indexed in slices, so that
nothing waits for it.
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

from ..types import Document, Edit, Position, Snippet, split_lines
from .context_window import cut_lines, estimate_tokens

K1, B = 1.2, 0.75
MEAN_WORDS = 60
"""Words of a common passage: BM25's mean length, fixed, so that a word's weight in a passage never
changes and is computed once."""
SHORTEST, LONGEST = 8, 24
"""Lines of a passage."""

_WORD = re.compile(r"[^\W\d]\w{2,}")
_MOST_DOCUMENTS = 300
_MOST_LINES = 10_000
_MOST_CLOSED = 20
_MOST_TERMS = 40
_MOST_VISITS = 8_000
"""Postings that one query may look at, rarest words first: this bounds its time."""
_MOST_SNIPPETS = 6
_MOST_SHOWN = 50
"""Documents of which it is known what was shown last."""
_QUERY_ABOVE, _QUERY_BELOW = 20, 4
_LEAST_SHARE = 0.1
"""Of the score that a passage with every word of the query would get; below, likeness is chance."""
_OTHER_LANGUAGE = 0.5
_SLICE = 0.002
"""Seconds for which the loop is held while a document is indexed, and then is free for a keystroke."""


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
    """Lines that the passages hold."""
    edited: bool = False
    closed: bool = False


class RelatedIndex:
    """Finds passages like the code at the cursor; a listener of ``Documents``."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._passages: dict[int, _Passage] = {}
        self._postings: dict[str, dict[int, float]] = {}
        self._pending: OrderedDict[str, Document] = OrderedDict()
        self._running: tuple[str, Generator[None]] | None = None
        self._next = 0
        self._shown: OrderedDict[str, list[Snippet]] = OrderedDict()
        """What the last query of a document gave."""

    def __contains__(self, uri: str) -> bool:
        return uri in self._entries or uri in self._pending

    # -- what the documents tell ---------------------------------------------------------------

    def opened(self, document: Document) -> None:
        """Index a document soon: by ``settle``, or a little at each query."""
        self._remove(document.uri)
        self._pending[document.uri] = document

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Index again the passages that the edits touch."""
        entry = self._entries.get(after.uri)
        if entry is None or entry.document is not before:
            self.opened(after)
            return
        entry.edited = True
        self._entries.move_to_end(after.uri)
        first, tail = _touched(before, edits)
        running = self._running is not None and self._running[0] == after.uri
        if running and len(before.lines) - tail > entry.read:
            # To begin anew at each keystroke would never end.
            self._unread(entry, first)
            entry.document = after
        elif len(after.lines) - tail - first > 2000:
            self.opened(after)
        else:
            self._replace(entry, after, first, tail)

    def closed(self, document: Document) -> None:
        """Keep what was edited for a while, forget what was only looked at."""
        entry = self._entries.get(document.uri)
        if entry is None or not entry.edited:
            self._remove(document.uri)
            return
        entry.closed = True
        closed = [uri for uri, e in self._entries.items() if e.closed]
        for uri in closed[:-_MOST_CLOSED]:
            self._remove(uri)

    # -- indexing ------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Index all that is pending, in slices between which the loop is free."""
        while self._pending or self._running:
            self._work(_SLICE)
            await asyncio.sleep(_SLICE)

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
        while len(self._entries) > _MOST_DOCUMENTS:
            self._remove(next(iter(self._entries)))
        while entry.read < min(len(entry.document.lines), _MOST_LINES):
            lines = entry.document.lines[entry.read : min(entry.read + LONGEST, _MOST_LINES)]
            lines = lines[: _passage(lines, 0)]
            entry.passages.append(self._add(document.uri, lines))
            entry.read += len(lines)
            yield

    def _unread(self, entry: _Entry, line: int) -> None:
        """Let go the passages from the one that holds a line on: they are read again."""
        while entry.read > line:
            number = entry.passages.pop()
            entry.read -= self._passages[number].lines
            self._drop(number)

    def _replace(self, entry: _Entry, after: Document, first: int, tail: int) -> None:
        """Put new passages where the old ones of the changed lines were."""
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
        lines = after.lines[start : min(last + grown, _MOST_LINES)]
        at = 0
        while at < len(lines):
            count = _passage(lines, at)
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

    # -- asking --------------------------------------------------------------------------------

    def related(
        self,
        document: Document,
        position: Position,
        budget_tokens: int,
        *,
        shown: tuple[int, int] | None = None,
        allowed: Callable[[str], bool] | None = None,
    ) -> tuple[Snippet, ...]:
        """Passages like the code at a position, best first, within a budget of tokens.

        ``shown``: the lines (both in) of the document that the model sees anyway. ``allowed`` tells
        of a URI whether it may be shown. A snippet's ``path`` is its document's, absolute. Passages
        that the last query of this document gave already keep their order and come before new ones:
        what a provider has in its prompt cache is still the beginning.
        """
        if budget_tokens <= 0:
            return ()
        if self._pending or self._running:
            self._work(_SLICE)
        shown = shown or (position.line - 60, position.line + 30)
        found: list[Snippet] = []
        seen = [_bare(document.lines[max(0, shown[0]) : shown[1] + 1])]
        for number, share in self._ranked(document, position):
            passage = self._passages[number]
            if allowed is not None and not allowed(passage.uri):
                continue
            entry = self._entries[passage.uri]
            start = self._start(entry, number)
            end = start + passage.lines
            if passage.uri == document.uri and start <= shown[1] and end > shown[0]:
                continue
            lines = entry.document.lines[start:end]
            bare = _bare(lines)
            if any(bare in other or other in bare for other in seen if other):
                continue
            seen.append(bare)
            text = cut_lines("".join(lines).strip("\r\n") + "\n", budget_tokens)
            if not text.strip():
                break
            budget_tokens -= estimate_tokens(text)
            found.append(Snippet(entry.document.path, text, round(share, 3)))
            if len(found) == _MOST_SNIPPETS:
                break
        return tuple(self._in_order(document.uri, found))

    def _in_order(self, uri: str, found: list[Snippet]) -> list[Snippet]:
        """By what they say: a file that was opened again, or indexed anew, is the same to a provider."""
        new = {(snippet.path, snippet.text): snippet for snippet in found}
        before = [(snippet.path, snippet.text) for snippet in self._shown.pop(uri, [])]
        order = [new.pop(key) for key in before if key in new] + list(new.values())
        self._shown[uri] = order
        while len(self._shown) > _MOST_SHOWN:
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
        )[:_MOST_TERMS]
        scores: dict[int, float] = {}
        get = scores.get
        # Words that no passage has count, at the weight of the rarest: likeness is of the whole.
        best = (len(words) - len(terms)) * math.log(2 * total + 2)
        visits = _MOST_VISITS
        for count, word in terms:
            visits -= count
            if visits < 0:
                break
            idf = math.log(1 + (total - count + 0.5) / (count + 0.5))
            best += idf * (K1 + 1)
            for number, weight in self._postings[word].items():
                scores[number] = get(number, 0.0) + idf * weight
        least = _LEAST_SHARE * best
        good = [(score, -number) for number, score in scores.items() if score >= least]
        top = heapq.nlargest(8 * _MOST_SNIPPETS, good)
        shares = [(-n, self._share(-n, score / best, document)) for score, n in top]
        return sorted(
            (each for each in shares if each[1] >= _LEAST_SHARE), key=lambda each: -each[1]
        )

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


def _passage(lines: Sequence[str], start: int) -> int:
    """How many lines the passage that begins there has: to the first good cut, or the longest."""
    for count in range(SHORTEST, min(LONGEST, len(lines) - start)):
        line = lines[start + count]
        if not line.strip() or not line[0].isspace():
            return count
    return min(LONGEST, len(lines) - start)


def _touched(before: Document, edits: Sequence[Edit]) -> tuple[int, int]:
    """The first line that edits touch, and how many lines at the end they leave alone."""
    first, tail, size = len(before.lines), len(before.lines), len(before.lines)
    for edit in edits:
        first = min(first, edit.span.start.line)
        tail = min(tail, size - 1 - edit.span.end.line)
        size += len(split_lines(edit.text)) - 1 - (edit.span.end.line - edit.span.start.line)
    # The line before may have ended with "\r" and the next may begin with "\n".
    return max(0, first - 1), max(0, tail - 1)


def _bare(lines: Sequence[str]) -> str:
    return "\n".join(line.strip() for line in lines if line.strip())
