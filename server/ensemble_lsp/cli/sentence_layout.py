"""Sentences on a terminal: wrapped at words, in characters that its encoding has."""

from __future__ import annotations

import codecs
import os
import re
import sys
from typing import TextIO

_ASCII = {"✓": "ok", "✗": "FAIL", "━": "-"}
_BRAILLE = range(0x2800, 0x2900)
"""The characters of a spinner."""
_HANDLER = "ensemble-lsp.signs"
_CODE = re.compile(r"`[^`]+`")
_KEPT = "\u00a0"


def encode_all_characters(*streams: object) -> None:
    """Let streams write any character: signs in ASCII, others as escape sequences of Python."""
    codecs.register_error(_HANDLER, _replace)
    for stream in streams:
        if reconfigure := getattr(stream, "reconfigure", None):  # tests have none
            reconfigure(errors=_HANDLER)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    sign = "*" if ord(char) in _BRAILLE else _ASCII.get(char)
    if sign is not None:
        return sign, error.start + 1
    error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


def can_encode(text: str, stream: TextIO) -> bool:
    """Return whether a stream's encoding has all the characters."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def say(sentence: str, *, to_stderr: bool = False, indent: str = "") -> None:
    """Print a line; on a terminal, wrap it at words, with ``indent`` before the lines that follow.

    No path and no command in backquotes is split: it can be copied.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    print(wrapped(sentence, _width(stream), indent), file=stream)


def fitted(question: str) -> str:
    """Return a question wrapped for the terminal of standard error, with its last space."""
    text = wrapped(question, _width(sys.stderr))
    return text + question[len(question.rstrip()) :] if text != question else question


def wrapped(sentence: str, width: int, indent: str = "") -> str:
    """Wrap a sentence at words; a ``width`` of 0 means no limit."""
    if not width or len(sentence) <= width:
        return sentence
    import textwrap

    kept = _CODE.sub(lambda code: code[0].replace(" ", _KEPT), sentence)
    lines = textwrap.wrap(
        kept,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
    return "\n".join(lines).replace(_KEPT, " ")


def _width(stream: TextIO) -> int:
    """Return the columns of a stream's terminal; 0 if it is not one, or does not say."""
    if not stream.isatty():
        return 0
    if (columns := os.environ.get("COLUMNS", "")).isdecimal():
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0
