"""Secrets among several values on a line: lists, pairs, fields of forms, and the columns of an INSERT.

A name that is not directly in front of the value shows it to be a secret. Each value is judged as if it were assigned
to that name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .secret_names import NAME, find_named
from .secret_spans import Span
from .secret_values import is_harmless, is_mixed

_STRING = re.compile(
    r"""(?<!\w)[rRbBuUfFLN@$]{0,2}(?P<q>"{3}|'{3}|["'`])(?P<v>(?:(?!(?P=q))(?:\\.|[^\\\n])){0,4000})(?P=q)"""
)
_OPENING = re.compile(
    r"""(?P<quote>["'`])?(?:\[\w*\]|[\]\\)}]{0,3})\s*
    (?:(?::\s*[\w\[\], .|<>*&]{1,50})?\s*(?::=|=>|=)|:|\s(?:not\s)?in\s|(?(quote),|(?!)))\s*
    (?:(?:new\s+)?(?:\[\]\w{1,20}|map\[\w+\]\w+|vec!|dict|array|(?:\w+\.)?(?:of|asList|listOf|mapOf)
        |\w{1,20}(?:\.\w{1,12})?(?=\(\s*[\[({]))\s*)?(?P<open>[\[({])""",
    re.VERBOSE,
)
_OPEN, _CLOSE = "[({", "])}"
_IS_KEY = re.compile(r"\s*(?::|=>)(?!:)")
_DESCRIBES = frozenset(
    ("type", "format", "title", "description", "label", "placeholder", "help", "name", "pattern", "autocomplete", "id",
     "class", "href", "url", "ref", "in", "key", "hint", "text", "message", "error", "errors", "required", "comment",
     "summary", "example", "kind", "field", "selector", "widget", "alias", "env", "integrity", "resolved", "version")
)  # fmt: skip
"""Keys whose values describe a secret."""
_NUMBER = r"(?:0x[0-9a-fA-F]{1,2}|\d{1,3})"
_BYTES = re.compile(rf"(?<![\w.])(?:{_NUMBER}\s*,\s*){{7,}}{_NUMBER}(?![\w.])")
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}){8,}")
_MANY_BYTES = 32
_TAKES_BYTES = re.compile(r"(?i)keypair|secret_?key|from_bytes|private|Uint8Array")
_ASSIGNED = re.compile(
    r"(?P<names>\s*[\w.$@]+(?:\s*,\s*[\w.$@]+)+)\s*(?::=|=)(?!=)\s*(?P<values>\S.*)"
)
_ACCOUNTS = re.compile(
    r"(?i)(?:user|account|login|admin|cred)s?\b\w*[\"']?\s*(?::[^=\n]{1,40})?[=:]\s*[\[({]"
)
_PAIR = re.compile(
    r"""[(\[{]\s*["'][\w.@+-]{1,40}["']\s*,\s*(?P<q>["'])(?P<v>(?:(?!(?P=q)).){4,200})(?P=q)\s*[,)\]}]"""
)
_CONNECTION = re.compile(
    r"""(?i)\s*(?:\w+\s+)?\w*(?:db|database|mysql|postgres|pg|ssh|ftp|smtp|imap|redis|conn|server|login)\w*
    \s*=\s*[\[(](?P<v>.*)""",
    re.VERBOSE,
)
_FORM = re.compile(
    r"""(?:\b(?:fill|type|setValue|fill_in|input_text)\(\s*(?P<q>["'`])(?P<n1>[^\n]{0,80}?)(?P=q)\s*,\s*(?:with:\s*)?
        |(?P<q2>["'`])(?P<n2>[^"'`\n]{1,60})(?:["'`\])]|\s){1,5}\.\s*(?:fill|type|set|keys|val|send_keys|sendKeys|setValue
            |set_value|sendline|press_sequentially|pressSequentially|typeText|clear\(\)\.type)\(\s*
        |(?P<q3>["'`])(?P<n3>[^"'`\n]{1,60})(?P=q3)\)\s*[;,]?\s*[\w.]{1,30}\.send(?:line)?\(\s*)(?=["'`])""",
    re.VERBOSE,
)
_INSERT = re.compile(
    r"(?i)\binsert\s+(?:ignore\s+)?into\s+[^\s(]{1,80}\s*\((?P<names>[^()]{1,400})\)\s*values\s*"
)
_ROW = re.compile(r"\((?P<v>(?:[^()'\"]|'(?:''|\\.|[^'\\])*'|\"[^\"]*\")*)\)")
_FIELD = re.compile(
    r"""\s*(?:(?P<whole>(?P<q>['"])(?:(?!(?P=q)).){0,400}(?P=q))|[^,'"]*)\s*(?:,|$)"""
)
_MAX_FIELDS = 200
_JSON_DATA = re.compile(r'\\?"(?:data|stringData)\\?"\s*:\s*\{(?P<v>[^{}]{8,4000})\}')
_JSON_ENTRY = re.compile(
    r'\\?"[\w./-]{1,80}\\?"\s*:\s*\\?"(?P<v>(?!<redacted>)[^"\\\s]{4,4000})(?=\\?")'
)
_JSON_SECRET = re.compile(r'"kind\\?"\s*:\s*\\?"Secret\\?"')
"""A Secret of Kubernetes on one line, as in ``last-applied-configuration``."""
_NOT_ALONE = re.compile(r"[\s/@]|\.[a-z]{2,6}$")
"""Sentences, paths and addresses beside a password."""


