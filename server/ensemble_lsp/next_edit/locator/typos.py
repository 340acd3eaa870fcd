"""A corrected word: the same misspelling everywhere else, in strings and comments too if it was in one."""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz.distance import OSA

from ...types import Position
from .roles import Role
from .search import EditContext, Proposal, span_of
from .token_changes import TokenChange

_MIN_LENGTH = 6
_SUFFIX = 2
"""Letters at the end whose change is an inflection, not a misspelling."""
_MAX_WORDS = 4
_MAX_PLACES = 4


def typos(context: EditContext) -> Iterator[Proposal]:
    """Yield the other places of a misspelling."""
    seen: set[str] = set()
    for change in context.token_changes:
        names = change.names
        if names is None or names[0] in seen or not _is_misspelling(*names):
            continue
        seen.add(names[0])
        if len(seen) > _MAX_WORDS or context.late:
            return
        yield from _places(context, change, *names)


def _is_misspelling(old: str, new: str) -> bool:
    """Return whether one letter is wrong, missing, doubled or swapped, and not in an ending."""
    if min(len(old), len(new)) < _MIN_LENGTH or not (old.isalpha() and new.isalpha()):
        return False
    same_ending = old[-_SUFFIX:] == new[-_SUFFIX:]
    return same_ending and old[0] == new[0] and OSA.distance(old, new) == 1


def _places(context: EditContext, change: TokenChange, old: str, new: str) -> Iterator[Proposal]:
    line = change.line
    if line.uri != context.document.uri or line.number < 0:
        return
    role = context.role(Position(line.number, change.column))
    in_text = role in ("text", "comment", None)
    count = 0
    for place in context.by_distance(context.occurrences(old)):
        if in_text != _is_text(context.role(place)):
            continue
        yield Proposal(span_of(place, old), new, "typo", 0.8, "a misspelling was corrected")
        count += 1
        if count == _MAX_PLACES:
            return


def _is_text(role: Role | None) -> bool:
    return role in ("text", "comment", None)
