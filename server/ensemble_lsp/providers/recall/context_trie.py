"""Counts of the tokens that followed each context: a tree of contexts, read backwards, that grows where it is dense.

A rare context is a short list of occurrences. A frequent one becomes a node with counts of the next
tokens, and its occurrences move one token further back. So memory grows with the text, long contexts
exist where they are informative, and the cost of adding or removing a line depends on that line alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from .tokens import START

DEPTH = 32
"""Maximum tokens of context."""
CROWD = 16
"""Occurrences in a list before it becomes a node."""


class Line:
    """One line that is not blank; ``before`` is the nearest such line above it."""

    __slots__ = ("bare", "before", "indent", "tokens")

    def __init__(
        self, tokens: tuple[str, ...], bare: tuple[str, ...], indent: int, before: Line | None
    ) -> None:
        self.tokens = tokens
        self.bare = bare
        self.indent = indent
        self.before = before


class Level(NamedTuple):
    """Counts of the tokens that followed the last ``order`` tokens, and their sum."""

    order: int
    follow: dict[str, int]
    total: int


Places = list[Line | int]
"""Line and token number by turns: that token followed the context."""


class _Node:
    __slots__ = ("children", "follow", "total")

    def __init__(self) -> None:
        self.follow: dict[str, int] = {}
        self.total = 0
        self.children: dict[str, _Node | Places] = {}


def _back(line: Line | None, at: int, steps: int) -> str:
    """Return the token ``steps`` before token ``at`` of a line, across the lines above."""
    at -= steps
    while line is not None and at < 0:
        line = line.before
        at += len(line.bare) if line is not None else 0
    return START if line is None else line.bare[at]


class Contexts:
    """The tree over any number of lines."""

    def __init__(self) -> None:
        self._root = _Node()

    @property
    def vocabulary(self) -> dict[str, int]:
        """The number of occurrences of each token; read only."""
        return self._root.follow

    @property
    def size(self) -> int:
        """Tokens in the tree."""
        return self._root.total

    def add(self, line: Line, tokens: int | None = None) -> None:
        """Add a line's tokens, or the first ``tokens`` of them. ``line.before`` must not change while it is in."""
        for at, token in enumerate(line.tokens[:tokens]):
            self._add(line, at, token)

    def remove(self, line: Line, tokens: int | None = None) -> None:
        """Remove a line exactly as it was added, or its first ``tokens`` tokens."""
        for at, token in enumerate(line.tokens[:tokens]):
            self._remove(line, at, token)

    def levels(self, context: Sequence[str]) -> list[Level]:
        """Return what followed the end of a context (bare tokens), from its last token to the longest match.

        A longer context without new information is skipped: one with the same occurrences as a
        shorter one takes its level, and from the first context that only one token followed, the
        order is that of the longest match. So levels depend on the lines alone, not on the tree.
        """
        found: list[Level] = []
        node = self._root
        for depth in range(1, min(DEPTH, len(context)) + 1):
            child = node.children.get(context[-depth])
            if child is None:
                break
            if isinstance(child, list):
                levels = _levels_of(child, context, depth)
                if found and found[-1].total == levels[0].total:
                    found.pop()
                return found + levels
            if found and found[-1].total == child.total:
                found.pop()
            found.append(Level(depth, child.follow, child.total))
            if len(child.follow) == 1:
                longest = _longest(child, context, depth)
                found[-1] = Level(longest, child.follow, child.total)
                break
            node = child
        return found

    # ``_add`` and ``_remove`` each step back along the lines themselves: a call at every token and depth would be slow.

    def _add(self, line: Line, at: int, token: str) -> None:
        node, source, i = self._root, line, at
        for depth in range(1, DEPTH + 2):
            node.total += 1
            node.follow[token] = node.follow.get(token, 0) + 1
            if depth > DEPTH:
                return
            i -= 1
            while i < 0 and source is not None:
                source = source.before
                i += len(source.bare) if source is not None else 0
            key = START if source is None else source.bare[i]
            child = node.children.get(key)
            if child is None:
                node.children[key] = [line, at]
                return
            if isinstance(child, list):
                child += (line, at)
                if len(child) > 2 * CROWD:
                    node.children[key] = _split(child, depth)
                return
            node = child

    def _remove(self, line: Line, at: int, token: str) -> None:
        node, source, i = self._root, line, at
        for depth in range(1, DEPTH + 2):
            node.total -= 1
            left = node.follow[token] - 1
            if left:
                node.follow[token] = left
            else:
                del node.follow[token]
            if depth > DEPTH:
                return
            i -= 1
            while i < 0 and source is not None:
                source = source.before
                i += len(source.bare) if source is not None else 0
            key = START if source is None else source.bare[i]
            child = node.children[key]
            if isinstance(child, list):
                _drop(child, line, at)
                if not child:
                    del node.children[key]
                return
            if child.total == 1:
                del node.children[key]
                return
            node = child


