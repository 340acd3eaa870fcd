"""Turns a model's raw text into a completion at the cursor."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..languages import COMMENT_LINE, language_info, line_comment
from ..syntax.indentation import indent_of, newline_of, unit_around
from ..syntax.trees import has_error
from .block_end import block_end, repetition_start
from .block_start import begin_below, indent_at_margin, is_stray_branch
from .brackets import strip_duplicate_closers
from .characters import strip_hidden_characters
from .chat import begun_code, code_of_answer
from .insertion_point import PROSE, InsertionPoint
from .keywords import fold_of
from .layout import (
    cut_at_block_end,
    fit_indentation,
    limit_lines,
    strip_block_openers,
    strip_last_line,
)
from .open_line import needed_lines
from .overlap import strip_loops, strip_repeated_prefix, strip_suffix
from .placeholders import is_placeholder
from .prose_lines import reads_as_sentence
from .reindent import translate_indentation
from .rest_of_line import fit_rest_of_line
from .seam import join_at_cursor
from .thoughts import strip_thoughts

_UNFINISHED = re.compile(
    r"(?:[=+*/%&|<>(,\[?-]|\b(?:and|as|await|case|elif|if|import|in|new|not|or|raise|return|throw|while|yield))\s*\Z"
)
"""The end of a line that the completion must continue, so line ends before the text are not part of the code."""
_BEGINS_BELOW = re.compile(r"[ \t]*\n")
_MAX_LENGTH = 20_000
"""Characters of an answer, without its thoughts, that are processed."""
_PARSED_CONTEXT = 8_000
"""Characters of context with which a truncated text is parsed."""
CONTEXT_LINES = 60
"""Lines on each side of the cursor that a caller passes as prefix and suffix."""
CONTEXT_LENGTH = 12_000
"""Characters on each side of the cursor that a caller passes at most."""
CURSOR_LINE_LENGTH = 1_000
"""Characters before the cursor on its line; of a longer line nothing above it is passed."""
STREAMED_LINES = 40
"""Lines of a multi-line answer that are kept; the stream is closed after them."""
MAX_LINE_LENGTH = 2_000
"""Characters; a longer line is a loop or data, and is not offered."""


def is_long_enough(
    text: str,
    *,
    multiline: bool,
    prefix: str = "",
    suffix: str = "",
    language: str = "",
    exact: bool = False,
) -> bool:
    """Return whether a streamed text already holds every line that is of use.

    Only lines that post-processing would keep are counted: not thoughts, talk, tags or a fence.
    ``exact`` is as for ``clean_completion``.
    """
    if "\n" not in text and len(text) <= MAX_LINE_LENGTH:
        return False
    plain = _plain(text), _plain(prefix), _plain(suffix)
    if multiline and exact and block_end(*plain, language) is not None:
        return True
    point = InsertionPoint(plain[1], plain[2], language)
    body = begun_code(text, point)
    body = body.lstrip("\n") if multiline else body.lstrip()
    if not multiline and (rest := _after_echo(body, plain[1])) is not None:
        body = rest
    lines = body.split("\n")
    if len(lines[-1]) > MAX_LINE_LENGTH:
        return True
    if multiline or len(lines) == 1 or _may_be_thought(text, lines[0], point):
        return len(lines) > STREAMED_LINES
    needed = needed_lines(lines[:-1], plain[1], plain[2], language)
    return needed is not None or len(lines) > STREAMED_LINES


def _may_be_thought(text: str, line: str, point: InsertionPoint) -> bool:
    """Return whether a sentence is where code belongs: the end of a thought without a start may follow.

    ``line`` is the first line of the text's code.
    """
    if point.is_prose or point.inside:
        return False
    first = strip_thoughts(text, markup=point.is_markup).lstrip().partition("\n")[0]
    return any(
        each.rstrip().endswith(("。", "？", "！"))
        or (
            each.count(" ") > 2
            and each.rstrip().endswith((".", "?", "!"))
            and reads_as_sentence(each)
        )
        for each in (first, line)
    )


def _after_echo(body: str, prefix: str) -> str | None:
    """Return an unfinished text after the lines of the prefix that it repeats; ``None`` if it repeats none.

    A text that completes a line never begins with a whole line from above.
    """
    above, _, head = prefix.rpartition("\n")
    first, ended, _ = body.partition("\n")
    first = first.strip()
    if ended and not head.strip():
        rest = strip_repeated_prefix(body, prefix)
        return rest if rest != body else None
    if not ended or len(re.sub(r"\W", "", first)) < 6:
        return None
    if first not in map(str.strip, above.split("\n")):
        return None
    rest = strip_repeated_prefix(body, prefix)
    return rest if rest != body else ""


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
    exact: bool = False,
    tokens: Collection[str] = (),
    unit: str = "",
) -> str:
    """Return the part of a model's text to offer between prefix and suffix; empty for nothing.

    ``prefix`` and ``suffix`` are the document's text around the cursor. ``indent`` is the indentation
    that an empty cursor line should get. ``finish`` is ``length`` for a truncated text. ``exact`` is
    for a text that continues the very character before the cursor, as a fill-in-the-middle model's
    does. ``tokens`` are the model's control tokens, ``unit`` is one level of the document's
    indentation. The document's own original text passes unchanged. The text may contain a part of the rest
    of the cursor's line, which it then replaces: see ``fit_rest_of_line``.
    """
    newline = newline_of(prefix if "\n" in prefix or "\r" in prefix else suffix)
    prefix, suffix = _plain(prefix), _plain(suffix)
    head = prefix.rpartition("\n")[2]
    point = InsertionPoint(prefix, suffix, language)
    if len(text) > _MAX_LENGTH:
        text = strip_thoughts(text, prefix + suffix, markup=point.is_markup)[:_MAX_LENGTH]
    if exact and multiline and (end := repetition_start(_plain(text), suffix)) is not None:
        text, finish = _plain(text)[:end], "stop"
    answer = code_of_answer(strip_hidden_characters(text), point, tokens)
    answer = _strip_long_lines(answer)
    if not (multiline or exact) and _BEGINS_BELOW.match(answer) and _UNFINISHED.search(head):
        answer = answer.lstrip()
    text = _fit_to_place(answer, point, indent, unit, multiline=multiline)
    text = join_at_cursor(text, prefix, suffix, language, exact=exact)
    if not multiline:
        text = _one_line(text, prefix, suffix, language)
    text = _cut_at_block(text, prefix, suffix, language) if "\n" in text else text
    # If the end was stripped (the suffix again, another function), the rest is not truncated.
    cut_off = finish == "length" and _last_line(text) == _last_line(answer)
    text, shortened = limit_lines(text, max_lines)
    if cut_off and not shortened:
        text = strip_last_line(text)
    if cut_off or shortened:
        text = _cut_to_parse(text, prefix, suffix, language)
    text = _strip_end(text, prefix, suffix, language)
    if not text.strip() or _is_already_there(text, suffix, head):
        return ""
    if is_placeholder(text, prefix + suffix) or is_stray_branch(text, point):
        return ""
    return text if newline == "\n" else text.replace("\n", newline)


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2].strip()


def _strip_long_lines(text: str) -> str:
    """Cut before the first line that is far too long for code."""
    if len(text) <= MAX_LINE_LENGTH:
        return text
    lines = text.split("\n")
    long = next((n for n, line in enumerate(lines) if len(line) > MAX_LINE_LENGTH), len(lines))
    return "\n".join(lines[:long])


def _fit_to_place(
    text: str, point: InsertionPoint, indent: str, unit: str, *, multiline: bool
) -> str:
    """Strip text that is already in the document, and indent for the place."""
    prefix, suffix, head = point.prefix, point.suffix, point.head
    own_unit = unit or unit_around(prefix, suffix).unit or language_info(point.language).indent
    text = strip_repeated_prefix(text, prefix, fold=fold_of(point.language))
    text = begin_below(text, point, own_unit, multiline=multiline)
    text = translate_indentation(text, point, unit)
    unit = own_unit
    if not head.strip():
        text = _strip_blank_lines(text, prefix)
        if indent and not head and text[:1].strip() and "\n" not in text.rstrip("\n"):
            text = fit_indentation(text, prefix + indent, unit)
            text = indent + text if not text.startswith(indent) else text
        else:
            text = fit_indentation(text, prefix, unit)
            text = indent_at_margin(text, point, unit)
    text = strip_suffix(text, suffix, head)
    return strip_loops(text)


def _cut_at_block(text: str, prefix: str, suffix: str, language: str) -> str:
    """Cut at the end of the block. Before a new function, a model often repeats the rest of this one."""
    ended = cut_at_block_end(text, prefix, suffix, language)
    return ended if ended == text else strip_suffix(ended, suffix, prefix.rpartition("\n")[2])


def _strip_blank_lines(text: str, prefix: str) -> str:
    """Strip leading blank lines; keep one that separates the code from the code above."""
    bare = re.sub(r"\A(?:[ \t]*\n)+(?=[^\n])", "", text)
    above = prefix.split("\n")[-2:]
    separates = len(above) == 2 and above[0].strip() and not above[1] and text.startswith("\n")
    return "\n" + bare if separates else bare


def _one_line(text: str, prefix: str, suffix: str, language: str) -> str:
    """Return the lines that complete the cursor's line; nothing if the text begins below a complete line."""
    lines, head = text.split("\n"), prefix.rpartition("\n")[2]
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    lines = lines if head.strip() else lines[start:]
    if start and _asks_for_code(head, suffix, language):
        below = lines[start]
        return "\n" + (below if below[:1].isspace() else indent_of(head) + below)
    needed = needed_lines(lines, prefix, suffix, language)
    # An opening fence alone is of use, a block that breaks the rest of the line is not.
    return "\n".join(lines[: needed or (language == "markdown")])


