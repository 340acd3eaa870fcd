"""Translates an answer's own unit of indentation to the document's.

A model may write four blanks where the document has tabs. The unit and the base are found by trying the
usual ones: under the right ones every line that follows an opening line is one level deeper, and no other
line is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..languages import COMMENT_LINE, language_info
from ..syntax.indentation import indent_of, required_unit, unit_around
from .brackets import lexical_tokens
from .insertion_point import PROSE, InsertionPoint
from .quotes import string_lines

_UNITS = (4, 2, 8, 3)
_TAB = 8
"""Columns of a tab."""
_OPENER = re.compile(
    r"(?:[:{(\[]|=>|->|\b(?:do|then|else|begin|repeat|try)(?:\s*\|[^|]*\|)?)\s*(?:#.*|(?<!:)//.*)?$"
)
_WORD_OPENER = re.compile(
    r"\s*(?:(?:else\s+)?(?:if|for|while|foreach)\s*\(.*\)|else|do"
    r"|(?:def|class|module|if|unless|while|until|case|when|for|function|local function)\b[^;{}()]*(?:\(.*\))?"
    r"|(?:<(?!/|!)[^<>]*[^/<>]>))\s*$"
)
_CLOSER = re.compile(
    r"\s*(?:[)\]}]|</|end\b|else\b|elif\b|elsif\b|except\b|catch\b|finally\b|rescue\b|when\b|case\b|default\b)"
)
_CONTINUED = re.compile(r"(?:[,\\+\-*/|&=.?]|\b(?:and|or))\s*$")
_CONTINUES = re.compile(r"\s*(?:[.?:|&+]|\*(?!\w)|and\b|or\b)")
_BLOCK_SCALAR = re.compile(r"[:-][ \t]+[|>][+-]?\d?[+-]?[ \t]*(?:#.*)?$", re.MULTILINE)
_ENTRY = re.compile(r"\s*(?:\"[^\"]*\"|'[^']*'|[\w$-]+)\s*:(?!:).*,\s*(?:#.*|//.*)?$")
"""An entry of an object or a dictionary, with its comma: the next entry is at its level."""


@dataclass(frozen=True, slots=True)
class _Bracket:
    line: int
    sign: str
    aligns: bool
    """Whether code follows it on its line, so that the next lines are aligned to that code."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    columns: int
    text: str
    """Without its indentation."""
    aligned_to: int | None
    """The line with the open bracket that this one is aligned to."""
    loose: bool
    """Whether it continues an expression in brackets, which any indentation may do."""


def opens_with_words(line: str) -> bool:
    """Return whether a line opens a block with words, or an element, and has no sign for it at its end."""
    return _WORD_OPENER.match(line) is not None


def translate_indentation(
    text: str, point: InsertionPoint, unit: str = "", *, absolute: bool = False
) -> str:
    """Return the text with the document's unit of indentation; lines in strings stay as they are.

    An empty ``unit`` is unknown: then the lines around the place or the language must be clear about it.
    An ``absolute`` text has no indentation of the place. Alignment beyond the levels stays blanks.
    """
    if point.language in PROSE or point.inside:
        return text
    head = "" if absolute else point.head
    lines = text.split("\n")
    first = 0 if not head.strip() and lines[0].strip() and indent_of(lines[0]) else 1
    indents = [indent_of(line) for line in lines[first:] if line.strip()]
    mixed = any("\t" in i for i in indents) and any(i[:1] == " " and len(i) > 1 for i in indents)
    unit = unit or (_clear_unit(point, mixed=mixed) if any(indents) else "")
    if not unit or not any(indents):
        return text
    foreign = any((i[:1] == " " and len(i) > 1) if unit == "\t" else "\t" in i for i in indents)
    measured = list(_measured(lines, first, point.language, head))
    depth = _level_of(indent_of(head), unit)
    best = _best_unit(measured, lines[0], head, depth, unit, mixed=mixed, foreign=foreign)
    # The lines of YAML's block scalars are text.
    scalar = point.language == "yaml" and _BLOCK_SCALAR.search(head + text)
    if best is None or (scalar and not foreign):
        return text
    width, base = best
    new = _rewritten(lines, measured, width, base, depth, unit, head)
    return text if not foreign and _fits_below(lines, new.split("\n"), point) else new


def _fits_below(lines: list[str], new: list[str], point: InsertionPoint) -> bool:
    """Return whether the code below continues a level of the text as it is, and none of the new one."""
    following = point.suffix.partition("\n")[2].split("\n")
    below = indent_of(next((line for line in following if line.strip()), ""))
    if len(below) < max(1, len(indent_of(point.head))):
        return False
    return below in map(indent_of, lines) and below not in map(indent_of, new)


def _clear_unit(point: InsertionPoint, *, mixed: bool) -> str:
    """Return the unit that the lines around the place, or the language, are clear about."""
    around = unit_around(point.prefix, point.suffix)
    if around.certain or (around.unit == "\t" and not around.mixed):
        return around.unit
    if required := required_unit(point.language):
        return required
    if around.mixed:
        return ""
    return language_info(point.language).indent if mixed and not around.unit else ""


def _measured(lines: list[str], first: int, language: str, head: str) -> Iterator[_Line]:
    skipped = string_lines(lines, language, head)
    brackets = _open_brackets(lines, language)
    comments = _block_comments(lines, language)
    loose = "([{" if language == "python" else "" if language.endswith("react") else "(["
    for number, line in enumerate(lines):
        if number < first or not line.strip() or number in skipped:
            continue
        indent = indent_of(line)
        opened = brackets.get(number)
        aligned = opened.line if opened is not None and opened.aligns else None
        yield _Line(
            number,
            len(indent.expandtabs(8)),
            line[len(indent) :],
            comments.get(number, aligned),
            opened is not None and opened.sign in loose,
        )


