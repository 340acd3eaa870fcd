"""Tells whether a part of an answer is quoted: in a string, a code span or a fence."""

from __future__ import annotations

import re

_NOT_QUOTES = re.compile(r"\\.|(?<=\w)'(?=\w)")


def is_quoted(text: str, start: int, end: int, head: str = "") -> bool:
    """Return whether a part of a text is between quotes; ``head`` precedes the text on its first line.

    A quote must be open before the part and be closed after it, on the same line; a fence or a triple
    quote may be closed later.
    """
    before, after = text[:start], text[end:]
    for mark in ("```", '"""', "'''"):
        if before.count(mark) % 2 and after.count(mark) % 2:
            return True
    if "\n" not in before:
        before = head + before
    before = _NOT_QUOTES.sub("", before.rpartition("\n")[2])
    after = _NOT_QUOTES.sub("", after.partition("\n")[0])
    return any(before.count(quote) % 2 and after.count(quote) % 2 for quote in "\"'`")
