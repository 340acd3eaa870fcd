"""Strips text that is already in the document: a repeated prefix, a repeated suffix, loops."""

from __future__ import annotations

import re
from collections.abc import Callable

_OPENER = re.compile(r"[:{(\[]\s*$|=>\s*$|\b(?:do|then)\s*$")
_CLOSER = re.compile(r"[)\]}]+[;,]?|end|fi|done|esac|</[\w.-]+>")
_LOOP = re.compile(r"(?P<unit>[^\n]{4,80}?)(?P=unit){5,}[^\n]*\Z")
_MAX_LINES = 30
_WRITTEN_ONCE = re.compile(
    r"(?:import\s+\S|from\s+\S+\s+import\b|#\s*include\b|using\s+[\w.]+\s*;|use\s+[\w:\\]+.*;"
    r"|(?:export\s+)?(?:const|let|var)\s.*=|return\b|break\b|continue\b|raise\b|throw\b)"
    r"|(?P<name>[A-Za-z_]\w*)\s*:?=\s*(?!.*\b(?P=name)\b)[^()]*$"
)
"""A line that does not follow the same line: an import, a declaration, a jump, a plain assignment."""


def strip_repeated_prefix(text: str, prefix: str, *, fold: Callable[[str], str] = str) -> str:
    """Strip the end of the prefix from the start of the text: whole lines, or the cursor's line.

    ``fold`` makes equal lines of the language equal texts, of the same length.

    Lines are stripped if the model repeated the cursor's line, the block's opening line, or several
    lines above: code rarely repeats those at once.
    """
    above = [line for line in prefix.split("\n")[-_MAX_LINES - 1 :]]
    head = above.pop()
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    expected = [fold(line.strip()) for line in above]
    for count in range(min(len(above), len(lines) - start), -1, -1):
        written = [fold(line.strip()) for line in lines[start : start + count]]
        if written != expected[len(above) - count :]:
            continue
        rest = lines[start + count :]
        same = above[-count:]
        if (
            count
            and not head.strip()
            and _is_written_once(lines[start + count - 1], same[-1], head)
        ):
            return "\n".join(rest)
        nested = count > 0 and _nests(lines[start : start + count], rest)
        weighs = count > 0 and len(re.sub(r"\W", "", "".join(above[-count:]))) >= 6
        cut = (
            _after_head(rest, head, fold, sure=weighs)
            if head.strip()
            else _after_lines(rest, same, count, nested)
        )
        if cut is not None:
            return cut
    return text


def _is_written_once(line: str, above: str, head: str) -> bool:
    """Return whether a line at the same depth as the equal line above has nothing to do there."""
    written = line if line[:1].isspace() else head + line
    return written.rstrip() == above.rstrip() and _WRITTEN_ONCE.match(above.strip()) is not None


def _after_head(
    rest: list[str], head: str, fold: Callable[[str], str], *, sure: bool = False
) -> str | None:
    """Return the text after the cursor's line if the model repeated it.

    ``sure``: it repeated lines above too, so any text of the cursor's line counts.
    """
    if not rest:
        return None
    bare, line = head.strip(), rest[0].lstrip()
    indent = head[: len(head) - len(head.lstrip())]
    # No code continues a line with its own indentation.
    indented = indent and rest[0][: len(rest[0]) - len(line)] == indent
    significant = sure or indented or (len(re.sub(r"\W", "", bare)) >= 2 and re.search(r"\W", bare))
    if not significant or not fold(line).startswith(fold(bare)):
        return None
    spaces = len(head) - len(head.rstrip())
    line = line[len(bare) :]
    # The white space before the cursor is already there.
    line = line[min(spaces, len(line) - len(line.lstrip(" "))) :]
    return "\n".join([line, *rest[1:]])


def _nests(repeated: list[str], rest: list[str]) -> bool:
    """Return whether the last repeated line has words and opens the block that the text continues with."""
    inside = next((line for line in rest if line.strip()), "")
    deeper = len(inside) - len(inside.lstrip()) > len(repeated[-1]) - len(repeated[-1].lstrip())
    words = len(re.sub(r"\W", "", repeated[-1]))
    return words > 1 and deeper and _OPENER.search(repeated[-1]) is not None


def _after_lines(rest: list[str], repeated: list[str], count: int, nested: bool) -> str | None:
    if count == 0:
        return None
    weight = len(re.sub(r"\W", "", "".join(repeated)))
    different = len({line.strip() for line in repeated if line.strip()})
    opener = weight >= 6 and any(_OPENER.search(line) for line in repeated)
    if not (opener or nested) and (different < 2 or weight < 30):
        return None
    return "\n".join(rest)