def _block_comments(lines: list[str], language: str) -> dict[int, int]:
    """Map each line that begins inside of a comment to the line that begins the comment."""
    text = "\n".join(lines)
    found: dict[int, int] = {}
    for token in lexical_tokens(text, language):
        if token.group().startswith("/*"):
            start = text.count("\n", 0, token.start())
            end = start + token.group().count("\n")
            found |= dict.fromkeys(range(start + 1, end + 1), start)
    return found


def _open_brackets(lines: list[str], language: str) -> dict[int, _Bracket]:
    """Map each line that begins inside of brackets to the innermost of them."""
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    opened: list[_Bracket] = []
    found: dict[int, _Bracket] = {}
    number = 0

    def advance(to: int) -> None:
        nonlocal number
        while number + 1 < len(lines) and starts[number + 1] <= to:
            number += 1
            if opened:
                found[number] = opened[-1]

    for token in lexical_tokens(text, language):
        advance(token.start())
        if (sign := token["bracket"]) is None:
            continue
        if sign in "([{":
            rest = lines[number][token.end() - starts[number] :].strip()
            opened.append(_Bracket(number, sign, bool(rest) and not rest.startswith(("#", "//"))))
        elif opened:
            opened.pop()
    advance(len(text) + 1)
    return found


def _level_of(indent: str, unit: str) -> int:
    columns = len(indent.expandtabs(8))
    return columns // (8 if unit == "\t" else max(1, len(unit)))


def _best_unit(
    measured: list[_Line],
    first: str,
    head: str,
    depth: int,
    unit: str,
    *,
    mixed: bool,
    foreign: bool,
) -> tuple[int, int] | None:
    """Return the width of the answer's unit and the column of its base; ``None`` for the document's own."""
    own = 8 if unit == "\t" else len(unit)
    literal = len(indent_of(head).expandtabs(8))
    guesses: list[tuple[float, int, int, int]] = []
    tabs = foreign and not mixed and unit != "\t"
    widths = (_TAB,) if tabs else (own, *(w for w in _UNITS if w != own))
    for order, width in enumerate(widths):
        for place, base in enumerate(dict.fromkeys((depth * width, literal, 0))):
            score = _penalty(measured, head + first, depth, width, base)
            guesses.append((score, place, order, base))
    score, _, order, base = min(guesses)
    width = widths[order]
    as_it_is = min(g[0] for g in guesses if g[2] == 0)
    if foreign or mixed:
        return width, base
    clear = width != own and score + 2 <= as_it_is and score < 1
    return (width, base) if clear and _has_block(measured, head + first) else None


def _has_block(measured: list[_Line], above: str) -> bool:
    """Return whether some line opens a block: without one, widths are no evidence."""
    texts = [above, *(line.text for line in measured)]
    follows = zip(texts, measured, strict=False)
    return any(
        not line.loose
        and (_OPENER.search(text) or _WORD_OPENER.match(text) or _is_next_entry(text, line.text))
        for text, line in follows
    )


def _is_next_entry(above: str, text: str) -> bool:
    return _ENTRY.match(above) is not None and _ENTRY.match(text.rstrip(",") + ",") is not None


def _penalty(measured: list[_Line], first: str, depth: int, width: int, base: int) -> float:
    """Return how badly the lines fit a unit and a base."""
    score = 0.0
    level, above = depth, first
    for line in measured:
        if line.number == 0:
            here = line.columns // width
            score += 3 * bool(line.columns % width) + 2 * (here != depth and base != 0)
            level = here
            continue
        offset = line.columns - base
        rest = offset % width
        here = offset // width + depth
        if line.aligned_to is not None or line.loose:
            above = line.text
            level = here if line.loose and not rest else level
            continue
        if COMMENT_LINE.match(line.text):
            continue
        continues = not _is_next_entry(above, line.text) and (
            _CONTINUED.search(above) or _CONTINUES.match(line.text) or line.text[0] == "*"
        )
        score += _step_penalty(level, here, rest, above, line.text, bool(continues))
        score += 1.5 if here < depth and not _CLOSER.match(line.text) else 0
        if not continues:
            level = here
        above = line.text
    return score


def _step_penalty(
    level: int, here: int, rest: int, above: str, text: str, continues: bool
) -> float:
    score = 0.0 if not rest or continues else 3.0
    if here < 0:
        score += 5
    if _OPENER.search(above) or _WORD_OPENER.match(above):
        closes = _CLOSER.match(text) is not None and here <= level
        brace = text.startswith("{")
        score += 0 if here == level + (not brace) or closes else 2
    elif here > level and not continues:
        score += 2
    return score


def _rewritten(
    lines: list[str], measured: list[_Line], width: int, base: int, depth: int, unit: str, head: str
) -> str:
    kept = list(lines)
    written = {0: (len(indent_of(head).expandtabs(8)) if head.strip() else base, indent_of(head))}
    written[0] = (base, indent_of(head))
    for line in measured:
        if line.aligned_to is not None and line.aligned_to in written:
            columns, indent = written[line.aligned_to]
            beyond = max(0, line.columns - columns)
            levels = beyond // _TAB if width == _TAB and unit != "\t" else 0
            new = indent + unit * levels + " " * (beyond - levels * _TAB)
        else:
            offset = line.columns if line.number == 0 else line.columns - base
            levels = offset // width + (0 if line.number == 0 else depth)
            new = unit * max(0, levels) + " " * (offset % width)
        written[line.number] = (line.columns, new)
        kept[line.number] = new + line.text
    return "\n".join(kept)
