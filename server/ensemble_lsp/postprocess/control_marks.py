"""Strips control tokens that a server left in an answer, and the prompt's cursor marker."""

from __future__ import annotations

import re
from collections.abc import Collection

from .insertion_point import DATA, InsertionPoint
from .quotes import is_quoted

_CURSOR = re.compile(r"<\|cursor(?:-\d+)?\|>", re.IGNORECASE)
_CURSOR_TAG = re.compile(r"\A\s*<cursor ?/?>|<cursor ?/?>\s*\Z", re.IGNORECASE)
_RESTARTS = re.compile(r"<\|?fim_prefix\|?>|<｜fim▁begin｜>|<PRE>|\[PREFIX\]")
"""Tokens with which a model writes the prompt again."""
_TURN = re.compile(
    r"^(?:(?:Human|Assistant|User)[ \t]*:(?:[ \t]+[^=({;\n]*)?"
    r"|#{2,3} ?(?:Instruction|Response|Human|Assistant|User|Input) ?:.*)$",
    re.MULTILINE,
)
"""The start of another turn of a chat, at the margin."""
_LOOKS_LIKE_CODE = re.compile(r"\[/?\w+\]|</?(?:s|PRE|SUF|MID|EOT|eos|bos)>")
"""Tokens that may also be an index, a section or an element."""


def strip_control_tokens(
    text: str, tokens: Collection[str], point: InsertionPoint | None = None
) -> str:
    """Return the text up to the first of the model's own control tokens.

    Tokens at the very start are skipped, except one that begins a prompt. A token that is quoted, or
    can be code or a part of a sentence, stays. Without a ``point`` the text is an explanation.
    """
    head = point.head if point is not None else ""
    if not tokens:
        return text
    pattern = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))
    at = 0
    while (found := pattern.search(text, at)) is not None:
        at = found.end()
        if is_quoted(text, found.start(), found.end(), head) or not _ends(
            text, found, point, pattern
        ):
            continue
        before, after = text[: found.start()], text[found.end() :]
        if point is not None and _is_content(before, after, point, pattern):
            continue
        if before.strip() or (point is not None and _RESTARTS.fullmatch(found.group().strip())):
            return before
        text, at = after, 0
    return text


def strip_cursor_marks(text: str, point: InsertionPoint) -> str:
    """Strip the prompt's cursor marker where the document has none, and it is not quoted."""
    around = point.prefix + point.suffix
    if not point.is_markup and not point.inside and "<cursor" not in around.lower():
        text = _CURSOR_TAG.sub("", text)
    if "<|" not in text or _CURSOR.search(around):
        return text
    kept: list[str] = []
    end = 0
    for found in _CURSOR.finditer(text):
        if not is_quoted(text, found.start(), found.end(), point.head):
            kept.append(text[end : found.start()])
            end = found.end()
    return "".join([*kept, text[end:]])


def strip_other_turns(text: str, point: InsertionPoint) -> str:
    """Return the text up to another turn of the chat, which a model writes instead of its end token."""
    if point.is_prose or point.is_markup or point.language in DATA:
        return text
    around = point.prefix + point.suffix
    for found in _TURN.finditer(text):
        before = text[: found.start()]
        # Text on the cursor's line begins no turn.
        begins = "\n" in before or not point.head.strip()
        if begins and not point.state_after(before) and not _TURN.search(around):
            return before
    return text


def _is_content(before: str, after: str, point: InsertionPoint, pattern: re.Pattern[str]) -> bool:
    """Return whether a token is text of the string at the place, or a value in a list of data."""
    if point.language in DATA and re.fullmatch(r"[ \t]*-[ \t]+", before.rpartition("\n")[2]):
        return True
    closes = any(quote in point.suffix.partition("\n")[0] for quote in "\"'`")
    only = before.strip() and not after.strip() and not pattern.search(before)
    return point.inside == "string" and closes and not only


def _ends(
    text: str, found: re.Match[str], point: InsertionPoint | None, pattern: re.Pattern[str]
) -> bool:
    """Return whether an unquoted token can be a token at its place."""
    before, after = text[: found.start()], text[found.end() :]
    at_end = not pattern.sub("", after).strip()
    line = after.partition("\n")[0]
    if _LOOKS_LIKE_CODE.fullmatch(found.group()):
        return _soft_token_ends(before, found.group(), line, at_end, point)
    if point is None or point.is_prose:
        # In the middle of a sentence the token is mentioned.
        return at_end or not line.strip() or pattern.match(line) is not None or not before.strip()
    return True


def _soft_token_ends(
    before: str, token: str, line: str, at_end: bool, point: InsertionPoint | None
) -> bool:
    if (
        point is not None
        and token.startswith("[")
        and token[1] != "/"
        and (before[-1:].isalnum() or before[-1:] in "_)]")
    ):
        return False
    if point is not None and (point.is_markup or (point.language in DATA and token[0] == "[")):
        name = token.strip("</>[]")
        written = point.prefix + before
        opened = written.count(f"<{name}>") > written.count(f"</{name}>")
        return at_end and bool(before.strip()) and not opened and token[0] != "["
    return at_end or (point is not None and (not line.strip() or not before.strip()))
