"""Secrets that several lines show together: private keys, and values over two or more lines.

Spans are of single lines, so that a redacted text has as many lines as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from .secret_groups import announces, find_announced
from .secret_names import NAMES_A_VALUE, OPENS
from .secret_spans import Part, Span, Verdict
from .secret_values import is_encoded_text, share_of_parts

BODY, HEADING, END, OTHER_HEADING, JOINS, OPEN, JUNCTION, VARIABLE, ANNOUNCES = (
    1, 2, 4, 8, 16, 32, 64, 128, 256,
)  # fmt: skip
"""Flags of a line with respect to its neighbours: a line of base64; a private key's first or last line;
another block's first line; a string that the next line may continue; a name whose value the next line has;
strings joined within the line; the first line of a Terraform variable with a secret's name;
a line that announces secrets below it, see ``secret_groups.py``."""


_LONGEST_KEY = 200
_MAX_JOINED = 40
_WIDEST = 400
"""Characters of a line that may be a key's: a longer one is not looked at."""
_NARROWEST = 32
_FEWEST = 3
_FEWEST_PARTS = 0.3
"""For each character: random text has about 0.45, names have 0.2."""
_OTHER_DATA = (
    "iVBORw0KGgo",
    "R0lGOD",
    "/9j/",
    "UEsDB",
    "H4sI",
    "JVBERi",
    "PHN2Zy",
    "AAAB",
    "Qk",
    "d09G",
    "AAEAAA",
    "T1RUTw",
    "AGFzb",
)
"""Beginnings of base64 that encodes images, archives and documents."""
_HEADING = re.compile(r"-----BEGIN (?:[A-Z0-9 ]{0,40}PRIVATE KEY|OpenVPN Static key)")
_END = re.compile(r"-----END (?:[A-Z0-9 ]{0,40}PRIVATE KEY|OpenVPN Static key)")
_BEFORE = r"""(?:\s*\d{1,5}[\s:|]\s*)?(?:[\s+.(]*[rbuRBU]{1,2}(?=["']))?[\s"'`\#/*+>|;.-]*?"""
"""A line's number, the prefix of a string, and signs of strings, comments and quotations."""
_AFTER = r"""(?:\\[nr]){0,2}[\s"'`,;+.)\\&]*(?:\s(?:\#|//|--|%)[^\n]*)?"""
_WIDE_BEFORE = (
    r"(?:[\s|]*\d{1,5}[\s:|,;]+)?(?:\s*(?:[\w:.,\[\]-]{1,25}[ \t]+){1,5})?"
    r"(?:\s*<\w{1,10}(?:\s[^<>]{0,60})?>)?"
    r"""(?:\s*[\w.$@]{1,40}(?:\[\w*\])?\s*(?:(?:\+=|\.=|<<|=|\()\s*|(?=["'`])))?"""
)
_WIDE_AFTER = (
    r"""(?:[nr]["'][\s;,)]*)?"""  # the rest of a line end in a separate string
    r"""(?:\.?\w{1,20}\([\s"'\\nr]{0,8}\)[\s;]*)?(?:\|\s*)?"""
    r"(?:</?\w{1,10}\s*/?>\s*){0,2}(?:>>?\s*[\w./$~-]{1,60}\s*)?"
)
"""Text around each line of a key: in logs, tables, HTML, scripts, and code that appends it to a text."""
_BODY = re.compile(rf"{_BEFORE}(?P<v>[A-Za-z0-9+/]{{2,}}={{0,2}}){_AFTER}")
_IN_RUN = re.compile(
    rf"{_WIDE_BEFORE}{_BEFORE}(?P<v>[A-Za-z0-9+/]{{2,}}={{0,2}}){_AFTER}{_WIDE_AFTER}"
)
"""A line that is a key's only if its neighbours are alike."""
_ANY_RUN = re.compile(r"(?<![\w+/-])(?<!h1:)[\w+/-]{40,}={0,2}(?![\w+/-])")
"""Random text within a line of any form; a key's if the neighbours have as much of it."""
_NAMES = re.compile(r"(?:[A-Za-z]{2,}[_/-]){3}")
_WIDEST_AROUND = 120
_BODY_RUN = re.compile(r"[A-Za-z0-9+/]{16}")
_LAST = re.compile(rf"{_BEFORE}(?P<v>=?[A-Za-z0-9+/]{{1,}}={{0,2}}){_AFTER}")
_HEADER = re.compile(r"[\s\"'#/*]*[A-Z][\w-]{1,30}: ")
_CLASSES = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
_OPERATOR = r"(?:\+|\.\.?|&|<<|\|\||\.concat\()"
_PIECE = r"[\w+/=.!@#%^*~-]{3,}"
_OPENING = frozenset("=:([|>-+\\\"'")
_NAME_KEY = re.compile(r"""[nN]ame["']?\s*[:=]""")
_JOINS = re.compile(rf"""["'`]{_PIECE}(?P<tail>["'`]\s*{_OPERATOR}?\s*\\?\s*)$""")
_CUT = re.compile(r"[\w+/=.~-]{3,}\\$")
"""A word that continues on the next line."""
_PART_OF_TOKEN = re.compile(r"[\w+/=.~-]{3,}\s*")
_CONTINUES = re.compile(rf"""\s*(?:{_OPERATOR}\s*)?[rbfuL@$]{{0,2}}["'`](?={_PIECE}["'`])""")
_JUNCTION = re.compile(
    rf"""["'`](?<=[\w+/=.!@#%^*~-]["'`])(?:\s*{_OPERATOR}\s*|[ ])[rbfuL@$]{{0,2}}["'`](?={_PIECE}["'`])"""
)
_VARIABLE = re.compile(r"""\s*variable\s+"?(?P<v>\w+)"?\s*\{$""")
_DEFAULT = re.compile(r"""\s*default\s*(?P<v>=\s*"[^"\n]{4,400}")""")
_LIST_JUNCTION = re.compile(
    rf"""["'`](?<=[\w+/=.!@#%^*~-]["'`])\s*(?:,|{_OPERATOR})\s*[rbfuL@$]{{0,2}}["'`](?={_PIECE}["'`])"""
)
_JOIN = re.compile(r"""["']{2}\.join\(\s*[\[(]|\]\.join\(\s*["'`]{2}\)|\bimplode\(\s*["']{2}""")
"""A list whose strings are joined with nothing between them."""
_VALUE_ALONE = re.compile(
    r"""\s*(?:[rbfuL@$]{0,2}["'`].*|[^\s"'`,(){}\[\]<>:]+\s*,?(?:\s*(?:\#|//).*)?)$"""
)
_VALUE_LINE = re.compile(r"""\s*["']?value["']?\s*[:=]""", re.IGNORECASE)


