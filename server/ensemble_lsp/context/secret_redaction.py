"""Secrets in text: the rules of detect-secrets, a maintained detector, beside our own.

Only the expressions of its detectors are used, by ``analyze_string``: nothing here asks a service
whether a key is valid. To import it takes a third of a second, and to search 8,000 characters 6 ms:
it is imported in a thread, and each line is searched once.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .secret_rules import PLACEHOLDER, across_lines, within_line

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector

__all__ = ["PLACEHOLDER", "Redactor"]

OFF = ("BasicAuthDetector", "IPPublicDetector", "PrivateKeyDetector")
"""Detectors that are not asked. Addresses of machines are no secrets; of the two others our own rules find as
much, but leave placeholders and variables in addresses alone, and replace the key, not its heading. Those by name
and by entropy (they are no ``RegexBasedDetector``) take ordinary code for secrets."""

_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"[\w/+=-]{10}")
_LONG_RUN = re.compile(r"[^\W_]{20}")
_PIECE, _OVERLAP = 600, 200
"""Characters: some expressions need time that grows with the square of what they are given."""
_RULER = re.compile(r"[ /]{16,}")
_AROUND = " \t\"'`=:,;"
"""What some expressions take along before and after a key."""
_SHORTEST = 8
"""Characters: a shorter group of an expression names the kind of a key, and is not the key."""
_REMEMBERED = 20_000


class Redactor:
    """Replaces secrets. Of lines without one it keeps Python's hash, and of no line its text."""

    def __init__(self) -> None:
        self._detectors: tuple[RegexBasedDetector, ...] | None = None
        self._loading = threading.Lock()
        self._clean: set[int] = set()
        self._clean_before: set[int] = set()

    async def ready(self) -> None:
        """Wait, off the event loop, until all rules are there; after that ``redact`` is quick."""
        if self._detectors is None:
            await asyncio.to_thread(self._load)

    def redact(self, text: str) -> tuple[str, int]:
        """The text with every secret replaced by ``<redacted>``, and how many it had. Idempotent.

        Loads the rules where nobody waited for ``ready``.
        """
        detectors = self._detectors or self._load()
        text, count = across_lines(text)
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if not self._known(line):
                lines[number], more = self._search(line, detectors)
                count += more
        return "\n".join(lines), count

    def seam(self, before: str, after: str) -> tuple[str, str, int]:
        """Two texts that meet in a line, without the secrets that only both together show.

        And how many those were: one, or none.
        """
        left = before[before.rfind("\n") + 1 :]
        right = after[:end] if (end := after.find("\n")) >= 0 else after
        if not left or not right:
            return before, after, 0
        line = left + right
        clean, count = self.redact(line)
        if count <= self.redact(left)[1] + self.redact(right)[1]:
            return before, after, 0
        start = _shared(line, clean)
        same = _shared(line[start:][::-1], clean[start:][::-1])
        cut, goes_on = min(start, len(left)), max(len(line) - same, len(left)) - len(left)
        before = before[: len(before) - len(left) + cut] + PLACEHOLDER
        return before, after[goes_on:], 1

    def _search(self, line: str, detectors: tuple[RegexBasedDetector, ...]) -> tuple[str, int]:
        clean, count = within_line(line)
        spans = _found(clean, detectors) if _may_hold(clean) else []
        for start, end in reversed(spans):
            clean = clean[:start] + PLACEHOLDER + clean[end:]
        if not count and not spans:
            self._remember(line)
        return clean, count + len(spans)

    def _known(self, line: str) -> bool:
        """Whether a line was searched before and had no secret."""
        key = hash(line)
        if key in self._clean:
            return True
        if key in self._clean_before:
            self._clean.add(key)
            return True
        return False

    def _remember(self, line: str) -> None:
        if len(self._clean) >= _REMEMBERED:
            self._clean, self._clean_before = set(), self._clean
        self._clean.add(hash(line))

    def _load(self) -> tuple[RegexBasedDetector, ...]:
        with self._loading:
            if self._detectors is None:
                self._detectors = tuple(_detectors())
            return self._detectors


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return len(os.path.commonprefix((one, other)))  # noqa: RUF071 - characters are meant


def _detectors() -> Iterator[RegexBasedDetector]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    for kind in get_mapping_from_secret_type_to_class().values():
        if issubclass(kind, RegexBasedDetector) and kind.__name__ not in OFF:
            yield kind()


def _may_hold(line: str) -> bool:
    """Whether it is worth searching: a key has ten characters in a row, digits among them, or is long."""
    if _DIGIT.search(line) and _RUN.search(line):
        return True
    return _LONG_RUN.search(line) is not None


def _found(line: str, detectors: tuple[RegexBasedDetector, ...]) -> list[tuple[int, int]]:
    """Where keys are, in order and apart from each other."""
    spans: list[tuple[int, int]] = []
    for start, piece in _pieces(line):
        for detector in detectors:
            values = set(detector.analyze_string(piece))
            if values:
                spans += [(a + start, b + start) for a, b in _places(piece, detector, values)]
    return _apart(spans)


def _places(
    piece: str, detector: RegexBasedDetector, values: set[str]
) -> Iterator[tuple[int, int]]:
    """Where a detector's values are: of some expressions a group, of some the whole."""
    for expression in detector.denylist:
        for match in expression.finditer(piece):
            groups = [n for n in range(1, len(match.groups()) + 1) if match[n]]
            raw = [match[n] for n in groups] or [match[0]]
            if not values.intersection(raw):
                continue
            longest = max(groups, key=lambda n: len(match[n]), default=0)
            span = match.span(longest if len(match[longest]) >= _SHORTEST else 0)
            text = piece[slice(*span)]
            start = span[0] + len(text) - len(text.lstrip(_AROUND))
            yield start, start + len(text.strip(_AROUND))


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    """The parts of a line that are searched, each with its place."""
    start = 0
    for end, after in [*(m.span() for m in _RULER.finditer(line)), (len(line), 0)]:
        for at in range(start, end, _PIECE - _OVERLAP):
            yield at, line[at : min(at + _PIECE, end)]
        start = after


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart
