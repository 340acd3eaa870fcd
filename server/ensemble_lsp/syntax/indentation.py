"""The indentation and line ends of a document."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def indent_unit(lines: Sequence[str], language: str) -> str:
    """Return one level of indentation as those lines have it, else the language's convention."""
    width = 0
    for line in lines:
        indent = indent_of(line)
        if not indent or len(indent) == len(line.rstrip("\r\n")):
            continue
        if indent[0] == "\t":
            return "\t"
        # A single space continues a block comment; it is not a level.
        if len(indent) > 1:
            width = math.gcd(width, len(indent))
    if width > 1:
        return " " * min(width, 8)
    return language_info(language).indent


def indent_unit_near(document: Document, line: int) -> str:
    """Return one level of indentation, from the 100 lines before and after."""
    return indent_unit(document.lines[max(0, line - 100) : line + 100], document.language)
