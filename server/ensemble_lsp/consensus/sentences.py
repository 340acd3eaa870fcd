"""Split Markdown into blocks of sentences that can be joined again.

Fenced blocks, headings, tables and quotations stay whole; paragraphs and list items contain sentences. A full stop
in an abbreviation, a number, a name or a code span does not end a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["paragraph", "item", "fence", "heading", "whole"]

_FENCE = re.compile(r"^\s*(```+|~~~+)")
_ITEM = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+)(.*)$")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s|^\s{0,3}(?:\*\*|__)[^*_]+(?:\*\*|__):?\s*$")
_WHOLE = re.compile(r"^\s*(?:\||>|\$\$|<\w|---+\s*$|\*\*\*+\s*$)")
_END = re.compile(r"""[.!?…]+["'”’)\]*_]*(?=\s+["'“‘(\[*_`]*[A-Z0-9`\u00C0-\u024F])|[。！？]""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|resp|incl|no|nos|fig|eq|sec|ch|vol|pp?|dr|mr|mrs|ms|prof"
    r"|st|jr|sr|inc|ltd|co|corp|dept|est|max|min|ver|v)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_MAYBE_LAST = re.compile(r"\b(?:etc|al|inc|ltd|co|corp|jr|sr)\.$", re.IGNORECASE)
_SPAN = re.compile(r"(`+)(?:(?!\1).)+?\1|\[[^\]]*\]\([^)]*\)", re.DOTALL)


@dataclass(slots=True)
class MarkdownBlock:
    """A block of Markdown with its sentences; a whole block has no sentences."""

    kind: BlockKind
    raw: str
    prefix: str = ""
    """Indentation and marker of a list item."""
    sentences: list[str] = field(default_factory=list[str])
    blank_before: bool = False


def split_blocks(markdown: str) -> list[MarkdownBlock]:
    """Split Markdown into blocks."""
    blocks: list[MarkdownBlock] = []
    lines = markdown.strip("\n").split("\n")
    index, blank = 0, False
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            blank = True
            index += 1
            continue
        count, block = _block_at(lines, index)
        block.blank_before = blank
        blank = False
        blocks.append(block)
        index += count
    return blocks


def split_sentences(text: str) -> list[str]:
    """Split a paragraph into sentences with their full stops; never inside code spans and links."""
    text = " ".join(text.split())
    guarded = [m.span() for m in _SPAN.finditer(text)]
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if any(a < end < b for a, b in guarded):
            continue
        head = text[start : match.start() + 1]
        if _ABBREVIATION.search(head) and not _MAYBE_LAST.search(head):
            continue
        if re.fullmatch(r"\(?\d+[.)]", head.strip()):
            continue
        sentences.append(text[start:end].strip())
        start = end
    if rest := text[start:].strip():
        sentences.append(rest)
    return sentences


def _block_at(lines: list[str], index: int) -> tuple[int, MarkdownBlock]:
    """Return the number of lines and the block that begins at a line."""
    line = lines[index]
    if fence := _FENCE.match(line):
        return _fenced(lines, index, fence[1])
    if _HEADING.match(line):
        return 1, MarkdownBlock("heading", line)
    if _WHOLE.match(line):
        end = index + 1
        while end < len(lines) and _WHOLE.match(lines[end]):
            end += 1
        return end - index, MarkdownBlock("whole", "\n".join(lines[index:end]))
    item = _ITEM.match(line)
    end = index + 1
    while end < len(lines) and _continues(lines[end]):
        end += 1
    raw = "\n".join(lines[index:end])
    body = [item[2] if item else line, *lines[index + 1 : end]]
    sentences = split_sentences(" ".join(body))
    if item:
        return end - index, MarkdownBlock("item", raw, item[1], sentences)
    return end - index, MarkdownBlock("paragraph", raw, "", sentences)


def _fenced(lines: list[str], index: int, mark: str) -> tuple[int, MarkdownBlock]:
    end = index + 1
    while end < len(lines) and not lines[end].strip().startswith(mark):
        end += 1
    end = min(len(lines), end + 1)
    return end - index, MarkdownBlock("fence", "\n".join(lines[index:end]))


def _continues(line: str) -> bool:
    starts = (_FENCE, _ITEM, _HEADING, _WHOLE)
    return bool(line.strip()) and not any(pattern.match(line) for pattern in starts)