def flags_of(line: str, may_name: bool) -> int:
    """Return what a line is to its neighbours; ``may_name`` is ``may_name_secret`` of it."""
    flags = _flags_of_heading(line) if "-----" in line else 0
    stripped = line.strip()
    if len(stripped) >= 16 and _BODY_RUN.search(stripped) and _is_of_key(line):
        flags |= BODY
    if stripped[-1:] == "\\" and _CUT.search(line):
        flags |= JOINS
    if '"' in line or "'" in line or "`" in line:
        if _JOINS.search(line):
            flags |= JOINS
        if _JUNCTION.search(line) or (_JOIN.search(line) and _LIST_JUNCTION.search(line)):
            flags |= JUNCTION
    if may_name and stripped[-1:] == "{" and _VARIABLE.match(line):
        flags |= VARIABLE
    if may_name and not flags & JOINS and _opens(line, stripped):
        flags |= OPEN
    if announces(line, stripped, may_name):
        flags |= ANNOUNCES
    return flags


def _opens(line: str, stripped: str) -> bool:
    """Return whether a line ends with a name whose value the next line has."""
    if not (stripped[-1:] in _OPENING or "<<" in stripped or _NAME_KEY.search(stripped)):
        return False
    return OPENS.search(line) is not None or NAMES_A_VALUE.search(line) is not None


def find_in_blocks(
    lines: Sequence[str],
    verdicts: Mapping[int, Verdict],
    search: Callable[[str], Sequence[Span]],
) -> Iterator[list[Part]]:
    """Yield secrets, each as its parts. ``verdicts`` has, in order, the lines that are not ordinary."""
    joined_to = bracketed_to = -1
    for number, verdict in verdicts.items():
        if verdict.flags & HEADING:
            yield _below_heading(lines, number)
        if verdict.flags & END:
            yield _above_end(lines, number)
        if verdict.flags & ANNOUNCES:
            announced, end = find_announced(lines, number, number <= bracketed_to)
            bracketed_to = max(bracketed_to, end)
            yield from announced
        if verdict.flags & VARIABLE:
            yield from _defaults_below(lines, number, search)
        if verdict.flags & (JOINS | OPEN | JUNCTION) and number > joined_to:
            text = _joined(lines, verdicts, number)
            joined_to = text.last
            for start, end in search(text.text) if len(text.pieces) > 1 else ():
                yield text.parts(start, end)
    yield from _key_bodies(lines, verdicts)


