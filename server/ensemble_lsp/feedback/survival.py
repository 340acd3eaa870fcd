"""Survival: the share of an accepted text that is still there, by tokens in order."""

from __future__ import annotations

import re

from ..types import Document, split_lines

_TOKEN = re.compile(r"\w+|[^\w\s]")
_MARKS = re.compile(r"[\"'`,;]+")
"""Marks that a formatter exchanges or removes."""
_MAX_TOKENS = 4000


def tokens(text: str) -> list[str]:
    """Split into words and punctuation; white space is left to formatters."""
    return _TOKEN.findall(text)


def survival(accepted: str, now: str) -> float:
    """Return the share of the accepted text's tokens that are in ``now`` in the same order, 0 to 1.

    It is the longest common subsequence, as in GitHub's telemetry
    (Ziegler et al., Productivity Assessment of Neural Code Completion, 2022), but by tokens,
    so that a renamed variable costs one, and a formatter nothing: the marks that it changes count only
    where the accepted text has nothing else.
    """
    old, new = tokens(_MARKS.sub(" ", accepted)), tokens(_MARKS.sub(" ", now))
    if not old:
        old, new = tokens(accepted), tokens(now)
    old, new = old[:_MAX_TOKENS], new[: 4 * _MAX_TOKENS]
    if not old:
        return 1.0
    return _common_subsequence(old, new) / len(old)


def _common_subsequence(one: list[str], other: list[str]) -> int:
    """Return its length, by bit-parallel rows (Hyyrö, Bit-Parallel LCS-length Computation Revisited, 2004).

    Not from a library: its import would delay the first accept.
    """
    places: dict[str, int] = {}
    for index, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << index
    all_bits = (1 << len(one)) - 1
    row = all_bits
    for token in other:
        matches = row & places.get(token, 0)
        row = ((row + matches) | (row - matches)) & all_bits
    return len(one) - bin(row).count("1")


def occurrences(document: Document, text: str) -> int:
    """Count the places where the text's lines follow one another, whatever their indentation."""
    wanted = [line.strip() for line in split_lines(text) if line.strip()]
    if sum(map(len, wanted)) < _MIN_CHARS:
        return 0
    have = [line.strip() for line in document.lines if not line.isspace()]
    first, count = wanted[0], 0
    for number, line in enumerate(have):
        if line.endswith(first) and _matches_at(have, number, wanted):
            count += 1
    return count


_MIN_CHARS = 9
"""Shorter texts are found elsewhere by chance."""


def _matches_at(have: list[str], number: int, wanted: list[str]) -> bool:
    there = have[number : number + len(wanted)]
    if len(there) < len(wanted):
        return False
    if len(wanted) > 1 and not there[-1].startswith(wanted[-1]):
        return False
    return there[1:-1] == wanted[1:-1]
