"""Parse the examples in a prompt's docstring or comment into checks that can be run.

Python only. It reads doctests (``>>> f(1)``), asserts, and a call with its result in prose or notation:
``f(1) == 2``, ``f(1) -> 2``, ``f(1) returns 2``, ``f(1) should return 2``, ``For f(1), the output should be 2``.
Results that are not literals are skipped: an example we cannot parse must never disqualify a candidate.
"""

from __future__ import annotations

import ast
import doctest
import re
import textwrap
from collections.abc import Iterator, Sequence

from ..syntax.python_ast import parse_python
from .check_results import ExampleCheck

Signature = tuple[str, tuple[str, ...]]
MAX_CHECKS = 24
"""Checks that are run; further examples of a long docstring add little."""
_OPEN, _CLOSED = "([{", ")]}"
_RESULT = re.compile(
    r"""\s*(?:,\s*|\)\s*)?(?:\#\s*)?
    (?:==+>?|=>|[-–—]+>|➞|→|⟹|⇒|=|:|\#=>|
    (?:it\s+|this\s+|the\s+(?:output|result|answer)\s+)?(?:(?:should|must|will|would|shall)\s+)?
    (?:returns?|be|is|equals?|gives?|yields?|evaluates?\s+to|outputs?|produces?)
    (?:\s+equal\s+to)?)\s*[:=]?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_ASSERT = re.compile(r"^\s*assert\b")
_COMMENT = re.compile(r"^\s*(?:#+|//+)\s?")


def examples_in(
    text: str, names: Sequence[str], signature: Signature | None = None
) -> list[list[ExampleCheck]]:
    """Return the checks in a docstring or comment, in groups that share variables.

    ``names`` are the functions and classes the code must define; calls of other names are not examples.
    With a ``signature``, inputs may be given by parameter: ``For n = 5 the output should be 1``.
    """
    defined = set(names)
    prose = _in_prose(text, defined, signature)
    groups = [*_doctests(text, defined), *([check] for check in prose)]
    kept: list[list[ExampleCheck]] = []
    seen: set[tuple[ExampleCheck, ...]] = set()
    left = MAX_CHECKS
    for group in groups:
        if tuple(group) not in seen and left > 0:
            seen.add(tuple(group))
            kept.append(group[:left])
            left -= len(group)
    return kept


def examples_in_source(source: str, names: Sequence[str] = ()) -> list[list[ExampleCheck]]:
    """Return the examples in a whole source: in each docstring and in its comments.

    ``names`` are names that the code must define besides those in the source.
    """
    groups: list[list[ExampleCheck]] = []
    names = [*_names(source), *names]
    for text, head in (*_docstrings(source), (_comments(source), "")):
        groups += examples_in(text, names, _signature(head))
    return groups[:MAX_CHECKS]


def _signature(head: str) -> Signature | None:
    """Return name and parameters of the function signature that ends a text."""
    heads = list(re.finditer(r"\bdef\s+(\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)[^\n]*:\s*$", head))
    if not heads or re.search(r"\bself\b|\*", heads[-1][2]):
        return None
    outer = re.sub(r"\[[^\]]*\]", "", heads[-1][2])
    names = [part.split(":")[0].split("=")[0].strip() for part in outer.split(",")]
    return heads[-1][1], tuple(n for n in names if n)


def _names(source: str) -> list[str]:
    return re.findall(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", source, re.MULTILINE)


def _docstrings(source: str) -> list[tuple[str, str]]:
    """Return each text in triple quotes with the text before it; the source need not parse."""
    matches = re.finditer(r'("""|\'\'\')(.*?)\1', source, re.DOTALL)
    return [(m[2], source[max(0, m.start() - 500) : m.start()].rstrip(" \tru")) for m in matches]


def _comments(source: str) -> str:
    lines = [line for line in source.split("\n") if re.match(r"\s*#", line)]
    return "\n".join(lines)


# -- doctests ------------------------------------------------------------------------------------


def _doctests(text: str, names: set[str]) -> Iterator[list[ExampleCheck]]:
    """Yield one group for a text, because its examples build on each other."""
    plain = "\n".join(_COMMENT.sub("", line) for line in textwrap.dedent(text).split("\n"))
    group: list[ExampleCheck] = []
    for example in _parsed(plain):
        source, expected = example.source.rstrip("\n"), example.want.strip()
        if not _parses(source):
            return
        group.append(ExampleCheck("doctest", source, expected or None))
    if any(_calls(check.source, names) for check in group):
        yield _as_inputs(group)


def _parsed(text: str) -> list[doctest.Example]:
    parser = doctest.DocTestParser()
    try:
        return parser.get_examples(text)
    except ValueError:
        # Badly indented: parse each line separately.
        examples: list[doctest.Example] = []
        for block in re.findall(
            r"(?:^[ \t]*>>>.*\n?)(?:^[ \t]*(?!>>>)\S.*\n?)*", text, re.MULTILINE
        ):
            lines = [line.strip() for line in block.strip().split("\n")]
            source = re.sub(r"^>>>\s?", "", lines[0])
            examples.append(doctest.Example(source, "\n".join(lines[1:])))
        return examples