_SHORTEST_TOKEN = 12
_TOKEN = re.compile(r"[\w.~+/=:-]+", re.ASCII)
_NOT_IN_LIST = re.compile(r"[\s\\]|^[^A-Za-z]*$")
_SIGNS = re.compile(r"\w[!@#$%^&*]|[!@#$%^&*]\w")


class Opened(NamedTuple):
    """A bracket behind the name of a secret: the secrets in it on this line."""

    name: str
    spans: list[Span]
    depth: int
    """Brackets that are still open at the end of the line."""


def find_listed(line: str, may_name: bool) -> Iterator[Span]:
    """Yield the spans of secrets that a name elsewhere on the line governs.

    ``may_name`` is ``may_name_secret`` of the line.
    """
    if "," in line:
        yield from _bytes(line)
    if '"' not in line and "'" not in line and "`" not in line:
        return
    if may_name:
        for opened in openings(line):
            yield from opened.spans
        yield from _assigned_together(line)
        yield from _in_forms(line)
        yield from _inserted(line)
        if _JSON_SECRET.search(line):
            for data in _JSON_DATA.finditer(line):
                yield from (m.span("v") for m in _JSON_ENTRY.finditer(line, *data.span("v")))
    if "," in line and ("(" in line or "[" in line):
        yield from _beside_names(line)


def openings(line: str) -> Iterator[Opened]:
    """Yield the brackets that open behind the name of a secret, and not within others."""
    end = 0
    for name in NAME.finditer(line):
        found = _OPENING.match(line, name.end()) if name.start() >= end else None
        if found:
            spans, depth, end = scan(name.group(), line, found.start("open"), 0)
            yield Opened(name.group(), spans, depth)


def scan(name: str, line: str, at: int, depth: int) -> tuple[list[Span], int, int]:
    """Return the secrets among a bracket's values, how many brackets stay open, and where it ends."""
    spans: list[Span] = []
    is_described = False
    while at < len(line):
        string = _STRING.match(line, at)
        if string is not None:
            at = string.end()
            if _IS_KEY.match(line, at):
                is_described = string["v"].lower() in _DESCRIBES
                continue
            if not is_described and _may_be_listed(name, string["v"], depth):
                spans += governed(name, line, string.span())
            is_described = False
            continue
        if line[at] == "#" or line.startswith("//", at):
            break
        depth += (line[at] in _OPEN) - (line[at] in _CLOSE)
        if depth <= 0 and line[at] in _CLOSE:
            return spans, 0, at
        at += 1
    return spans, depth, len(line)


def _may_be_listed(name: str, value: str, depth: int) -> bool:
    """Return whether a value among others may be a secret. Most lists of tokens are those of a language."""
    if "token" in name.lower():
        return (
            depth == 1
            and len(value) >= _SHORTEST_TOKEN
            and is_mixed(value)
            and value.isascii()
            and _TOKEN.fullmatch(value) is not None
        )
    return not _NOT_IN_LIST.search(value) and (
        value.isalpha() or any(map(str.isdigit, value)) or _SIGNS.search(value) is not None
    )


