"""A completion, from a model's raw text to what may stand at the cursor."""

from __future__ import annotations

import re

from ..syntax.indentation import newline_in
from ..syntax.trees import has_error
from .brackets import without_double_closers, without_double_quote
from .characters import visible
from .chat import is_refusal, unwrapped, without_markers, without_thoughts
from .layout import block, fitted, whole_lines, without_last_line, without_openers
from .overlap import without_loops, without_repeated_prefix, without_suffix

_COMMENT = re.compile(r"\s*(?:#|//|--|\*|/\*)")
_LONGEST = 100_000
"""Characters of an answer that are looked at."""
_CHECKED = 8_000
"""Characters of context within which a text that was cut off is parsed."""
CONTEXT_LINES = 60
"""Lines on each side of the cursor that a caller passes as prefix and suffix."""
STREAMED_LINES = 40
"""Lines of a multi-line answer that are kept; the stream is closed after them."""


def is_long_enough(text: str, *, multiline: bool) -> bool:
    """Return whether a streamed text already holds every line that is of use."""
    limit = STREAMED_LINES if multiline else 1
    body = text.lstrip("\n") if multiline else text.lstrip()
    return body.count("\n") >= limit and not body.lstrip().startswith("```")


def clean_completion(
    text: str,
    *,
    prefix: str,
    suffix: str,
    language: str = "",
    multiline: bool = True,
    max_lines: int = 12,
    indent: str = "",
    finish: str = "stop",
) -> str:
    """What of a model's text is offered between prefix and suffix; empty for nothing.

    ``prefix`` and ``suffix`` are the document's own text round the cursor. ``indent`` is what the
    cursor's line should begin with where it is empty. ``finish`` is ``length`` for a text that was
    cut off. Text that was in the document to begin with comes out as it is.
    """
    newline = newline_in(prefix if "\n" in prefix or "\r" in prefix else suffix)
    prefix, suffix = _plain(prefix), _plain(suffix)
    head = prefix.rpartition("\n")[2]
    spoken = _spoken(visible(text[:_LONGEST]), prefix, suffix, language)
    text = _placed(spoken, prefix, suffix, language, indent)
    if not multiline:
        text = _one_line(text, head)
    text = _ending_here(text, prefix, suffix) if "\n" in text else text
    # Where the end was taken away (the suffix again, another function), what is left was not cut off.
    cut_off = finish == "length" and _last_line(text) == _last_line(spoken)
    text, shortened = whole_lines(text, max_lines)
    if cut_off and not shortened:
        text = without_last_line(text)
    if cut_off or shortened:
        text = _parsing(text, prefix, suffix, language)
    text = _ended(text, prefix, suffix, language)
    if not text.strip() or _stands_there(text, suffix, head):
        return ""
    return text if newline == "\n" else text.replace("\n", newline)


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2].strip()


def _spoken(text: str, prefix: str, suffix: str, language: str) -> str:
    """Without what a chat model says round its answer."""
    text = without_markers(without_thoughts(text), prefix + suffix)
    head = prefix.rpartition("\n")[2]
    prose = bool(_COMMENT.match(head)) or _in_docstring(prefix)
    if not prose and not head.strip() and is_refusal(text, language):
        return ""
    return unwrapped(text, language, prose=prose)


def _placed(text: str, prefix: str, suffix: str, language: str, indent: str) -> str:
    """Without what stands there already, and indented for the place."""
    head = prefix.rpartition("\n")[2]
    text = without_repeated_prefix(text, prefix)
    if not head.strip():
        text = _without_blank_lines(text, prefix)
        if indent and not head and text[:1].strip() and "\n" not in text.rstrip("\n"):
            text = fitted(text, prefix + indent, language)
            text = indent + text if not text.startswith(indent) else text
        else:
            text = fitted(text, prefix, language)
    text = without_suffix(text, suffix, head)
    return without_loops(text)


def _ending_here(text: str, prefix: str, suffix: str) -> str:
    """Up to the end of the block. A model that goes on with a new function often writes the rest of this one first."""
    ended = block(text, prefix, suffix)
    return ended if ended == text else without_suffix(ended, suffix, prefix.rpartition("\n")[2])


def _without_blank_lines(text: str, prefix: str) -> str:
    """Without blank lines at the beginning; one stays that parts the code from what is above."""
    bare = re.sub(r"\A(?:[ \t]*\n)+(?=[^\n])", "", text)
    above = prefix.split("\n")[-2:]
    parts = len(above) == 2 and above[0].strip() and not above[1] and text.startswith("\n")
    return "\n" + bare if parts else bare


def _one_line(text: str, head: str) -> str:
    """The first line; of a text that goes on below a full line, nothing."""
    if head.strip():
        return text.split("\n", 1)[0]
    lines = text.split("\n")
    return next((line for line in lines if line.strip()), "")


def _ended(text: str, prefix: str, suffix: str, language: str) -> str:
    """Without white space at the end, and without what the suffix closes."""
    head = prefix.rpartition("\n")[2]
    in_string = _in_docstring(prefix) or _COMMENT.match(head) is not None
    tail = suffix.split("\n", 1)[0]
    if not tail.strip():
        text = text.rstrip()
    elif head.strip() or not text.endswith("\n"):
        text = text.rstrip("\n")
    text = without_double_quote(text, head, tail, language)
    return text if in_string else without_double_closers(text, prefix, suffix, language)


def _parsing(text: str, prefix: str, suffix: str, language: str) -> str:
    """Of a text that was cut off, as many lines as leave code that parses; all if none does."""
    before, after = prefix[-_CHECKED:], suffix[:_CHECKED]
    text = without_openers(text)
    if has_error(before + text + after, language) is not True:
        return text
    lines = text.split("\n")
    for count in range(len(lines) - 1, max(0, len(lines) - 4), -1):
        shorter = "\n".join(lines[:count])
        if shorter.strip() and has_error(before + shorter + after, language) is False:
            return shorter
    return text


def _stands_there(text: str, suffix: str, head: str) -> bool:
    """Whether the text is what stands after the cursor already."""
    tail, _, below = suffix.partition("\n")
    bare = text.strip()
    if tail.strip():
        return tail.strip() == bare and len(re.sub(r"\W", "", bare)) >= 2
    following = next((line.rstrip() for line in below.split("\n") if line.strip()), "")
    return head + text.rstrip() == following and len(re.sub(r"\W", "", bare)) >= 6


def _in_docstring(prefix: str) -> bool:
    """Whether a string of several lines is open at the cursor, as far as the prefix tells."""
    return any(prefix.count(quote) % 2 for quote in ('"""', "'''"))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
