"""Secrets over several lines that one line announces: lists, tables, Kubernetes' Secrets, keys in hexadecimal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .secret_lists import bytes_of_key, governed, openings, scan
from .secret_names import NAME
from .secret_spans import Part

_UNFINISHED = ("[", "(", "{", ",", '"', "'")
_MOST_LINES = 100
_MOST_BRACKETS = 4
_NEAR = 3
"""Lines below a kind of Kubernetes among which another one is not a second document's."""
_CELLS = re.compile(r"[\w .*`\"'-]{1,30}(?:(?P<s>[|,;\t])[\w .*`\"'-]{0,30}){1,12}")
_COLUMN = re.compile(
    r"(?i)[\s*`\"']*(?:(?:new|old|user|default|initial|temp|admin|login)[ _-]?)?(?:password|passwd|passwort|pass|pwd"
    r"|passphrase|secret(?:[ _-]?(?:access[ _-]?)?key)?|(?:api|access)[ _-]?(?:key|token)|token)[\s*`\"']*"
)
_KEY_OPENS = re.compile(
    r"(?i).{0,60}\bkey\w{0,12}(?:\[\w*\])?\s*(?::[^=]{1,30})?:?=\s*(?:[\w.\[\]]{1,30})?\(?[\[({]\s*"
)
"""A key of any kind whose value is on the lines below; only bytes are taken for it."""
_LONGEST_HEADER = 200
_KIND_SECRET = re.compile(r"""\s*["']?kind["']?\s*:\s*["']?(?:Sealed)?Secret["']?\s*,?\s*$""")
_DATA = re.compile(r"""\s*["']?(?:data|stringData)["']?\s*:\s*\{?\s*$""")
_ENTRY = re.compile(
    r"""\s+["']?(?!(?:user(?:name)?|host(?:name)?|port|database|dbname|type)\b)[\w./-]{1,80}["']?\s*:\s+(?:!!\w+\s+)?["']?(?P<v>(?!<redacted>|[|>{$])[^\s"'#][^"'#\n]{3,}?)["']?\s*,?\s*$"""
)
_BLOCK = re.compile(r"""\s+["']?[\w./-]{1,80}["']?\s*:\s+[|>][-+]?\s*$""")
_PLIST_KEY = re.compile(r"\s*<key>(?P<v>[^<]{1,60})</key>\s*")
_PLIST_VALUE = re.compile(r"\s*<(?:string|data)>(?P<v>[^<]{4,4000})<")
_MAPPING = re.compile(
    r"(?P<indent>[ ]*)(?:-[ ]+)?[\"']?(?:[\w-]{0,30}[_-])?(?:secrets|passwords|passwds|credentials|api[_-]?keys)[\"']?:\s*",
    re.IGNORECASE,
)
"""A mapping of YAML whose values are secrets, whatever their names."""
_MAPPED = re.compile(
    r"""[ ]*(?:-[ ]+)?(?!(?:file|path|name|user(?:name)?|url|host|type|id|ref|image|version)\b)
    (?:(?<=-[ ])|[\w.-]{1,60}:[ ]+)["']?
    (?!(?:[a-z]{0,20}\d{0,3}[-_.]){1,8}[a-z]{0,20}\d{0,3}["']?\s*(?:[#]|$))
    (?P<v>(?=[^\s"']*\d)(?=[^\s"']*[A-Za-z])[^\s"'#{}\[\]$&*!|>][^\s"'{}\[\]]{7,200})["']?\s*(?:[#].*)?""",
    re.VERBOSE,
)
_HEX_HEADING = re.compile(
    r"(?:\$ANSIBLE_VAULT;.*|\s*(?:priv|pub|privateExponent|prime[12]|exponent[12]|coefficient|private key|x):\s*)"
)
_HEX_LINE = re.compile(r"\s*(?P<v>(?:[0-9a-f]{2}:){4,}(?:[0-9a-f]{2})?|[0-9a-f]{20,})\s*")


def announces(line: str, stripped: str, may_name: bool) -> bool:
    """Return whether a line announces secrets on those below it; ``may_name`` is ``may_name_secret`` of it."""
    unfinished = may_name and stripped[-1:] in _UNFINISHED
    if unfinished and any(opened.depth for opened in openings(line)):
        return True
    if may_name and stripped[-1:] in ("[", "(", "{") and _KEY_OPENS.fullmatch(line):
        return True
    if may_name and (_KIND_SECRET.match(line) or stripped.startswith("<key>")):
        return True
    if may_name and stripped[-1:] == ":" and _MAPPING.fullmatch(line):
        return True
    if stripped[-1:] == ":" or stripped.startswith("$ANSIBLE"):
        return _HEX_HEADING.fullmatch(line) is not None and not stripped.startswith("pub")
    return may_name and len(stripped) <= _LONGEST_HEADER and bool(_columns(stripped))


