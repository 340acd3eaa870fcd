"""The tokens that the latest edits replaced, line by line, with the tokens around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from rapidfuzz.distance import Indel

from ..edit_history import Hunk

_TOKEN = re.compile(r"[^\W\d]\w*|\d+|[ \t]+|.", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*")
_MAX_TOKENS = 200
"""A longer line is data."""
_SIMILAR = 0.5
"""Lines at least this similar are one line before and after, where a hunk changes their number."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """One changed line: its text before and after, without line ends."""

    uri: str
    number: int
    """The line's number now; -1 if that is unknown."""
    old: str
    new: str
    order: int
    """The order of its hunk."""


@dataclass(frozen=True, slots=True)
class TokenChange:
    """Tokens of a line that were replaced, inserted or deleted."""

    line: LineChange
    old: tuple[str, ...]
    new: tuple[str, ...]
    left: tuple[str, ...]
    """The tokens before, without indentation."""
    right: tuple[str, ...]
    column: int
    """The column of the new tokens in the new line."""
    old_right: tuple[str, ...] = ()
    """The tokens after, in the old line."""

    @property
    def names(self) -> tuple[str, str] | None:
        """The old and the new name, if one name was replaced by another."""
        if len(self.old) != 1 or len(self.new) != 1:
            return None
        old, new = self.old[0], self.new[0]
        return (old, new) if is_name(old) and is_name(new) else None


def is_name(token: str) -> bool:
    """Return whether a token is a name or a keyword."""
    return _NAME.fullmatch(token) is not None


def tokens_of(line: str) -> list[str]:
    """Return the tokens of a line: names, numbers, white space, single characters."""
    return _TOKEN.findall(line)


@lru_cache(maxsize=256)
def changes_of(hunk: Hunk) -> tuple[TokenChange, ...]:
    """Return the replaced tokens of a hunk's lines."""
    return tuple(change for line in line_changes(hunk) for change in token_changes(line))


def line_changes(hunk: Hunk) -> list[LineChange]:
    """Return the lines of a hunk that were changed, not those that were only added or removed."""
    old = [line.rstrip("\r\n") for line in hunk.removed]
    new = [line.rstrip("\r\n") for line in hunk.added]
    pairs = [(n, n) for n in range(len(old))] if len(old) == len(new) else list(_pairs(old, new))
    return [
        LineChange(hunk.uri, hunk.line + b if hunk.tracked else -1, old[a], new[b], hunk.order)
        for a, b in pairs
        if old[a] != new[b] and old[a].strip() and new[b].strip()
    ]


def token_changes(change: LineChange) -> list[TokenChange]:
    """Return the replaced tokens of a changed line, from left to right."""
    old, new = tokens_of(change.old), tokens_of(change.new)
    if max(len(old), len(new)) > _MAX_TOKENS:
        return []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    found: list[TokenChange] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        left = new[:c]
        column = sum(map(len, left))
        if left and left[0].isspace():
            left = left[1:]
        found.append(
            TokenChange(
                change,
                tuple(old[a:b]),
                tuple(new[c:d]),
                tuple(left),
                tuple(new[d:]),
                column,
                tuple(old[b:]),
            )
        )
    return found


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pair the lines of a hunk that changed their number: equal lines first, then similar ones."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "replace":
            continue
        if b - a == d - c:
            yield from zip(range(a, b), range(c, d), strict=True)
            continue
        at = c
        for number in range(a, b):
            near = [(Indel.normalized_similarity(old[number], new[n]), -n) for n in range(at, d)]
            likeness, best = max(near, default=(0.0, 0))
            if likeness >= _SIMILAR:
                yield number, -best
                at = 1 - best
