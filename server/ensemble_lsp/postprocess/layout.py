"""The layout of code: its indentation, the end of its block, truncated lines."""

from __future__ import annotations

import re

from ..syntax.indentation import indent_of
from .quotes import string_lines

_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|static|async|pub|abstract|final|override)\s+)*"
    r"(?:def|class|function|fn|func|fun|interface|struct|impl|trait|module|enum)\b"
)
_TYPE = re.compile(r"[^(=]*\b(?:class|interface|struct|impl|trait|module|enum)\b")
_CLOSER = re.compile(
    r"\s*(?:[)\]}]|end\b|else\b|elif\b|elsif\b|except\b|catch\b|finally\b|rescue\b)"
)
_BLOCK = re.compile(
    r"\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b"
    r".*:\s*(?:#.*)?$|.*\{\s*(?://.*)?$"
)
_OPENER = re.compile(r"(?:[:{(\[]|=>|->|\bdo|\bthen|\belse)\s*(?:#.*|(?<!:)//.*)?$")
_COMMENT = re.compile(r"\s*(?:#\s|//|--\s|/\*)")
"""A comment of some language; ``#main {`` and ``* {`` of CSS open a block."""
_LABEL = re.compile(r"\s*(?:[)\]}]|end\b|case\b|default\s*:|when\b|else\b|\w+\s*:$)")
"""At the level of the line that opens its block."""
_LEAVES = re.compile(r"\s*(?:return|raise|throw|break|continue)\b")
_ENDS_FLOW = re.compile(r"\s*(?:return|raise|throw|break|continue|pass)\b")


def fit_indentation(text: str, prefix: str, unit: str) -> str:
    """Return the text with the indentation that its place needs; ``unit`` is one level.

    Models often repeat the indentation before the cursor, or write none.
    """
    above, _, head = prefix.rpartition("\n")
    if head.strip() or not text.strip():
        return text
    lead = indent_of(text.lstrip("\n"))
    last = next((line for line in reversed(above.split("\n")) if line.strip()), "")
    level = _level(last, unit)
    if head and lead.startswith(head) and len(head) >= level and not _continues(last):
        # The indentation before the cursor, repeated; then every line has all of it.
        return _dedent_to(text, lead, head)
    if lead:
        moved = head.startswith(lead) and len(head) >= level and not _continues(last)
        return _moved_to(text, lead, head) if moved else text
    if head:
        return _indent_rest(text, head)
    if level and _BLOCK.match(last):
        return indent_lines(text, indent_of(last) + unit)
    return text


def indent_lines(text: str, indent: str) -> str:
    """Indent every non-blank line."""
    return "\n".join(indent + line if line.strip() else line for line in text.split("\n"))


def dedent_lines(text: str) -> str:
    """Dedent the text by its smallest indentation."""
    lines = text.split("\n")
    body = [line for line in lines if line.strip()]
    if not body:
        return ""
    margin = min(len(indent_of(line)) for line in body)
    return "\n".join(line[margin:] if line.strip() else "" for line in lines)


def cut_at_block_end(text: str, prefix: str, suffix: str, language: str = "") -> str:
    """Cut the text where the code leaves the cursor's function or class; lines in strings do not.

    Also cut before a line that is less indented than the code after the cursor: that code would
    otherwise belong to another block.
    """
    lines = text.split("\n")
    head = prefix.rpartition("\n")[2]
    floor = _floor(prefix, head + lines[0])
    below = next((line for line in suffix.partition("\n")[2].split("\n") if line.strip()), "")
    joined = suffix.partition("\n")[0].strip() or _continues(text)
    following = 0 if joined else len(indent_of(below))
    quoted = string_lines(lines, language, head) if re.search(r"[\"'`]|<<", text) else set[int]()
    for number, line in enumerate(lines[1:], 1):
        if not line.strip() or number in quoted:
            continue
        depth = len(indent_of(line))
        if depth <= floor and not (depth == floor and _CLOSER.match(line)):
            return "\n".join(lines[:number])
        leaves = depth < following and not _CLOSER.match(line)
        if leaves and not _ends_with_opener(lines[number:], following):
            opens = len(indent_of(head + lines[0])) < following
            return "\n".join(
                lines[: _next_block_opener(lines, number, following) if opens else number]
            )
    # Code below that itself leaves the block may be intended: "return x" in a branch, then "break".
    hangs = following and not _LEAVES.match(below)
    return "\n".join(_strip_early_exit(lines, following)) if hangs else text


def _next_block_opener(lines: list[str], number: int, depth: int) -> int:
    """Return the end of the first following line that opens a block of that depth, for the code below."""
    for end in range(number + 1, len(lines)):
        inside = next((line for line in lines[end:] if line.strip()), "")
        if _OPENER.search(lines[end - 1]) and len(indent_of(inside)) == depth:
            return end
    return number


