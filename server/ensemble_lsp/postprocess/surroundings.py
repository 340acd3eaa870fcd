"""Strips the code around a place from an answer: models return the whole function, class or file again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..syntax.indentation import indent_of
from ..types import Document, Span
from .brackets import unmatched_brackets
from .insertion_point import InsertionPoint
from .layout import dedent_lines
from .placeholders import stands_for_kept_code

_CONTROL = re.compile(
    r"[\W_]*(?:if|el(?:se|if|sif)|for(?:each)?|while|until|unless|switch|match|case|when|default|try|except"
    r"|rescue|ensure|catch|finally|do|with|using|lock|synchronized|select|loop|return|begin|then)\b"
)
"""The start of a line that code may repeat inside of itself; a definition does not."""
_IMPORT = re.compile(
    r"(?:import|from|package|use|using|require|require_relative|include)\b|#\s*include\b|<\?php"
    r"|(?:const|let|var)\s.*=\s*require\("
)
_MIN_WORD_CHARACTERS = 3
"""Word characters of a line that opens a block and is recognised in an answer."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A document around a place, with line feeds as line ends."""

    above: tuple[str, ...] = ()
    """The lines above the place, and the text on its first line."""
    replaced: str = ""
    """The text that an answer replaces."""
    below: tuple[str, ...] = ()
    """The lines below the place's last line."""
    head: str = ""
    """The text before the place on its first line."""
    tail: str = ""
    """The text after the place on its last line."""

    @classmethod
    def of(cls, document: Document, place: Span) -> Surroundings:
        """Return the surroundings of a place in a document."""
        lines = tuple(line.rstrip("\r\n") for line in document.lines)
        replaced = document.slice(place).replace("\r\n", "\n").replace("\r", "\n")
        above, head = lines[: place.start.line], lines[place.start.line][: place.start.column]
        above += (head,) if head.strip() else ()
        tail = lines[place.end.line][place.end.column :]
        return cls(above, replaced, lines[place.end.line + 1 :], head.strip(), tail.strip())

    def new_lines(self, lines: Sequence[str]) -> list[str]:
        """Return the lines of an answer above a definition; of a repeated file only its new imports."""
        filled, known = _filled(lines), {line.strip() for line in self.above}
        if not filled or filled[0] not in known:
            return list(lines)
        return [line for line in lines if _IMPORT.match(line) and line.strip() not in known]


@dataclass(slots=True)
class _RepeatedBlock:
    """Lines ``start`` to ``end`` of an answer, whose block begins at the line ``above`` of the document."""

    start: int
    end: int
    above: int = 0
    depth: int = -1
    """The indentation of the document's line that opens the block."""
    header: str = ""


def without_surroundings(
    text: str, around: Surroundings, indent: str, point: InsertionPoint
) -> str:
    """Return the part of an answer that belongs to a place.

    The answer is recognised by the definitions around the place, or by the file's first line. Changes that it makes
    elsewhere are lost.
    """
    lines = text.split("\n")
    if around.replaced.strip() and (around.head or around.tail):
        return _without_line(text, around, point)
    block = _innermost_block(lines, around, len(indent), point)
    if not block.header and not _begins_like_file(lines, around):
        own = _without_elisions(lines, list(range(len(lines))))
        return text if around.replaced or not own else "\n".join(lines[own[0] : own[-1] + 1])
    own = [n for n in range(block.start, block.end) if lines[n].strip()]
    own = own[_size_above(lines, own, block, around) :]
    if own and block.header:
        own = _at_depth(lines, own, around, point)
    own = own[: _size_without_below(lines, own, _following(around.below, block.depth))]
    own = _without_elisions(lines, own)
    if not own:
        return text
    code = dedent_lines("\n".join(lines[own[0] : own[-1] + 1]))
    imports = _new_imports(lines[: block.start], around, block, point.language)
    return "\n".join([*imports, code])


def _without_line(text: str, around: Surroundings, point: InsertionPoint) -> str:
    """Return the part of an answer that belongs to a place in a line, of which it repeats the rest."""
    head, tail = around.head, around.tail
    lines = text.strip("\n").split("\n")
    found = [n for n, line in enumerate(lines) if line.strip().startswith(head)] if head else []
    words = len(re.sub(r"\W", "", head))
    # A word before the place, such as ``return``, is whole in the answer too.
    whole_word = (
        head[-1:].isalnum()
        and words > 3
        and found
        and lines[found[0]].strip()[len(head) :][:1] == " "
    )
    plain = whole_word or head.endswith("=") or (words > 1 and not head[-1:].isalnum())
    repeats = len(found) == 1 and plain and not around.replaced.startswith(head)
    if repeats:
        own = list(range(found[0], len(lines)))
        own = own[: _size_without_below(lines, own, _filled(around.below))]
        lines = [lines[found[0]].strip().removeprefix(head).lstrip(), *(lines[n] for n in own[1:])]
    whole = "\n".join(lines).rstrip()
    closes = len(unmatched_brackets(around.replaced, point.language)[1])
    closes -= len(unmatched_brackets(whole, point.language)[1])
    if tail and whole.endswith(tail) and (repeats or closes > 0):
        return whole.removesuffix(tail).rstrip()
    return whole if repeats else text


def without_known_imports(text: str, around: Surroundings) -> str:
    """Return a text without the imports at its start that the document has above the place."""
    known = {line.rstrip() for line in around.above if _IMPORT.match(line)}
    lines = text.split("\n")
    count = 0
    for number, line in enumerate(lines):
        if line.strip() and line.rstrip() not in known:
            break
        count = number + 1
    return "\n".join(lines[count:]) if known.intersection(lines[:count]) else text


