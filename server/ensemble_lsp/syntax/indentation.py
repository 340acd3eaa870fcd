"""The indentation and line ends of a document."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..languages import language_info
from ..types import Document


def indent_of(line: str) -> str:
    """Return the leading white space of a line."""
    line = line.rstrip("\r\n")
    return line[: len(line) - len(line.lstrip(" \t"))]


def newline_of(text: str) -> str:
    r"""Return the end of a text's first line; ``\n`` if there is only one line."""
    at = text.find("\n")
    if at > 0 and text[at - 1] == "\r":
        return "\r\n"
    return "\r" if at < 0 and "\r" in text else "\n"


_OPENER = re.compile(
    r"(?:[:{]|=>|->|\b(?:do|then|else|begin)(?:\s*\|[^|]*\|)?)\s*$|^<\w[^<>]*[^/<>]>\s*$"
    r"|^(?:class|module|def|function|if|unless|while|until|for|case)\b[^;{}]*$"
)
"""A line that opens a block, or an element."""


def _line_shape(line: str) -> tuple[str | None, bool]:
    """Return a line's indentation, None for a blank one, and whether it opens a block."""
    indent = indent_of(line)
    rest = line[len(indent) :]
    return (indent, _OPENER.search(rest) is not None) if rest.rstrip("\r\n") else (None, False)


_kept_line_shape = lru_cache(maxsize=4096)(_line_shape)
"""The same, for lines that are short enough to keep: most are the same at each keystroke."""
_KEPT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """One level of indentation as some lines have it."""

    unit: str = ""
    """Empty if none is indented."""
    certain: bool = False
    """Whether several lines agree."""
    mixed: bool = False
    """Whether some lines have tabs and others blanks."""


def own_indent_unit(*parts: Sequence[str]) -> OwnUnit:
    """Return one level of indentation as the lines of some parts of a document have it."""
    tabs = blanks = 0
    steps: Counter[int] = Counter()
    widths: list[int] = []
    for lines in parts:
        last: int | None = None
        opens = False
        for line in lines:
            shape = _kept_line_shape if len(line) <= _KEPT_LENGTH else _line_shape
            indent, line_opens = shape(line)
            if indent is None:
                continue
            width = len(indent)
            tabs += indent[:1] == "\t"
            # A single space continues a block comment; it is not a level.
            if indent[:1] == " " and width > 1:
                blanks += 1
                widths.append(width)
            if last is not None and last + 1 < width <= last + 8 and indent[:1] == " ":
                # A step below an opening line is a level; another one may be a continuation.
                steps[width - last] += 2 if opens else 1
            last = last if width == 1 else width
            opens = line_opens
    if tabs and blanks * 8 <= tabs:
        return OwnUnit("\t", certain=True)
    if tabs * 16 > blanks:
        return OwnUnit("\t" if tabs > blanks else "", mixed=True)
    if not widths:
        return OwnUnit(_blank_lines_unit([line for lines in parts for line in lines]))
    # Of steps that are as frequent, the one that more lines are a multiple of.
    common = max(steps, key=lambda s: (steps[s], sum(not w % s for w in widths)), default=0)
    width = common or math.gcd(*widths)
    certain = steps[common] > 1
    return OwnUnit(" " * min(width, 8) if width > 1 else "", certain)


def _blank_lines_unit(lines: Sequence[str]) -> str:
    """Return the indentation of lines of white space alone, such as the cursor's in a new file."""
    indents = [indent for line in lines if (indent := indent_of(line))]
    if any(indent[0] == "\t" for indent in indents):
        return "\t"
    width = math.gcd(*map(len, indents)) if indents else 0
    return " " * width if 1 < width <= 8 else ""


def indent_unit(lines: Sequence[str], language: str) -> str:
    """Return one level of indentation as those lines have it, else the language's convention."""
    return own_indent_unit(lines).unit or language_info(language).indent


def unit_around(prefix: str, suffix: str) -> OwnUnit:
    """Return one level of indentation as the text around a place has it."""
    return own_indent_unit(prefix.split("\n"), suffix.split("\n")[1:])


def required_unit(language: str) -> str:
    """Return a tab for a language whose convention it is (Go, Makefile); empty for the others."""
    habit = language_info(language).indent
    return habit if habit == "\t" else ""


def indent_unit_near(document: Document, line: int) -> str:
    """Return one level of indentation, from the 100 lines before and after."""
    return indent_unit(nearby_lines(document, line), document.language)


def nearby_lines(document: Document, line: int) -> Sequence[str]:
    """Return the 100 lines before and after, each cut to a length that an indentation can have."""
    lines = document.lines[max(0, line - 100) : line + 100]
    return [each[:200] for each in lines]