def strip_suffix(text: str, suffix: str, head: str = "") -> str:
    """Strip text that is already after the cursor, on its line or over several lines."""
    tail, _, below = suffix.partition("\n")
    if tail.strip():
        if re.search(r"\w", tail):
            return _strip_tail(text, tail, below, head)
        return _strip_lines(text, below, 1) if "\n" in text else text
    return _strip_lines(text, below, 1) if head.strip() else _strip_lines(text, below, 0, head)


def _strip_tail(text: str, tail: str, below: str, head: str) -> str:
    """Strip the rest of the cursor's line from a line of the text that ends with it."""
    expected = tail.rstrip()
    if len(expected.strip()) < 3:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.rstrip()
        if not bare.endswith(expected) or not _repeats_suffix(lines[number + 1 :], below):
            continue
        if _is_own_end("\n".join([*lines[:number], bare]), expected, head):
            continue
        if number and not head.strip() and bare.strip() == expected.strip():
            return "\n".join(lines[:number])
        return "\n".join([*lines[:number], bare[: len(bare) - len(expected)]])
    return text


def _is_own_end(text: str, tail: str, head: str) -> bool:
    """Return whether the text opened itself what it closes, and the rest of the line closes the head's.

    For example ``g(x, y)`` between ``f(`` and ``, y)``.
    """
    closed = -_net_opened(tail)
    return closed > 0 and _net_opened(text) > -closed and _net_opened(head) >= closed


def _net_opened(text: str) -> int:
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _repeats_suffix(lines: list[str], below: str) -> bool:
    """Return whether the following lines repeat the suffix, as far as both go."""
    rest = [line.strip() for line in lines if line.strip()]
    following = [line.strip() for line in below.split("\n")[: len(lines) + 20] if line.strip()]
    count = min(len(rest), len(following))
    return not rest or (count > 0 and rest[:count] == following[:count])


def _strip_lines(text: str, below: str, start: int, head: str = "") -> str:
    """Cut the text where it repeats the suffix to the end of either.

    ``head`` is the indentation before the first line.
    """
    following = [line.rstrip() for line in below.split("\n")[:200] if line.strip()]
    if not following:
        return text
    lines = (head + text).split("\n")
    for number in range(start, len(lines)):
        if lines[number].rstrip() != following[0]:
            continue
        rest = [line.rstrip() for line in lines[number:] if line.strip()]
        same = sum(1 for _ in _matching(rest, following))
        over = same == len(rest) or (same == len(following) and same > 1)
        if (
            (over and _is_significant(rest[:same]))
            or same >= 3
            or _ends_within(rest, following, same)
            or _closes_outer_block(lines[number], head)
        ):
            return "\n".join(lines[:number])[len(head) :]
    return text


def _closes_outer_block(line: str, head: str) -> bool:
    """Return whether a line closes the block that the cursor's indentation is in."""
    inside = head if not head.strip() else head[: len(head) - len(head.lstrip())]
    depth = len(line) - len(line.lstrip())
    return depth < len(inside) and _CLOSER.fullmatch(line.strip()) is not None


def _ends_within(rest: list[str], following: list[str], same: int) -> bool:
    """Return whether the text ends within the suffix's next line."""
    if same != len(rest) - 1 or same >= len(following):
        return False
    return following[same].startswith(rest[-1]) and _is_significant(rest[:same])


def _matching(one: list[str], other: list[str]) -> list[str]:
    matched: list[str] = []
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        matched.append(a)
    return matched


def _is_significant(lines: list[str]) -> bool:
    """Return whether equal lines are more than coincidence: not a lone bracket or keyword."""
    return len(re.sub(r"\W", "", "".join(lines))) >= 6


def strip_loops(text: str) -> str:
    """Strip the repetitions of a looping model from the end of the text."""
    lines = text.rstrip("\n").split("\n")
    # A truncated text ends with a part of the loop.
    for period in range(1, 9):
        times = 5 if period == 1 else 3
        for cut in (0, 1):
            body = lines[: len(lines) - cut]
            count = _repeats(body, period)
            unit = body[len(body) - period :]
            if count >= times and _is_code("".join(unit)):
                return "\n".join(body[: len(body) - period * (count - 1)])
    found = _LOOP.search(text)
    if found is not None and len(re.sub(r"\W", "", found["unit"])) >= 3:
        return text[: found.start()] + found["unit"]
    return text


def _is_code(text: str) -> bool:
    """Return whether a repeated text is code, not lone brackets or blanks."""
    return len("".join(text.split())) >= 5 and re.search(r"\w", text) is not None


def _repeats(lines: list[str], period: int) -> int:
    """Return how often the last ``period`` lines are repeated at the end."""
    lines = [line.strip() for line in lines]
    unit = lines[len(lines) - period :]
    count, end = 0, len(lines)
    while end >= period and lines[end - period : end] == unit:
        count, end = count + 1, end - period
    return count
