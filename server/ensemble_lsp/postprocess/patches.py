"""Applies answers that are a patch of the code to rewrite: a unified diff, or blocks to search and to replace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..syntax.indentation import indent_of
from .chat import fenced_blocks
from .insertion_point import InsertionPoint
from .surroundings import Surroundings

_BLOCK = re.compile(
    r"^[ \t]*<{5,9}[ \t]*(?:SEARCH|ORIGINAL|CURRENT|HEAD)?[^\n]*\n(?P<old>.*?)^[ \t]*={5,9}[ \t]*\n(?P<new>.*?)"
    r"^[ \t]*>{5,9}[ \t]*(?:REPLACE|UPDATED)?[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
_HEADER = re.compile(r"diff --git |index \w|--- |\+\+\+ |\\ No newline|\*\*\* ")
_HUNK = re.compile(r"@@")
_MARKS = re.compile(
    r"\*\*\* Begin Patch|(?:diff --git .*\n(?:index .*\n)?)?--- \S.*\n\+\+\+ \S|@@[^\n]*(?:@@|$)",
    re.MULTILINE,
)
_NAMES = ("diff", "patch", "udiff")


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Lines to search, and those to put into their place."""

    old: list[str]
    new: list[str]


def patched(answer: str, around: Surroundings, indent: str, point: InsertionPoint) -> str | None:
    """Return the text of a place after an answer that is a patch: empty if it does not fit, ``None`` for no patch.

    Hunks for other places are left out.
    """
    found = fenced_blocks(answer, point)
    patches = [b.code for b in found if _is_patch(b.code, b.language)]
    if not patches and not found and _is_patch(answer.strip()):
        patches = [answer.strip("\n")]
    if not patches or _MARKS.search(around.replaced):
        return None
    if around.replaced and (around.head or around.tail):
        return ""
    place = (indent + around.replaced).split("\n") if around.replaced else []
    lines = [*around.above, *place, *around.below]
    start, end = len(around.above), len(around.above) + len(place)
    hunks = [hunk for patch in patches for hunk in _hunks(patch)]
    for hunk in hunks:
        at = _place(lines, hunk.old)
        if at is None:
            return ""
        last = at + len(hunk.old)
        if last < start or at > end or (place and (last == start or at == end)):
            continue
        lines[at:last] = _moved(hunk, lines[at:last])
        end += len(hunk.new) - len(hunk.old)
    kept = tuple(lines[:start]) == around.above and tuple(lines[end:]) == around.below
    return "\n".join(lines[start:end]) if kept else ""


def _is_patch(text: str, fence: str = "") -> bool:
    """Return whether a text is a patch; ``fence`` is the name in its opening fence."""
    if _BLOCK.search(text):
        return True
    changed = {line[:1] for line in text.split("\n")} & {"+", "-"}
    return bool(changed) and (fence in _NAMES or _MARKS.match(text) is not None)


def _hunks(patch: str) -> Iterator[_Hunk]:
    blocks = list(_BLOCK.finditer(patch))
    if blocks:
        for block in blocks:
            old, new = (block[name].split("\n")[:-1] for name in ("old", "new"))
            yield _Hunk(old, new)
        return
    marked: list[str] = []
    for line in [*patch.split("\n"), "@@"]:
        if _HUNK.match(line):
            yield from _marked_hunk(marked)
            marked = []
        elif not _HEADER.match(line):
            marked.append(line)


def _marked_hunk(marked: list[str]) -> Iterator[_Hunk]:
    while marked and not marked[-1].strip():
        marked.pop()
    while marked and not marked[0].strip():
        del marked[0]
    if any(line[:1] in ("+", "-") for line in marked):
        # Some models leave out the blank at the start of an unchanged line.
        lines = [line if line[:1] in ("+", "-", " ") else f" {line}" for line in marked]
        yield _Hunk(
            [line[1:] for line in lines if line[0] != "+"],
            [line[1:] for line in lines if line[0] != "-"],
        )


def _place(lines: Sequence[str], old: Sequence[str]) -> int | None:
    """Return the line at which lines are, with their indentation or with another one."""
    wanted = [line.strip() for line in old]
    if not any(wanted):
        return None
    have = [line.strip() for line in lines]
    found = [n for n in range(len(have) - len(old) + 1) if have[n : n + len(old)] == wanted]
    exact = [
        n
        for n in found
        if [x.rstrip() for x in lines[n : n + len(old)]] == [x.rstrip() for x in old]
    ]
    best = exact if len(found) > 1 else found
    return best[0] if len(best) == 1 else None


def _moved(hunk: _Hunk, there: Sequence[str]) -> list[str]:
    """Return a hunk's new lines with the indentation that its old lines have in the document."""
    first = next(n for n, line in enumerate(hunk.old) if line.strip())
    old, now = indent_of(hunk.old[first]), indent_of(there[first])
    if now.endswith(old):
        lead = now.removesuffix(old)
        return [lead + line if line.strip() else line for line in hunk.new]
    lead = old.removesuffix(now) if old.endswith(now) else ""
    return [line.removeprefix(lead) for line in hunk.new]
