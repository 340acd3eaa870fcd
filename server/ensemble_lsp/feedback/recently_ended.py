"""Suggestions that ended without an accept and may still be on the screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from .pending import PendingSuggestion, meet

RECONSIDER_S = 60.0
"""For this long after its end, a suggestion may still be on the screen and be accepted."""
_MAX = 32


class RecentlyEnded:
    """The latest suggestions that ended without an accept, with the time of their end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, PendingSuggestion]] = deque(maxlen=_MAX)

    def add(self, pending: PendingSuggestion, *, refused: bool) -> None:
        """Follow a suggestion that has just ended; one that was ``refused`` is accepted only by a report."""
        pending.refused = refused
        self._ended.append((self._clock(), pending))

    def in_document(self, uri: str) -> list[PendingSuggestion]:
        """Return those of a document, oldest first."""
        while self._ended and self._ended[0][0] + RECONSIDER_S < self._clock():
            self._ended.popleft()
        return [pending for _, pending in self._ended if pending.suggestion.uri == uri]

    def find(self, id: str) -> PendingSuggestion | None:
        """Return a suggestion."""
        return next((pending for _, pending in self._ended if pending.suggestion.id == id), None)

    def forget(self, taken: Sequence[PendingSuggestion]) -> None:
        """Drop those at the place of an accepted text."""
        kept = [each for each in self._ended if not meet(each[1], taken)]
        self._ended = deque(kept, _MAX)

    def close(self, uri: str) -> None:
        """Drop those of a closed document."""
        kept = [each for each in self._ended if each[1].suggestion.uri != uri]
        self._ended = deque(kept, _MAX)
