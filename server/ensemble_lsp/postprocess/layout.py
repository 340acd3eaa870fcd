"""Where code stands: its indentation at the place, the end of its block, lines cut off."""

from __future__ import annotations

import re

from ..syntax.indentation import indent_of, indent_unit

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
_OPENER = re.compile(r"(?:[:{(\[]|=>|->|\bdo|\bthen|\belse)\s*(?:#.*|//.*)?$")
_LEAVES = re.compile(r"\s*(?:return|raise|throw|break|continue)\b")
_ENDS_FLOW = re.compile(r"\s*(?:return|raise|throw|break|continue|pass)\b")


def fit_indentation(text: str, prefix: str, language: str) -> str:
    """The text with the indentation its place wants.

    Models often write the indentation that stands before the cursor again, or none at all.
    """
    above, _, head = prefix.rpartition("\n")
    if head.strip() or not text.strip():
        return text
    lead = indent_of(text) if not text.startswith("\n") else ""
    last = next((line for line in reversed(above.split("\n")) if line.strip()), "")
    level = _level(last, above, language)
    if head and lead.startswith(head) and len(head) >= level and not _continues(last):
        # The indentation before the cursor, written twice. Then all lines carry the whole of it.
        return _moved_out(text, lead, head)
    if lead:
        return text
    if head:
        return _shifted(text, head)
    if level and _BLOCK.match(last):
        return indent_lines(text, indent_of(last) + _unit(last, above, language))
    return text


def indent_lines(text: str, indent: str) -> str:
    """Every line that holds anything, moved in."""
    return "\n".join(indent + line if line.strip() else line for line in text.split("\n"))


def dedent_lines(text: str) -> str:
    """The text moved out as far as its lines allow; a first line without indentation stays out."""
    lines = text.split("\n")
    body = [line for line in lines if line.strip()]
    if not body:
        return ""
    margin = min(len(indent_of(line)) for line in body)
    return "\n".join(line[margin:] if line.strip() else "" for line in lines)


def cut_at_block_end(text: str, prefix: str, suffix: str) -> str:
    """The text up to where the code leaves the function or class the cursor is in.

    It also ends before a line that is less indented than the code after the cursor: that code would
    otherwise hang under something else.
    """
    lines = text.split("\n")
    head = prefix.rpartition("\n")[2]
    floor = _floor(prefix, head + lines[0])
    below = next((line for line in suffix.partition("\n")[2].split("\n") if line.strip()), "")
    joined = suffix.partition("\n")[0].strip() or _continues(text)
    following = 0 if joined else len(indent_of(below))
    for number, line in enumerate(lines[1:], 1):
        if not line.strip():
            continue
        depth = len(indent_of(line))
        if depth <= floor and not (depth == floor and _CLOSER.match(line)):
            return "\n".join(lines[:number])
        leaves = depth < following and not _CLOSER.match(line)
        if leaves and not _returns_to(lines[number:], following):
            opens = len(indent_of(head + lines[0])) < following
            return "\n".join(lines[: _opened(lines, number, following) if opens else number])
    # Code below that leaves by itself may well be meant: "return x" in a branch, then "break".
    hangs = following and not _LEAVES.match(below)
    return "\n".join(_reaching(lines, following)) if hangs else text


def _opened(lines: list[str], number: int, depth: int) -> int:
    """From a line on, the end of the first that opens a block of that depth: the code below stands in it already."""
    for end in range(number + 1, len(lines)):
        inside = next((line for line in lines[end:] if line.strip()), "")
        if _OPENER.search(lines[end - 1]) and len(indent_of(inside)) == depth:
            return end
    return number


def _reaching(lines: list[str], following: int) -> list[str]:
    """Without a last line that leaves the block where the code below it goes on: nothing would reach it."""
    last = next((n for n in range(len(lines) - 1, 0, -1) if lines[n].strip()), 0)
    line = lines[last]
    closed = sum(map(line.count, "([{")) == sum(map(line.count, ")]}"))
    leaves = len(indent_of(line)) == following and closed and _LEAVES.match(line)
    return lines[:last] if last and leaves and any(map(str.strip, lines[:last])) else lines


def limit_lines(text: str, lines: int) -> tuple[str, bool]:
    """At most that many lines, and whether there were more."""
    parts = text.split("\n")
    start = next((n for n, line in enumerate(parts) if line.strip()), 0)
    if len(parts) - start <= lines or not any(line.strip() for line in parts[start + lines :]):
        return text, False
    return "\n".join(parts[: start + lines]), True


def strip_last_line(text: str) -> str:
    """Without a last line that was cut off; a lone line is kept as it is."""
    body, newline, last = text.rpartition("\n")
    return body if newline and last.strip() and body.strip() else text


def strip_block_openers(text: str) -> str:
    """Without last lines that open a block which was cut off; a lone line is kept as it is."""
    while "\n" in text.strip() and _OPENER.search(text.rstrip()):
        text = text.rstrip().rpartition("\n")[0]
    return text


def _level(last: str, above: str, language: str) -> int:
    """How far code after that line is moved in, in characters."""
    depth = len(indent_of(last))
    return depth + len(_unit(last, above, language)) if _OPENER.search(last) else depth


def _unit(last: str, above: str, language: str) -> str:
    return indent_unit(above.split("\n")[-80:], language) if _OPENER.search(last) else ""


def _continues(last: str) -> bool:
    """Whether an expression goes on over the line's end, so that any indentation may be right."""
    return last.rstrip().endswith((",", "\\", "+", "|", "&", "and", "or"))


def _moved_out(text: str, lead: str, head: str) -> str:
    """A first line without its indentation, the others moved out as far as it stood too deep."""
    deep = len(lead) - len(head)
    first, newline, rest = text[len(lead) :].partition("\n")
    lines = [line[deep:] if line.startswith(lead) else line for line in rest.split("\n")]
    return first + newline + "\n".join(lines)


def _shifted(text: str, head: str) -> str:
    """Lines written as if the cursor stood at the left margin, moved to where it stands."""
    first, newline, rest = text.partition("\n")
    body = [line for line in rest.split("\n") if line.strip()]
    if not newline or not body:
        return text
    second = body[0]
    if len(indent_of(second)) > len(head):
        return text
    relative = _OPENER.search(first) if indent_of(second) else _goes_on(first, second, rest)
    return first + newline + indent_lines(rest, head) if relative else text


def _goes_on(first: str, second: str, rest: str) -> bool:
    """Whether a line at the margin is the next statement, not the code below the block."""
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
    """The indentation of the definition a completion may not leave; −1 at the outermost level.

    From a function in a function the code may go on in the outer one; from a method, or a function
    of the module, it may not.
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


def _returns_to(lines: list[str], depth: int) -> bool:
    """Whether a line that opens a block comes last, for the code below to stand in."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return bool(_OPENER.search(last)) or len(indent_of(last)) >= depth
