"""An explanation as Markdown that is safe to show: no HTML, no images, no links but to the web.

What a model writes may be steered by the code it was shown. Editors render hovers with links that
can run commands, and load images. So outside of code every ``<`` that could begin a tag is escaped,
every image is turned into its text, and a link stays one only to an ``http(s)`` address. Only what
is code by any reading of CommonMark is left alone: fences at the margin, code spans on one line.
"""

from __future__ import annotations

import html
import re

from .characters import strip_hidden_characters
from .chat import strip_control_tokens, strip_thoughts

_FENCE = re.compile(r"^( {0,12})(`{3,}|~{3,})([^`\n]*)$")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\(\s*(?:(?:<|&lt;)(?P<angle>[^<>\n]*)>|(?P<bare>[^\s()<>\[\]]*))\)?")
_SAFE = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.*?)(?<!`)(?P=ticks)(?!`)")
_OPENING = re.compile(r"^( {0,3})(?=`{3,}[^`]*$|~{3,})")
_LONGEST = 60_000
_PASSES = 5


def clean_prose(text: str) -> str:
    """The Markdown of an explanation; empty for none. Doing it twice changes nothing."""
    # A fence that is closed at the end may be the end of an earlier one, which then is code as well.
    for _ in range(_PASSES):
        before, text = text, _cleaned(text)
        if text == before:
            break
    return text


def _cleaned(text: str) -> str:
    text = strip_control_tokens(strip_thoughts(strip_hidden_characters(text[:_LONGEST]))).strip()
    text = _unwrapped(text)
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
            parts += _prose(prose)
            prose = []
            # Moved to the margin: inside a list or quotation a fence may end where ours does not.
            fence = found.group(2)
            parts.append(fence + re.sub(r"[^\w+#.-]", "", found.group(3)))
        else:
            prose.append(line)
    parts += _prose(prose)
    if fence:
        parts.append(fence)
    return "\n".join(parts).strip()


def escape_markdown(text: str) -> str:
    """A name (a server on this machine may have given it) as text that Markdown leaves alone."""
    return re.sub(r"([\\`*\[\]<>&!])", r"\\\1", strip_hidden_characters(text))


def _closes(lines: list[str], mark: str) -> bool:
    return any(
        line.strip() and set(line.strip()) == {mark[0]} and len(line.strip()) >= len(mark)
        for line in lines
    )


def _unwrapped(text: str) -> str:
    """Without a fence round the whole answer."""
    found = re.fullmatch(r"```(?:markdown|md)[ \t]*\n(.*)\n```", text, re.DOTALL)
    return found.group(1).strip() if found else text


def _prose(lines: list[str]) -> list[str]:
    """Lines outside of fences, made safe; links may reach over a line's end."""
    if not lines:
        return []
    spans: list[str] = []
    kept: list[str] = []
    loose = False
    for line in lines:
        loose = loose and bool(line.strip())
        told = line if loose else _without_spans(line, spans)
        if told is None:
            loose, told = True, line
        kept.append(told)
    text = _plain("\n".join(kept))
    text = re.sub("\x00([0-9]+)\x00", lambda m: spans[int(m.group(1))], text)
    # What was taken out may leave the opening of a fence, whose end would be the next one's opening.
    found = text.split("\n")
    return [each if each in lines else _OPENING.sub(r"\1\\", each) for each in found]


def _without_spans(line: str, spans: list[str]) -> str | None:
    """The line with marks for its code spans; None where a backtick is left that may begin one."""
    if "`" not in line:
        return line
    if "\\`" in line:
        return None
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found.append(match.group())
        return f"\x00{len(spans) + len(found) - 1}\x00"

    marked = _SPAN.sub(keep, line)
    if "`" in marked:
        return None
    spans += found
    return marked


def _plain(text: str) -> str:
    text = re.sub(r"!+(?:\\?!)*\[", "[", text)
    text = _TAG.sub("&lt;", text)
    text = _LINK.sub(_checked, text)
    # A definition of a link, wherever it may stand: in a list, in a quotation, with a label over lines.
    return text.replace("]:", "]\\:")


def _checked(found: re.Match[str]) -> str:
    """A link as it is where it leads to the web; of others the text alone.

    The blank parts the text from what follows, which might be a target too.
    """
    target = found["angle"] if found["angle"] is not None else found["bare"]
    target = html.unescape(target or "")
    return found.group() if _SAFE.fullmatch(target) else "] "
