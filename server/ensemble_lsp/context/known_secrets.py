"""The secrets of the session's documents, for texts in which nothing but their characters shows them.

A secret stays one after its name was changed, its line was cut, or its document was closed: it may be in
another document, in a message of a tool, or in the lines of an edit. Kept in memory only.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .secret_spans import PLACEHOLDER, Part, Span, apart, replace
from .secret_values import is_mixed, is_scrambled, is_words

_MAX_SECRETS = 2000
_SHORTEST, _SHORTEST_WORDS = 8, 12
"""Characters; a shorter secret may be a word of other texts."""
_PIECE = 10
"""Characters in a row of a random secret by which its parts are recognised."""
_MAX_PIECES = 60_000
_LONGEST_SEAM = 400
_NAME = re.compile("[A-Za-z]+(?:_[A-Za-z]+)*|[A-Za-z]+-[A-Za-z]+")
_MAY_BE_PIECE = re.compile(rf"[\w+/=.~-]{{{_PIECE},}}")


class KnownSecrets:
    """Hides secrets, those of now and those of before, and parts of random ones."""

    def __init__(self) -> None:
        self._before: OrderedDict[str, None] = OrderedDict()
        self._whole: tuple[str, ...] = ()
        self._pieces: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._whole)

    def lose(self, secrets: Iterable[str], present: Iterable[str]) -> None:
        """Remember secrets that a document no longer has, except the beginnings of those that are typed."""
        now = [*present, *self._before]
        for secret in sorted({*secrets}, key=len, reverse=True):
            if _is_telling(secret) and not any(secret in other for other in now):
                self._before[secret] = None
                now.append(secret)
        while len(self._before) > _MAX_SECRETS:
            self._before.popitem(last=False)

    def use(self, present: Iterable[str]) -> None:
        """Hide these secrets from now on, and those of before."""
        latest = dict.fromkeys((*filter(_is_telling, present), *reversed(self._before)))
        chosen = list(latest)[:_MAX_SECRETS]
        self._whole = tuple(sorted(chosen, key=len, reverse=True))
        self._pieces = frozenset(_pieces(chosen))

    def hide(self, text: str) -> tuple[str, int]:
        """Return a text without the known secrets, and their number."""
        total = 0
        for secret in self._whole:
            if secret in text:
                text, count = _without(text, secret)
                total += count
        if self._pieces:
            spans = apart(self._parts(text))
            text, total = replace(text, spans), total + len(spans)
        return text, total

    def seam(self, before: str, after: str) -> tuple[str, str, int]:
        """Return two adjacent texts without the known secret that crosses their boundary, and the number of secrets."""
        left, right = before[-_LONGEST_SEAM:], after[:_LONGEST_SEAM]
        text = left + right
        for secret in self._whole:
            start = text.find(secret, max(0, len(left) - len(secret) + 1))
            if 0 <= start < len(left):
                before = before[: len(before) - len(left) + start] + PLACEHOLDER
                return before, after[start + len(secret) - len(left) :], 1
        return before, after, 0

    def _parts(self, text: str) -> Iterator[Span]:
        for run in _MAY_BE_PIECE.finditer(text):
            start, end = -1, -1
            for at in range(run.start(), run.end() - _PIECE + 1):
                if text[at : at + _PIECE] not in self._pieces:
                    continue
                if at > end:
                    if start >= 0:
                        yield start, end
                    start = at
                end = at + _PIECE
            if start >= 0:
                yield start, end


def replaced_texts(line: str, clean: str) -> tuple[str, ...]:
    """Return the secrets of a line, from its redacted form."""
    if line == clean:
        return ()
    kept = map(re.escape, clean.split(PLACEHOLDER))
    found = re.fullmatch("(.+?)".join(kept), line)
    return found.groups() if found else ()


def _is_telling(secret: str) -> bool:
    """Return whether characters are a secret in any text.

    A password that is a name is not: that of a project's database is often the project's own.
    """
    if _NAME.fullmatch(secret) and is_words(secret):
        return False
    return len(secret) >= _SHORTEST_WORDS or (len(secret) >= _SHORTEST and is_mixed(secret))


def occurrences(lines: Sequence[str], spans: Mapping[int, Sequence[Span]]) -> Iterator[list[Part]]:
    """Yield the other places of a document's secrets in it, where no name shows them."""
    found = {lines[n][start:end]: n for n, there in spans.items() for start, end in there}
    secrets = [secret for secret in found if _is_telling(secret)]
    text = "\n".join(lines) if secrets else ""
    for secret in secrets:
        first = text.find(secret)
        if text.find(secret, first + 1) < 0:
            continue
        pattern = _pattern(secret)
        for number, line in enumerate(lines):
            if secret in line:
                yield from ([(number, *match.span())] for match in pattern.finditer(line))


def _pattern(secret: str) -> re.Pattern[str]:
    escaped = re.escape(secret)
    whole = len(secret) >= _SHORTEST_WORDS
    return re.compile(escaped if whole else rf"(?<!\w){escaped}(?!\w)")


def _without(text: str, secret: str) -> tuple[str, int]:
    return _pattern(secret).subn(PLACEHOLDER, text)


def _pieces(secrets: Iterable[str]) -> Iterator[str]:
    count = 0
    for secret in secrets:
        size = len(secret) - _PIECE + 1
        if size < _PIECE or not is_scrambled(secret, 0.36):
            continue
        count += size
        if count > _MAX_PIECES:
            return
        yield from (secret[at : at + _PIECE] for at in range(size))
