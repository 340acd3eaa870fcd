"""Recognizes English sentences among lines of code."""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"`[^`\n]*`|\[[^\]\n]*\]\([^)\n]*\)|\*\*|__|\A\s*(?:#+|[-*>]|\d+\.)\s")
_WORD = re.compile(
    r"[(\"'“‘]*[A-Za-z][A-Za-z'’-]*(?:/[A-Za-z]+)*[)\"'”’]*[,.;:!?)]*|\d+[%.,:]*|[–—-]|\(?\w+\(\)[.,:]?"
)
_MAX_SENTENCES = 600
"""Characters of a line of sentences."""


def reads_as_sentence(line: str) -> bool:
    """Return whether a line reads as English: words with single blanks between them, and its end."""
    if len(line) > _MAX_SENTENCES:
        return False
    line = _MARKDOWN.sub(lambda m: "code" if m.group()[0] in "`[" else "", line.strip()).strip()
    if not line or line.endswith((";", ",", "{", "}", "=", "\\")):
        return False
    words = line.split(" ")
    plain = sum(1 for word in words if _WORD.fullmatch(word))
    ends = line.rstrip("*_)\"'").endswith((".", ":", "!", "?"))
    if len(words) < 3:
        return ends and plain == len(words) and line[0].isupper()
    share = 0.75 if ends else 1.0
    return plain >= share * len(words) and (ends or len(words) >= 5) and line[0].isalpha()