def _innermost_block(
    lines: Sequence[str], around: Surroundings, width: int, point: InsertionPoint
) -> _RepeatedBlock:
    """Return the part of an answer inside of the definitions that are around the place."""
    block = _RepeatedBlock(0, len(lines))
    replaced = {line.strip() for line in around.replaced.split("\n")}
    for number in _headers(around.above, width):
        header = around.above[number].strip()
        found = [n for n in range(block.start, block.end) if lines[n].strip() == header]
        if len(found) != 1 or header in replaced:
            continue
        if _CONTROL.match(header) and not _is_repeated(number, found[0], lines, around):
            continue
        depth = len(indent_of(lines[found[0]]))
        inside = (n for n in range(found[0] + 1, block.end) if lines[n].strip(" \t{"))
        start = next(inside, None)
        if start is None or len(indent_of(lines[start])) <= depth:
            continue
        end = next(
            (
                n
                for n in range(start, block.end)
                if lines[n].strip()
                and len(indent_of(lines[n])) <= depth
                and not _in_string(lines, n, point)
            ),
            block.end,
        )
        above = number + 1
        while above < len(around.above) and not around.above[above].strip(" \t{"):
            above += 1
        block = _RepeatedBlock(start, end, above, len(indent_of(around.above[number])), header)
    return block


def _in_string(lines: Sequence[str], number: int, point: InsertionPoint) -> bool:
    return point.state_after("\n".join(lines[:number]) + "\n") != ""


def _headers(above: Sequence[str], width: int) -> list[int]:
    """Return the lines that open the blocks around a place of an indentation, the outermost first."""
    found: list[int] = []
    for number in reversed(range(len(above))):
        line = above[number]
        depth = len(indent_of(line))
        if not line.strip() or depth >= width:
            continue
        # A brace on its own line belongs to the line above it.
        alone = not _has_word(line)
        width = depth + alone
        words = len(re.sub(r"\W", "", line))
        if not alone and words >= _MIN_WORD_CHARACTERS:
            found.append(number)
    return found[::-1]


def _is_repeated(number: int, at: int, lines: Sequence[str], around: Surroundings) -> bool:
    """Return whether an answer repeats the condition directly above the place, and its lines before it if any."""
    if any(map(_has_word, around.above[number + 1 :])):
        return False
    return set(_filled(lines[:at])) <= set(_filled(around.above[:number]))


def _begins_like_file(lines: Sequence[str], around: Surroundings) -> bool:
    """Return whether an answer begins with the text above the place from the file's start on."""
    above = _filled(around.above)
    return len(above) > 1 and _filled(lines)[: len(above)] == above


def _size_above(
    lines: Sequence[str], own: Sequence[int], block: _RepeatedBlock, around: Surroundings
) -> int:
    """Return how many of an answer's lines are those above the place, which it may have changed."""
    texts, above = [lines[n].strip() for n in own], _filled(around.above[block.above :])
    if not above or texts[:1] != above[:1]:
        return 0
    if texts[: len(above)] == above:
        return len(above)
    first = _filled(around.replaced.split("\n"))[:1]
    if first and texts.count(first[0]) == 1 and _has_word(first[0]):
        return texts.index(first[0])
    last = above[-2:]
    sizes = (n for n in range(2, len(texts)) if texts[n - 2 : n] == last)
    return next(sizes, 0) if len(last) == 2 and _has_word("".join(last)) else 0


def _at_depth(
    lines: Sequence[str], own: list[int], around: Surroundings, point: InsertionPoint
) -> list[int]:
    """Return an answer's lines up to the end of the block that the first of them is in."""
    depth, below = len(indent_of(lines[own[0]])), set(_filled(around.below))
    for count, number in enumerate(own):
        line = lines[number]
        ends = line.strip() in below or line.strip() == "end"
        if len(indent_of(line)) < depth and ends and not _in_string(lines, number, point):
            return own[:count]
    return own


def _size_without_below(lines: Sequence[str], own: Sequence[int], below: Sequence[str]) -> int:
    """Return how many of an answer's lines are above those that are below the place, some of them changed."""
    texts = [lines[n].strip() for n in own]
    for size in range(1, len(texts)):
        rest = texts[size:]
        same = rest == below[: len(rest)]
        framed = len(rest) > 2 and rest[:2] == below[:2] and rest[-1:] == below[-1:]
        if (same or framed) and _has_word("".join(rest)):
            return size
    return len(texts)


def _without_elisions(lines: Sequence[str], own: list[int]) -> list[int]:
    """Return an answer's lines without those at the ends that stand for code which is not repeated."""
    while own and stands_for_kept_code(lines[own[0]]):
        own = own[1:]
    while own and stands_for_kept_code(lines[own[-1]]):
        own = own[:-1]
    return own


def _following(below: Sequence[str], depth: int) -> list[str]:
    """Return the lines below the place that are in the block of a header."""
    found: list[str] = []
    for line in below:
        if line.strip() and len(indent_of(line)) <= depth:
            break
        found.append(line)
    return _filled(found)


def _new_imports(
    lines: Sequence[str], around: Surroundings, block: _RepeatedBlock, language: str
) -> list[str]:
    """Return the imports that an answer adds above a Python function: they may be inside of it too."""
    if language != "python" or re.match(r"(?:async\s+)?def\b", block.header) is None:
        return []
    return [line for line in around.new_lines(lines) if _IMPORT.match(line)]


def _filled(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _has_word(text: str) -> bool:
    return re.search(r"\w", text) is not None
