"""The tokens of a line with whole strings, and how one token of a line became another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .reserved_words import RESERVED

_STRING = r"""[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)"""
_NUMBER = r"\#[0-9a-fA-F]{3,8}\b|\d(?:[\w.]*\w)?"
_SIGN = r"===|!==|==|!=|=>|->|::|\+=|-=|\*=|&&|\|\||<=|>=|:=|\?\.|\?\?|</|/>|."
_TOKEN = re.compile(
    rf"(?P<space>\s*)(?:(?P<string>{_STRING})|(?P<number>{_NUMBER})|(?P<name>[$@]?[^\W\d]\w*)|(?P<sign>{_SIGN}))"
)
_LITERALS = frozenset({"true", "false", "True", "False", "None", "null", "nil", "undefined"})
_CALLABLE = frozenset(
    {"default", "del", "error", "export", "go", "loop", "match", "mod", "module", "number", "object", "package",
     "set", "use"}
)  # fmt: skip
"""Keywords of one language that name functions in others."""
_QUOTES = "\"'`"
_MIN_PART = 2
MAX_TOKENS = 80
"""A longer line is data."""

Kind = Literal["name", "keyword", "number", "string", "sign"]


@dataclass(frozen=True, slots=True)
class LineToken:
    """One token, with the white space before it."""

    space: str
    text: str
    kind: Kind

    @property
    def is_value(self) -> bool:
        """Whether another name or literal can be in its place in a line of the same shape."""
        return self.kind not in ("sign", "keyword")

    @property
    def is_literal(self) -> bool:
        """Whether it is a number, a string, or a constant of the language."""
        return self.kind in ("number", "string") or self.text in _LITERALS

    @property
    def is_constant(self) -> bool:
        """Whether it is a number, or a constant of the language."""
        return self.kind == "number" or self.text in _LITERALS

    @property
    def shape(self) -> str:
        """The text that lines of the same shape have in common here; empty for a value."""
        return "" if self.is_value else self.text


@lru_cache(maxsize=4096)
def line_tokens(text: str) -> tuple[LineToken, ...]:
    """Return the tokens of a line, or of several that belong together."""
    found: list[LineToken] = []
    for match in _TOKEN.finditer(text):
        kind: Kind = "sign"
        if match["string"]:
            kind = "string"
        elif match["number"]:
            kind = "number"
        elif name := match["name"]:
            is_called = name in _CALLABLE and text.startswith("(", match.end())
            reserved = name in RESERVED and name not in _LITERALS and not is_called
            kind = "keyword" if reserved else "name"
        found.append(LineToken(match["space"], match[0][len(match["space"]) :], kind))
        if len(found) > MAX_TOKENS:
            break
    return tuple(found)


def text_of_tokens(tokens: tuple[LineToken, ...] | list[LineToken]) -> str:
    """Return the text that tokens were read from, without white space at the end."""
    return "".join(token.space + token.text for token in tokens)


def replaced_part(old: str, new: str) -> tuple[str, str, str, str]:
    """Return what two words have in common at their beginning, the parts that differ, the common end."""
    head = _common_head(old, new)
    tail = _common_head(old[head:][::-1], new[head:][::-1])
    while head and _cuts_word(old, head):
        head -= 1
    while tail and _cuts_word(old, len(old) - tail):
        tail -= 1
    return (
        old[:head],
        old[head : len(old) - tail],
        new[head : len(new) - tail],
        old[len(old) - tail :],
    )


def like(old: str, new: str, other: str) -> str | None:
    """Return what ``other`` becomes if it changes as ``old`` became ``new``; ``None`` if it cannot.

    It can if a part was put before or after a word, or if both words have the part that was
    replaced, after the same beginning or before the same end.
    """
    if other == old:
        return new
    begin, removed, inserted, end = replaced_part(old, new)
    if not removed:
        return _with_part(begin, inserted, end, other)
    begins, ends = begin.strip(_QUOTES), end.strip(_QUOTES)
    if len(removed) < _MIN_PART or not (begins or ends):
        return None
    if other.startswith(begin + removed) and (
        begins or not _cuts_word(other, len(begin + removed))
    ):
        return begin + inserted + other[len(begin + removed) :]
    if ends and other.endswith(removed + end):
        return other[: len(other) - len(removed + end)] + inserted + end
    return None


def _with_part(begin: str, inserted: str, end: str, other: str) -> str | None:
    """Return a word with a new part at its beginning or end, inside of its quotes."""
    if not begin.strip(_QUOTES) and other.startswith(begin):
        rest = other[len(begin) :]
        return None if rest.startswith(inserted) else begin + inserted + rest
    if not end.strip(_QUOTES) and other.endswith(end):
        rest = other.removesuffix(end)
        return None if rest.endswith(inserted) else rest + inserted + end
    return None


def _cuts_word(text: str, at: int) -> bool:
    """Return whether a place is inside a word: letters of one case after another."""
    if not 0 < at < len(text) or not (text[at - 1].isalnum() and text[at].isalnum()):
        return False
    return not (text[at].isupper() and text[at - 1].islower())


def _common_head(one: str, other: str) -> int:
    size = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        size += 1
    return size
