"""Finds the end of a block in the text of a model that continues exactly at the cursor.

A small fill-in-the-middle model seldom writes its end token where the text below the cursor begins: it
writes that text again, then the rest of the file and tests for it.
"""

from __future__ import annotations

import re

from .layout import cut_at_block_end, opens_block

_INSIDE = " " * 200
"""The indentation of a line that is inside every block."""
_MIN_SIGNIFICANT = 6
"""Word characters of a line whose repetition is more than coincidence."""


def block_end(text: str, prefix: str, suffix: str, language: str) -> int | None:
    """Return where the block ends in a text that may still grow; ``None`` while it does not.

    It ends where the text repeats the lines below the cursor, and where the code leaves the cursor's
    function or is indented less than the code below. Only complete lines count.
    """
    rest = suffix.partition("\n")[0]
    complete = text.rpartition("\n")[0]
    if rest.strip() or not complete.strip():
        return None
    end = repetition_start(complete, suffix)
    inside = f"{complete[:end]}\n{_INSIDE}pass"
    blank = len(inside) - len(inside.lstrip("\n"))
    ended = cut_at_block_end(inside[blank:], prefix, suffix, language)
    return blank + len(ended) if blank + len(ended) < len(inside) else end


def repetition_start(text: str, suffix: str) -> int | None:
    """Return the end of the lines above those that repeat the lines below the cursor, if any do.

    They have the same indentation. A short line, or the first one of a block that the text opened itself,
    may be a coincidence, so a second one must follow.
    """
    rest, _, below = suffix.partition("\n")
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    count = first + _lines_above_repetition(lines[first:], below)
    if rest.strip() or count == len(lines):
        return None
    return len("\n".join(lines[:count]))


def _lines_above_repetition(lines: list[str], below: str) -> int:
    following = [line.rstrip() for line in below.split("\n")[:20] if line.strip()][:2]
    if not following:
        return len(lines)
    for number in range(1, len(lines)):
        found = [line.rstrip() for line in lines[number:] if line.strip()][:2]
        if not lines[number].strip() or found[:1] != following[:1]:
            continue
        above = next(line for line in reversed(lines[:number]) if line.strip())
        long = len(re.sub(r"\W", "", following[0])) >= _MIN_SIGNIFICANT
        significant = long and not opens_block(above)
        if significant or (len(found) == 2 and found == following):
            return number
    return len(lines)
