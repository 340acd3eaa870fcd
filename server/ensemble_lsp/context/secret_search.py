"""Searches a line for secrets with the rules of detect-secrets, a maintained detector, and our own.

Only the expressions of its detectors are used, by ``analyze_string``: nothing here asks a service
whether a key is valid. Importing this takes a tenth of a second and detect-secrets a third:
``secret_redaction.py`` does both in a thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

from .secret_blocks import find_in_blocks, flags_of
from .secret_formats import has_long_run, is_masked, may_hold_token
from .secret_names import may_name_secret
from .secret_rules import find_secrets
from .secret_spans import CLEAN, Span, Verdict, apart
from .secret_values import is_mixed, share_of_parts

__all__ = ["OFF", "LineSearch", "find_in_blocks"]

OFF = ("BasicAuthDetector", "IPPublicDetector", "PrivateKeyDetector")
"""Detectors that are not asked. Addresses of machines are no secrets; of the two others our own rules find as
much, but leave placeholders and variables in addresses alone, and replace the key, not its heading. Those by name
and by entropy (they are not a ``RegexBasedDetector``) take ordinary code for secrets."""

_PIECE, _OVERLAP = 600, 200
"""Characters: some expressions need time that grows with the square of what they are given."""
_SHORTEST_RUN, _SHORTEST_PART = 100, 20
_BASE64_RUN = re.compile(rf"(?:[A-Za-z0-9+/=]|\\[nr]){{{_SHORTEST_RUN},}}")
"""Long base64, as in a key on one line. A rule may know only its beginning."""
_STRING = re.compile(r"""(?<=["'])(?P<v>[\w+/=.-]{24,200})(?=["'])""")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?<!0{8})")
_FEWEST_PARTS = 0.3
_RULER = re.compile(r"[ /]{16,}")
_AROUND = " \t\"'`=:,;"
"""Characters that some expressions match before and after a key."""
_SHORTEST = 8
"""Characters: a shorter group of an expression names the kind of a key, and is not the key."""


class LineSearch:
    """All rules for a single line."""

    def __init__(self) -> None:
        self.detectors = tuple(_detectors())

    def __call__(self, line: str) -> Verdict:
        """Return a line's secrets, and what the line is to its neighbours."""
        may_hold = may_hold_token(line)
        may_name = may_name_secret(line)
        spans = find_secrets(line, may_hold, may_name)
        if may_hold and has_long_run(line):
            spans = apart([*spans, *_found(_masked(line, spans), self.detectors)])
        if spans and has_long_run(line):
            spans = apart([*spans, *_beside(_masked(line, spans))])
        if spans and len(line) > _SHORTEST_RUN:
            spans = _widened(line, spans)
        flags = flags_of(line, may_name)
        return Verdict(tuple(spans), flags) if spans or flags else CLEAN


def _detectors() -> Iterator[RegexBasedDetector]:
    for kind in get_mapping_from_secret_type_to_class().values():
        if issubclass(kind, RegexBasedDetector) and kind.__name__ not in OFF:
            yield kind()


def _beside(line: str) -> Iterator[Span]:
    """Yield the strings beside a secret that are random: a key often follows its account's name."""
    for match in _STRING.finditer(line):
        value = match["v"]
        if _HEX.fullmatch(value) or (is_mixed(value) and share_of_parts(value) > _FEWEST_PARTS):
            yield match.span("v")


def _widened(line: str, spans: Sequence[Span]) -> list[Span]:
    """Return the spans with the rest of the long base64 that they are a part of."""
    runs = [match.span() for match in _BASE64_RUN.finditer(line)]
    found = [
        run
        for run in runs
        for start, end in spans
        if min(run[1], end) - max(run[0], start) >= _SHORTEST_PART
    ]
    return apart([*spans, *found])


def _masked(line: str, spans: Sequence[Span]) -> str:
    """Return a line of the same length with the spans blanked out."""
    for start, end in spans:
        line = line[:start] + "\0" * (end - start) + line[end:]
    return line


def _found(line: str, detectors: tuple[RegexBasedDetector, ...]) -> list[Span]:
    """Return the spans of keys, in order and without overlap."""
    spans: list[Span] = []
    for start, piece in _pieces(line):
        for detector in detectors:
            values = set(detector.analyze_string(piece))
            if values:
                spans += [(a + start, b + start) for a, b in _places(piece, detector, values)]
    return apart(spans)


def _places(piece: str, detector: RegexBasedDetector, values: set[str]) -> Iterator[Span]:
    """Yield the spans of a detector's values: a group of some expressions, the whole match of others."""
    for expression in detector.denylist:
        for match in expression.finditer(piece):
            groups = [n for n in range(1, len(match.groups()) + 1) if match[n]]
            raw = [match[n] for n in groups] or [match[0]]
            if not values.intersection(raw):
                continue
            longest = max(groups, key=lambda n: len(match[n]), default=0)
            span = match.span(longest if len(match[longest]) >= _SHORTEST else 0)
            text = piece[slice(*span)]
            start = span[0] + len(text) - len(text.lstrip(_AROUND))
            if not is_masked(text):
                yield start, start + len(text.strip(_AROUND))


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    """The parts of a line that are searched, each with its place."""
    start = 0
    for end, after in [*(m.span() for m in _RULER.finditer(line)), (len(line), 0)]:
        for at in range(start, end, _PIECE - _OVERLAP):
            yield at, line[at : min(at + _PIECE, end)]
        start = after
