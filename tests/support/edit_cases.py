"""Editing cases from JSON files: a text, what is offered and done, and the outcome that a person would name.

A file is a list of cases. A case has a ``name``, a ``text`` (the cursor is ``¦``), ``steps``, and ``outcomes``
by the number of the offer, from 1: a kind of outcome, ``taken`` (accepted or partial), ``unaccepted`` (neither of
them) or ``not`` (nor typed). ``forms``: the forms of edits that show the outcome, if not all do.
A step is a list: a verb, its arguments, and perhaps an object with options:

- ``offer TEXT {typed, behind, model}``: replaces the ``typed`` word before the cursor and ``behind`` characters after it
- ``offers [TEXT] {listed}``: several candidates
- ``accept [NUMBER] {extra, command}``: in one edit; ``extra``: pairs of old and new text that change with it
- ``words COUNT``, ``line``: the next words or the line of the latest offer
- ``type TEXT`` (the editor closes brackets), ``keys TEXT`` (it does not), ``backspace COUNT``
- ``insert TEXT {back, ahead}``: one edit that also replaces characters around the cursor (popup, paste, snippet)
- ``rewrite OLD NEW …``: each occurrence of each pair, in one message (formatter, rename, toggled comments)
- ``set TEXT``: the editor replaces the whole document (checkout, formatter); ``reload TEXT``: it is opened again
- ``cursors [PLACE] TEXT {at_once}``: keys, or one insertion, at several cursors
- ``goto PLACE``, ``file NAME [TEXT]``, ``undo COUNT``, ``redo COUNT``, ``wait SECONDS``, ``save``
- ``together [STEP]``: in one message; ``report METHOD ARGUMENTS``: a command or notification
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion, advance

from .edit_samples import CURSOR
from .edit_scenarios import words
from .undoing_editor import CaseEditor

FOLDER = Path(__file__).parent.parent / "data" / "editing"
PARTS = ("mended", "held_out", "held_out_second", "held_out_third", "held_out_fourth")
FORMS = ("vscode", "smallest")
LOOSE = {
    "taken": ("accepted", "partial"),
    "unaccepted": ("typed", "rejected", "ignored", "superseded"),
    "not": ("rejected", "ignored", "superseded"),
}
MAIN = "file:///main.ts"


@dataclass(frozen=True)
class EditCase:
    """One case; see the module."""

    name: str
    text: str
    steps: tuple[list[Any], ...]
    outcomes: dict[str, str]
    forms: tuple[str, ...] = FORMS


def load(part: str) -> list[EditCase]:
    """Return the cases of a file."""
    entries: list[dict[str, Any]] = json.loads((FOLDER / f"{part}.json").read_text("utf-8"))
    return [
        EditCase(
            entry["name"],
            entry["text"],
            tuple(entry["steps"]),
            entry["outcomes"],
            tuple(entry.get("forms", FORMS)),
        )
        for entry in entries
    ]


@dataclass
class Player:
    """Plays one case in one form of edits."""

    form: str
    now: list[float] = field(default_factory=lambda: [1000.0])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    rewards: dict[str, float | None] = field(default_factory=dict[str, float | None])
    offered: list[Suggestion] = field(default_factory=list[Suggestion])
    editors: dict[str, CaseEditor] = field(default_factory=dict[str, CaseEditor])
    behind: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        """Begin with an empty desk."""
        self.tracker = Tracker(self._hear, self._hear, clock=lambda: self.now[0])
        # The real clients are known, or learned from their first edits.
        self.tracker.habits.exact = self.form == "vscode"
        self.file("file:///earlier.ts", "let ¦\n")
        self.insert("earlier = 1;")

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.kinds[suggestion.id] = outcome.kind
        self.rewards[suggestion.id] = outcome.reward

    def play(self, case: EditCase) -> list[tuple[str, str]]:
        """Return the true and the found outcome of each offer that has a true one."""
        self.file(MAIN, case.text)
        for step in case.steps:
            self.step(step)
        for e in self.editors.values():
            self.e = e
            e.flush()
        self.e.wait(5)
        for e in self.editors.values():
            self.tracker.closed(e.document)
        return [
            (truth, self.kinds.get(self.offered[int(number) - 1].id, "nothing"))
            for number, truth in case.outcomes.items()
        ]

    def step(self, step: list[Any]) -> None:
        """Do one step."""
        verb, *args = step
        options: dict[str, Any] = args.pop() if args and isinstance(args[-1], dict) else {}
        getattr(self, verb)(*args, **options)

    # -- verbs -------------------------------------------------------------------------------------

    def file(self, name: str, text: str = "") -> None:
        """Go to another file, and open it if it is new."""
        if name not in self.editors:
            document = Document.from_text(name, 1, "typescript", text.replace(CURSOR, ""))
            cursor = advance(Position(0, 0), text.partition(CURSOR)[0])
            self.editors[name] = CaseEditor(self.tracker, self.form, document, cursor, self.now)
            self.tracker.opened(document)
        self.e = self.editors[name]

    def goto(self, place: str) -> None:
        """Move the cursor."""
        self.e.flush()
        self.e.cursor = self._find(place)

    def _find(self, place: str) -> Position:
        before, _, behind = place.partition(CURSOR)
        index = self.e.document.text.index(before + behind) + len(before)
        return advance(Position(0, 0), self.e.document.text[:index])

    def offer(self, text: str, typed: str = "", behind: int = 0, model: str = "a") -> None:
        """Offer one text."""
        self.offers([text], typed=typed, behind=behind, model=model)

    def offers(
        self,
        texts: Sequence[str],
        listed: bool = False,
        typed: str = "",
        behind: int = 0,
        model: str = "",
    ) -> None:
        """Offer several texts, the best first."""
        e = self.e
        e.flush()
        here = e.cursor
        span = Span(
            Position(here.line, here.column - len(typed)), Position(here.line, here.column + behind)
        )
        new = [
            Suggestion(
                f"s{len(self.offered) + n}", "complete", text, (model or f"m{n}",), e.document.uri,
                e.document.version, span, shown_at=n,
            )
            for n, text in enumerate(texts)
        ]  # fmt: skip
        self.offered += new
        self.behind |= {s.id: behind for s in new}
        self.tracker.offered(new, e.document, all_visible=listed)

    def accept(
        self,
        number: int = 0,
        extra: Sequence[Sequence[str]] = (),
        command: bool = False,
        more: int = 0,
    ) -> None:
        """Insert a text as the editor does; ``more``: characters behind the cursor that go with it."""
        e, s = self.e, self.offered[number - 1]
        end = Position(e.cursor.line, e.cursor.column + self.behind.get(s.id, 0) + more)
        edit = Edit(Span(s.span.start, end), s.text)
        e.flush()
        before = e.document
        e.change(edit, *self._rewritten(before.replace(edit.span, edit.text), extra))
        e.cursor = advance(s.span.start, s.text)
        if command:
            e.flush()
            self.tracker.accepted(s.id)

    def words(self, count: int = 1) -> None:
        """Accept the next words."""
        for _ in range(count):
            self.e.insert(words(self._rest())[0])
            self.e.wait(0.4)

    def line(self) -> None:
        """Accept the next line."""
        first, end, _ = self._rest().partition("\n")
        self.e.insert(first or end)
        self.e.wait(0.4)

    def _rest(self) -> str:
        s = self.offered[-1]
        have = self.e.document.slice(Span(s.span.start, self.e.cursor))
        assert s.text.startswith(have), (have, s.text)
        return s.text[len(have) :]

    def type(self, text: str, per_key: float = 0.12) -> None:
        """Type; the editor closes brackets and indents."""
        self.e.as_one(lambda: self.e.type(text, per_key))

    def keys(self, text: str, per_key: float = 0.12) -> None:
        """Type, without help of the editor."""

        def act() -> None:
            for key in text:
                self.now[0] += per_key
                self.e.insert(key)

        self.e.as_one(act)

    def backspace(self, count: int = 1) -> None:
        """Remove characters before the cursor."""
        self.e.as_one(lambda: self.e.backspace(count))

    def insert(self, text: str, back: int = 0, ahead: int = 0, left: int = 0) -> None:
        """Make one edit at the cursor, which then is ``left`` characters before its end."""
        here = self.e.cursor
        span = Span(
            Position(here.line, here.column - back), Position(here.line, here.column + ahead)
        )
        self.e.replace(span, text)
        if left:
            self.e.cursor = advance(span.start, text[: len(text) - left])

    def rewrite(self, *pairs: str) -> None:
        """Replace each occurrence of the texts, in one message, the last first."""
        e = self.e
        e.flush()
        both = list(zip(pairs[::2], pairs[1::2], strict=True))
        mark = e.document.text
        index = len("".join(e.document.lines[: e.cursor.line])) + e.cursor.column
        head = mark[:index]
        for old, new in both:
            head = head.replace(old, new)
        e.change(*self._rewritten(e.document, both))
        e.cursor = e.document.clamp(advance(Position(0, 0), head))

    @staticmethod
    def _rewritten(document: Document, pairs: Sequence[Sequence[str]]) -> list[Edit]:
        text = document.text
        found: list[tuple[int, str, str]] = []
        for old, new in pairs:
            index = text.find(old)
            assert index >= 0, old
            while index >= 0:
                found.append((index, old, new))
                index = text.find(old, index + len(old))
        edits: list[Edit] = []
        for index, old, new in sorted(found, reverse=True):
            start = advance(Position(0, 0), text[:index])
            edits.append(Edit(Span(start, advance(start, old)), new))
        return edits

    def set(self, text: str) -> None:
        """Replace the whole document."""
        e = self.e
        e.flush()
        e.change(Edit(Span(Position(0, 0), e.document.end), text.replace(CURSOR, "")))
        e.cursor = advance(Position(0, 0), text.partition(CURSOR)[0])

    def reload(self, text: str, closed: bool = True) -> None:
        """Open the document again with a text."""
        e = self.e
        e.flush()
        if closed:
            self.tracker.closed(e.document)
        document = Document.from_text(
            e.document.uri, e.document.version + 1, "typescript", text.replace(CURSOR, "")
        )
        e.document, e.cursor = document, advance(Position(0, 0), text.partition(CURSOR)[0])
        self.tracker.opened(document)

    def cursors(self, places: Sequence[str], text: str, at_once: bool = False) -> None:
        """Write at several cursors; the first is the main one."""
        e = self.e
        e.flush()
        spots = sorted((self._find(place), not n) for n, place in enumerate(places))
        for piece in [text] if at_once else list(text):
            self.now[0] += 0.15
            e.change(*(Edit(Span(p, p), piece) for p, _ in reversed(spots)))
            spots = [(Position(p.line, p.column + len(piece)), main) for p, main in spots]
        e.cursor = next(p for p, main in spots if main)

    def undo(self, count: int = 1) -> None:
        """Undo."""
        for _ in range(count):
            self.e.undo()
            self.e.wait(0.2)

    def redo(self, count: int = 1) -> None:
        """Redo."""
        for _ in range(count):
            self.e.redo()
            self.e.wait(0.2)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.e.wait(seconds)

    def save(self) -> None:
        """Save the document."""
        self.e.flush()
        self.tracker.saved(self.e.document)

    def together(self, *steps: list[Any]) -> None:
        """Do several steps in one message."""
        self.e.flush()
        self.e.holding = True
        for step in steps:
            self.step(step)
        self.e.holding = False
        self.e.flush()

    def report(self, method: str, number: int, *args: Any) -> None:
        """Call a method of the tracker, as a command or notification does."""
        self.e.flush()
        getattr(self.tracker, method)(self.offered[number - 1].id, *args)


def is_right(truth: str, found: str) -> bool:
    """Return whether an outcome is the true one."""
    if truth in LOOSE:
        return found in LOOSE[truth]
    return found == truth


def play(case: EditCase, form: str) -> list[tuple[str, str]]:
    """Return the true and the found outcome of each offer of a case."""
    return Player(form).play(case)


def precision_and_recall(pairs: Sequence[tuple[str, str]]) -> tuple[int, float, float]:
    """Return the number of true accepts (parts, too), and precision and recall of the found ones."""
    taken = ("accepted", "partial", "taken")
    found = [truth in taken for truth, got in pairs if got in taken]
    wanted = [got in taken for truth, got in pairs if truth in taken]
    return len(wanted), sum(found) / max(1, len(found)), sum(wanted) / max(1, len(wanted))
