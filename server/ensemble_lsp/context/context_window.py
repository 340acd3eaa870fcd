"""How much of a document a model is shown: lines round the cursor within a token budget.

The work depends on the budget, never on the file's length.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..types import Document, Position

CHARACTERS_A_TOKEN = 3.5
"""Of code, for the tokenizers of common models; estimates need no more."""
STEP = 32
"""The prefix begins at a multiple of this many lines: its beginning then stays the same for many
keystrokes, and providers' prompt caches serve it."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The text before and after a position, and its lines, ``first`` to ``last``, both in."""

    prefix: str
    suffix: str
    first: int
    last: int


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is: 3.5 characters one, or one each beyond ASCII."""
    if text.isascii():
        return math.ceil(len(text) / CHARACTERS_A_TOKEN)
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return math.ceil((len(text) - wide) / CHARACTERS_A_TOKEN) + wide


def context_window(
    document: Document, position: Position, prefix_tokens: int, suffix_tokens: int
) -> ContextWindow:
    """The lines round a position within two budgets; whole lines, whole words.

    Only a line that is longer than a budget by itself is cut, and then between two words.
    """
    position = document.clamp(position)
    line = document.lines[position.line]
    head, first = _before(document, position, line[: position.column], prefix_tokens)
    tail, last = _after(document, position, line[position.column :], suffix_tokens)
    return ContextWindow(head, tail, first, last)


def cut_start(text: str, tokens: int) -> str:
    """The end of a text within a budget, from a word's beginning."""
    if estimate_tokens(text) <= tokens:
        return text
    kept = text[-_characters(text, tokens) :] if tokens > 0 else ""
    half = _WORD.match(kept)
    # The text's own last word is kept even where the cut goes through it.
    return kept[half.end() :] if half and half.end() < len(kept) else kept


def cut_end(text: str, tokens: int) -> str:
    """The beginning of a text within a budget, to a word's end."""
    if estimate_tokens(text) <= tokens:
        return text
    kept = text[: _characters(text, tokens)] if tokens > 0 else ""
    return re.sub(r"\w+\Z", "", kept) or kept


def cut_lines(text: str, tokens: int) -> str:
    """As many whole lines from the beginning of a text as fit a budget."""
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
    aligned = -(-first // STEP) * STEP
    # Aligning must not cost more than half of what is shown.
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


def _characters(text: str, tokens: int) -> int:
    """How many characters of a text make that many tokens, on average."""
    return max(1, int(len(text) * tokens / max(1, estimate_tokens(text))))
