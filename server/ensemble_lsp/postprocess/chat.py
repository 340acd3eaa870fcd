"""Extracts code from a chat model's answer: thoughts, control tokens, tags, fences, talk."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ..languages import same_language
from .brackets import unescaped
from .control_marks import strip_control_tokens, strip_cursor_marks, strip_other_turns
from .insertion_point import DATA, PROSE, InsertionPoint
from .placeholders import says_nothing
from .talk import after_opening, is_description, is_refusal, is_talk_alone, strip_talk
from .thoughts import strip_thoughts
from .wrapping import strip_opening_wrapper, strip_wrapping

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`\n]*$")
_OPENING_FENCE = re.compile(r"\A\s*(?:`{3,}|~{3,})[ \t]*[\w+#.-]*[^`\n]*(?:\n|\Z)")
_FENCE_ON_A_CODE_LINE = re.compile(r"(?<=\S)[ \t]*`{3,}[ \t]*\Z")
_EMPTY = re.compile(r"(?:[^`]*:)?\s*```[\w+#-]*\s*(?:```[^`]*)?")
_NO_BACKTICKS = frozenset(
    {"c", "cpp", "csharp", "java", "kotlin", "lua", "php", "python", "rust", "toml", "yaml"}
)
_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
_NUMBERED = re.compile(r"[ \t]*(?P<number>\d{1,6})[ \t]*(?P<sign>[|│→:]|\t)[ ]?(?P<code>.*)")
_ROUNDS = 3
"""Wrappers inside of each other that are stripped."""


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """A fenced block."""

    language: str
    code: str


def code_of_answer(text: str, point: InsertionPoint, tokens: Collection[str] = ()) -> str:
    """Return the code of an answer, without all that a chat model wraps around it; empty for none.

    ``tokens`` are the control tokens of the model.
    """
    text = strip_thoughts(text, point.prefix + point.suffix, markup=point.is_markup)
    text = strip_cursor_marks(strip_control_tokens(text, tokens, point), point)
    if is_refusal(text, point):
        return ""
    text = _unwrapped(strip_other_turns(text, point), point)
    if is_description(text, point) or is_talk_alone(text, point):
        return ""
    if not point.is_prose and says_nothing(text, tags=point.is_markup or bool(point.head.strip())):
        return ""
    if not point.is_markup and not point.is_prose:
        text = unescaped(text, point.language, point.prefix + point.replaced + point.suffix)
    return _without_line_numbers(text, point)


def _without_line_numbers(text: str, point: InsertionPoint) -> str:
    """Return the text without the numbers of its lines, as tools show them: ``12 | code``."""
    lines = text.strip("\n").split("\n")
    if point.is_prose or point.language in DATA or _NUMBERED.match(point.replaced):
        return text
    found = [match for line in lines if (match := _NUMBERED.match(line))]
    numbers = [int(each["number"]) for each in found]
    if len(found) != len(lines) or len(found) < 2 or len({each["sign"] for each in found}) > 1:
        return text
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return text
    bare = "\n".join(each["code"] for each in found)
    numbered, errors = point.errors_with(text), point.errors_with(bare)
    return bare if numbered is not None and errors is not None and errors < numbered else text


def begun_code(text: str, point: InsertionPoint) -> str:
    """Return the code of an answer whose rest is still to come: an estimate, for every piece of a stream."""
    text = strip_thoughts(text, point.prefix + point.suffix, markup=point.is_markup)
    for _ in range(_ROUNDS):
        before = text
        text = strip_opening_wrapper(after_opening(text, point), point)
        if not _expects_fences(point):
            text = _OPENING_FENCE.sub("", text)
        if text == before:
            break
    return text


def _expects_fences(point: InsertionPoint) -> bool:
    return point.language in PROSE or bool(point.inside)


def _unwrapped(text: str, point: InsertionPoint) -> str:
    """Strip tags, fences and talk, in whatever order they are around each other."""
    if point.language == "markdown":
        return _unwrap_markdown(text)
    for _ in range(_ROUNDS):
        before, text = text, strip_wrapping(text, point)
        if _expects_fences(point):
            return _unwrap_whole(text, point.language)
        block = _block_in_language(_cut_at_closing_fence(text, point), point)
        if block is not None:
            return strip_wrapping(_BLANK_LINES.sub("", block), point)
        text = _without_fences(text, point)
        if text == before:
            break
    return text


def _block_in_language(text: str, point: InsertionPoint) -> str | None:
    """Return the first fenced block in the language, else the first one; ``None`` without any."""
    found = fenced_blocks(text, point)
    # A model may show the code before and after its change.
    old = point.replaced.split()
    found = [block for block in found if block.code.split() != old] or found
    named = (b for b in found if same_language(b.language, point.language))
    return next(named, found[0]).code if found else None


def _without_fences(text: str, point: InsertionPoint) -> str:
    """Return the text without loose fences, and without the talk around the code."""
    text = _cut_at_closing_fence(text, point)
    if _EMPTY.fullmatch(text):
        return ""
    if "```" in text and not point.state_after(text.partition("```")[0]):
        text = _strip_loose_fences(text)
    return strip_talk(_strip_backticks(text, point), point)


def _cut_at_closing_fence(text: str, point: InsertionPoint) -> str:
    """Return the code before a lone fence: it closes a fence that the prompt opened, and talk follows it."""
    lines = text.split("\n")
    fences = [n for n, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) != 1 or lines[fences[0]].strip().strip("`~"):
        return text
    before = "\n".join(lines[: fences[0]])
    if not before.strip() or point.state_after(before + "\n"):
        return text
    # Talk before the fence: it opens the code.
    return before if after_opening(before + "\n", point).strip() else text


def fenced_blocks(text: str, point: InsertionPoint | None = None) -> list[FencedBlock]:
    """Return the top-level fenced blocks; an unclosed one ends with the text.

    A fence with a language opens a nested block; a bare fence closes the innermost one. A fence in a
    string or a comment of the answer is part of the code.
    """
    if "```" not in text and "~~~" not in text:
        return []
    found: list[FencedBlock] = []
    lines: list[str] = []
    opened: list[str] = []
    name, start = "", 0
    for line in text.split("\n"):
        at, start = start, start + len(line) + 1
        fence = _FENCE.match(line)
        if fence is None or (not opened and point is not None and point.state_after(text[:at])):
            lines.append(line)
            continue
        mark, info = fence.group(1), fence.group(2)
        closes = opened and not info and mark.startswith(opened[-1])
        if not opened:
            opened, name, lines = [mark], info.lower(), []
        elif closes and len(opened) == 1:
            found.append(FencedBlock(name, "\n".join(lines)))
            opened = []
        else:
            opened = opened[:-1] if closes else [*opened, mark] if info else opened
            lines.append(line)
    if opened and any(line.strip() for line in lines):
        found.append(FencedBlock(name, _strip_loose_fences("\n".join(lines))))
    return [block for block in found if block.code.strip()]


def _unwrap_whole(text: str, language: str) -> str:
    """Return the content of a fence around the whole text if it names the language or none."""
    lines = text.strip("\n").split("\n")
    first, last = _FENCE.match(lines[0]), _FENCE.match(lines[-1])
    if len(lines) < 3 or first is None or last is None or last.group(2):
        return text
    info = first.group(2).lower()
    named = info in ("", "text", "plaintext", "txt") or same_language(info, language)
    return "\n".join(lines[1:-1]) if named else text


def _unwrap_markdown(text: str) -> str:
    """Return the content of a Markdown fence if it encloses the whole text."""
    lines = text.strip("\n").split("\n")
    first, last = _FENCE.match(lines[0]), _FENCE.match(lines[-1])
    if len(lines) < 3 or first is None or last is None or first.group(2) not in ("md", "markdown"):
        return text
    return "\n".join(lines[1:-1])


def _strip_loose_fences(text: str) -> str:
    """Strip a fence at the very start or end of the text, even on a line with code."""
    text = re.sub(r"\A\s*```[\w+#-]*[ \t]*\n", "", text)
    text = _FENCE_ON_A_CODE_LINE.sub("", text.rstrip("\n")) if text.count("```") % 2 else text
    return re.sub(r"\n?[ \t]*```[ \t]*\n?\Z", "", text)


def _strip_backticks(text: str, point: InsertionPoint) -> str:
    """Strip single backticks around the whole text, for languages that have none."""
    bare = text.strip()
    if point.language in _NO_BACKTICKS and re.fullmatch(r"(`{1,2})[^`\n]+\1", bare):
        return bare.strip("`")
    return text
