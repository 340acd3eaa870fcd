"""An editor that types into a document and reports its edits in one of the shapes that real editors use.

``vscode``: each change as it was made, brackets closed by the editor. ``smallest``: the same without the text
that a change leaves as it is. ``neovim``: changes found by comparing lines from the left, some keys in one
message. ``lines``: whole lines replaced. ``full``: the whole document, after a pause in typing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ensemble_lsp.feedback.range_tracking import advance, common_suffix, minimal
from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import (
    Document,
    Edit,
    Position,
    Span,
    Suggestion,
    common_prefix_length,
    split_lines,
)

FINE = ("vscode", "smallest", "neovim")
"""Shapes that show each key."""


@dataclass
class Editor:
    """Makes changes to one document and reports them in one shape."""

    tracker: Tracker
    shape: str
    document: Document
    cursor: Position
    now: list[float]
    eol: str = "\n"
    ids: int = 0
    pending: list[Edit] = field(default_factory=list)
    base: Document | None = None
    keys: int = 0

    # -- reporting ---------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.flush()
        end = self.now[0] + seconds
        while self.now[0] < end:
            nap = self.tracker.tick()
            self.now[0] = min(end, self.now[0] + (end if nap is None else max(nap, 0.01)))
        self.tracker.tick()

    def change(self, *edits: Edit, hold: bool = False) -> None:
        """Edits of one action, each in the document that the ones before left."""
        before = self.document
        for edit in edits:
            self.document = self.document.replace(edit.span, edit.text, self.document.version + 1)
        if self.base is None:
            self.base = before
        if self.shape == "vscode":
            self.pending += edits
        elif self.shape == "smallest":
            self.pending += smallest(before, edits)
        elif self.shape == "neovim":
            self.pending += [from_the_left(before, self.document)]
        self.keys += 1
        if not hold or self.keys >= 3:
            self.flush()

    def flush(self) -> None:
        if self.base is None:
            return
        before, self.base, edits, self.pending = self.base, None, self.pending, []
        self.keys = 0
        if self.shape == "full":
            edits = [Edit(Span(Position(0, 0), before.end), self.document.text)]
        elif self.shape == "lines":
            edits = [whole_lines(before, self.document)]
        self.tracker.changed(before, self.document, edits)

    # -- actions -----------------------------------------------------------------------------------

    def offer(self, text: str, typed: str = "", models: tuple[str, ...] = ("a",)) -> Suggestion:
        self.flush()
        self.ids += 1
        start = Position(self.cursor.line, self.cursor.column - len(typed))
        suggestion = Suggestion(
            f"s{self.ids}",
            "complete",
            text,
            models,
            self.document.uri,
            self.document.version,
            Span(start, self.cursor),
        )
        self.tracker.offered([suggestion], self.document)
        return suggestion

    def insert(self, text: str, at: Position | None = None) -> None:
        """One insertion, the cursor behind it."""
        place = self.cursor if at is None else at
        text = text.replace("\n", self.eol)
        self.change(Edit(Span(place, place), text))
        self.cursor = advance(place, text)

    def replace(self, span: Span, text: str) -> None:
        text = text.replace("\n", self.eol)
        self.change(Edit(span, text))
        self.cursor = advance(span.start, text)

    def accept(self, suggestion: Suggestion) -> None:
        self.replace(Span(suggestion.span.start, self.cursor), suggestion.text)

    def accept_in_parts(self, suggestion: Suggestion) -> None:
        """One action, several changes: the first line, then each other line."""
        start, edits = suggestion.span.start, list[Edit]()
        spot = Span(start, self.cursor)
        for part in split_lines(suggestion.text.replace("\n", self.eol)):
            edits.append(Edit(spot, part))
            end = advance(spot.start, part)
            spot = Span(end, end)
        self.change(*edits)
        self.cursor = spot.start

    def type(self, text: str, per_key: float = 0.12) -> None:
        """Key by key; the editor closes brackets and quotes, and steps over what it closed itself."""
        closing = {"(": ")", "[": "]", "{": "}", '"': '"'}
        opened: list[str] = []
        wanted = iter(text)
        for char in wanted:
            self.now[0] += per_key
            place = self.cursor
            behind = self.document.line(place.line)[place.column : place.column + 1]
            if opened and char == opened[-1] == behind:
                opened.pop()
                step = Span(place, Position(place.line, place.column + 1))
                self.cursor = step.end
                if self.shape in ("vscode", "smallest"):
                    self.change(Edit(step, char))
                continue
            if char == "\n":
                # The editor indents the new line by itself; the user goes on behind the indentation.
                line = self.document.line(place.line)
                indent = line[: len(line) - len(line.lstrip())]
                self.change(Edit(Span(place, place), self.eol + indent), hold=True)
                self.cursor = Position(place.line + 1, len(indent))
                opened.clear()
                continue
            pair = closing.get(char, "") if self.shape in FINE else ""
            if pair:
                opened.append(pair)
            self.change(Edit(Span(place, place), char + pair), hold=True)
            self.cursor = Position(place.line, place.column + 1)
        self.flush()

    def backspace(self, count: int = 1) -> None:
        for _ in range(count):
            self.now[0] += 0.1
            start = Position(self.cursor.line, self.cursor.column - 1)
            self.change(Edit(Span(start, self.cursor), ""))
            self.cursor = start

    def restore(self, document: Document, cursor: Position) -> None:
        """Undo: back to an earlier text, as one change."""
        self.flush()
        self.change(from_the_left(self.document, document))
        self.cursor = cursor

    def elsewhere(self, text: str = "# a new first line\n") -> None:
        """A change at the beginning of the file; the cursor goes there."""
        self.change(Edit(Span(Position(0, 0), Position(0, 0)), text.replace("\n", self.eol)))
        self.cursor = Position(1, 0)


def smallest(before: Document, edits: Sequence[Edit]) -> list[Edit]:
    """Return consecutive edits without the text that they leave as it is."""
    found: list[Edit] = []
    for edit in edits:
        found.append(minimal(before, edit))
        before = before.replace(edit.span, edit.text)
    return found


def from_the_left(before: Document, after: Document) -> Edit:
    """The change as a comparison from the left finds it, within the lines that differ."""
    old, new = before.lines, after.lines
    top = 0
    while top < min(len(old), len(new)) and old[top] == new[top]:
        top += 1
    low = 0
    while low < min(len(old), len(new)) - top and old[-1 - low] == new[-1 - low]:
        low += 1
    if top == len(old) == len(new):
        return Edit(Span(before.end, before.end), "")
    one, other = "".join(old[top : len(old) - low]), "".join(new[top : len(new) - low])
    head = common_prefix_length(one, other)
    while head and one[head - 1 : head] == "\r":
        head -= 1
    tail = common_suffix(one[head:], other[head:])
    if tail and "\r" in (one[head : len(one) - tail][-1:], other[head : len(other) - tail][-1:]):
        tail -= 1
    first = min(top, len(old) - 1)
    begin = Position(first, 0) if top < len(old) else before.end
    start = advance(begin, one[:head])
    end = advance(start, one[head : len(one) - tail])
    return Edit(Span(start, end), other[head : len(other) - tail])


def whole_lines(before: Document, after: Document) -> Edit:
    """The change as whole lines that replace others."""
    old, new = before.lines, after.lines
    top = 0
    while top < min(len(old), len(new)) - 1 and old[top] == new[top]:
        top += 1
    low = 0
    while low < min(len(old), len(new)) - top - 1 and old[-1 - low] == new[-1 - low]:
        low += 1
    last = len(old) - 1 - low
    end = Position(last, len(old[last]))
    return Edit(Span(Position(top, 0), end), "".join(new[top : len(new) - low]))


def type_exactly(e: Editor, text: str) -> None:
    """Type a text; its indentation after a line end comes from the editor or from the space bar."""
    first, *rest = text.split("\n")
    e.type(first)
    for line in rest:
        e.type("\n")
        e.type(line[min(e.cursor.column, len(line) - len(line.lstrip())) :])
