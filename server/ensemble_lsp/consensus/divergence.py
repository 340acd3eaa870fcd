"""Compare partial answers with complete ones.

The comparison uses tokens without layout, comments, docstrings, brackets and quotation marks; names are numbered as
they appear. Answers whose tokens diverge are rarely equal in canonical form (``MATCH_FACTOR``, measured).
"""

from __future__ import annotations

import re
from functools import lru_cache

from .canonical_form import canonical

MATCH_FACTOR = 0.02
"""Factor on the probability of a match once two token streams have diverged: 1.6 % of 3,993 equal pairs on the
choosing half have diverged, against 75 to 98 % of the others."""
MIN_TOKENS = 6
"""Tokens that a stream must have before it can count as diverged."""
_TOKEN = re.compile(
    r'''(?P<doc>(?:^|(?<=:))\s*[rRuUbB]*(?:"""(?:.|\n)*?(?:"""|\Z)|\'\'\'(?:.|\n)*?(?:\'\'\'|\Z))\s*?$)
    |(?P<comment>\#[^\n]*|//[^\n]*|/\*(?:.|\n)*?(?:\*/|\Z))
    |(?P<text>[rRuUbBfF]{0,2}(?:"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))
    |(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>[^\w\s()\[\]{},;"'`])''',
    re.VERBOSE | re.MULTILINE,
)
_KEYWORDS = frozenset(
    """and as assert async await break case catch class const continue def del do elif else except finally
    fn for from func function global if import in is lambda let match new None nonlocal not or pass raise return self
    this throw True False try var while with yield""".split()  # noqa: SIM905 - a text reads better than forty quotes
)


@lru_cache(maxsize=256)
def tokens_of(text: str) -> tuple[str, ...]:
    """Return the tokens of a text that are compared."""
    numbers: dict[str, str] = {}
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind in ("doc", "comment"):
            continue
        if kind == "text":
            token = "'" + token.lstrip("rRuUbBfF").strip("\"'")
        elif kind == "name" and token not in _KEYWORDS:
            token = numbers.setdefault(token, f"v{len(numbers)}")
        found.append(token)
    return tuple(found)


@lru_cache(maxsize=256)
def partial_tokens(text: str, language: str) -> tuple[str, ...]:
    """Return the tokens of a stream's whole lines; empty if they do not parse, as prose before the code."""
    lines = text.split("\n")[:-1]
    for last in range(len(lines), max(0, len(lines) - 3), -1):
        part = "\n".join(lines[:last])
        if part.strip() and canonical(part, language) is not None:
            return tokens_of(part)
    return ()


def have_diverged(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two streams, either of which may continue, already differ."""
    length = min(len(one), len(other))
    return length >= MIN_TOKENS and one[:length] != other[:length]