def _strip_early_exit(lines: list[str], following: int) -> list[str]:
    """Strip a last line that leaves the block while the code below continues it: that code would be dead."""
    last = next((n for n in range(len(lines) - 1, 0, -1) if lines[n].strip()), 0)
    line = lines[last]
    closed = sum(map(line.count, "([{")) == sum(map(line.count, ")]}"))
    leaves = len(indent_of(line)) == following and closed and _LEAVES.match(line)
    return lines[:last] if last and leaves and any(map(str.strip, lines[:last])) else lines


def limit_lines(text: str, lines: int) -> tuple[str, bool]:
    """Return at most that many lines, and whether there were more."""
    parts = text.split("\n")
    start = next((n for n, line in enumerate(parts) if line.strip()), 0)
    if len(parts) - start <= lines or not any(line.strip() for line in parts[start + lines :]):
        return text, False
    return "\n".join(parts[: start + lines]), True


def strip_last_line(text: str) -> str:
    """Strip a truncated last line; a single line is kept."""
    body, newline, last = text.rpartition("\n")
    return body if newline and last.strip() and body.strip() else text


def strip_block_openers(text: str) -> str:
    """Strip last lines that open a truncated block; a single line is kept."""
    while "\n" in text.strip() and _OPENER.search(text.rstrip()):
        text = text.rstrip().rpartition("\n")[0]
    return text


def opens_block(line: str) -> bool:
    """Return whether a line opens a block or a bracket that the next line is in."""
    return _OPENER.search(line) is not None and _COMMENT.match(line) is None


def is_definition(line: str) -> bool:
    """Return whether a line begins a function or a type."""
    return _DEFINITION.match(line) is not None


def is_function(*lines: str) -> bool:
    """Return whether each line begins a function."""
    return all(is_definition(line) and not _TYPE.match(line) for line in lines)


def _level(last: str, unit: str) -> int:
    """Return the indentation of code after that line, in characters."""
    depth = len(indent_of(last))
    return depth + len(unit) if opens_block(last) else depth


def _continues(last: str) -> bool:
    """Return whether an expression continues on the next line, so that any indentation may be right."""
    return last.rstrip().endswith((",", "\\", "+", "|", "&", "and", "or"))


def _dedent_to(text: str, lead: str, head: str) -> str:
    """Strip the first line's indentation, and dedent the others by the excess."""
    deep = len(lead) - len(head)
    first, newline, rest = text[len(lead) :].partition("\n")
    lines = [line[deep:] if line.startswith(lead) else line for line in rest.split("\n")]
    return first + newline + "\n".join(lines)


def _moved_to(text: str, lead: str, head: str) -> str:
    """Move a text that was written at a smaller indentation to the cursor's."""
    lines = text[len(lead) :].split("\n")
    if not all(line.startswith(lead) for line in lines[1:] if line.strip()):
        return text
    rest = [head + line[len(lead) :] if line.strip() else line for line in lines[1:]]
    return "\n".join([lines[0], *rest])


def _indent_rest(text: str, head: str) -> str:
    """Indent lines that were written as if the cursor were at the left margin."""
    first, newline, rest = text.partition("\n")
    body = [line for line in rest.split("\n") if line.strip()]
    if not newline or not body:
        return text
    second = body[0]
    if len(indent_of(second)) > len(head) or (indent_of(second) == head and _LABEL.match(second)):
        return text
    relative = opens_block(first) if indent_of(second) else _is_next_statement(first, second, rest)
    return first + newline + indent_lines(rest, head) if relative else text


def _is_next_statement(first: str, second: str, rest: str) -> bool:
    """Return whether a line at the margin is the next statement, not code below the block."""
    if re.match(r"[)\]}]|end\b", second):
        return False
    if (
        rest.startswith("\n")
        or _DEFINITION.match(second)
        or second.startswith(("@", "if __name__"))
    ):
        return False
    return not _ENDS_FLOW.match(first)


def _floor(prefix: str, line: str) -> int:
    """Return the indentation of the definition that a completion must not leave; −1 at the top level.

    From a nested function the code may continue in the outer one; from a method or a top-level function
    it may not.
    """
    depth = len(indent_of(line)) if line.strip() else 1 << 20
    floor = depth if _DEFINITION.match(line) else -1
    for above in reversed(prefix.split("\n")[:-1]):
        if not above.strip() or above.lstrip().startswith(("#", "//", "*", "@")):
            continue
        indent = len(indent_of(above))
        if indent >= depth:
            continue
        depth = indent
        if _DEFINITION.match(above):
            if floor >= 0 and _TYPE.match(above):
                return floor
            floor = indent
    return floor


def _ends_with_opener(lines: list[str], depth: int) -> bool:
    """Return whether the last line opens a block that the code below can be part of."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return bool(_OPENER.search(last)) or len(indent_of(last)) >= depth
