"""Parsing Python, in whatever thread."""

from __future__ import annotations

import ast

_TRIES = 50


def parse_python(source: str) -> ast.Module:
    """The syntax tree. Raises what ``ast.parse`` raises for a text that is no Python.

    CPython 3.11 counts the depth of the trees it makes for all threads together, and raises
    ``SystemError`` when two of them make one at the same moment (python/cpython#106905). It is nothing in
    the text: the next try finds the other thread done.
    """
    for _ in range(_TRIES):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    raise ValueError("The text could not be parsed: the interpreter's parser is busy.")