def _as_inputs(group: list[ExampleCheck]) -> list[ExampleCheck]:
    """Turn statements without a result into plain runs; expressions stay, as inputs that separate candidates."""
    return [
        ExampleCheck("run", check.source)
        if check.expected is None and not _is_expression(check.source)
        else check
        for check in group
    ]


def _is_expression(source: str) -> bool:
    try:
        body = parse_python(source.strip()).body
    except (SyntaxError, ValueError):
        return False
    return len(body) == 1 and isinstance(body[0], ast.Expr)


# -- prose ---------------------------------------------------------------------------------------


def _in_prose(text: str, names: set[str], signature: Signature | None) -> Iterator[ExampleCheck]:
    lines = [_COMMENT.sub("", line) for line in text.split("\n")]
    for number, line in enumerate(lines):
        if ">>>" in line:
            continue
        source = line.strip()
        if _ASSERT.match(line) and _parses(source):
            if _calls(source, names):
                yield ExampleCheck("assert", source)
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        yield from _calls_with_results(line, following, names)
        yield from _named_inputs(line, following, signature)


def _calls_with_results(line: str, following: str, names: set[str]) -> Iterator[ExampleCheck]:
    offset = 0
    while (found := re.compile(r"(?<![\w.])(\w+)\(").search(line, offset)) is not None:
        offset = found.end()
        end = _closing(line, found.end() - 1) if found[1] in names else None
        if end is None:
            continue
        call, rest = line[found.start() : end], line[end:]
        offset = end
        result = _RESULT.match(rest.lstrip("`'\""))
        if result is None or not _is_closed_call(call):
            continue
        tail = rest.lstrip("`'\"")[result.end() :]
        expected = _result(tail if tail.strip() else following.strip())
        if expected is not None:
            yield ExampleCheck("equal", call, expected)


def _named_inputs(line: str, following: str, signature: Signature | None) -> Iterator[ExampleCheck]:
    """Parse ``For a = 1, b = 2 the output should be 3``; ``Output:`` may be on the next line."""
    if signature is None or "=" not in line or f"{signature[0]}(" in line:
        return
    values: dict[str, str] = {}
    end = 0
    for name in signature[1]:
        found = re.search(rf"(?<![\w.]){re.escape(name)}\s*=\s*", line)
        value = _literal(line[found.end() :]) if found else None
        if found is None or value is None:
            return
        values[name] = value
        end = max(end, found.end() + len(line[found.end() :]) - len(_after(line[found.end() :])))
    rest = line[end:] if line[end:].strip(" ,.;`") else following
    result = re.match(r"\s*[,;.]?\s*Output\s*[:=]\s*", rest, re.IGNORECASE) or _RESULT.match(rest)
    expected = _result(rest[result.end() :]) if result else None
    if values and expected is not None:
        call = ", ".join(values.values())
        yield ExampleCheck("equal", f"{signature[0]}({call})", expected)


def _after(text: str) -> str:
    """Return the text after the literal that it begins with."""
    body = text.lstrip().lstrip("`")
    if body[:1] and body[0] in _OPEN:
        return body[_closing(body, 0) or 0 :]
    if body[:1] in ("'", '"'):
        return body[body.index(body[0], 1) + 1 :]
    return re.sub(r"^[-+]?[\w.]+", "", body)


def _result(text: str) -> str | None:
    """Return the literal after a call; the last one if a calculation is shown."""
    value = _literal(text)
    rest = _after(text).lstrip() if value is not None else ""
    if rest[:1] not in ("+", "-", "*", "/", "%", "=") or rest[:2] in ("->", "--"):
        return value
    _, equals, last = rest.rpartition("=")
    return _literal(last) if equals else None


def _is_closed_call(call: str) -> bool:
    """Return whether a call has no names in its arguments, so that it can run alone."""
    if not _parses(call):
        return False
    tree = parse_python(call)
    inside = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    return len(inside) == 1


def _closing(text: str, start: int) -> int | None:
    """Return the index just after the bracket that closes the one at ``start``."""
    depth, quote, index = 0, "", start
    while index < len(text):
        char = text[index]
        if quote:
            index += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSED:
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    return None


def _literal(text: str) -> str | None:
    """Return the literal that a text begins with, as Python source; ``true`` becomes ``True``."""
    text = text.strip().lstrip("`")
    if text[:1] and text[0] in _OPEN:
        end = _closing(text, 0)
    elif text[:1] in ("'", '"'):
        end = next((i + 1 for i in range(1, len(text)) if text[i] == text[0] != text[i - 1]), None)
    else:
        word = re.match(r"[-+]?[\w.]+(?:[eE][-+]?\d+)?%?", text)
        end = word.end() if word else None
    if end is None:
        return None
    value = text[:end].rstrip(".")
    value = {"true": "True", "false": "False", "none": "None", "null": "None"}.get(
        value.lower(), value
    )
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def _parses(source: str) -> bool:
    try:
        parse_python(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _calls(source: str, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(parse_python(source)))
