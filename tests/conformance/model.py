"""What a document's text is after an edit, said as plainly as the specification does.

Written on its own, from the specification's words: nothing here is shared with the server, and nothing is
fast. A text is a string; a position is found by encoding the line and cutting the bytes.
"""

from __future__ import annotations

import re
from typing import Any

_END = re.compile(r"\r\n|\n|\r")
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def line_starts(text: str) -> list[int]:
    """Offsets at which lines begin."""
    return [0, *(match.end() for match in _END.finditer(text))]


def line_at(text: str, number: int) -> str:
    """A line without its end."""
    return _END.split(text)[number]


def length(line: str, encoding: str) -> int:
    """A line's length in the encoding's units."""
    codec, size = _CODECS[encoding]
    return len(line.encode(codec, "surrogatepass")) // size


def offset(text: str, place: dict[str, int], encoding: str) -> int:
    """Where a position is; past a line's end it is the end, inside a character its beginning."""
    starts = line_starts(text)
    if place["line"] >= len(starts):
        return len(text)
    line = line_at(text, place["line"])
    column = max(
        n for n in range(len(line) + 1) if length(line[:n], encoding) <= place["character"]
    )
    return starts[place["line"]] + column


def position(text: str, at: int, encoding: str) -> dict[str, int]:
    """The position of an offset that does not part a carriage return from its line feed."""
    starts = line_starts(text)
    line = max(n for n, start in enumerate(starts) if start <= at)
    return {"line": line, "character": length(text[starts[line] : at], encoding)}


def changed(text: str, change: dict[str, Any], encoding: str) -> str:
    """The text after one content change."""
    if "range" not in change:
        return str(change["text"])
    ends = (offset(text, change["range"][end], encoding) for end in ("start", "end"))
    start, end = sorted(ends)
    return text[:start] + str(change["text"]) + text[end:]
