"""Thread-safe parsing of Python."""

from __future__ import annotations

import ast

_TRIES = 50


def parse_python(source: str) -> ast.Module:
    """Return the syntax tree; raises the errors of ``ast.parse``.

    CPython 3.11 counts the depth of syntax trees for all threads together, and raises ``SystemError``
    when two threads build one at the same time (python/cpython#106905). The source is not at fault; a
    retry succeeds once the other thread is done.
    """
    for _ in range(_TRIES):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    raise ValueError("The text could not be parsed: the interpreter's parser is busy.")
