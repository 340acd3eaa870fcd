"""Turns a model's raw text into code that fits a place."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..syntax.indentation import indent_of, newline_of
from .brackets import lexical_tokens
from .characters import strip_hidden_characters
from .chat import begun_code, code_of_answer
from .insertion_point import InsertionPoint
from .layout import dedent_lines, indent_lines
from .overlap import strip_loops, strip_repeated_prefix
from .patches import patched
from .reindent import translate_indentation
from .surroundings import Surroundings, without_known_imports, without_surroundings
from .thoughts import strip_thoughts

_DEFINITION = re.compile(
    r"^[ \t]*(?:(?:export|default|public|private|protected|static|async|pub|abstract|final"
    r"|override)\s+)*(?:def|function|fn|func|fun|class)\s+(?:\([^)]*\)\s*)?(?P<name>[\w.$]+)",
    re.MULTILINE,
)
_DOCSTRING = re.compile(r"\A\s*[rRuU]?(\"\"\"|''').*?\1[ \t]*\n?", re.DOTALL)
_JUMP = re.compile(r"(?:return|raise|throw|break|continue|pass|goto|panic!?\()")
_CLOSED = re.compile(r"\n?[ \t]*\}[ \t]*;?\s*\Z")
_OPENING_LINE = re.compile(r"[:{]\s*(?:#.*|//.*)?$")
_ABOVE_CODE = re.compile(r"/\*|//|#|--|@")
_CLOSING_LINE = re.compile(r"\s*(?:[)\]}]|end\b)")
_FULL_LINE = re.compile(
    r"^\s*(?:#|//|--|/\*|\*)|(?:\"\"\"|''')\s*$|^\s*([\"']).*\1\s*$|[{:]\s*$|\*/\s*$"
)


_STRING_LINE = "\ufdd0"
"""Stands for a line end in a string while lines are moved; a character that no text has."""
_MAX_LENGTH = 100_000
"""Characters of an answer, without its thoughts, that are processed."""


def clean_code(
    text: str,
    *,
    language: str,
    indent: str = "",
    instruction: str = "",
    prefix: str = "",
    suffix: str = "",
    tokens: Collection[str] = (),
    unit: str = "",
    partial: bool = False,
    around: Surroundings | None = None,
) -> str:
    """Return the code of an answer, fitted to a place; empty for none.

    ``prefix``/``suffix``: the document before and after the place. Lines get ``indent``; the first line
    only the part that the cursor's line lacks, or it begins a new line below a comment, a docstring or an
    opening brace. A repeated signature, docstring or comment is stripped, and with ``around``, the whole
    document, all of the code around the place. ``tokens`` are the control tokens of the models, ``unit`` is one
    level of the document's indentation. Of a ``partial`` answer, whose rest is still to come, only whole lines
    count, and sentences above the code do not.
    """
    newline = newline_of(prefix if "\n" in prefix or "\r" in prefix else suffix)
    before = prefix.replace("\r\n", "\n").replace("\r", "\n")
    after = suffix.replace("\r\n", "\n").replace("\r", "\n")
    around = around or Surroundings()
    # Below a comment the code begins a new line, outside of the comment.
    begins_line = _FULL_LINE.search(before.rpartition("\n")[2]) is not None
    place = f"{before}\n{indent}" if begins_line else before
    point = InsertionPoint(place, after, language, around.replaced)
    if partial:
        text = text[: text.rfind("\n") + 1]
        text = text if begun_code(text, point).strip() else ""
    if len(text) > _MAX_LENGTH:
        text = strip_thoughts(text)[:_MAX_LENGTH]
    patch = None if partial else patched(strip_thoughts(text), around, indent, point)
    text = text if patch is None else patch
    text = code_of_answer(strip_hidden_characters(text), point, tokens)
    text = _with_joined_strings(text, language)
    text = dedent_lines(text.strip("\n")).rstrip()
    text = _without_place_indent(text, indent, unit)
    body = _strip_signature(text, before, language, around)
    if body == text and not partial:
        body = without_surroundings(text, around, indent, point)
    text = without_known_imports(body, around)
    text = _strip_following(_strip_instruction(text, instruction), after, indent)
    text = dedent_lines(strip_loops(strip_repeated_prefix(text, before)).strip("\n")).rstrip()
    if not text.strip():
        return ""
    text = translate_indentation(text, point, unit, absolute=True)
    text = "\n".join(line.rstrip() for line in _lines(text, language))
    code = _at_place(text, before, indent, suffix).replace(_STRING_LINE, "\n")
    return code if newline == "\n" else code.replace("\n", newline)


def _with_joined_strings(text: str, language: str) -> str:
    """Return a text whose strings are on one line each if their lines are left of the code: they keep their places."""
    pieces: list[str] = []
    last = 0
    for token in lexical_tokens(text, language):
        first, *rest = token.group().split("\n")
        if not rest or first[:1] not in ("'", '"', "`"):
            continue
        line = text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
        depth = len(indent_of(line))
        if any(each.strip() and len(indent_of(each)) < depth for each in rest):
            pieces += [text[last : token.start()], _STRING_LINE.join((first, *rest))]
            last = token.end()
    return "".join([*pieces, text[last:]])


def _without_place_indent(text: str, indent: str, unit: str) -> str:
    """Strip the place's indentation from all lines but the first if the model left it out only there.

    It is certain if the last line closes a block at that indentation, if the first line is a comment or a
    decorator, or if the block that the first line opens is one level deeper than the place.
    """
    first, *rest = text.split("\n")
    body = [line for line in rest if line.strip()]
    if not indent or not body or not all(line.startswith(indent) for line in body):
        return text
    depths = [len(indent_of(line)) - len(indent) for line in body]
    closes = depths[-1] == 0 and max(depths) > 0 and _CLOSING_LINE.match(body[-1]) is not None
    above = _ABOVE_CODE.match(first) is not None and depths[0] <= 1
    opens = _OPENING_LINE.search(first) is not None and unit != "" and depths[0] == len(unit)
    if not (closes or above or opens):
        return text
    return "\n".join([first, *(line.removeprefix(indent) for line in rest)])


def _lines(text: str, language: str) -> list[str]:
    """Return the lines; Markdown stays whole, because two trailing blanks mean a line break."""
    return [text] if language == "markdown" else text.split("\n")


def _at_place(text: str, before: str, indent: str, suffix: str) -> str:
    head = before.rpartition("\n")[2]
    if not head.strip():
        lacking = indent[len(head) :] if indent.startswith(head) else ""
        return (lacking + indent_lines(text, indent)[len(indent) :]).rstrip()
    if not _FULL_LINE.search(head):
        return indent_lines(text, indent)[len(indent) :]
    closing = "\n" + indent_of(head) if suffix.lstrip(" \t")[:1] in ("}", ")") and suffix else ""
    return "\n" + indent_lines(text, indent) + closing


def _strip_instruction(text: str, instruction: str) -> str:
    """Strip the comment that asked for the code if the model repeated it."""
    asked = " ".join(instruction.split()).lower()
    lines = text.split("\n")
    for count in range(min(len(lines), 8), 0, -1):
        part = [re.match(r"\s*(?:#+|//+|--|\*)\s?(.*)", line) for line in lines[:count]]
        repeated = " ".join(m.group(1) for m in part if m is not None).lower()
        repeated = re.sub(
            r"^(?:todo|fixme)\b(?:\([^)]*\))?\s*[:\-]?\s*", "", " ".join(repeated.split())
        )
        if asked and all(part) and repeated == asked:
            return "\n".join(lines[count:])
    return text


def _strip_following(text: str, after: str, indent: str) -> str:
    """Strip lines from the end that are below the place already: models copy what they were shown."""
    if after.partition("\n")[0].strip():
        return text
    lines = text.split("\n")
    following = [line.strip() for line in after.split("\n")[:200] if line.strip()]
    for number in range(max(1, len(lines) - 2 * len(following)), len(lines)):
        if not following or lines[number].strip() != following[0]:
            continue
        rest = [line.strip() for line in lines[number:] if line.strip()]
        if rest != following[: len(rest)]:
            continue
        weight = len(re.sub(r"\W", "", "".join(rest)))
        apart = not lines[number - 1].strip()
        # A statement hardly follows its copy, and what follows a jump is never reached.
        same = lines[number].rstrip() == following[0] and _next_indent(after) == indent
        jumps = _JUMP.match(following[0]) is not None
        if weight >= (6 if apart or same else 20) and (apart or same or len(rest) > 1):
            return "\n".join(lines[:number]).rstrip()
        if same and jumps:
            return "\n".join(lines[:number]).rstrip()
    return text


def _next_indent(after: str) -> str:
    """Return the indentation of the first line with text below the place."""
    return next((indent_of(line) for line in after.split("\n")[1:] if line.strip()), "")


def _strip_signature(text: str, before: str, language: str, around: Surroundings) -> str:
    """Return only the body if the place is a body and the model repeated the whole definition."""
    open_name = _open_definition(before)
    if not open_name:
        return text
    found = next((m for m in _DEFINITION.finditer(text) if m["name"] == open_name), None)
    if found is None or indent_of(found.group()):
        return text
    body = _after_signature(text[found.start() :])
    if body is None:
        return text
    ahead = [line for line in text[: found.start()].split("\n") if not _is_decorator(line)]
    ahead = around.new_lines(ahead)
    body = _python_part(body, before) if language == "python" else _CLOSED.sub("", body)
    code = dedent_lines(body.strip("\n"))
    kept = "\n".join(line for line in ahead if line.strip())
    return f"{kept}\n{code}" if kept else code


def _open_definition(before: str) -> str:
    """Return the name of the definition whose body begins at the place."""
    found = _last_definition(before)
    if found is None:
        return ""
    rest = _after_signature(before[found.start() :])
    if rest is None:
        return ""
    rest = _DOCSTRING.sub("", re.sub(r"^\s*(?:#|//)[^\n]*$", "", rest, flags=re.MULTILINE))
    rest = re.sub(r"\A\s*([\"'])[^\n]*\1\s*\Z", "", rest)
    return "" if rest.strip() else found["name"]


def _after_signature(text: str) -> str | None:
    """Return the text after the colon or brace that ends a signature; ``None`` without one."""
    depth = 0
    for found in re.finditer(r"[()\[\]{}:]", text[:4000]):
        sign = found.group()
        if sign in "([" or (sign == "{" and depth):
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif not depth and (
            sign == "{" or re.match(r"[ \t]*(?:#[^\n]*)?\n|[ \t]*\Z", text[found.end() :])
        ):
            return text[found.end() :]
    return None


def _python_part(body: str, before: str) -> str:
    """Return a Python body without a docstring that is already there, and without code after it."""
    if re.search(r"(?:\"\"\"|''')\s*\Z", before) or _DOCSTRING.match(_after_last(before)):
        body = _DOCSTRING.sub("", body)
    lines = body.strip("\n").split("\n")
    depth = len(indent_of(lines[0])) if lines else 0
    for number, line in enumerate(lines):
        if (
            line.strip()
            and len(indent_of(line)) < depth
            and not line.lstrip().startswith(("#", ")"))
        ):
            return "\n".join(lines[:number])
    return "\n".join(lines)


def _last_definition(before: str) -> re.Match[str] | None:
    return next(reversed(list(_DEFINITION.finditer(before))), None)


def _after_last(before: str) -> str:
    found = _last_definition(before)
    return (_after_signature(before[found.start() :]) or "") if found else ""


def _is_decorator(line: str) -> bool:
    """Return whether the document already has the line before a definition: a decorator."""
    return line.lstrip().startswith("@")
