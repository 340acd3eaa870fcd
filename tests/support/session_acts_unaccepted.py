"""Acts of a session in which the developer does not accept the suggestion, or takes it back."""

from __future__ import annotations

from ensemble_lsp.types import Edit, Position, Span

from .developer_session import IDENTIFIERS, Session, first_identifier, start_line
from .simulated_editor import type_exactly


def popup_ends_the_word(s: Session) -> None:
    typed, rest = s.rng.choice(IDENTIFIERS)
    s.line(typed)
    s.offer(rest)
    s.e.wait(s.rng.uniform(0.2, 1.5))
    s.popup(s.word_here() + rest)
    s.pause()


def popup_takes_the_first_word(s: Session) -> None:
    """The popup inserts the suggestion's first word; then something else is done."""
    _, offered, other = start_line(s)
    name = first_identifier(offered)
    if not name:
        return
    s.offer(offered)
    s.e.wait(0.4)
    s.popup(s.word_here() + name + s.rng.choice(["", "", "()"]))
    if s.rng.random() < 0.4:
        s.e.wait(0.3)
        s.e.type(".x" + other)
    elif s.rng.random() < 0.5:
        s.offer(".something(else)")
    s.pause()


def popup_then_typed(s: Session) -> None:
    _, offered, _ = start_line(s)
    name = first_identifier(offered)
    s.offer(offered)
    s.e.wait(0.4)
    if name:
        s.popup(s.word_here() + name)
    type_exactly(s.e, offered[len(name) :])
    s.e.wait(3)


def popup_with_prefix_then_away(s: Session) -> None:
    """Type some of the first word as offered, then end it by the popup."""
    _, offered, _ = start_line(s)
    name = first_identifier(offered)
    if len(name) < 4:
        return
    s.offer(offered)
    s.e.type(name[:2])
    s.e.wait(0.3)
    s.popup(s.word_here() + name[2:])
    s.pause()


def typed_by_hand(s: Session) -> None:
    _, offered, _ = start_line(s)
    s.offer(offered)
    s.e.wait(0.2)
    type_exactly(s.e, offered)
    s.e.wait(3)


def typed_along(s: Session) -> None:
    """Type it all; each key brings the rest again."""
    _, offered, _ = start_line(s)
    first = offered.split("\n")[0]
    s.offer(offered)
    for index, char in enumerate(first[:-1]):
        s.e.type(char)
        if s.rng.random() < 0.5:
            s.offer(offered[index + 1 :])
    s.e.type(first[-1])
    s.e.wait(3)


def opposite_pasted(s: Session) -> None:
    s.line("return a ")
    s.offer("<= b && a <= c;")
    s.pause()
    s.e.insert(">= b && a >= c;")
    s.pause()


def negation_left_out(s: Session) -> None:
    s.line("if (")
    s.offer("!classReferences) {")
    s.e.wait(0.6)
    if s.rng.random() < 0.5:
        s.e.insert("classReferences")
    else:
        s.e.type("class")
        s.popup("classReferences")
    s.pause()


def other_pasted(s: Session) -> None:
    _, offered, other = start_line(s)
    s.offer(offered)
    s.pause()
    s.e.insert(other)
    s.pause()


def other_typed(s: Session) -> None:
    _, offered, other = start_line(s)
    s.offer(offered)
    s.pause()
    s.e.type(other)
    s.pause()


def left(s: Session) -> None:
    _, offered, _ = start_line(s)
    s.offer(offered)
    s.pause()


def call_brackets_typed(s: Session) -> None:
    """The offered text is a pair of brackets, and the user types the first."""
    s.line("refresh")
    s.offer("()")
    s.e.wait(0.5)
    s.e.type("(")
    s.pause()


def comment_continued(s: Session) -> None:
    """Return in a comment begins the next line with its sign."""
    s.line("// Sorts the items")
    s.offer("\n  // by their price and name.")
    s.pause()
    s.e.insert("\n  // ")
    s.e.type("and more")
    s.pause()


def return_between_brackets(s: Session) -> None:
    s.line("run(() => {")
    s.offer("\n    stop();\n  })")
    s.pause()
    here = s.e.cursor
    s.e.change(Edit(Span(here, here), "\n    \n  "))
    s.e.cursor = Position(here.line + 1, 4)
    s.e.type("keep();")
    s.pause()


def several_cursors(s: Session) -> None:
    _, offered, other = start_line(s)
    s.offer(offered)
    s.pause()
    for char in other[:8]:
        here, top = s.e.cursor, Position(0, 0)
        s.e.change(Edit(Span(here, here), char), Edit(Span(top, top), char))
        s.e.cursor = Position(here.line, here.column + 1)
        s.e.wait(0.15)
    s.pause()


def formatted_while_open(s: Session) -> None:
    _, offered, _ = start_line(s)
    s.offer(offered)
    s.pause()
    text = s.e.document.text.replace("'", '"').replace("  return", " return")
    s.e.change(Edit(Span(Position(0, 0), s.e.document.end), text))
    s.pause()
    s.e.cursor = Position(0, 0)


def undo_chain(s: Session) -> None:
    """Type, undo, redo, undo."""
    _, offered, other = start_line(s)
    before, at = s.e.document, s.e.cursor
    s.offer(offered)
    s.pause()
    s.e.type(other[:6])
    after, behind = s.e.document, s.e.cursor
    for document, cursor in ((before, at), (after, behind), (before, at)):
        s.e.wait(0.5)
        s.undo(document, cursor)
    s.pause()


def accept_undone(s: Session) -> None:
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered)
    s.pause()
    before, at = s.e.document, s.e.cursor
    s.e.accept(suggestion)
    s.pause()
    s.undo(before, at)
    s.e.wait(15)


def snippet_of_the_editor(s: Session) -> None:
    """A snippet begins as the suggestion does."""
    s.line("f")
    s.offer("or (const item of this.items) {\n    total += item.price;\n  }")
    s.e.wait(0.5)
    s.popup("for (const iterator of object) {\n    \n  }")
    s.pause()
