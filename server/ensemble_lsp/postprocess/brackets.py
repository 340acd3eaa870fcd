"""Brackets and quotes outside of strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..languages import line_comment

_PAIRS = {")": "(", "]": "[", "}": "{"}
CHARACTER_QUOTES = frozenset({"rust", "c", "cpp", "java", "csharp", "kotlin", "go", "haskell"})


@cache
def _lexer(language: str) -> re.Pattern[str]:
    """Return a pattern for a language's strings, comments and brackets."""
    comment = line_comment(language)
    quote = (
        r"'(?:\\.[^'\n]{0,8}|[^\\'\n])'"
        if language in CHARACTER_QUOTES
        else r"'(?:\\.|[^'\\\n])*'?"
    )
    parts = [
        r'"""(?:\\.|[^\\])*?(?:"""|\Z)',
        r"'''(?:\\.|[^\\])*?(?:'''|\Z)",
        r'"(?:\\.|[^"\\\n])*"?',
        quote,
        r"`(?:\\.|[^`\\])*(?:`|\Z)" if comment != "#" else r"`[^`\n]*`",
        re.escape(comment) + r"[^\n]*",
        r"/\*.*?(?:\*/|\Z)" if comment == "//" else r"(?!)",
        r"(?P<bracket>[()\[\]{}])",
    ]
    return re.compile("|".join(parts), re.DOTALL)


def lexical_tokens(text: str, language: str) -> Iterator[re.Match[str]]:
    """Yield the strings, comments and brackets of a text."""
    return _lexer(language).finditer(text)


def unmatched_brackets(text: str, language: str) -> tuple[list[str], list[str]]:
    """Return the closing brackets without an opening one, and the opening ones without a closing one."""
    closing: list[str] = []
    opening: list[str] = []
    for found in _lexer(language).finditer(text):
        bracket = found["bracket"]
        if bracket is None:
            continue
        if bracket in "([{":
            opening.append(bracket)
        elif opening and opening[-1] == _PAIRS[bracket]:
            opening.pop()
        else:
            closing.append(bracket)
    return closing, opening


def count_unopened(prefix: str, text: str, suffix: str, language: str) -> int:
    """Return the number of closing brackets without an opening one in the whole text."""
    return len(unmatched_brackets(prefix + text + suffix, language)[0])


def strip_duplicate_closers(text: str, prefix: str, suffix: str, language: str) -> str:
    """Strip brackets from the end that the suffix already closes.

    One is stripped only while the text adds stray closing brackets to the document, so that balanced
    text is never changed.
    """
    tail = suffix.split("\n", 1)[0].strip() or suffix.strip()[:1]
    last = text.rstrip()[-1:]
    if not tail or tail[0] not in ")]}" or not last or (last not in ")]};," and last != tail[-1]):
        return text
    before = count_unopened(prefix, "", suffix, language)
    if (
        text.endswith(tail)
        and len(tail) > 1
        and count_unopened(prefix, text, suffix, language) > before
    ):
        # The model repeated the rest of the line, ``) {`` for example.
        return text[: -len(tail)].rstrip()
    while count_unopened(prefix, text, suffix, language) > before:
        shorter = text.rstrip()
        if shorter[-1:] and shorter[-1] in ";,":
            shorter = shorter[:-1].rstrip()
        if not shorter or shorter[-1] not in ")]}":
            return text
        text = shorter[:-1].rstrip()
    return text
