"""Makes an explanation safe to show as Markdown: no HTML, no images, only web links.

The explained code may steer the model's text, and editors render hovers with command links and images.
Outside of code, every ``<`` that could begin a tag is escaped, every image becomes its text, and only
``http(s)`` links remain. Code means code by any reading of CommonMark: fences at the margin, and code
spans on one line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection

from .characters import join_surrogates, strip_hidden_characters
from .control_marks import strip_control_tokens
from .prose_lines import reads_as_sentence
from .thoughts import strip_thoughts

_FENCE = re.compile(r"^( {0,12})(`{3,}|~{3,})([^`\n]*)$")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\(\s*(?:(?:<|&lt;)(?P<angle>[^<>\n]*)>|(?P<bare>[^\s()<>\[\]]*))\)?")
_SAFE = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.*?)(?<!`)(?P=ticks)(?!`)")
_OPENING = re.compile(r"^( {0,3})(?=`{3,}[^`]*$|~{3,})")
_MAX_LENGTH = 60_000
_MAX_PASSES = 5


def clean_prose(text: str, tokens: Collection[str] = ()) -> str:
    """Return the safe Markdown of an explanation, without thoughts; empty for none.

    ``tokens`` are the model's control tokens.
    """
    text = strip_thoughts(join_surrogates(text[:_MAX_LENGTH]))
    return safe_markdown(strip_control_tokens(text, tokens))


def safe_markdown(text: str) -> str:
    """Return Markdown without HTML, images and links to anything but the web. Idempotent."""
    # Closing a fence at the end may pair it with an earlier one and make that code as well.
    for _ in range(_MAX_PASSES):
        before, text = text, _cleaned(text)
        if text == before:
            break
    return text


def _cleaned(text: str) -> str:
    text = strip_hidden_characters(text[:_MAX_LENGTH]).strip()
    text = _strip_outer_fence(text)
    parts: list[str] = []
    prose: list[str] = []
    fence = ""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            bare = line.strip()
            if bare and set(bare) == {fence[0]} and len(bare) >= len(fence):
                parts.append(fence)
                fence = ""
            else:
                parts.append(line)
        elif found and (not found.group(1) or _closes(lines[number + 1 :], found.group(2))):
            parts += _safe_prose(prose)
            prose = []
            # Moved to the margin: inside a list or quotation, a fence may end elsewhere.
            fence = found.group(2)
            parts.append(fence + re.sub(r"[^\w+#.-]", "", found.group(3)))
        else:
            prose.append(line)
    parts += _safe_prose(prose)
    if fence:
        parts.append(fence)
    return "\n".join(parts).strip()


def escape_markdown(text: str) -> str:
    """Escape a name, which may come from a server on this machine, for Markdown."""
    return re.sub(r"([\\`*\[\]<>&!])", r"\\\1", strip_hidden_characters(text))


def _closes(lines: list[str], mark: str) -> bool:
    return any(
        line.strip() and set(line.strip()) == {mark[0]} and len(line.strip()) >= len(mark)
        for line in lines
    )


def _strip_outer_fence(text: str) -> str:
    """Strip a fence around the whole answer."""
    found = re.fullmatch(r"```(markdown|md|text|txt|plaintext|)[ \t]*\n(.*)\n```", text, re.DOTALL)
    if found is None:
        return text
    inside = found[2].strip()
    # Without the name of Markdown it may be code.
    named = found[1] in ("markdown", "md")
    prose = "```" not in inside and reads_as_sentence(inside.partition("\n")[0])
    return inside if named or prose else text


def _safe_prose(lines: list[str]) -> list[str]:
    """Make lines outside of fences safe; a link may span a line end."""
    if not lines:
        return []
    spans: list[str] = []
    kept: list[str] = []
    loose = False
    for line in lines:
        loose = loose and bool(line.strip())
        marked = line if loose else _mark_code_spans(line, spans)
        if marked is None:
            loose, marked = True, line
        kept.append(marked)
    text = _escape_prose("\n".join(kept))
    text = re.sub("\x00([0-9]+)\x00", lambda m: spans[int(m.group(1))], text)
    # Escaping may leave the opening of a fence, which the next fence would close.
    found = text.split("\n")
    return [each if each in lines else _OPENING.sub(r"\1\\", each) for each in found]


def _mark_code_spans(line: str, spans: list[str]) -> str | None:
    """Replace code spans by marks; ``None`` if a remaining backtick may begin one."""
    if "`" not in line:
        return line
    if "\\`" in line:
        return None
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found.append(match.group())
        return f"\x00{len(spans) + len(found) - 1}\x00"

    replaced = _SPAN.sub(keep, line)
    if "`" in replaced:
        return None
    spans += found
    return replaced


def _escape_prose(text: str) -> str:
    text = re.sub(r"!+(?:\\?!)*\[", "[", text)
    text = _TAG.sub("&lt;", text)
    text = _LINK.sub(_safe_link, text)
    # A link definition, anywhere: in a list, in a quotation, with a label over several lines.
    return text.replace("]:", "]\\:")


def _safe_link(found: re.Match[str]) -> str:
    """Return a web link unchanged, and of others the text alone.

    The trailing blank separates the text from what follows, which could become a target.
    """
    target = found["angle"] if found["angle"] is not None else found["bare"]
    target = html.unescape(target or "")
    return found.group() if _SAFE.fullmatch(target) else "] "
