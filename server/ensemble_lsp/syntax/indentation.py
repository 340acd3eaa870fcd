"""Indentation and line ends: how a document writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..languages import language_info
from ..types import Document


def indent_of(line: str) -> str:
    """The white space a line begins with; of a line of white space alone, all of it."""
    line = line.rstrip("\r\n")
    return line[: len(line) - len(line.lstrip(" \t"))]


def newline_of(text: str) -> str:
    r"""How a text ends its first line; ``\n`` where it has but one."""
    at = text.find("\n")
    if at > 0 and text[at - 1] == "\r":
        return "\r\n"
    return "\r" if at < 0 and "\r" in text else "\n"


def indent_unit(lines: Sequence[str], language: str) -> str:
    """One level of indentation as those lines write it; without any, the language's habit."""
    width = 0
    for line in lines:
        indent = indent_of(line)
        if not indent or len(indent) == len(line.rstrip("\r\n")):
            continue
        if indent[0] == "\t":
            return "\t"
        # A single blank is how a block comment goes on, not a level.
        if len(indent) > 1:
            width = math.gcd(width, len(indent))
    if width > 1:
        return " " * min(width, 8)
    return language_info(language).indent


def indent_unit_near(document: Document, line: int) -> str:
    """One level of indentation, told by the 100 lines before and after."""
    return indent_unit(document.lines[max(0, line - 100) : line + 100], document.language)
