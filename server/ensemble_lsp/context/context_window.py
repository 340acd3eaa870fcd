"""The context window: the lines around the cursor that fit a token budget.

The cost depends on the budget, not on the file's length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..models.token_estimates import estimate_tokens
from ..types import Document, Position

ALIGNMENT_LINES = 32
"""The prefix begins at a multiple of this many lines. Its beginning then stays the same for many
keystrokes, so that providers' prompt caches apply."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The text before and after a position, and its lines, ``first`` to ``last`` inclusive."""

    prefix: str
    suffix: str
    first: int
    last: int


def context_window(
    document: Document, position: Position, prefix_tokens: int, suffix_tokens: int
) -> ContextWindow:
    """Return the whole lines around a position that fit two budgets.

    Only a line that exceeds its budget by itself is cut, and then between words.
    """
    position = document.clamp(position)
    line = document.lines[position.line]
    head, first = _before(document, position, line[: position.column], prefix_tokens)
    tail, last = _after(document, position, line[position.column :], suffix_tokens)
    return ContextWindow(head, tail, first, last)


def cut_start(text: str, tokens: int) -> str:
    """Cut the start of a text, at a word boundary, to fit a budget."""
    if estimate_tokens(text) <= tokens:
        return text
    kept = text[-_character_count(text, tokens) :] if tokens > 0 else ""
    half = _WORD.match(kept)
    # The last word is kept even if the cut goes through it.
    return kept[half.end() :] if half and half.end() < len(kept) else kept


def cut_end(text: str, tokens: int) -> str:
    """Cut the end of a text, at a word boundary, to fit a budget."""
    if estimate_tokens(text) <= tokens:
        return text
    kept = text[: _character_count(text, tokens)] if tokens > 0 else ""
    return re.sub(r"\w+\Z", "", kept) or kept


def cut_lines(text: str, tokens: int) -> str:
    """Return the first lines of a text that fit a budget."""
    if estimate_tokens(text) <= tokens:
        return text
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        tokens -= estimate_tokens(line)
        if tokens < 0:
            break
        kept.append(line)
    return "".join(kept)


def _before(document: Document, position: Position, head: str, tokens: int) -> tuple[str, int]:
    left = tokens - estimate_tokens(head)
    if left < 0:
        return cut_start(head, tokens), position.line
    first = position.line
    while first > 0:
        left -= estimate_tokens(document.lines[first - 1])
        if left < 0:
            break
        first -= 1
    aligned = -(-first // ALIGNMENT_LINES) * ALIGNMENT_LINES
    # Alignment must not drop more than half of the window.
    if first and aligned <= position.line and (aligned - first) * 2 <= position.line - first:
        first = aligned
    return "".join((*document.lines[first : position.line], head)), first


def _after(document: Document, position: Position, tail: str, tokens: int) -> tuple[str, int]:
    left = tokens - estimate_tokens(tail)
    if left < 0:
        return cut_end(tail, tokens), position.line
    last = position.line
    while last + 1 < len(document.lines):
        left -= estimate_tokens(document.lines[last + 1])
        if left < 0:
            break
        last += 1
    return "".join((tail, *document.lines[position.line + 1 : last + 1])), last


def _character_count(text: str, tokens: int) -> int:
    """Return the number of characters of a text that make that many tokens, on average."""
    return max(1, int(len(text) * tokens / max(1, estimate_tokens(text))))
