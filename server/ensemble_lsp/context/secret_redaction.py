"""Redaction: a text, or a document's lines, with ``<redacted>`` instead of every secret.

The rules are loaded in a thread, and each line is searched once: see ``secret_search.py``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from ..types import common_prefix_length
from .known_secrets import occurrences
from .secret_spans import CLEAN, PLACEHOLDER, Part, Span, Verdict, replace

if TYPE_CHECKING:
    from .secret_search import LineSearch

__all__ = ["PLACEHOLDER", "RedactedLines", "Redactor", "SearchedLines"]

_SHORTEST_LINE = 6
"""Characters: a shorter line holds no secret."""
_REMEMBERED = 20_000


@dataclass(frozen=True)
class RedactedLines:
    """A document's lines without secrets. They are as many as before."""

    lines: list[str]
    count: int
    """Secrets replaced."""
    spans: dict[int, list[Span]]
    """Positions of the secrets, by line number."""

    def column(self, line: int, column: int, *, before: bool = False) -> int:
        """Return where a column is after redaction.

        One within a secret is behind its placeholder, or in front of it with ``before``.
        """
        moved = 0
        for start, end in self.spans.get(line, ()):
            if column <= start:
                break
            if column < end:
                return start + moved + (0 if before else len(PLACEHOLDER))
            moved += len(PLACEHOLDER) - (end - start)
        return column + moved


@dataclass(frozen=True)
class SearchedLines:
    """The lines of one version of a document, and those of them that are not ordinary."""

    lines: tuple[str, ...]
    verdicts: dict[int, Verdict]
    """By line number, in order."""


class Redactor:
    """Replaces secrets. Of lines searched before it keeps Python's hash and the spans, and of no line its text."""

    def __init__(self) -> None:
        self._search: LineSearch | None = None
        self._loading = threading.Lock()
        self._verdicts: dict[int, Verdict] = {}
        self._older: dict[int, Verdict] = {}

    async def ready(self) -> None:
        """Wait, off the event loop, until all rules are there; after that ``redact`` is quick."""
        if self._search is None:
            await asyncio.to_thread(self._load)

    def redact(self, text: str) -> tuple[str, int]:
        """Return a text without its secrets, and how many it had. Idempotent.

        Loads the rules where no caller waited for ``ready``.
        """
        redacted = self.redact_lines(text.split("\n"))
        return ("\n".join(redacted.lines), redacted.count) if redacted.count else (text, 0)

    def redact_lines(self, lines: Sequence[str]) -> RedactedLines:
        """Return the lines of a whole document without secrets; lines may have their ends.

        Windows cut from these lines hold no part of a secret that only the document shows.
        """
        return self.redacted(self.search(tuple(lines)))

    def search(self, lines: tuple[str, ...], before: SearchedLines | None = None) -> SearchedLines:
        """Search lines one by one; those that ``before`` has at its start and end only once."""
        search = self._search or self._load()
        first = last = 0
        old = before.verdicts if before is not None else {}
        if before is not None:
            first = common_prefix_length(before.lines, lines)
            last = common_prefix_length(before.lines[first:][::-1], lines[first:][::-1])
        verdicts = {number: verdict for number, verdict in old.items() if number < first}
        for number in range(first, len(lines) - last):
            verdict = self._verdict(_bare(lines[number]), search)
            if verdict is not CLEAN:
                verdicts[number] = verdict
        if before is not None:
            tail, moved = len(before.lines) - last, len(lines) - len(before.lines)
            verdicts |= {n + moved: verdict for n, verdict in old.items() if n >= tail}
        return SearchedLines(lines, verdicts)

    def redacted(self, searched: SearchedLines) -> RedactedLines:
        """Return searched lines without secrets."""
        lines, search = searched.lines, self._search or self._load()
        if not searched.verdicts:
            return RedactedLines(list(lines), 0, {})
        return self._redacted(lines, searched.verdicts, search)

    def seam(self, before: str, after: str) -> tuple[str, str, int]:
        """Return two adjacent texts of a line without the secret that crosses their boundary, and the number of secrets.

        The number counts those that are not in the first text alone: one, or 0.
        """
        left = before[before.rfind("\n") + 1 :]
        right = after[:end] if (end := after.find("\n")) >= 0 else after
        if not left or not right:
            return before, after, 0
        spans = self.redact_lines((left + right,)).spans.get(0, ())
        for start, end in spans:
            if end == len(left) and self.redact(left)[1]:
                continue
            if start <= len(left) <= end:
                before = before[: len(before) - len(left) + start] + PLACEHOLDER
                return before, after[end - len(left) :], int(end > len(left))
        return before, after, 0

    def _redacted(
        self, lines: Sequence[str], verdicts: dict[int, Verdict], search: LineSearch
    ) -> RedactedLines:
        from .secret_search import find_in_blocks

        found = [[(n, *span)] for n, verdict in verdicts.items() for span in verdict.spans]
        bare = _BareLines(lines)
        found += find_in_blocks(bare, verdicts, lambda line: self._verdict(line, search).spans)
        spans, count = _merge(found)
        if again := [parts for parts in occurrences(bare, spans) if not _is_within(parts, spans)]:
            spans, count = _merge([*found, *again])
        clean = list(lines)
        for number, there in spans.items():
            clean[number] = replace(lines[number], there)
        return RedactedLines(clean, count, spans)

    def _verdict(self, line: str, search: LineSearch) -> Verdict:
        if len(line) < _SHORTEST_LINE:
            return CLEAN
        key = hash(line)
        known = self._verdicts.get(key)
        if known is not None:
            return known
        verdict = self._older.get(key) or search(line)
        if len(self._verdicts) >= _REMEMBERED:
            self._verdicts, self._older = {}, self._verdicts
        self._verdicts[key] = verdict
        return verdict

    def _load(self) -> LineSearch:
        with self._loading:
            if self._search is None:
                from .secret_search import LineSearch

                self._search = LineSearch()
            return self._search


class _BareLines(Sequence[str]):
    """Lines without their ends."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [_bare(line) for line in self._lines[index]]
        return _bare(self._lines[index])

    def __iter__(self) -> Iterator[str]:
        return map(_bare, self._lines)


def _is_within(parts: Sequence[Part], spans: dict[int, list[Span]]) -> bool:
    return all(
        any(a <= start and end <= b for a, b in spans.get(number, ()))
        for number, start, end in parts
    )


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _merge(secrets: Sequence[Sequence[Part]]) -> tuple[dict[int, list[Span]], int]:
    """Return the spans by line, apart from each other, and how many secrets they are."""
    by_line: dict[int, list[tuple[int, int, int]]] = {}
    same = list(range(len(secrets)))
    for which, parts in enumerate(secrets):
        for number, start, end in parts:
            by_line.setdefault(number, []).append((start, end, which))
    spans: dict[int, list[Span]] = {}
    for number, there in by_line.items():
        merged: list[tuple[int, int, int]] = []
        for start, end, which in sorted(there):
            if merged and start < merged[-1][1]:
                before = merged[-1]
                merged[-1] = (before[0], max(end, before[1]), before[2])
                same[_first(same, which)] = _first(same, before[2])
            else:
                merged.append((start, end, which))
        spans[number] = [(start, end) for start, end, _ in merged]
    present = {_first(same, which) for which, parts in enumerate(secrets) if parts}
    return spans, len(present)


def _first(same: list[int], which: int) -> int:
    while same[which] != which:
        which = same[which]
    return which