def _flags_of_heading(line: str) -> int:
    flags = END if _END.search(line) else 0
    if _HEADING.search(line):
        return flags | HEADING
    return flags | OTHER_HEADING if "-----BEGIN " in line else flags


# -- private keys ------------------------------------------------------------------------------


def _inner(line: str) -> str:
    """Return a line's base64 where it has nothing else but quotes, signs of comments and the like."""
    match = _BODY.fullmatch(line) if 2 <= len(line) <= _WIDEST else None
    return match["v"] if match else ""


def _in_run(line: str) -> str:
    """Return a line's base64, whatever usually surrounds each line of a key."""
    if inner := _inner(line):
        return inner
    match = _IN_RUN.fullmatch(line) if 2 <= len(line) <= _WIDEST else None
    if match is None and _within(line):
        return "".join(_ANY_RUN.findall(line))
    return match["v"] if match else ""


def _is_of_key(line: str) -> bool:
    inner = _in_run(line)
    return len(inner) >= 16 and (len(inner) < 40 or bool(_BODY.fullmatch(line)) or _is_dense(inner))


def _within(line: str) -> Span | None:
    """Return where a line of any form has long random text."""
    runs = list(_ANY_RUN.finditer(line)) if len(line) <= _WIDEST and "://" not in line else []
    if (
        not runs
        or any(_NAMES.search(run.group()) for run in runs)
        or len(line) - sum(len(run.group()) for run in runs) > _WIDEST_AROUND
    ):
        return None
    return runs[0].start(), runs[-1].end()


def _part_in_run(line: str, number: int) -> Part:
    match = _LAST.fullmatch(line) or _IN_RUN.fullmatch(line)
    if match is None and (span := _within(line)):
        return (number, *span)
    return (number, *match.span("v")) if match else (number, 0, len(line))


def _part(line: str, number: int) -> Part:
    match = _LAST.fullmatch(line)
    return (number, *match.span("v")) if match else (number, 0, len(line))


def _below_heading(lines: Sequence[str], heading: int) -> list[Part]:
    """Return the lines of a key below its heading; code that only names the heading has none."""
    number, parts = heading + 1, list[Part]()
    while number < min(len(lines), heading + _LONGEST_KEY):
        line = lines[number]
        if "-----" in line:
            break
        if len(line) <= _WIDEST and _LAST.fullmatch(line) and (parts or len(_inner(line)) >= 12):
            parts.append(_part(line, number))
        elif line.strip(" \t\r\"'#/*|>") and not _HEADER.match(line):
            break
        number += 1
    return parts


def _above_end(lines: Sequence[str], end: int) -> list[Part]:
    """Return the lines of a key whose heading is above the first line."""
    number, parts = end - 1, list[Part]()
    while number >= max(0, end - _LONGEST_KEY):
        size = len(_inner(lines[number]))
        if size < 16 and not (size and number >= end - 2):
            break
        parts.append(_part(lines[number], number))
        number -= 1
    return parts[::-1] if any(end - start >= 16 for _, start, end in parts) else []


def _key_bodies(lines: Sequence[str], verdicts: Mapping[int, Verdict]) -> Iterator[list[Part]]:
    """Yield runs of lines of base64 of one width, with neither heading nor end."""
    public = {
        below
        for n, verdict in verdicts.items()
        if verdict.flags & OTHER_HEADING
        for below, _, _ in _below_heading(lines, n)
    }
    numbers = [n for n, v in verdicts.items() if v.flags & BODY and n not in public]
    run: list[int] = []
    for number in [*numbers, -1]:
        if run and number != run[-1] + 1 and not _is_gap(lines, run[-1], number):
            if len(run) >= _FEWEST:
                yield from _bodies_in_run(lines, run)
            run = []
        run.append(number)


def _is_gap(lines: Sequence[str], before: int, after: int) -> bool:
    """Return whether only one or two blank lines separate two lines."""
    return before < after <= before + 3 and not "".join(lines[before + 1 : after]).strip()


def _bodies_in_run(lines: Sequence[str], run: Sequence[int]) -> Iterator[list[Part]]:
    widths = [len(_in_run(lines[n])) for n in run]
    at = 0
    while at < len(run):
        stop = at + 1
        while stop < len(run) and widths[stop] == widths[at]:
            stop += 1
        shorter = stop < len(run) and widths[stop] < widths[at]
        enough = widths[at] >= _NARROWEST and stop - at >= 2 and stop - at + shorter >= _FEWEST
        if enough and is_key_body([_in_run(lines[n]) for n in run[at:stop]]):
            first = at - 1 if at and widths[at - 1] < widths[at] else at
            last = run[stop] if shorter else run[stop - 1]
            end = last + 2 if not shorter and _is_short_end(lines, last + 1) else last + 1
            yield [_part_in_run(lines[n], n) for n in range(run[first], end) if lines[n].strip()]
            stop += shorter
        at = stop


