"""Read the text around a cursor as tokens: context, the unfinished word, the text after it, open brackets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...types import split_lines
from .context_trie import Line
from .tokens import MAX_COLUMNS, TAB, bracket, cut, indent_width, line_break, spaced, words

ABOVE = 30
"""Maximum lines read above the cursor."""
BELOW = 12
CONTEXT = 48
"""Tokens of context that are kept."""
WINDOW = 8_000
"""Maximum characters read on each side."""

Reader = Callable[[str, "Line | None", bool], "Line | None"]


@dataclass(frozen=True, slots=True)
class CursorContext:
    """The text around a cursor, as tokens."""

    text: str
    """The cursor's line, without its end."""
    number: int
    """Its number, if the prefix begins at the start of the file."""
    head: str
    """The line left of the cursor."""
    tail: str
    """The line right of it."""
    above: tuple[str, ...]
    """Raw lines above, the nearest last."""
    below: tuple[str, ...]
    """Raw lines below, the nearest first."""
    context: tuple[str, ...]
    """Bare tokens before the cursor's line."""
    typed: tuple[str, ...]
    """Bare tokens of the line left of the cursor, the step from the line above first; whole ones only."""
    half: str
    """The beginning of the next token."""
    after: tuple[str, ...]
    """Tokens right of the cursor, then the next line that is not blank."""
    near: frozenset[str]
    depth: int
    outer: int
    """Brackets that are open at the start of the cursor's line."""
    indent: int
    """The line's indentation in columns."""
    above_indent: int
    """That of the nearest line above that is not blank."""
    last: tuple[str, ...]
    """Bare tokens of the nearest line above, without its first."""
    tabs: bool
    """Whether the file is indented with tabs."""

    @property
    def fresh(self) -> bool:
        """Whether nothing is typed on the line."""
        return not self.head.strip()

    @property
    def most(self) -> int:
        """The maximum of ``agreement``."""
        return min(3, len(self.above)) + min(3, len(self.below))

    def agreement(self, raw: Sequence[str], number: int) -> int:
        """Return how many of the three lines above and below line ``number`` equal those at the cursor."""
        agreed = 0
        for step in range(1, 4):
            if step <= len(self.above) and number >= step:
                agreed += raw[number - step].rstrip("\r\n") == self.above[-step]
            if step <= len(self.below) and number + step < len(raw):
                agreed += raw[number + step].rstrip("\r\n") == self.below[step - 1]
        return agreed


def read_cursor(prefix: str, suffix: str, read: Reader) -> CursorContext | None:
    """Read the text around a cursor; None inside a word, where nothing can be inserted."""
    before = [line.rstrip("\r\n") for line in split_lines(prefix[-WINDOW:])]
    behind = [line.rstrip("\r\n") for line in split_lines(suffix[:WINDOW])]
    head, tail = before[-1], behind[0]
    if tail and head and _is_word(tail[0]) and _is_word(head[-1]):
        return None
    above, below = before[-ABOVE - 1 : -1], behind[1 : BELOW + 1]
    chain = _chain(above, read)
    last = chain[-1] if chain else None
    indent = indent_width(head)
    blank = bool(above) and not above[-1].strip()
    body = head.lstrip(" \t")[-MAX_COLUMNS:]
    split = cut(body)
    first = line_break(last.indent if last else 0, indent, blank and last is not None)
    typed = (first, *[raw.lstrip() for raw in words(split.whole)])
    following = _chain(below, read)
    context = [token for line in chain[-CONTEXT:] for token in line.bare]
    outer = _open_brackets(context, 0)
    near = {token for line in (*chain, *following[: BELOW // 2]) for token in line.bare}
    return CursorContext(
        text=head + tail,
        number=prefix.count("\n"),
        head=head,
        tail=tail,
        above=tuple(above),
        below=tuple(below),
        context=tuple(context[-CONTEXT:]),
        typed=typed,
        half=split.half,
        after=_after(tail, following, indent, bool(below) and not below[0].strip()),
        near=frozenset(near),
        depth=_open_brackets(typed, outer),
        outer=outer,
        indent=indent,
        above_indent=last.indent if last else 0,
        last=last.bare[1:] if last else (),
        tabs=any(line.startswith("\t") for line in (*above, *below)),
    )


def indentation(columns: int, tabs: bool) -> str:
    """Return white space of that width."""
    return "\t" * (columns // TAB) if tabs else " " * columns


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _chain(raw: Sequence[str], read: Reader) -> list[Line]:
    lines: list[Line] = []
    blank = False
    for text in raw:
        line = read(text, lines[-1] if lines else None, blank)
        blank = line is None
        if line is not None:
            lines.append(line)
    return lines


def _after(tail: str, below: Sequence[Line], indent: int, blank: bool) -> tuple[str, ...]:
    rest = [spaced(raw) for raw in words(tail)] if tail.strip() else []
    if not below:
        return tuple(rest)
    return (*rest, line_break(indent, below[0].indent, blank), *below[0].tokens[1:])


def _open_brackets(tokens: Sequence[str], depth: int) -> int:
    for token in tokens:
        if change := bracket(token):
            depth = max(0, depth + change)
    return depth
