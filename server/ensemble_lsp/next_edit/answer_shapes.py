"""The shapes in which chat models answer with the new lines of a region, whatever the prompt asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from ..postprocess.brackets import unescaped
from ..postprocess.insertion_point import MARKUP, PROSE
from ..syntax.indentation import indent_of
from .parsing import begins_like, split_answer, unfenced
from .prompting import EditPrompt

_FENCE = re.compile(r"\s*(`{3,}|~{3,})(.*)")
_THOUGHTS = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>\s*", re.DOTALL)
_DIFF_LINE = re.compile(r"@@|--- |\+\+\+ ")
_DIFF_NAMES = ("diff", "patch", "udiff")
_COMMENT = "#/*-<!>;% \t"
"""Characters around a path in a comment."""
_MIN_REPEATED = 4
"""Lines of an answer that is written twice; fewer may repeat in code."""


def code_of_answer(prompt: EditPrompt, answer: str) -> tuple[str, bool]:
    """Return the text of an answer that is the new region or a diff, and whether it was a code block.

    Of several blocks it is the last that begins or ends as the region does and has a line
    that the region does not have.
    """
    answer = _THOUGHTS.sub("", answer)
    lines = prompt.request.lines(prompt.region)
    if any(_FENCE.match(line) for line in lines):
        body = unfenced(prompt, answer)
        return (answer, False) if body is None else (body, True)
    blocks = list(_blocks(prompt, answer))
    if not blocks:
        diff = _patched(prompt, answer.split("\n")) if _is_diff(answer, "") else None
        return (answer, False) if diff is None else (diff, True)
    known = {line.strip() for line in lines}
    alike = [
        block
        for block in blocks
        if begins_like(prompt, block.split("\n"))
        and not known.issuperset(line.strip() for line in block.splitlines())
    ]
    return (alike[-1] if alike else blocks[0]), True


def without_additions(prompt: EditPrompt, lines: list[str]) -> list[str]:
    """Return the lines of an answer without what a model adds to code by its own habit."""
    old = prompt.request.lines(prompt.region)
    language = prompt.request.document.language
    if language not in MARKUP and language not in PROSE:
        lines = unescaped("\n".join(lines), language, "\n".join(old)).split("\n")
    if len(lines) > 1 and _names_path(lines[0], prompt.request.path) and lines[0] != old[0]:
        lines = lines[1:]
    half = len(lines) // 2
    repeated = half >= _MIN_REPEATED and lines[:half] == lines[half:] != old[:half]
    lines = lines[:half] if repeated and len(lines) > len(old) else lines
    return _indented(lines, old)


def _blocks(prompt: EditPrompt, answer: str) -> Iterator[str]:
    """Yield the code blocks; a diff as the region after it, or not at all if it does not fit."""
    lines = iter(answer.split("\n"))
    for line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            continue
        body: list[str] = []
        for inner in lines:
            if inner.strip() == opening[1]:
                break
            body.append(inner)
        text = "\n".join(body) + "\n"
        name = next(iter(opening[2].split()), "")
        patched = _patched(prompt, body) if _is_diff(text, name) else text
        if patched is not None:
            yield patched


def _is_diff(text: str, name: str) -> bool:
    signs = {line[:1] for line in text.split("\n")}
    marked = name in _DIFF_NAMES or _DIFF_LINE.match(text) is not None
    return marked and bool(signs & {"+", "-"})


def _patched(prompt: EditPrompt, diff: Sequence[str]) -> str | None:
    """Return the region after a diff, whose hunks are found by their lines; ``None`` if one does not fit."""
    lines = prompt.request.lines(prompt.region)
    for hunk in _hunks(diff):
        old = [line[1:].rstrip() for line in hunk if line[:1] != "+"]
        new = [line[1:] for line in hunk if line[:1] != "-"]
        have = [line.rstrip() for line in lines]
        places = [n for n in range(len(have) - len(old) + 1) if have[n : n + len(old)] == old]
        if not old or len(places) != 1:
            return None
        lines[places[0] : places[0] + len(old)] = new
    return "\n".join(lines) + "\n"


def _hunks(diff: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines of each hunk with their signs."""
    hunk: list[str] = []
    for line in [*diff, "@@"]:
        if line.startswith(("--- ", "+++ ", "diff ", "index ", "\\")):
            continue
        if not line.startswith("@@"):
            hunk.append(line if line[:1] in ("+", "-", " ") else f" {line}")
            continue
        while hunk and not hunk[-1].strip():
            hunk.pop()
        if any(each[0] in "+-" for each in hunk):
            yield hunk
        hunk = []


def _names_path(line: str, path: str) -> bool:
    """Return whether a line is the file's path, alone or in a comment."""
    return line.strip(_COMMENT) in (path, PurePosixPath(path).name)


def _indented(new: list[str], old: Sequence[str]) -> list[str]:
    """Return an answer with the region's indentation, if all its lines have lost it or have tabs for it."""
    blocks = SequenceMatcher(
        None, [line.strip() for line in old], [line.strip() for line in new], autojunk=False
    ).get_matching_blocks()
    pairs = {
        (indent_of(new[b + n]), indent_of(old[a + n]))
        for a, b, size in blocks
        for n in range(size)
        if old[a + n].strip()
    }
    indents = dict(pairs)
    if len(indents) != len(pairs) or not indents or not _is_habit(indents):
        return new
    if any(line.strip() and indent_of(line) not in indents for line in new):
        return new
    return [indents[indent_of(line)] + line.lstrip() if line.strip() else line for line in new]


def _is_habit(indents: dict[str, str]) -> bool:
    """Return whether each indentation is the region's with other characters, or without its common part."""
    changed = [(new, old) for new, old in indents.items() if new != old]
    tabs = all(("\t" in new) != ("\t" in old) for new, old in changed)
    common = {old.removesuffix(new) for new, old in indents.items() if old.endswith(new)}
    return bool(changed) and (tabs or (len(common) == 1 and len(changed) == len(indents)))


def region_lines(prompt: EditPrompt, text: str, is_block: bool) -> list[str] | None:
    """Return the lines of an answer that is code; ``None`` for prose."""
    lines = split_answer(text)
    if lines is None:
        return None
    lines = without_additions(prompt, lines)
    return lines if is_block or begins_like(prompt, lines) else None
