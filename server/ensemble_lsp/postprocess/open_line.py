"""The lines that a completion of one line needs: more than one where the first opens what must be closed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .brackets import lexical_tokens, unmatched_brackets
from .rest_of_line import fit_rest_of_line

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_CLOSED_BY = {"(": ")", "[": "]", "{": "}"}


def needed_lines(lines: Sequence[str], prefix: str, suffix: str, language: str) -> int | None:
    """Return how many lines of a text complete the cursor's line; ``None`` if their end is missing.

    It is one, except for a line that opens a block in front of a bracket behind the cursor that closes
    another (``f(|);`` and ``() => {``), and for the opening fence of a Markdown block.
    """
    if language == "markdown" and (fence := _FENCE.match(lines[0])):
        closing = (n for n, line in enumerate(lines[1:], 2) if line.strip() == fence[1])
        return next(closing, None)
    if not _breaks_rest(lines[0], prefix, suffix, language):
        return 1
    for count in range(2, len(lines) + 1):
        if not _opened("\n".join(lines[:count]), prefix, language):
            return count
    return None


def _breaks_rest(line: str, prefix: str, suffix: str, language: str) -> bool:
    """Return whether a bracket that the line opens is closed by another kind in the rest of the line."""
    tail = suffix.partition("\n")[0]
    if not tail.strip() or not _opened(line, prefix, language):
        return False
    fitted = fit_rest_of_line(line, prefix=prefix, suffix=suffix, language=language)
    opened = _opened(fitted.text, prefix, language)
    closing = unmatched_brackets(tail[len(fitted.covered) :], language)[0]
    return bool(opened and closing) and closing[0] != _CLOSED_BY[opened[-1]]


def _opened(text: str, prefix: str, language: str) -> list[str]:
    """Return the brackets that a text at the cursor leaves open; those in the cursor's own string do not count."""
    head = prefix.rpartition("\n")[2]
    quote = ""
    for token in lexical_tokens(head, language):
        string = token.group()
        is_open = string[0] in "\"'`" and (len(string) == 1 or string[-1] != string[0])
        quote = string[0] if is_open and token.end() == len(head) else ""
    return unmatched_brackets(text.partition(quote)[2] if quote else text, language)[1]
