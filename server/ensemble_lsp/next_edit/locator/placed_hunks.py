"""Hunks whose place is not followed, such as a patch's: found again in the document by their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...types import Document
from ..edit_history import Hunk

_AROUND = 60
"""Lines on each side, as many as a hunk has that is followed."""


def placed_hunks(document: Document, hunks: Sequence[Hunk]) -> tuple[Hunk, ...]:
    """Return the hunks, with the places of those whose new lines are in the document.

    Lines that occur more often than they were written have no certain place.
    """
    bare = tuple(line.rstrip("\r\n") for line in document.lines)
    taken: set[int] = set()
    result: list[Hunk] = []
    for hunk in hunks:
        known = hunk.uri == document.uri and not hunk.tracked
        place = _place(bare, hunk, hunks, taken) if known else None
        if place is None:
            result.append(hunk)
        else:
            taken.add(place)
            result.append(_at(document, hunk, place))
    return tuple(result)


def _place(lines: Sequence[str], hunk: Hunk, hunks: Sequence[Hunk], taken: set[int]) -> int | None:
    """Return the line where a hunk begins."""
    written = _written(hunk)
    if not any(line.strip() for line in written):
        return None
    first, size = written[0], len(written)
    places = [
        number
        for number, line in enumerate(lines)
        if line == first and tuple(lines[number : number + size]) == written
    ]
    alike = sum(other.uri == hunk.uri and _written(other) == written for other in hunks)
    free = [place + len(hunk.above) for place in places]
    free = [place for place in free if place not in taken]
    return free[0] if free and len(places) <= alike else None


def _written(hunk: Hunk) -> tuple[str, ...]:
    """Return a hunk's lines after the change, with the lines around it that it has."""
    lines = [line.rstrip("\r\n") for line in (*hunk.above, *hunk.added, *hunk.below)]
    if lines and not lines[-1] and hunk.below:  # the end of a text that ends with a line's end
        lines.pop()
    return tuple(lines)


def _at(document: Document, hunk: Hunk, line: int) -> Hunk:
    """Return a hunk at a place, with the document's lines around it and the document's line ends."""
    end = line + len(hunk.added)
    return replace(
        hunk,
        line=line,
        added=document.lines[line:end],
        above=document.lines[max(0, line - _AROUND) : line],
        below=document.lines[end : end + _AROUND],
        tracked=True,
    )