def is_key_body(lines: Sequence[str]) -> bool:
    """Return whether lines of base64 encode a key: neither text, nor mostly zeros, nor an image."""
    if lines[0].startswith(_OTHER_DATA) or not all(map(_is_dense, lines)):
        return False
    return share_of_parts("".join(lines)) > _FEWEST_PARTS and not is_encoded_text(*lines)


def _is_dense(text: str) -> bool:
    return all(each.search(text) for each in _CLASSES)


def _is_short_end(lines: Sequence[str], number: int) -> bool:
    inner = _in_run(lines[number]) if number < len(lines) else ""
    return bool(inner) and (inner.endswith("=") or _is_dense(inner))


# -- values over several lines -----------------------------------------------------------------


def _defaults_below(
    lines: Sequence[str], first: int, search: Callable[[str], Sequence[Span]]
) -> Iterator[list[Part]]:
    """Yield the default of a Terraform variable with a secret's name."""
    variable = _VARIABLE.match(lines[first])
    for number in range(first + 1, min(len(lines), first + _MAX_JOINED)):
        if lines[number].strip() == "}":
            break
        default = _DEFAULT.match(lines[number])
        if variable and default:
            head = variable["v"] + " "
            moved = default.start("v") - len(head)
            yield [(number, a + moved, b + moved) for a, b in search(head + default["v"])]


class _Joined:
    """Strings that code joins, as one text; it knows where each character came from."""

    def __init__(self, first: int) -> None:
        self.text = ""
        self.pieces: list[tuple[int, int, int, int]] = []
        self.last = first

    def add(self, number: int, line: str, start: int, end: int) -> None:
        """Add a part of a line, without the junctions in it."""
        junction = _LIST_JUNCTION if _JOIN.search(line) else _JUNCTION
        for match in junction.finditer(line, start, end):
            self._add(number, line, start, match.start())
            start = match.end()
        self._add(number, line, start, end)
        self.last = number

    def parts(self, start: int, end: int) -> list[Part]:
        """Return where a span of the text is in the lines."""
        return [
            (number, column + max(start, at) - at, column + min(end, at + size) - at)
            for number, column, at, size in self.pieces
            if at < end and start < at + size
        ]

    def _add(self, number: int, line: str, start: int, end: int) -> None:
        self.pieces.append((number, start, len(self.text), end - start))
        self.text += line[start:end]


def _joined(lines: Sequence[str], verdicts: Mapping[int, Verdict], first: int) -> _Joined:
    """Return a line joined with those that continue its value."""
    joined, number, start, folded = _Joined(first), first, 0, ""
    while number - first < _MAX_JOINED:
        line = lines[number]
        verdict = verdicts.get(number)
        flags = verdict.flags if verdict else 0
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if folded and _is_folded(following, folded):
            end, begin = len(line.rstrip()), len(folded)
        elif flags & JOINS and (between := _string_below(line, following)):
            end, begin = between
        elif flags & OPEN and (between := _value_below(line, following)):
            end, begin = between
            folded = following[:begin] if line[end:].strip(" +-\t")[-1:] in "|>" else ""
        else:
            break
        joined.add(number, line, start, end)
        joined.text += " " if flags & OPEN else ""
        number, start = number + 1, begin
    joined.add(number, lines[number], start, len(lines[number]))
    return joined


def _is_folded(line: str, indent: str) -> bool:
    """Return whether a line of a block in YAML has nothing but characters that a token has."""
    return line.startswith(indent) and _PART_OF_TOKEN.fullmatch(line, len(indent)) is not None


def _string_below(line: str, following: str) -> tuple[int, int] | None:
    """Return where a string ends that the next line continues, and where it continues there."""
    tail, after = _JOINS.search(line), _CONTINUES.match(following)
    if tail and after:
        return tail.start("tail"), after.end()
    if line.endswith("\\") and _PART_OF_TOKEN.match(following):
        return len(line) - 1, 0
    return None


def _value_below(line: str, following: str) -> tuple[int, int] | None:
    """Return where a line ends whose value is on the next, and where that begins."""
    start = len(following) - len(following.lstrip())
    opens = OPENS.search(line)
    if opens and _VALUE_ALONE.match(following):
        return opens.start("tail"), start
    if _VALUE_LINE.match(following):
        return len(line.rstrip()), start
    return None
