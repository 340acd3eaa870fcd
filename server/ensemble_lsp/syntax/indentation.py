"""Indentation and line ends: how a document writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..types import Document

_TWO = frozenset(
    {
        "css",
        "dart",
        "html",
        "javascript",
        "javascriptreact",
        "json",
        "lua",
        "ruby",
        "scala",
        "typescript",
        "typescriptreact",
        "vue",
        "yaml",
    }
)


def indent_of(line: str) -> str:
    """The white space a line begins with; of a line of white space alone, all of it."""
    line = line.rstrip("\r\n")
    return line[: len(line) - len(line.lstrip(" \t"))]


def newline_of(document: Document) -> str:
    r"""How the document ends lines: ``\n``, ``\r\n`` or ``\r``; told by its first line."""
    return newline_in(document.lines[0])


def newline_in(text: str) -> str:
    r"""How a text ends its first line; ``\n`` where it has but one."""
    at = text.find("\n")
    if at > 0 and text[at - 1] == "\r":
        return "\r\n"
    return "\r" if at < 0 and "\r" in text else "\n"


def unit_of(lines: Sequence[str], language: str) -> str:
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
    if language in {"go", "makefile"}:
        return "\t"
    return "  " if language in _TWO else "    "


def unit_near(document: Document, line: int) -> str:
    """One level of indentation, told by the 100 lines before and after."""
    return unit_of(document.lines[max(0, line - 100) : line + 100], document.language)
