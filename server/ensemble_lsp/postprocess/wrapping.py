"""Unwraps an answer: tags around the whole of it, a label before it, a fence on one line."""

from __future__ import annotations

import re

from ..languages import LANGUAGES, same_language
from .insertion_point import DATA, InsertionPoint
from .quotes import is_quoted

_NAMES = (
    r"(?:(?:final|missing|inserted|generated|updated|new|completed?|your|code|text)[_-]?)?"
    r"(?:completions?|complete|answer|code|output|result|response|reply|solution|snippet|insert"
    r"|insertion|ins|infill|fill|fim|hole|middle|missing|generated|implementation|suggestion|edit|replacement"
    r"|selected|before|after|final|function|python|javascript|typescript|java|rust|go|cpp|sql|bash)"
    r"(?:[_-]?(?:code|text|answer|block|snippet|here))?\d*"
)
_OPENING = re.compile(
    rf"\A\s*<(?P<name>{_NAMES})(?:\s+[\w-]+=(?:\"[^\"\n]*\"|'[^'\n]*'))*\s*>", re.I
)
_CLOSING = re.compile(rf"[ \t]*</(?P<name>{_NAMES})>\s*\Z", re.IGNORECASE)
_STRAY = re.compile(rf"[ \t]*</(?P<name>{_NAMES})>[ \t]*(?=\n|\Z)", re.IGNORECASE)
"""A closing tag at the end of a line."""
_OWN = re.compile(
    r"^[ \t]*</?(?:before|after|selected|inside|imports|file)\b[^<>\n]*>", re.MULTILINE
)
_OWN_AT_END = re.compile(r"</(?:before|after|selected|inside)>\s*\Z")
_LABEL = re.compile(
    r"\A\s*(?:\*\*)?(?:here(?:'s|’s| is)[^:\n]{0,60}|completions?|answer|code|output|result|response|solution|insert(?:ion)?"
    r"|completed code|missing code|final answer)(?:\*\*)?\s*:(?:\*\*)?\s+(?=\S)",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(
    rf"\A\s*\[(?P<name>{_NAMES})\][ \t]*\n?(?P<code>.*?)\n?[ \t]*\[/(?P=name)\]\s*\Z",
    re.I | re.DOTALL,
)
_ELEMENTS = frozenset({"code", "ins", "output"})
"""Names of HTML elements among the names of tags."""
_HTML = re.compile(r"</\w+>|\b(?:html|rsx|view)!")
_AFTER_OPERATOR = re.compile(r"(?:[=+*/<>&|-]|\breturn)\s*\Z")
"""Before an expression, where no language has a label."""
_FENCE = re.compile(r"\A\s*(?P<mark>`{3,})(?P<code>(?:(?!```)[^\n])*?)(?P=mark)\s*\Z")
_LANGUAGE_WORD = re.compile(r"([A-Za-z][\w+#.-]*)[ \t]+(?=\S)")


def strip_wrapping(text: str, point: InsertionPoint) -> str:
    """Return the answer without tags, a label or a one-line fence that wrap the whole of it."""
    text = _strip_tags(text, point)
    text = _strip_own_tags(text, point)
    return _strip_label(_strip_line_fence(text, point), point)


def strip_opening_wrapper(text: str, point: InsertionPoint) -> str:
    """Return an unfinished answer without the tag at its start."""
    found = _OPENING.match(text)
    return text if found is None or _keeps_tags(point, text) else text[found.end() :]


def _keeps_tags(point: InsertionPoint, text: str) -> bool:
    """Return whether tags may be code: in markup, in a string or a comment, beside tags of the document."""
    if point.is_markup or point.inside:
        return "```" not in text.partition(">")[2].lstrip()[:3]
    found = _OPENING.match(text)
    if found is None:
        return False
    around = point.prefix + point.suffix
    in_html = found["name"].lower() in _ELEMENTS and _HTML.search(around) is not None
    return in_html or f"<{found['name']}" in around


def _strip_tags(text: str, point: InsertionPoint) -> str:
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text) if opening is not None else _STRAY.search(text)
    if (bracketed := _IN_BRACKETS.match(text)) is not None and not point.is_prose:
        return bracketed["code"]
    if opening is not None and not _keeps_tags(point, text):
        if closing is None:
            return _without_blank_line(text[opening.end() :])
        if closing["name"].lower() == opening["name"].lower():
            return _without_blank_line(text[opening.end() : closing.start()])
    elif closing is not None and opening is None and not (point.is_markup or point.inside):
        name = closing["name"]
        stray = f"<{name}" not in text and f"<{name}" not in point.prefix
        if stray and text[: closing.start()].strip():
            return text[: closing.start()]
    return text


def _without_blank_line(text: str) -> str:
    """Strip the line ends next to the tags."""
    return re.sub(r"\A[ \t]*\n|\n[ \t]*\Z", "", text)


def _strip_own_tags(text: str, point: InsertionPoint) -> str:
    """Cut at a tag of the prompt that begins a line or ends the answer, and is not of the document."""
    for found in (*_OWN.finditer(text), *_OWN_AT_END.finditer(text)):
        name = found.group().strip(" \t</>").partition(" ")[0].rstrip(">\n")
        if re.search(rf"<{name}\b", text[: found.start()] + point.prefix + point.suffix):
            continue
        if point.is_markup and not found.group().lstrip().startswith("</"):
            continue
        before = text[: found.start()]
        if before.strip() and not is_quoted(text, found.start(), found.end(), point.head):
            return before.rstrip("\n")
    return text


def _strip_label(text: str, point: InsertionPoint) -> str:
    """Strip ``Completion:`` where it is not a key, field or annotation of the language."""
    found = _LABEL.match(text)
    if found is None or point.is_prose or point.is_markup or point.language in DATA:
        return text
    rest = text[found.end() :]
    if _AFTER_OPERATOR.search(point.head):
        return rest
    labelled, bare = point.errors_with(text), point.errors_with(rest)
    return rest if labelled is not None and bare is not None and bare < labelled else text


def _strip_line_fence(text: str, point: InsertionPoint) -> str:
    """Strip a fence that is opened and closed on one line."""
    found = _FENCE.match(text)
    if found is None or point.is_prose:
        return text
    code = found["code"]
    word = _LANGUAGE_WORD.match(code)
    if word and (word[1].lower() in LANGUAGES or same_language(word[1].lower(), point.language)):
        code = code[word.end() :]
    return code.strip(" \t") or text
