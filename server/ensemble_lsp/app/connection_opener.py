"""Has the likely models' connections open while the user works on a document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..types import Document, Edit
from .app_context import AppContext

_SECONDS = 1.0
"""Least seconds between two keystrokes that announce a request."""


class ConnectionOpener:
    """A listener of documents: an opened document or a keystroke announces a request.

    It announces none for a document that no remote model may see, or while completions are off.
    """

    def __init__(
        self, app: Callable[[], AppContext], clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` continues while the machine sleeps."""
        self._app = app
        self._clock = clock
        self._next = 0.0

    def opened(self, document: Document) -> None:
        """Open connections."""
        self._announce(document)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Open connections that have been closed, at most once a second."""
        now = self._clock()
        if not self._next - _SECONDS <= now < self._next:
            self._next = now + _SECONDS
            self._announce(after)

    def closed(self, document: Document) -> None:
        """Do nothing: connections close by themselves after a while."""

    def _announce(self, document: Document) -> None:
        app = self._app()
        if app.completes(document) and app.workspace.context.allowed(document.uri):
            app.registry.expect_request(app.likely_models("complete"), "complete")
