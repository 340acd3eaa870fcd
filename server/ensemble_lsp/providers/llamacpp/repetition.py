"""Notices that a small model repeats itself: it would write the same code up to its last token."""

from __future__ import annotations

from collections import Counter, deque

_LINES = 4
"""Lines in a row that count as one passage."""
_LEAST_LETTERS = 60
"""Letters and digits of a passage whose repetition is no coincidence."""
_MOST_TIMES = 3


class RepetitionWatch:
    """Counts the passages of an answer as it comes in."""

    def __init__(self) -> None:
        self._line = ""
        self._last: deque[str] = deque(maxlen=_LINES)
        self._seen: Counter[tuple[str, ...]] = Counter()

    def add(self, text: str) -> bool:
        """Take in a piece; return whether the same passage came for the third time."""
        *complete, self._line = (self._line + text).split("\n")
        return any([self._complete(line.strip()) for line in complete])

    def _complete(self, line: str) -> bool:
        if not line:
            return False
        self._last.append(line)
        passage = tuple(self._last)
        if len(passage) < _LINES or sum(map(str.isalnum, "".join(passage))) < _LEAST_LETTERS:
            return False
        self._seen[passage] += 1
        return self._seen[passage] >= _MOST_TIMES
