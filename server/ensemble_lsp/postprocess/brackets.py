"""Brackets and quotes outside of strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..languages import line_comment

_PAIRS = {")": "(", "]": "[", "}": "{"}
_CHARACTER_QUOTES = frozenset({"rust", "c", "cpp", "java", "csharp", "kotlin", "go", "haskell"})


@cache
def _lexer(language: str) -> re.Pattern[str]:
    """Return a pattern for a language's strings, comments and brackets."""
    comment = line_comment(language)
    quote = (
        r"'(?:\\.[^'\n]{0,8}|[^\\'\n])'"
        if language in _CHARACTER_QUOTES
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


def open_quote(line: str, language: str) -> str:
    """Return the quote of the string that is open at the end of a line; empty outside of strings."""
    last = ""
    for found in _lexer(language).finditer(line):
        token = found.group()
        last = ""
        if found.end() == len(line) and token[0] in "\"'`":
            closed = len(token) > 1 and token[-1] == token[0] and not _escaped(token)
            last = "" if closed else token[0]
    return last


def strip_duplicate_quote(text: str, head: str, tail: str, language: str) -> str:
    """Strip a closing quote from the end if it is already after the cursor."""
    quote = tail[:1]
    if not quote or quote not in "\"'`" or "\n" in text:
        return text
    stripped = text.rstrip()
    closers = stripped[len(stripped.rstrip(")]};,")) :]
    bare = stripped[: len(stripped) - len(closers)]
    if not bare.endswith(quote) or not tail[1:].startswith(closers):
        return text
    if open_quote(head + bare[:-1], language) == quote:
        return bare[:-1]
    return text


def _escaped(token: str) -> bool:
    body = token[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1
