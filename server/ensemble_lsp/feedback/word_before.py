"""The word before a suggestion's place: a popup of Vim removes it and writes it again, with and without an accept."""

from __future__ import annotations

import re

from ..types import Document, Position, Span, advance

_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"\w*$")


def word_before(document: Document, position: Position) -> str:
    """Return the word that ends at a position, or an empty string."""
    found = _LAST_WORD.search(document.line(position.line)[: position.column])
    return found[0] if found else ""


def without_word(region: Span, document: Document, word: str) -> Span:
    """Return a region without the end of ``word``, if that was removed before the region and written again in it.

    A lone name in the region is rather another item of the popup.
    """
    before = document.line(region.start.line)[: region.start.column]
    kept = next(size for size in range(len(word), -1, -1) if before.endswith(word[:size]))
    again, now = word[kept:], document.slice(region)
    if not again or not now.startswith(again) or (now != again and _WORD.fullmatch(now)):
        return region
    return Span(advance(region.start, again), region.end)
