"""A renamed name in a language without a grammar here: a selector of CSS, a table or a column of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .reserved_words import RESERVED
from .search import EditContext, Proposal, span_of
from .token_changes import TokenChange

_SELECTORS = frozenset({"css", "scss", "less"})
_MAX_RENAMES = 3
_MAX_PLACES = 4
_TABLE = re.compile(r"\b(?:TABLE|VIEW|INDEX|FUNCTION|PROCEDURE)\s+(?:IF\s+NOT\s+EXISTS\s+)?$", re.I)
_MIN_LENGTH = 3


def names_in_text(context: EditContext) -> Iterator[Proposal]:
    """Yield the other places of a selector or of a table that was renamed."""
    language = context.document.language
    if language not in _SELECTORS and language != "sql":
        return
    replaced: set[str] = set()
    for change in context.token_changes:
        names = change.names
        if names is None or names[0] in replaced or not _is_definition(change, language):
            continue
        old, new = names
        replaced.add(old)
        if len(replaced) > _MAX_RENAMES or old.lower() in RESERVED or len(old) < _MIN_LENGTH:
            continue
        if change.line.uri != context.document.uri or change.line.number < 0:
            continue
        sign = change.left[-1] if language in _SELECTORS else ""
        count = 0
        for place in context.by_distance(context.occurrences(old)):
            line = context.document.line(place.line)
            before, after = line[: place.column], line[place.column + len(old) :]
            if not before.endswith(sign) or after[:1] == "-" or (not sign and "--" in before):
                continue
            yield Proposal(span_of(place, old), new, "rename", 0.8, "a definition was renamed")
            count += 1
            if count == _MAX_PLACES:
                break


def _is_definition(change: TokenChange, language: str) -> bool:
    left = "".join(change.left)
    if language == "sql":
        return _TABLE.search(left) is not None
    return left.endswith((".", "#", "--")) and ":" not in left and "(" not in left
