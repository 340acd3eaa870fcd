"""Vim's completion popup removes the word before the cursor and writes it again, key by key."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion

LINE = "    return wi"
END = Position(0, len(LINE))
Change = tuple[int, int, str]
"""The first and the last column, and the text in their place."""


class Popup:
    """A word, a suggestion behind it, and the messages of a client."""

    def __init__(self, offered: str) -> None:
        self.now = 0.0
        self.settled: list[Outcome] = []
        self.tracker = Tracker(lambda _, o: self.settled.append(o), clock=lambda: self.now)
        self.document = Document.from_text("file:///a.py", 1, "python", LINE)
        suggestion = Suggestion(
            "1", "complete", offered, ("m",), self.document.uri, 1, Span(END, END)
        )
        self.tracker.offered([suggestion], self.document)
        self.now += 1

    def message(self, *changes: Change) -> None:
        before, edits = self.document, list[Edit]()
        for start, end, text in changes:
            span = Span(Position(0, start), Position(0, end))
            edits.append(Edit(span, text))
            self.document = self.document.replace(span, text, self.document.version + 1)
        self.tracker.changed(before, self.document, edits)

    def outcome(self) -> str:
        self.now += 5
        self.tracker.tick()
        self.tracker.closed(self.document)
        return self.settled[0].kind


def keys(text: str, column: int) -> list[Change]:
    return [(at, at, key) for at, key in enumerate(text, column)]


OPENS: Sequence[Sequence[Change]] = ([(12, 13, "")], [(11, 12, ""), *keys("wi", 11)])


@pytest.mark.parametrize("previewed", [False, True])
def test_a_whole_word_that_is_replaced_keeps_the_outcome(previewed: bool) -> None:
    popup = Popup("dth * height")
    for message in OPENS:
        popup.message(*message)
    if previewed:
        popup.message((12, 13, ""))
        popup.message((11, 12, ""), *keys("width * height", 11))
        popup.message((11, 25, "xx"), (11, 13, ""), (11, 11, "width * height"))
    else:
        popup.message((11, 13, ""), (11, 11, "width * height"))
    assert popup.outcome() == ("typed" if previewed else "accepted")


def test_a_popup_that_only_opens_refuses_nothing() -> None:
    popup = Popup("dth * height")
    for message in OPENS:
        popup.message(*message)
    assert popup.outcome() == "ignored"


def test_another_item_is_no_accept() -> None:
    popup = Popup("dth")
    for message in OPENS:
        popup.message(*message)
    popup.message((11, 13, ""), (11, 11, "width"))
    assert popup.outcome() in ("ignored", "rejected")


def test_another_text_behind_the_word_is_a_rejection() -> None:
    popup = Popup("dth * height")
    popup.message((11, 13, ""), *keys("with open", 11))
    assert popup.outcome() == "rejected"