def _drop(places: Places, line: Line, at: int) -> None:
    for i in range(0, len(places), 2):
        if places[i] is line and places[i + 1] == at:
            del places[i : i + 2]
            return


def _split(places: Places, depth: int) -> _Node:
    """A node for the places that share ``depth`` tokens of context."""
    node = _Node()
    for i in range(0, len(places), 2):
        line, at = cast(Line, places[i]), cast(int, places[i + 1])
        token = line.tokens[at]
        node.total += 1
        node.follow[token] = node.follow.get(token, 0) + 1
        if depth < DEPTH:
            key = _back(line, at, depth + 1)
            child = cast(Places, node.children.setdefault(key, []))
            child += (line, at)
    if depth < DEPTH:
        for key, child in node.children.items():
            if isinstance(child, list) and len(child) > 2 * CROWD:
                node.children[key] = _split(child, depth + 1)
    return node


def _longest(node: _Node, context: Sequence[str], depth: int) -> int:
    """Tokens of the longest match below a node that shares ``depth`` tokens with the context."""
    while depth < min(DEPTH, len(context)):
        child = node.children.get(context[-depth - 1])
        if child is None:
            break
        depth += 1
        if isinstance(child, list):
            return max(length for length, _ in _matches(child, context, depth))
        node = child
    return depth


def _levels_of(places: Places, context: Sequence[str], depth: int) -> list[Level]:
    """Levels of a short list whose places share ``depth`` tokens with the context."""
    found = sorted(_matches(places, context, depth), reverse=True)
    levels: list[Level] = []
    follow: dict[str, int] = {}
    for n, (length, token) in enumerate(found, 1):
        follow[token] = follow.get(token, 0) + 1
        if n == len(found) or found[n][0] < length:
            if len(follow) == 1:
                levels = [Level(found[0][0], dict(follow), n)]
            else:
                levels.append(Level(length, dict(follow), n))
    levels.reverse()
    return levels


def _matches(places: Places, context: Sequence[str], depth: int) -> list[tuple[int, str]]:
    """Yield for each occurrence the tokens it shares with the end of the context, and the next token."""
    found: list[tuple[int, str]] = []
    for i in range(0, len(places), 2):
        line, at = cast(Line, places[i]), cast(int, places[i + 1])
        found.append((_match(line, at, context, depth), line.tokens[at]))
    return found


def _match(line: Line, at: int, context: Sequence[str], length: int) -> int:
    """Return how many tokens before an occurrence equal the end of the context; ``length`` are known to."""
    source = line
    at -= length
    reach = min(len(context), DEPTH)
    while length < reach:
        at -= 1
        while at < 0:
            if source.before is None:
                # START precedes the first line any number of times.
                rest = 0
                while length + rest < reach and context[-length - rest - 1] == START:
                    rest += 1
                return length + rest
            source = source.before
            at += len(source.bare)
        if source.bare[at] != context[-length - 1]:
            return length
        length += 1
    return length
