"""Detects predicted edits that undo, wholly or in part, the user's latest edits."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Indel

from ..types import Document, Position, common_prefix_length
from .edit import PredictedEdit
from .edit_history import Hunk
from .syntax_state import syntax_state

_SHARE = 0.5
"""Share of a predicted edit's changes that must lead back to an earlier text to count as an undo."""
_MAX_CHARACTERS = 20_000
_WINDOW = 200
"""Lines on each side of the edit that are compared."""
_NEWEST = 8
"""Hunks that are looked at."""
_MAX_TYPO = 3
"""Characters typed by mistake into a word."""


def is_reversal(edit: PredictedEdit, document: Document, hunks: Sequence[Hunk]) -> bool:
    """Return whether an edit brings back what the latest hunks of its file removed.

    ``hunks`` are oldest first. An edit that takes stray characters out of a word is a correction instead,
    if the file has a syntax error because of them and no longer has one afterwards.
    """
    changed = edit.apply(document)
    top = max(0, edit.span.start.line - _WINDOW)
    bottom = edit.span.end.line + _WINDOW
    now = _bare(document.lines[top:bottom])
    grown = len(changed.lines) - len(document.lines)
    predicted = _bare(changed.lines[top : bottom + grown])
    earlier = now
    low, high = edit.span.start.line - top, edit.span.end.line + 1 - top
    newest = [hunk for hunk in hunks if hunk.uri == document.uri][-_NEWEST:]
    for hunk in reversed(newest):
        at = _place(earlier, hunk, hunk.line - top)
        if at is None or at > high or at + len(hunk.added) < low:
            continue
        end = at + len(hunk.added)
        low, high = min(low, at), max(high, end) + len(hunk.removed) - len(hunk.added)
        earlier = [*earlier[:at], *_bare(hunk.removed), *earlier[end:]]
        if _leads_back(*_differing_parts(now, predicted, earlier)):
            return not _repairs_typo(hunk, document, changed)
    return False


def _differing_parts(*texts: list[str]) -> list[str]:
    """Return the texts without their common first and last lines, and without white space."""
    first, *others = texts
    head = min(common_prefix_length(first, other) for other in others)
    rest = [lines[head:] for lines in texts]
    first, *others = [lines[::-1] for lines in rest]
    tail = min(common_prefix_length(first, other) for other in others)
    return ["".join("".join(lines[: len(lines) - tail]).split()) for lines in rest]


def _leads_back(now: str, predicted: str, earlier: str) -> bool:
    """Return whether most of a prediction's changes lead from the present text to the earlier one."""
    if max(len(now), len(predicted), len(earlier)) > _MAX_CHARACTERS:
        return predicted == earlier
    made = Indel.distance(now, predicted)
    nearer = Indel.distance(now, earlier) - Indel.distance(predicted, earlier)
    return made > 0 and nearer >= _SHARE * made


def _place(lines: Sequence[str], hunk: Hunk, expected: int) -> int | None:
    """Return the line where a hunk's added lines are: the expected one, else the nearest."""
    added = _bare(hunk.added)
    size = len(added)

    def fits(at: int) -> bool:
        return 0 <= at <= len(lines) - size and lines[at : at + size] == added

    if size == 0 or fits(expected):
        return expected if fits(expected) else None
    found = [at for at in range(len(lines) - size + 1) if lines[at] == added[0] and fits(at)]
    return min(found, key=lambda at: abs(at - expected), default=None)


def _repairs_typo(hunk: Hunk, document: Document, changed: Document) -> bool:
    """Return whether a hunk only inserted stray characters into a word and broke the file, and an edit repairs it."""
    if len(hunk.removed) != 1 or len(hunk.added) != 1:
        return False
    old, new = hunk.removed[0].rstrip("\r\n"), hunk.added[0].rstrip("\r\n")
    extra = len(new) - len(old)
    if not 0 < extra <= _MAX_TYPO:
        return False
    into_word = any(
        new[:at] + new[at + extra :] == old
        and new[at : at + extra].isalnum()
        and new[at + extra : at + extra + 1].isalnum()
        for at in range(len(old))
    )
    if not into_word:
        return False
    near = Position(hunk.line, 0)
    before, after = syntax_state(document, near), syntax_state(changed, near)
    return before is not None and before.broken and after is not None and not after.broken


def _bare(lines: Sequence[str]) -> list[str]:
    return [line.rstrip("\r\n") for line in lines]
