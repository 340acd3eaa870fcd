"""Neovim's client: it announces inline completion in every buffer, and places ghost text in its own way."""

from __future__ import annotations

import time
from collections.abc import Callable

from lsprotocol import types

from ..types import Document, Position, Span, Suggestion

NEOVIM = "Neovim"
"""The client's name, whichever completion plugin uses it."""
UNUSED_AFTER = 10.0
"""Seconds of ordinary completion requests without an inline one after which ghost text counts as off."""


class InlineUse:
    """Whether a client that announces inline completion also uses it.

    Neovim 0.12 announces it even if ghost text is not enabled. Until the first inline request, and after
    ghost text was turned off, the suggestions are offered as ordinary completions.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used = False
        self._popup_since: float | None = None

    def inline_requested(self) -> None:
        """Note a request for ghost text."""
        self._used, self._popup_since = True, None

    def popup_requested(self) -> None:
        """Note an ordinary completion request. Ghost text follows it within a second, if it is enabled."""
        if self._popup_since is None:
            self._popup_since = self._clock()
        elif self._clock() - self._popup_since >= UNUSED_AFTER:
            self._used = False

    @property
    def active(self) -> bool:
        """Whether the client shows ghost text."""
        return self._used


def insert_text_modes(completion: types.CompletionClientCapabilities | None) -> list[int]:
    """Return the modes of a completion plugin that inserts items itself: nvim-cmp 1 and 2, blink.cmp 1.

    None for Neovim, and for mini.completion, which announces 1 but resolves no command: it lets Neovim's popup
    insert a plain text, which indents the further lines twice.
    """
    item = completion.completion_item if completion else None
    support = item.insert_text_mode_support if item else None
    resolved = item.resolve_support.properties if item and item.resolve_support else []
    return [int(mode) for mode in support.value_set] if support and "command" in resolved else []


def from_line_start(document: Document, suggestion: Suggestion) -> tuple[str, Span]:
    """Return a suggestion as a text and a range that begin where its line begins, as Copilot's do.

    Neovim draws ghost text at the range's start. After ``<BS>``, ``<C-w>`` or ``<C-u>`` a later start can be
    past the end of the line, which is an error in the middle of typing.
    """
    start = suggestion.span.start
    before = document.line(start.line)[: start.column]
    return before + suggestion.text, Span(Position(start.line, 0), suggestion.span.end)
