"""Strips a chat model's sentences above and below its code.

Talk goes only where code stays, and never from a string, a comment or prose. A line is talk if it reads as
a sentence and the code around it has fewer syntax errors without it.
"""

from __future__ import annotations

import re
from itertools import islice

from ..languages import line_comment
from .brackets import unmatched_brackets
from .insertion_point import DATA, InsertionPoint
from .prose_lines import reads_as_sentence
from .quotes import heredoc_lines

_CHAT_OPENING = re.compile(
    r"""\A\s*(?:
      (?:sure|certainly|of\ course|absolutely|okay|ok|great|yes|understood|alright|no\ problem)
        (?:[!,.:]|\s+thing)
    | here(?:'s|’s|\ is|\ are|\ you\ go|\ we\ go)\b
    | (?:below|the\ following)\ (?:is|are|code)\b
    | (?:i(?:'ve|’ve|\ have|'ll|’ll|\ will|'d|\ would)|let(?:\ me|'s|\ us)|you\ (?:can|could|should)
        |we\ (?:can|need|could)|to\ \w+)\b
    | (?:the|this|your|based\ on|looking\ at|given)\b
    | (?:completion|answer|solution|output|code|completed\ code|missing\ code|python|javascript
        |typescript|explanation)\s*:
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CHAT_CLOSING = re.compile(
    r"""\A\s*(?:[-*>]\ |\*\*|\#+\ )?(?:
      (?:explanation|notes?|how\ it\ works|usage|example(?:\ usage)?|output|key\ (?:points|changes)
        |changes(?:\ made)?|summary)(?:\*\*)?\s*:
    | (?:this|the\ above|the|it|that)[ ](?=\S)
    | (?:in\ this|i've|i’ve|i\ have|i\ hope|i\ added|let\ me\ know|note\ that|please|feel\ free
        |hope\ this|you\ can|if\ you|here(?:'s|’s|\ is|\ are)|we)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_ABOVE_FENCE = re.compile(
    r"\A(?:[^\n`]{1,200}[:：][*_]{0,3}|\*\*[^\n*]{1,80}\*\*|#{2,6} [^\n]{1,80})[ \t]*\n"
    r"\s*(?:`{0,2}|~{0,2})(?:\Z|(?=```|~~~))"
)
"""A line of any language, or a heading, above a fence, or above what may become one."""
_DESCRIPTION = re.compile(
    r"\s*(?:This|The)\s+(?:\w+\s+){0,3}(?:code|function|snippet|program|script|method)\s+\w+s\s+\w+\s+\S"
)
"""An explanation instead of code, such as "This code defines a function"."""
_REFUSAL = re.compile(
    r"\A\s*(?:i(?:'m|’m| am)\s+(?:sorry|unable|not able)|sorry,"
    r"|i (?:cannot|can't|can’t|can not|don't have)\b|as an ai\b|i apologi[sz]e"
    r"|unfortunately, i\b)",
    re.IGNORECASE,
)
_RULE = re.compile(r"\n\s*(?:-{3,}|\*{3,}|_{3,})\s*\Z")
_CANDIDATES = 4
"""Lines that are tried as the start of a closing explanation."""


def begins_as_refusal(text: str) -> bool:
    """Return whether a text begins as the answers of a model that refuses do."""
    return _REFUSAL.match(text) is not None


def is_refusal(text: str, point: InsertionPoint) -> bool:
    """Return whether the model refuses instead of writing code."""
    if point.is_prose or not begins_as_refusal(text):
        return False
    return _adds_errors(text, point) and not (point.is_markup and point.errors_with("") is None)


def is_description(text: str, point: InsertionPoint) -> bool:
    """Return whether the whole answer describes code instead of being code."""
    if point.is_prose or point.is_markup or point.language in DATA:
        return False
    first = text.strip().partition("\n")[0]
    return bool(_DESCRIPTION.match(text)) and reads_as_sentence(first) and _adds_errors(text, point)


def is_talk_alone(text: str, point: InsertionPoint) -> bool:
    """Return whether an answer has no code: all lines are sentences, such as a question or "no changes"."""
    if point.is_prose or point.is_markup or point.is_lenient or point.language in DATA:
        return False
    lines = [line for line in text.split("\n") if line.strip()]
    whole = bool(lines) and lines[-1].rstrip(" *_").endswith((".", "!", "?"))
    return whole and all(map(reads_as_sentence, lines)) and _adds_errors(text, point)


def _adds_errors(text: str, point: InsertionPoint) -> bool:
    errors, none = point.errors_with(text), point.errors_with("")
    return errors is None or none is None or errors > none or (point.is_lenient and errors >= none)


def strip_talk(text: str, point: InsertionPoint) -> str:
    """Return the text without the sentences above and below the code."""
    if point.is_prose:
        return text
    text = _strip_opening(text, point)
    return _strip_closing(text, point)


def after_opening(text: str, point: InsertionPoint) -> str:
    """Return an unfinished answer after the sentences at its start; cheap, for every piece of a stream."""
    if point.is_prose:
        return text
    if found := _ABOVE_FENCE.match(text):
        return text[found.end() :]
    return text[_opening_length(text, strong=point.is_markup) :]


def _opening_length(text: str, *, strong: bool = False) -> int:
    """Return the length of the leading lines that read as talk; ``strong`` needs a phrase of chats."""
    end = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            chat = _CHAT_OPENING.match(line) is not None
            if not reads_as_sentence(line) or not (chat or (end and not strong)):
                break
        end += len(line)
    return end if text[:end].strip() else 0


def _strip_opening(text: str, point: InsertionPoint) -> str:
    end = _opening_length(text, strong=point.is_markup)
    while end:
        talk, code = text[:end], text[end:]
        if code.strip() and _is_talk(talk, text, code, point):
            return code
        # The last of the lines may be code.
        end = talk.rstrip("\n").rfind("\n") + 1
        if not text[:end].strip():
            break
    return text


def _strip_closing(text: str, point: InsertionPoint) -> str:
    """Cut at the first line from which on there is only talk, after a blank line or to the end."""
    lines, sign = text.split("\n"), line_comment(point.language)
    quoted = heredoc_lines(lines, point.language) if "<<" in text else set[int]()
    candidates = (
        number
        for number, line in enumerate(lines)
        if number and number not in quoted and not line.startswith((" ", "\t", sign))
        if _CHAT_CLOSING.match(line) or (_can_tell(point) and _is_apart(lines, number))
    )
    for number in islice(candidates, _CANDIDATES):
        apart = not lines[number - 1].strip()
        before = "\n".join(lines[:number]).rstrip()
        if not _begins_talk(lines[number:], apart=apart) or not before:
            continue
        talk = "\n".join(lines[number:])
        if not point.state_after(before + "\n") and _is_talk(talk, text, before, point, apart):
            return _RULE.sub("", before)
    return text


def _can_tell(point: InsertionPoint) -> bool:
    """Return whether the grammar tells sentences from code."""
    return not point.is_lenient and not point.is_markup


def _is_apart(lines: list[str], number: int) -> bool:
    """Return whether a line after a blank one is a sentence of several words."""
    line = lines[number]
    whole = line[:1].isupper() and line.rstrip().endswith((".", "!", "?")) and line.count(" ") > 2
    return not lines[number - 1].strip() and whole and reads_as_sentence(line)


def _begins_talk(lines: list[str], *, apart: bool) -> bool:
    """Return whether the first line is a sentence or a heading; right below code, all lines must be."""
    if apart:
        return reads_as_sentence(lines[0]) or lines[0].rstrip(" *").endswith(":")
    return all(reads_as_sentence(line) for line in lines if line.strip())


def _is_talk(talk: str, text: str, code: str, point: InsertionPoint, apart: bool = True) -> bool:
    """Return whether the code is better off without a text that reads as talk."""
    whole, bare = point.errors_with(text), point.errors_with(code)
    if whole is not None and bare is not None and bare < whole:
        return bare[0] < whole[0] or _is_plain_talk(talk)
    if point.is_markup or not point.is_lenient or (whole is not None and bare != whole):
        return False
    # The grammar cannot tell, or is missing.
    opened = unmatched_brackets(code, point.language)[1]
    own_key = point.language in DATA and not talk.rstrip(" \n*").endswith((".", "!"))
    return apart and not opened and not own_key and _is_plain_talk(talk)


def _is_plain_talk(talk: str) -> bool:
    """Return whether the first line is a whole sentence of a chat."""
    first = next((line for line in talk.split("\n") if line.strip()), "")
    chat = _CHAT_OPENING.match(first) or _CHAT_CLOSING.match(first)
    return bool(chat) and reads_as_sentence(first)
