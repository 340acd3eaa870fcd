"""Joins a completion to the text before the cursor: the blank and the start of a word between both.

A chat model often begins with the word under the cursor, with the blank that is there already, or without
the blank that is needed. A fill-in-the-middle model continues at the very character.
"""

from __future__ import annotations

import re

from ..languages import line_comment
from .delimiters import CursorLevels, levels_at
from .insertion_point import PROSE
from .keywords import (
    CONTINUED,
    OPERATORS,
    OPERATORS_OR_STATEMENTS,
    TAKE_NUMBER,
    fold_of,
    keywords_of,
)
from .seam_signs import join_sign, without_repeated_comment_sign

_WORD_AT_END = re.compile(r"(?<!\w)[^\W\d]\w*\Z")
_MEMBER = re.compile(r"(?:\.|->|::|[$@#\\-])[^\W\d]\w*\Z")
_WORD = re.compile(r"\w+")
_OPERAND_END = re.compile(r"[\w)\]}\"'`]\s+\Z")
_WORD_AND_BLANK = re.compile(r"(?<![\w.])([^\W\d]\w*)\s+\Z")
_ALONE = re.compile(r"\s*([^\W\d]\w*)\s+")
"""A line of one word and a blank."""
_ASSIGNED = re.compile(r"\s*([\w.]+)\s*(:?=)\s*")
_CHAIN = re.compile(r"(?<![\w$@])(?:[$@]|[^\W\d])[\w$@]*(?:(?:\??\.|->|::)[\w$@]*)*\Z")
_CHAIN_SIGN = re.compile(r"[.$@]|->|::")
_MARKS = {
    "yaml": (
        (r"\s*(?:- +)*[\w./-]+:", r"(?!//|[:\s]).(?<!\\)"),
        (r"\s*(?:- +)*-", r"[^\W\d]|[\"'\[{]"),
    ),
    "markdown": ((r"\s*(?:#{1,6}|[-+]|\d+[.)])", r"[^\W\d]|[`\[*\"']"),),
}
"""Marks at the start of a line that need a blank behind them, and how a text begins that lacks it."""
_REPEATED_MARKS = {"yaml": r"\s*-[ \t]+", "latex": r"\s*\\item[ \t]+"}
_REPEATED_IN_PROSE = r"\s*(?:#{1,6}|={1,6}|[-*+](?: \[[ xX]\])?|(?:\d{1,3}|#)[.)]|>)[ \t]+"
_BEFORE_LITERAL = re.compile(
    r"(?<![\w.$@:>-])(?:and|assert|await|case|echo|elif|else|export|from|if|import|in|not|of|or|puts|raise|require"
    r"|require_relative|return|throw|try|unless|when|yield)\Z"
)
"""Keywords that a blank separates from a list, an object or a string."""
_DOUBLED = frozenset({"await", "long", "not", "typeof"})
_OPERATION = re.compile(r"\w+\s+[\w(\[{\"'~!-]")
_CONTEXT = 4000
"""Characters on each side of the cursor that are searched for words."""
_ENDINGS = re.compile(
    r"(?:e?d|e?s|e?r|e?rs|ing|ings|able|ible|ion|ions|ity|ly|ment|ments|or|ors|ness|ful|less|ant|ance|ence|ive|"
    r"al|ally|ary|ery|ory|ist|ism|i[zs]e|i[zs]ed|ification|ified|ify|ies|ized)(?:_\w*)?"
)


