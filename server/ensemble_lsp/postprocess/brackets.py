"""Brackets and quotes outside of strings and comments."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache

from ..languages import line_comment
from ..syntax.indentation import indent_of

_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSERS = {opener: closer for closer, opener in _PAIRS.items()}
CHARACTER_QUOTES = frozenset({"rust", "c", "cpp", "java", "csharp", "kotlin", "go", "haskell"})


_ENTITY = re.compile(r"&(?:(quot|lt|gt|amp|apos)|#39|#x27|#34);")


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


def unescaped(text: str, language: str, around: str) -> str:
    """Return code without HTML entities for its characters, unless a string, or the text around, has any."""
    found = list(_ENTITY.finditer(text))
    if not found or _ENTITY.search(around):
        return text
    quoted = [t.span() for t in lexical_tokens(text, language) if t["bracket"] is None]
    if any(a <= each.start() < b for each in found for a, b in quoted):
        return text
    if any(re.search(rf"\b{each[1]}\b", around) for each in found if each[1]):
        return text  # a variable of that name
    return _ENTITY.sub(lambda each: html.unescape(each.group()), text)


def lexical_boundary(text: str, offset: int, language: str) -> int:
    """Return an offset that is in no string and no comment: the end of the one that the offset is in.

    It is the start of one that is open at the end of the text.
    """
    for token in lexical_tokens(text, language):
        if token.start() >= offset:
            break
        if token.end() > offset:
            return token.end() if token.end() < len(text) else token.start()
    return offset


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


def _closes_own_line(text: str, prefix: str, suffix: str, language: str) -> bool:
    """Return whether a text closes only what its line opens, and the code below is of an outer block."""
    head = prefix.rpartition("\n")[2]
    rest, _, below = suffix.partition("\n")
    following = next((line for line in below.split("\n") if line.strip()), "")
    if rest.strip() or len(indent_of(following)) >= len(indent_of(head)):
        return False
    closed, opened = unmatched_brackets(text, language)[0], unmatched_brackets(head, language)[1]
    return closed == [_CLOSERS[bracket] for bracket in reversed(opened)][: len(closed)]


def strip_duplicate_closers(
    text: str, prefix: str, suffix: str, language: str, covered: str = ""
) -> str:
    """Strip brackets from the end that the suffix already closes.

    ``covered`` was between prefix and suffix before the text.

    One is stripped only while the text adds stray closing brackets to the document, so that balanced
    text is never changed.
    """
    tail = suffix.split("\n", 1)[0].strip() or suffix.strip()[:1]
    last = text.rstrip()[-1:]
    if not tail or tail[0] not in ")]}" or not last or (last not in ")]};," and last != tail[-1]):
        return text
    if _closes_own_line(text, prefix, suffix, language):
        return text
    before = count_unopened(prefix, covered, suffix, language)
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