def _asks_for_code(head: str, suffix: str, language: str) -> bool:
    """Return whether the cursor is at the end of a line with nothing but a comment of several words."""
    sign = line_comment(language)
    comment = head.strip()
    alone = sign and language not in PROSE and comment.startswith(sign) and comment.count(" ") > 1
    return bool(alone) and not suffix.partition("\n")[0].strip()


def _strip_end(text: str, prefix: str, suffix: str, language: str) -> str:
    """Strip trailing white space, and text that the suffix has."""
    head = prefix.rpartition("\n")[2]
    in_string = _in_docstring(prefix) or COMMENT_LINE.match(head) is not None
    tail = suffix.split("\n", 1)[0]
    if not tail.strip():
        text = text.rstrip()
    elif head.strip() or not text.endswith("\n"):
        text = text.rstrip("\n")
    if tail[:1].isspace():
        text = text.rstrip(" \t")
    fitted = fit_rest_of_line(text, prefix=prefix, suffix=suffix, language=language)
    if in_string:
        return fitted.text
    suffix = suffix[len(fitted.covered) :]
    return strip_duplicate_closers(fitted.text, prefix, suffix, language, fitted.covered)


def _cut_to_parse(text: str, prefix: str, suffix: str, language: str) -> str:
    """Return the most lines of a truncated text that leave code that parses; all of them if none do."""
    before, after = prefix[-_PARSED_CONTEXT:], suffix[:_PARSED_CONTEXT]
    text = strip_block_openers(text)
    if has_error(before + text + after, language) is not True:
        return text
    lines = text.split("\n")
    for count in range(len(lines) - 1, max(0, len(lines) - 4), -1):
        shorter = "\n".join(lines[:count])
        if shorter.strip() and has_error(before + shorter + after, language) is False:
            return shorter
    return text


def _is_already_there(text: str, suffix: str, head: str) -> bool:
    """Return whether the text is already after the cursor."""
    tail, _, below = suffix.partition("\n")
    bare = text.strip()
    if tail.strip() == bare and len(re.sub(r"\W", "", bare)) >= 2:
        return True
    following = next((line.rstrip() for line in below.split("\n") if line.strip()), "")
    line = f"{head}{text.rstrip() if not tail.strip() else text}{tail}".rstrip()
    return line == following and len(re.sub(r"\W", "", bare)) >= 6


def _in_docstring(prefix: str) -> bool:
    """Return whether a multi-line string is open at the cursor, judging by the prefix."""
    return any(prefix.count(quote) % 2 for quote in ('"""', "'''"))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