def join_at_cursor(
    text: str, prefix: str, suffix: str, language: str, *, exact: bool = False
) -> str:
    """Return the text with the blank and the word's start that belong between it and the prefix.

    ``exact``: the text continues the very character, so no blank is missing, and only the start of a
    long word is taken for a repetition.
    """
    head = prefix.rpartition("\n")[2]
    if not head.strip() or not text:
        return text
    cursor = levels_at(prefix, language)
    prose = cursor.in_comment or cursor.in_string
    if not exact and cursor.in_comment:
        text = without_repeated_comment_sign(text, head, language)
    if not exact:
        text = _without_repeated_mark(text, head, language)
    if head[-1].isspace():
        text = _without_second_blank(text, language, prose=prose)
        return text if prose or exact else _without_repeated_word(text, head, language)
    if not exact and (rest := _join_sign(text, head, prefix, language, cursor)) != text:
        return rest
    word = _WORD_AT_END.search(head)
    first = _WORD.match(text)
    if word is None or first is None:
        return text
    if exact:
        begins = first.group() != word.group() and first.group().startswith(word.group())
        return text[len(word.group()) :] if begins and len(word.group()) > 2 else text
    seam = _Seam(word.group(), first.group(), head[: word.start()], prefix, suffix, language)
    if seam.is_repeated(text, prose=prose):
        return seam.without_word(text)
    member = _MEMBER.search(head) is not None
    if not prose and not member and seam.needs_blank(text):
        return " " + text
    return text


def _join_sign(text: str, head: str, prefix: str, language: str, cursor: CursorLevels) -> str:
    """Return the text joined to a name with signs, a mark of a line or a sign before the cursor."""
    if (rest := _without_repeated_chain(text, head)) != text:
        return rest
    prose = cursor.in_comment or cursor.in_string
    if _lacks_blank_after_mark(text, head, language) or (
        not prose and _lacks_blank_before_sign(text, head)
    ):
        return " " + text
    return join_sign(text, prefix, language, cursor)


def _without_second_blank(text: str, language: str, *, prose: bool) -> str:
    """Strip blanks that repeat the one before the cursor; two may precede a comment, or be in a string."""
    line = text.split("\n", 1)[0]
    bare = line.lstrip(" \t")
    if len(bare) == len(line) or not bare:
        return text
    if prose and len(line) - len(bare) > 1:
        return text
    return text if bare.startswith(line_comment(language)) else text.lstrip(" \t")


def _without_repeated_word(text: str, head: str, language: str) -> str:
    """Strip the keyword, or the name and the sign of an assignment, that is before the cursor already."""
    last = _WORD_AND_BLANK.search(head)
    fold = fold_of(language)
    if last and fold(last[1]) in keywords_of(language) - _DOUBLED:
        repeated = re.compile(rf"\A{last[1]}\b[ \t]+", re.IGNORECASE if fold is str.lower else 0)
        return repeated.sub("", text)
    if (alone := _ALONE.fullmatch(head)) and alone[1] not in _DOUBLED:
        return re.sub(rf"\A{alone[1]}(?=\s*(?:[:+*/-]?=(?!=)|[:.(\[]))\s*", "", text)
    if assigned := _ASSIGNED.fullmatch(head):
        name, sign = re.escape(assigned[1]), re.escape(assigned[2])
        return re.sub(rf"\A{name}\s*{sign}(?!=)[ \t]*", "", text)
    return text


def _without_repeated_chain(text: str, head: str) -> str:
    """Strip the start of a member access or of a name with a sign: ``user.na`` and ``user.name``, ``$na``."""
    chain = _CHAIN.search(head)
    if chain is None or len(chain.group()) < 2 or _CHAIN_SIGN.search(chain.group()) is None:
        return text
    return text.removeprefix(chain.group())


def _lacks_blank_before_sign(text: str, head: str) -> bool:
    """Return whether a keyword is before the cursor and a list, an object or a string begins the text."""
    return _BEFORE_LITERAL.search(head) is not None and text[0] in "{[\"'`$"


def _lacks_blank_after_mark(text: str, head: str, language: str) -> bool:
    """Return whether a mark before the cursor, ``name:`` in YAML for example, needs a blank behind it."""
    return any(
        re.fullmatch(mark, head) and re.match(first, text)
        for mark, first in _MARKS.get(language, ())
    )


