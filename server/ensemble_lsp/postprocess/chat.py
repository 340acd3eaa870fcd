"""What chat models put round code: thoughts, fences, a sentence before, an explanation after."""

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
_ABOUT = re.compile(
    r"\s*(?:This|The)\s+(?:\w+\s+){0,3}(?:code|function|snippet|program|script|method)\s+\w+s\s+\w+\s+\S"
)
"""An explanation in place of code, such as "This code defines a function"."""
_NO_BACKTICKS = frozenset(
    {"c", "cpp", "csharp", "java", "kotlin", "lua", "php", "python", "rust", "toml", "yaml"}
)


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """One fenced block."""

    language: str
    code: str


def strip_thoughts(text: str) -> str:
    """Without a leading ``<think>`` block; one that never ends leaves nothing."""
    while (found := _THOUGHT.match(text)) is not None and found.end():
        text = text[found.end() :]
    if "</think" in text or "</thought" in text or "</reasoning" in text:
        # Some servers cut the opening tag away.
        text = _LATE_THOUGHT.sub("", text, count=1)
    return text


def strip_control_tokens(text: str, around: str = "") -> str:
    """Up to a model's first control token, and without cursor marks.

    A mark that the document itself holds (``around``) is its own code, and stays.
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
    """Whether the model says that it will not."""
    return language not in ("markdown", "plaintext") and _REFUSAL.match(text) is not None


def extract_code(text: str, language: str, *, prose: bool = False) -> str:
    """The code alone: the first fenced block in the language; else without the talk round it.

    ``prose``: the place is a comment or a string, where sentences are what is wanted.
    """
    if language == "markdown":
        return _unwrap_whole(text)
    text = _before_closing_fence(text)
    found = fenced_blocks(text)
    if found:
        named = (b for b in found if same_language(b.language, language))
        return next(named, found[0]).code
    if _EMPTY.fullmatch(text):
        return ""
    if "```" in text:
        text = _loose_fences(text)
    if prose:
        return text
    if language not in _PROSE and _ABOUT.match(text):
        return ""
    return _without_talk(_unticked(text, language))


def _before_closing_fence(text: str) -> str:
    """Up to a lone fence below code: it closes what a prompt opened, and talk follows it."""
    lines = text.split("\n")
    fences = [n for n, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) != 1 or lines[fences[0]].strip().strip("`~"):
        return text
    before = "\n".join(lines[: fences[0]])
    return before if before.strip() and not _OPENING.match(before + "\n") else text


def fenced_blocks(text: str) -> list[FencedBlock]:
    """The fenced blocks at the top level; one that is not closed ends with the text.

    A line with a language opens a block inside a block; a bare fence closes the innermost.
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
        found.append(FencedBlock(name, _loose_fences("\n".join(lines))))
    return [block for block in found if block.code.strip()]


def _unwrap_whole(text: str) -> str:
    """Markdown: the content of a fence only where it holds all there is."""
    lines = text.strip("\n").split("\n")
    first, last = _FENCE.match(lines[0]), _FENCE.match(lines[-1])
    if len(lines) < 3 or first is None or last is None or first.group(2) not in ("md", "markdown"):
        return text
    return "\n".join(lines[1:-1])


def _loose_fences(text: str) -> str:
    """Without a fence that stands at the very beginning or end, perhaps on a line with code."""
    text = re.sub(r"\A\s*```[\w+#-]*[ \t]*\n", "", text)
    return re.sub(r"\n?[ \t]*```[ \t]*\n?\Z", "", text)


def _unticked(text: str, language: str) -> str:
    """Without single backticks round the whole, in languages that have none."""
    bare = text.strip()
    if language in _NO_BACKTICKS and re.fullmatch(r"`[^`\n]+`", bare):
        return bare[1:-1]
    return text


def _without_talk(text: str) -> str:
    opening = _OPENING.match(text)
    if opening is not None:
        text = text[opening.end() :].lstrip("\n")
    for closing in _CLOSING.finditer(text):
        before = text[: closing.start()]
        # Only a paragraph of its own after a blank line is talk; a first line that reads like talk
        # may be all there is.
        if before.strip() and re.search(r"\n[ \t]*\n\Z", before):
            return before.rstrip()
    return text
