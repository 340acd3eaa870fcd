"""Strips a model's thoughts from the start of its answer."""

from __future__ import annotations

import re

from .quotes import is_quoted

_TAGS = "think|thinking|thought|thoughts|reasoning|analysis|reflection|seed:think"
_OPENING = re.compile(
    rf"\A\s*(?:<(?P<tag>{_TAGS})>|\[THINK\]|◁think▷|<\|(?:START_THINKING|begin_of_thought)\|>)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"(?:</(?P<tag>{_TAGS})>|\[/THINK\]|◁/think▷|<\|(?:END_THINKING|end_of_thought)\|>)[ \t]*\n*",
    re.IGNORECASE,
)
_HARMONY = re.compile(r"\A\s*(?:<\|start\|>assistant)?<\|channel\|>")
_UNMARKED = re.compile(
    r"\A\s*analysis(?=(?:We|I|User|The|Let|Need|They|It|This|Just|Okay|So|Must|Should)(?:['’]\w+)? [a-z])"
    r"(?:(?P<thought>.*?)(?:assistant)?\s*(?:commentary)?assistantfinal)?",
    re.DOTALL,
)
"""gpt-oss's channels without their marks: only the names and the texts are left."""
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<\n]*<\|message\|>")
_ANSWER = re.compile(
    r"\A\s*<\|(?:START_RESPONSE|begin_of_(?:solution|answer))\|>[ \t]*\n?(?P<text>.*?)"
    r"(?:\s*<\|(?:END_RESPONSE|end_of_(?:solution|answer))\|>.*)?\Z",
    re.DOTALL,
)
"""The marks around the answer, of models that have them around their thoughts."""
_HARMONY_END = re.compile(r"<\|(?:return|end|call)\|>")


def strip_thoughts(text: str, around: str = "", *, markup: bool = False) -> str:
    """Strip thoughts at the start of an answer; unfinished ones leave nothing.

    In ``markup`` an element whose name the document (``around``) uses, or that is the whole answer, is code.
    """
    if _HARMONY.match(text):
        final = _FINAL.search(text)
        return _HARMONY_END.split(text[final.end() :])[0] if final else ""
    if (unmarked := _UNMARKED.match(text)) is not None:
        return text[unmarked.end() :] if unmarked["thought"] is not None else ""
    while (opening := _OPENING.match(text)) is not None:
        name = (opening["tag"] or "").lower()
        if markup and name and f"<{name}" in around.lower():
            return text
        closing = _closing(text, opening.end(), name)
        if closing is None:
            return ""
        rest = text[closing.end() :]
        if markup and name and not rest.strip():
            return text
        text = rest
    text = _strip_late_thought(text, around.lower() if markup else "")
    answer = _ANSWER.match(text) if "<|" in text else None
    return answer["text"] if answer is not None else text


def _closing(text: str, start: int, name: str) -> re.Match[str] | None:
    """Return the tag that ends the thought; not one that the thought only quotes."""
    if not _may_close(text):
        return None
    for found in _CLOSING.finditer(text, start):
        same = (found["tag"] or "").lower() == name
        if same and not is_quoted(text, found.start(), found.end()):
            return found
    return None


def _strip_late_thought(text: str, around: str) -> str:
    """Strip a thought whose opening tag the server has removed; ``around`` may have it in markup."""
    if not _may_close(text):
        return text
    for found in _CLOSING.finditer(text):
        before, after = text[: found.start()], text[found.end() :]
        name = found["tag"]
        if name and f"<{name.lower()}" in before.lower() + around:
            continue
        begins_line = not before or before.endswith("\n")
        ends_line = not after or found.group().endswith("\n")
        glued = found.group().endswith((">", "]", "▷")) and re.match(r"[\w\"'(\[{]", after)
        if not (begins_line or ends_line or glued):
            continue  # a word in a sentence
        if not is_quoted(text, found.start(), found.end()):
            return after
    return text


def _may_close(text: str) -> bool:
    """Return whether there may be a closing tag; quick, for every piece of a stream."""
    return any(mark in text for mark in ("</", "[/", "◁/", "<|END_", "<|end_of_t"))