def governed(name: str, line: str, span: Span) -> Iterator[Span]:
    """Yield the secrets in a part of a line, as if it were assigned to a name."""
    if not name:
        return
    head = f"{name} = "
    moved = span[0] - len(head)
    for start, end in find_named(head + line[slice(*span)]):
        if start >= len(head):
            yield start + moved, end + moved


def _bytes(line: str) -> Iterator[Span]:
    """Yield the bytes of a key, written as numbers."""
    for match in _BYTES.finditer(line):
        numbers = [int(each, 16 if "x" in each else 10) for each in match.group().split(",")]
        is_key = NAME.search(line, 0, match.start()) or (
            len(numbers) >= _MANY_BYTES and _TAKES_BYTES.search(line, 0, match.start())
        )
        if is_key and _are_random(numbers):
            yield match.span()


def bytes_of_key(line: str) -> Iterator[Span]:
    """Yield the bytes on one of the lines below the name of a key: as numbers or escaped in a string."""
    for match in _BYTES.finditer(line):
        if _are_random([int(each, 16 if "x" in each else 10) for each in match.group().split(",")]):
            yield match.span()
    yield from (match.span() for match in _ESCAPED.finditer(line))


def _are_random(numbers: Sequence[int]) -> bool:
    rising = sum(a < b for a, b in itertools.pairwise(numbers))
    varied = len(set(numbers)) > 0.6 * min(len(numbers), 64)
    return varied and 31 < max(numbers) < 256 and rising < 0.85 * len(numbers)


def _assigned_together(line: str) -> Iterator[Span]:
    """Yield the secrets of ``user, password = "a", "b"``."""
    match = _ASSIGNED.match(line)
    if match is None:
        return
    names = [name.strip() for name in match["names"].split(",")]
    strings = list(_STRING.finditer(line, match.start("values")))
    between = re.sub(r"[\s()\[\];]", "", _STRING.sub("", match["values"]))
    if len(strings) == len(names) and between == "," * (len(names) - 1):
        for name, string in zip(names, strings, strict=True):
            yield from governed(name, line, string.span())


def _in_forms(line: str) -> Iterator[Span]:
    """Yield the passwords that a test types into the fields of a page."""
    for match in _FORM.finditer(line):
        string = _STRING.match(line, match.end())
        if string and NAME.search(match["n1"] or match["n2"] or match["n3"] or ""):
            yield from governed("password", line, string.span())


def _inserted(line: str) -> Iterator[Span]:
    """Yield the values of an INSERT's columns with the name of a secret."""
    match = _INSERT.search(line)
    if match is None:
        return
    names = [name.strip(" `\"'[]") for name in match["names"].split(",")]
    for row in _ROW.finditer(line, match.end()):
        fields = list(_fields(line, *row.span("v")))
        for name, field in zip(names, fields, strict=False) if len(fields) == len(names) else ():
            if field["whole"] and NAME.fullmatch(name):
                yield from governed(name, line, field.span("whole"))


def _fields(line: str, start: int, end: int) -> Iterator[re.Match[str]]:
    for _ in range(_MAX_FIELDS):
        field = _FIELD.match(line, start, end) if start < end else None
        if field is None or field.end() == start:
            return
        yield field
        start = field.end()


def _beside_names(line: str) -> Iterator[Span]:
    """Yield the passwords of ``users = [("alice", "…")]`` and ``db = ("localhost", "app", "…")``."""
    found = list(_PAIR.finditer(line)) if _ACCOUNTS.search(line) else []
    if connection := _CONNECTION.match(line):
        strings = list(_STRING.finditer(line, connection.start("v")))
        found += strings[2:4] if not any(_IS_KEY.match(line, s.end()) for s in strings) else []
    for match in found:
        value = match["v"]
        has_both = sum(map(str.isalpha, value)) > 2 and any(map(str.isdigit, value))
        if has_both and len(value) > 5 and not (is_harmless(value) or _NOT_ALONE.search(value)):
            yield match.span("v")
