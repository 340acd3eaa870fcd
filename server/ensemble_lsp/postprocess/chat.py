"""Extracts code from a chat model's answer: thoughts, fences, an introduction, an explanation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..languages import same_language

_THOUGHT = re.compile(
    r"\A\s*<(think|thinking|thought|reasoning|analysis)>.*?(?:</\1>[ \t]*\n*|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LATE_THOUGHT = re.compile(r"\A.*?</(?:think|thinking|thought|reasoning)>[ \t]*\n*", re.DOTALL)
_MARKERS = re.compile(
    r"<\|(?:endoftext|end_of_text|eot_id|im_end|im_start|eom_id|file_sep|file_separator|repo_name"
    r"|fim_prefix|fim_suffix|fim_middle|fim_pad|fim_begin|fim_hole|fim_end|end|assistant|user)\|>"
    r"|<fim_(?:prefix|suffix|middle|pad)>|<file_sep>|<｜[^｜\n]{1,40}｜>|</s>|<EOT>|<(?:PRE|SUF|MID|EOM)>"
    r"|\[(?:PREFIX|SUFFIX|MIDDLE)\]"
)
_CURSOR = re.compile(
    r"<\|?/?\s*(?:cursor|caret|fill|fill_here|complete_here|insert_here|hole)\s*/?\|?>|\[CURSOR\]|█",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`\n]*$")
_EMPTY = re.compile(r"(?:[^`]*:)?\s*```[\w+#-]*\s*(?:```[^`]*)?")
_OPENING = re.compile(
    r"""\A\s*(?-i:(?=[A-Z]))(?:
      (?:sure|certainly|of\ course|absolutely|okay|ok|great|yes|understood)\b[^\n]{0,200}
    | here(?:'s|\ is|\ are|\ you\ go)\b[^\n]{0,200}
    | (?:below|the\ following)\ (?:is|are|code)\b[^\n]{0,200}
    | (?:i(?:'ve|\ have|'ll|\ will)|let\ me|you\ can|to\ (?:complete|implement|do))\b
        [^\n]{0,200}[:.!]
    | the\ (?:completed?|missing|updated|corrected|full|final|next|rest|code|function|implementation
        |completion|answer|solution)\b[^\n]{0,200}[:.]
    | (?:completion|answer|solution|output|code|completed\ code|python|javascript|typescript)\s*:
    )[ \t]*(?:\n|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)
_CLOSING = re.compile(
    r"""^(?-i:(?=[A-Z*\#]))(?:(?:\*\*|\#+\ )?
        (?:explanation|notes?|how\ it\ works|usage|example\ usage|output|key\ points)(?:\*\*)?
        \s*:(?:\*\*)?[^\n]*
    | (?:this|the\ above|the)\ (?:code|function|implementation|completion|solution|snippet
        |method|class|approach)\b[^\n]*
    | (?:in\ this|i've|i\ have|i\ hope|let\ me\ know|note\ that|please\ note|feel\ free
        |hope\ this)\b[^\n]*
    | (?:here's|here\ is|here\ are)\b[^\n]*[:.])$""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_REFUSAL = re.compile(
    r"\A\s*(?:i(?:'m| am)\s+(?:sorry|unable|not able)|sorry,|i (?:cannot|can't|can not)\b"
    r"|as an ai\b|i apologi[sz]e)",
    re.IGNORECASE,
)
_PROSE = frozenset({"", "plaintext", "latex", "restructuredtext", "git-commit"})
_DESCRIPTION = re.compile(
    r"\s*(?:This|The)\s+(?:\w+\s+){0,3}(?:code|function|snippet|program|script|method)\s+\w+s\s+\w+\s+\S"
)
"""An explanation instead of code, such as "This code defines a function"."""
_NO_BACKTICKS = frozenset(
    {"c", "cpp", "csharp", "java", "kotlin", "lua", "php", "python", "rust", "toml", "yaml"}
)


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """A fenced block."""

    language: str
    code: str


def strip_thoughts(text: str) -> str:
    """Strip a leading ``<think>`` block; an unclosed one leaves nothing."""
    while (found := _THOUGHT.match(text)) is not None and found.end():
        text = text[found.end() :]
    if "</think" in text or "</thought" in text or "</reasoning" in text:
        # Some servers strip the opening tag.
        text = _LATE_THOUGHT.sub("", text, count=1)
    return text


def strip_control_tokens(text: str, around: str = "") -> str:
    """Return the text up to the model's first control token, without cursor marks.

    A mark that is part of the document (``around``) is code, and is kept.
    """
    for found in _MARKERS.finditer(text):
        if found.group() in around:
            continue
        if text[: found.start()].strip() or found.group() in ("</s>", "<EOT>"):
            text = text[: found.start()]
        else:
            return strip_control_tokens(text[found.end() :], around)
        break
    return _CURSOR.sub(lambda m: m.group() if m.group() in around else "", text)


def is_refusal(text: str, language: str) -> bool:
    """Return whether the model refuses."""
    return language not in ("markdown", "plaintext") and _REFUSAL.match(text) is not None


def extract_code(text: str, language: str, *, prose: bool = False) -> str:
    """Return the first fenced block in the language, else the text without the talk around it.

    ``prose``: the place is a comment or a string, where sentences are expected.
    """
    if language == "markdown":
        return _unwrap_markdown(text)
    text = _cut_at_closing_fence(text)
    found = fenced_blocks(text)
    if found:
        named = (b for b in found if same_language(b.language, language))
        return next(named, found[0]).code
    if _EMPTY.fullmatch(text):
        return ""
    if "```" in text:
        text = _strip_loose_fences(text)
    if prose:
        return text
    if language not in _PROSE and _DESCRIPTION.match(text):
        return ""
    return _strip_talk(_strip_backticks(text, language))


def _cut_at_closing_fence(text: str) -> str:
    """Return the code before a lone fence: it closes a fence that the prompt opened, and talk follows it."""
    lines = text.split("\n")
    fences = [n for n, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) != 1 or lines[fences[0]].strip().strip("`~"):
        return text
    before = "\n".join(lines[: fences[0]])
    return before if before.strip() and not _OPENING.match(before + "\n") else text


def fenced_blocks(text: str) -> list[FencedBlock]:
    """Return the top-level fenced blocks; an unclosed one ends with the text.

    A fence with a language opens a nested block; a bare fence closes the innermost one.
    """
    if "```" not in text and "~~~" not in text:
        return []
    found: list[FencedBlock] = []
    lines: list[str] = []
    opened: list[str] = []
    name = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence is None:
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
    return re.sub(r"\n?[ \t]*```[ \t]*\n?\Z", "", text)


def _strip_backticks(text: str, language: str) -> str:
    """Strip single backticks around the whole text, for languages that have none."""
    bare = text.strip()
    if language in _NO_BACKTICKS and re.fullmatch(r"`[^`\n]+`", bare):
        return bare[1:-1]
    return text


def _strip_talk(text: str) -> str:
    opening = _OPENING.match(text)
    if opening is not None:
        text = text[opening.end() :].lstrip("\n")
    for closing in _CLOSING.finditer(text):
        before = text[: closing.start()]
        # Only a paragraph after a blank line is talk; a first line that reads like talk may be
        # the whole answer.
        if before.strip() and re.search(r"\n[ \t]*\n\Z", before):
            return before.rstrip()
    return text