def _without_repeated_mark(text: str, head: str, language: str) -> str:
    """Strip the mark of a heading or a list that begins the line already: ``- [ ]`` and ``- [ ] Test``."""
    mark = _REPEATED_MARKS.get(language, _REPEATED_IN_PROSE if language in PROSE else "")
    if not mark or re.fullmatch(mark, head) is None:
        return text
    whole = head.strip()
    for sign in (whole, whole.partition(" ")[2]):
        if sign and re.match(rf"{re.escape(sign)}[ \t]+\S", text):
            return text[len(sign) :].lstrip(" \t")
    return text


class _Seam:
    """The last word before the cursor and the first word of the text."""

    def __init__(
        self, word: str, first: str, before: str, prefix: str, suffix: str, language: str
    ) -> None:
        self.word = word
        self._first = first
        self._before = before
        fold = fold_of(language)
        self._fold = fold
        above = prefix[-_CONTEXT:]
        names = _WORD.findall(above[: len(above) - len(word)]) + _WORD.findall(suffix[:_CONTEXT])
        self._known = {fold(name) for name in names}
        self._keywords = keywords_of(language)

    def is_repeated(self, text: str, *, prose: bool) -> bool:
        """Whether the text begins with the word again, as a part of its first word."""
        word, first = self.word, self._first
        if not self._fold(first).startswith(self._fold(word)):
            return False
        if self._fold(word + first) in self._known:
            return False
        if self._fold(word) == self._fold(first):
            ends = text[len(first) : len(first) + 1] in (*" ([.:=",)
            return len(word) > 1 + (not ends) or self._is_keyword(word)
        if self._starts_operator() or self._is_complete_keyword():
            return False
        return len(word) > 1 or not prose

    def without_word(self, text: str) -> str:
        """Return the text after the repeated word; the rest of its first word has the word's case."""
        rest = text[len(self.word) : len(self._first)]
        if rest.isupper() and self.word.islower() and not self._first.startswith(self.word):
            rest = rest.lower()
        elif rest.islower() and self.word.isupper() and not self._first.startswith(self.word):
            rest = rest.upper()
        return rest + text[len(self._first) :]

    def _is_complete_keyword(self) -> bool:
        """Whether the word is a keyword that the text's first word follows: ``a or`` and ``order``."""
        if not self._is_keyword(self.word):
            return False
        is_operator = self._fold(self.word) in OPERATORS - {"as", "of"}
        operand_before = is_operator and self._is_operand_before()
        return operand_before or self._fold(self._first) in self._known

    def _starts_operator(self) -> bool:
        """Whether the text's first word is an operator behind the word: ``for i`` and ``in range``."""
        is_operator = (
            self._is_keyword(self._first) and self._first.lower() in OPERATORS_OR_STATEMENTS
        )
        return is_operator and not self._is_operand_before()

    def _is_operand_before(self) -> bool:
        found = _OPERAND_END.search(self._before)
        if found is None:
            return False
        last = re.search(r"\w+\s+\Z", self._before)
        return last is None or not self._is_keyword(last.group().strip())

    def _is_keyword(self, word: str) -> bool:
        return self._fold(word) in self._keywords

    def needs_blank(self, text: str) -> bool:
        """Whether word and text would join to another word."""
        word, first = self.word, self._first
        if self._fold(word + first) in self._known or self._is_keyword(word + first):
            return False
        if not self._is_keyword(word):
            complete = self._fold(word) in self._known or _OPERATION.match(text) is not None
            return complete and self._starts_operator()
        if self._fold(first) in self._known or self._is_keyword(first):
            return not first.isdigit() or self._takes_number()
        if first[0].isdigit():
            return self._takes_number()
        if self._fold(word) in OPERATORS:
            return self._is_operand_before()
        if word + first in CONTINUED or first.startswith("_"):
            return False
        return _ENDINGS.fullmatch(first) is None

    def _takes_number(self) -> bool:
        return self._fold(self.word) in TAKE_NUMBER
