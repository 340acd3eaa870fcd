"""Continuations that are obvious: a keyword alone, a bracket, other punctuation.

They save no typing, and an answer keeps better models from being shown.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_WORD_END = re.compile(r"\w+$")
KEYWORDS = frozenset(
    {"and", "as", "assert", "async", "await", "begin", "break", "case", "catch", "class",
     "const", "continue", "def", "default", "defer", "del", "do", "done", "elif", "else",
     "elsif", "end", "esac", "except", "export", "extends", "fi", "finally", "fn", "for",
     "foreach", "from", "func", "function", "global", "if", "impl", "import", "in", "is",
     "lambda", "let", "loop", "match", "mod", "mut", "new", "nonlocal", "not", "of", "or",
     "package", "pass", "private", "protected", "pub", "public", "raise", "redo", "rescue",
     "return", "static", "struct", "switch", "then", "throw", "throws", "trait", "try", "unless",
     "until", "use", "using", "var", "void", "when", "where", "while", "with", "yield"}
)  # fmt: skip
"""Words that are a statement, or begin one, in the languages that people write most."""


def is_obvious(head: str, text: str) -> bool:
    """Return whether a text has no word but keywords; ``head`` is the cursor's line left of it."""
    words = _WORD.findall(text)
    if _WORD.match(text):
        word_start = _WORD_END.search(head)
        words[0] = (word_start.group() if word_start else "") + words[0]
    return all(word in KEYWORDS for word in words)
