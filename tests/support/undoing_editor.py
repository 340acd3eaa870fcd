"""A simulated editor with an undo list, that can send several actions in one message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ensemble_lsp.types import Edit, Position, Span, advance

from .simulated_editor import Editor, from_the_left


@dataclass
class Action:
    """One step of the undo list."""

    edits: tuple[Edit, ...]
    inverse: tuple[Edit, ...]
    before: Position
    after: Position


@dataclass
class CaseEditor(Editor):
    """An editor with an undo list, that can send several actions in one message."""

    done: list[Action] = field(default_factory=list[Action])
    undone: list[Action] = field(default_factory=list[Action])
    holding: bool = False
    moving: bool = False
    """Whether it undoes or redoes."""

    def flush(self) -> None:
        """Send the changes, unless they go into one message."""
        if not self.holding:
            super().flush()

    def change(self, *edits: Edit, hold: bool = False) -> None:
        """Make the edits and remember how they are undone."""
        before, cursor = self.document, self.cursor
        inverse: list[Edit] = []
        document = before
        for edit in edits:
            end = advance(edit.span.start, edit.text)
            inverse.insert(0, Edit(Span(edit.span.start, end), document.slice(edit.span)))
            document = document.replace(edit.span, edit.text)
        super().change(*edits, hold=hold)
        if not self.moving:
            self.done.append(Action(edits, tuple(inverse), cursor, cursor))
            self.undone.clear()

    def as_one(self, act: Callable[[], None]) -> None:
        """Make several changes that one undo takes back, such as the keys of a word."""
        before, cursor, count = self.document, self.cursor, len(self.done)
        act()
        if len(self.done) > count:
            forth = from_the_left(before, self.document)
            back = from_the_left(self.document, before)
            self.done[count:] = [Action((forth,), (back,), cursor, self.cursor)]

    def undo(self) -> None:
        """Take back the latest action."""
        self.flush()
        action = self.done.pop()
        self.undone.append(action)
        self._move(action.inverse, action.before)

    def redo(self) -> None:
        """Make the action again that was undone last."""
        self.flush()
        action = self.undone.pop()
        self.done.append(action)
        self._move(action.edits, action.after)

    def _move(self, edits: tuple[Edit, ...], cursor: Position) -> None:
        self.moving = True
        self.change(*edits)
        self.moving = False
        self.cursor = cursor
