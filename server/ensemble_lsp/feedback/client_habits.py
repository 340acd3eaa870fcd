"""Learn from a client's edits how it reports them, and how its user takes words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..types import Document, Edit
from .pending import PendingSuggestion
from .range_tracking import DocumentChange, is_fine


class ClientHabits:
    """The form of a client's edits, and the number of words taken from popups and from suggestions."""

    def __init__(self) -> None:
        self.exact = False
        """Whether the client sends edits as they are made, not only what differs."""
        self._fine = False
        """Whether the client sends less than whole lines."""
        self._items = 0
        """Popup items that ended a typed word."""
        self._parts = 0
        """Suggestions of which a further part was accepted."""

    @property
    def takes_items(self) -> bool:
        """Whether a lone word is rather a popup's item than the accepted next word.

        Both leave the same edit, so the more frequent habit decides, and the accepted word without one.
        """
        return self._items > 2 * (self._parts + 1)

    def examine(self, before: Document, after: Document, edits: Sequence[Edit]) -> DocumentChange:
        """Build a change of a document, and learn the form in which the client reports it."""
        self._fine = self._fine or (len(edits) == 1 and is_fine(before, edits[0]))
        change = DocumentChange.of(before, after, edits, fine=self._fine or self.exact)
        self.exact = self.exact or change.as_made
        change.exact, change.takes_items = self.exact, self.takes_items
        return change

    def learn(self, followed: Iterable[PendingSuggestion]) -> None:
        """Count a popup's item that the latest change took."""
        self._items += any(pending.ended_word for pending in followed)

    def learn_parts(self, settled: PendingSuggestion) -> None:
        """Count a suggestion of which several parts were accepted."""
        self._parts += settled.parts > 1