def find_announced(lines: Sequence[str], first: int, inside: bool) -> tuple[list[list[Part]], int]:
    """Return the secrets that a line announces, each as its parts, and the last line that was searched for them.

    A line ``inside`` of such lines announces nothing more: it was searched with them.
    """
    line = lines[first]
    found: list[list[Part]] = []
    last = first
    if columns := None if inside else _columns(line.strip()):
        found, last = _in_table(lines, first, columns)
    if not inside:
        opened = [(each.name, each.depth) for each in openings(line) if each.depth]
        if not opened and _KEY_OPENS.fullmatch(line):
            opened = [("", 1)]
        for name, depth in opened[:_MOST_BRACKETS]:
            parts, end = _in_brackets(lines, first, name, depth)
            found += parts
            last = max(last, end)
    if _KIND_SECRET.match(line) and not inside:
        last = first + _NEAR
        found += _in_kubernetes(lines, first)
    if mapping := _MAPPING.fullmatch(line):
        found += _in_mapping(lines, first, len(mapping["indent"]))
    if key := _PLIST_KEY.fullmatch(line):
        found += _in_plist(lines, first, key["v"])
    if _HEX_HEADING.fullmatch(line):
        found += _in_hexadecimal(lines, first)
    return found, last


def _below(lines: Sequence[str], first: int) -> range:
    return range(first + 1, min(len(lines), first + _MOST_LINES))


def _in_brackets(
    lines: Sequence[str], first: int, name: str, depth: int
) -> tuple[list[list[Part]], int]:
    found: list[list[Part]] = []
    for number in _below(lines, first):
        spans, depth, _ = scan(name, lines[number], 0, depth)
        found += ([(number, *span)] for span in (*spans, *bytes_of_key(lines[number])))
        if depth <= 0:
            return found, number
    return found, first + _MOST_LINES


def _columns(header: str) -> tuple[str, dict[int, str]] | None:
    """Return a table's separator, and its columns with the name of a secret."""
    text = header.strip("| \t")
    found = _CELLS.fullmatch(text)
    if found is None:
        return None
    separator = found["s"]
    cells = text.split(separator)
    named = {n: cell.strip(" \t*`\"'") for n, cell in enumerate(cells) if _COLUMN.fullmatch(cell)}
    return (separator, named) if named and len(cells) > 1 and all(map(str.strip, cells)) else None


def _in_table(
    lines: Sequence[str], first: int, columns: tuple[str, dict[int, str]]
) -> tuple[list[list[Part]], int]:
    found: list[list[Part]] = []
    separator, named = columns
    count = lines[first].count(separator)
    outer = int(lines[first].lstrip().startswith("|"))
    for number in _below(lines, first):
        line = lines[number]
        if line.count(separator) != count:
            return found, number
        start = 0
        for at, cell in enumerate(line.split(separator)):
            text = cell.strip(" \t*`\"'\r")
            if name := named.get(at - outer) if text else None:
                begin = start + cell.index(text)
                found += _judge(name, line, number, begin, begin + len(text))
            start += len(cell) + 1
    return found, first + _MOST_LINES


def _judge(name: str, line: str, number: int, start: int, end: int) -> Iterator[list[Part]]:
    """Yield the secrets of a part of a line without quotes."""
    moved = start - 1
    for a, b in governed(name.replace(" ", "_"), f'"{line[start:end]}"', (0, end - start + 2)):
        yield [(number, a + moved, b + moved)]


def _in_kubernetes(lines: Sequence[str], kind: int) -> Iterator[list[Part]]:
    """Yield the values of ``data`` and ``stringData``, whatever their names, above and below the kind."""
    above = range(kind, max(-1, kind - _MOST_LINES), -1)
    first = next((n for n in above if lines[n].startswith("---")), above[-1] - 1) + 1
    indent = -1
    for number in range(first, min(len(lines), kind + _MOST_LINES)):
        line = lines[number]
        if number > kind and line.startswith("---"):
            return
        depth = len(line) - len(line.lstrip())
        if _DATA.match(line):
            indent = depth
        elif line.strip() and depth <= indent:
            indent = -1
        elif indent >= 0 and (entry := _ENTRY.fullmatch(line)):
            yield [(number, *entry.span("v"))]
        elif indent >= 0 and line.strip() and not _BLOCK.match(line) and ":" not in line:
            yield [(number, depth, len(line.rstrip()))]


def _in_mapping(lines: Sequence[str], first: int, indent: int) -> Iterator[list[Part]]:
    """Yield the values directly in a mapping, and not those of mappings in it."""
    depth = -1
    for number in _below(lines, first):
        line = lines[number]
        here = len(line) - len(line.lstrip())
        is_item = here == indent and line.startswith("- ", here)
        if line.strip() and here <= indent and not is_item:
            return
        depth = here if depth < 0 and line.strip() else depth
        if here == depth and (entry := _MAPPED.fullmatch(line)):
            yield from _judge("secret", line, number, *entry.span("v"))


def _in_plist(lines: Sequence[str], first: int, key: str) -> Iterator[list[Part]]:
    name = NAME.search(key)
    value = _PLIST_VALUE.match(lines[first + 1]) if name and first + 1 < len(lines) else None
    if name and value:
        yield from _judge(name.group(), lines[first + 1], first + 1, *value.span("v"))


def _in_hexadecimal(lines: Sequence[str], first: int) -> Iterator[list[Part]]:
    parts: list[Part] = []
    for number in _below(lines, first):
        found = _HEX_LINE.fullmatch(lines[number])
        if found is None:
            break
        parts.append((number, *found.span("v")))
    if parts:
        yield parts
