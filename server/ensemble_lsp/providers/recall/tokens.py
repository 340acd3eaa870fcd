r"""Lines as tokens: words, numbers, operators and single signs, each with the space before it.

A line's first token stands for the step from the line above: ``"\n"``, doubled when blank lines lie
between, and the change of indentation in columns (``"\n4"``, ``"\n\n-8"``). So a stream of tokens tells
lines and blocks apart in every language, and an indented block reads alike at any depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_COLUMNS = 400
"""Maximum columns read of a line: a longer one is data or minified."""
TAB = 4
"""Columns a tab counts for; only differences matter."""
CUT = "\x00"
"""The last token of a line longer than ``MAX_COLUMNS``: the rest is unknown."""
START = "\x02"
"""The token before a file's first line."""

_OPERATORS = (
    r"\.\.\.|\"\"\"|'''|\*\*=?|//=?|<<=?|>>=?|===?|!==?|<=|>=|->|=>|:=|::|&&|\|\||\+\+|--|\?\.|\?\?"
    r"|[-+*/%&|^@]=|/\*|\*/"
)
_BARE = rf"[^\W\d]\w*|\d[\w.]*|{_OPERATORS}|[^\w\s]"
_TOKEN = re.compile(rf"\s*(?:{_BARE})")
_OPEN_END = re.compile(rf"(?:{_BARE})$")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_EXTENDS = frozenset(".\"'*/<>=!-:&|+?%^@")


def bracket(sign: str) -> int:
    """Return 1 for an opening bracket, -1 for a closing one, else 0."""
    return _BRACKETS.get(sign, 0)


def is_break(token: str) -> bool:
    """Return whether the token begins a line."""
    return token[0] == "\n"


def indent_width(line: str) -> int:
    """Return the columns of white space at the start of a line."""
    body = line.lstrip(" \t")
    head = line[: len(line) - len(body)]
    return len(head) + (TAB - 1) * head.count("\t")


def line_break(before: int, indent: int, blank: bool) -> str:
    """Return the token for the step from indentation ``before`` to ``indent``."""
    return f"\n\n{indent - before}" if blank else f"\n{indent - before}"


def break_step(token: str) -> int:
    """Return the change of indentation, in columns, that a line's first token stands for."""
    return int(token.lstrip("\n"))


def words(text: str) -> list[str]:
    """Return the tokens of a part of one line, each with the white space before it."""
    if len(text) <= MAX_COLUMNS:
        return _TOKEN.findall(text)
    return [*_TOKEN.findall(text[:MAX_COLUMNS])[:-1], CUT]


def spaced(raw: str) -> str:
    """Return a token with the white space before it; other characters than space and tab count as one space."""
    bare = raw.lstrip()
    gap = raw[: len(raw) - len(bare)]
    return (" " if gap.strip(" \t") else gap) + bare


class Words:
    """Shares one string object for all equal tokens, so that an index holds each word once."""

    LIMIT = 400_000

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[str, str]] = {}

    def pairs(self, text: str) -> list[tuple[str, str]]:
        """Return each token of a part of one line, with and without the white space before it."""
        known = self._pairs
        return [known.get(raw) or self._learn(raw) for raw in words(text)]

    def _learn(self, raw: str) -> tuple[str, str]:
        token = spaced(raw)
        bare = token.lstrip(" \t")
        if len(self._pairs) >= self.LIMIT:  # words typed and deleted again: start over
            self._pairs.clear()
        if bare != token:
            bare = (self._pairs.get(bare) or self._learn(bare))[1]
        pair = self._pairs[raw] = (token, bare)
        return pair


@dataclass(frozen=True, slots=True)
class Typed:
    """The text left of the cursor on its line: complete tokens, and one that may be unfinished."""

    whole: str
    half: str
    """The unfinished token with the space before it, or that space alone; a prediction begins with it."""


def cut(text: str) -> Typed:
    """Split the text left of the cursor (without indentation) into whole tokens and an unfinished one."""
    body = text.rstrip()
    if len(body) < len(text):
        return Typed(body, spaced(text[len(body) :] + ".")[:-1] if body else "")
    last = _OPEN_END.search(text[-MAX_COLUMNS:])
    if last is None:
        return Typed(text, "")
    word = last.group()
    if not (word[0].isalnum() or word[0] == "_" or word[0] in _EXTENDS):
        return Typed(text, "")
    whole = text[: len(text) - len(word)]
    before = whole.rstrip()
    return Typed(before, spaced(whole[len(before) :] + word))
