"""An explanation without the signs of Markdown, for editors that show them as they are."""

from __future__ import annotations

import html
import re

_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")
_RULE = re.compile(r"\s*([-*_])(\s*\1){2,}\s*")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*$")
_INLINE = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.{1,400}?)(?<!`)(?P=ticks)(?!`)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?<![\w*])\*\*(?=\S)(?P<bold>.{1,400}?)(?<=\S)\*\*(?!\w)"
    r"|(?<![\w*])\*(?=[^\s*])(?P<emphasis>[^*]+?)(?<=[^\s*])\*(?![\w*])"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<target>[^()\s]+)\)"
)


def plain_text(markdown: str) -> str:
    """Return the text of safe Markdown. Code keeps its characters, and a link its address."""
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        found = _FENCE.fullmatch(line)
        if fence and line.rstrip() and set(line.rstrip()) == {fence[0]} and len(line) >= len(fence):
            fence = ""
        elif fence:
            lines.append(line)
        elif found:
            fence = found[1]
        elif not _RULE.fullmatch(line):
            heading = _HEADING.match(line)
            lines.append(_inline(heading[1] if heading else line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _inline(text: str) -> str:
    parts: list[str] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts += [html.unescape(text[end : found.start()]), _text_of(found)]
        end = found.end()
    return "".join([*parts, html.unescape(text[end:])])


def _text_of(found: re.Match[str]) -> str:
    if found["code"]:
        return found["code"]
    if found["escaped"]:
        return found["escaped"]
    if found["label"]:
        label, target = _inline(found["label"]), found["target"]
        return label if label == target else f"{label} ({target})"
    return _inline(found["bold"] or found["emphasis"])
