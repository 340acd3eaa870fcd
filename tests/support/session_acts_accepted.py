"""Acts of a session in which the developer accepts the suggestion."""

from __future__ import annotations

from ensemble_lsp.feedback.range_tracking import advance
from ensemble_lsp.types import Document, Edit, Position, Span, Suggestion

from .developer_session import IDENTIFIERS, Session, start_line
from .edit_scenarios import words
from .simulated_editor import type_exactly


def accept(s: Session) -> None:
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_then_type_at_once(s: Session) -> None:
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.e.type(" // ok", per_key=0.07)


def accept_and_key_in_one_message(s: Session) -> None:
    _, offered, _ = start_line(s)
    s.offer(offered, "accepted")
    s.pause()
    here = s.e.cursor
    behind = advance(here, offered)
    s.e.change(Edit(Span(here, here), offered), Edit(Span(behind, behind), " x"))
    s.pause()


def accept_after_typing_along(s: Session) -> None:
    """Type a part (each key brings the rest again), then accept."""
    _, offered, _ = start_line(s)
    s.offer(offered)
    count = s.rng.randrange(1, max(2, len(offered.split("\n")[0]) - 3))
    for index in range(count):
        s.e.type(offered[index])
        rest = offered[index + 1 :]
        if index + 1 < count and s.rng.random() < 0.6:
            s.offer(rest)
    suggestion = s.offer(offered[count:], "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_after_typing_without_offers(s: Session) -> None:
    """Type a part of it (the editor shortens the ghost text), then accept the rest."""
    _, offered, _ = start_line(s)
    first = offered.split("\n")[0]
    s.offer(offered, "accepted")
    count = s.rng.randrange(1, max(2, int(len(first) * 0.8)))
    type_exactly(s.e, first[:count])
    line = s.e.document.line(s.e.cursor.line)[s.e.cursor.column :].rstrip("\n")
    s.pause()
    s.e.replace(
        Span(s.e.cursor, Position(s.e.cursor.line, s.e.cursor.column + len(line))), offered[count:]
    )
    s.pause()


def accept_of_a_block_end(s: Session) -> None:
    s.line("if (ready) {")
    s.e.type("\n")
    s.e.type("go();")
    suggestion = s.offer("\n  }", "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_with_import(s: Session) -> None:
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    top = Position(0, 0)
    s.e.change(
        Edit(Span(suggestion.span.start, s.e.cursor), offered),
        Edit(Span(top, top), "import { x } from './x';\n"),
    )
    s.pause()


def accept_and_format(s: Session) -> None:
    """Accept; the formatter runs at the save that follows."""
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.e.wait(s.rng.uniform(0.05, 1.0))
    text = s.e.document.text.replace("'", '"').replace("(x) =>", "x =>")
    s.e.change(Edit(Span(Position(0, 0), s.e.document.end), text))
    s.pause()


def accept_word_by_word(s: Session) -> None:
    _, offered, _ = start_line(s)
    s.offer(offered, "accepted")
    s.pause()
    for word in words(offered):
        s.e.insert(word)
        s.e.wait(0.4)


def accept_undone_and_redone(s: Session) -> None:
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    before, at = s.e.document, s.e.cursor
    s.e.accept(suggestion)
    after, behind = s.e.document, s.e.cursor
    s.pause()
    s.undo(before, at)
    s.e.wait(s.rng.uniform(1, 12))
    s.undo(after, behind)
    s.pause()


def accept_typed_undone_and_redone(s: Session) -> None:
    """Accept and type; undo both, redo both, with some time in between."""
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    steps = [(s.e.document, s.e.cursor)]
    s.e.accept(suggestion)
    for key in " // x":
        steps.append((s.e.document, s.e.cursor))
        s.e.type(key)
    steps.append((s.e.document, s.e.cursor))
    for document, cursor in [*reversed(steps[:-1]), *steps[1:]]:
        s.e.wait(s.rng.uniform(0.1, 1.5))
        s.undo(document, cursor)
    s.pause()


def accept_of_an_older_item(s: Session) -> None:
    """A newer suggestion is offered, but the older one is still on the screen and is accepted."""
    _, offered, other = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.e.wait(0.3)
    s.offer(other)
    s.e.wait(0.5)
    s.e.accept(suggestion)
    s.pause()


def accept_after_another_file(s: Session) -> None:
    """Look at another file while the suggestion waits, come back, get it again, accept."""
    _, offered, _ = start_line(s)
    s.offer(offered)
    s.pause()
    other = Document.from_text("file:///other.ts", 1, "typescript", "let a = 1;\n")
    changed = other.replace(Span(Position(1, 0), Position(1, 0)), "b();\n", 2)
    s.tracker.changed(other, changed, [Edit(Span(Position(1, 0), Position(1, 0)), "b();\n")])
    s.e.wait(5)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_where_it_reappears(s: Session) -> None:
    """The text is offered at one place, left, offered at the next and accepted there."""
    typed, offered, _ = start_line(s)
    s.offer(offered)
    s.pause()
    s.line(typed)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_after_a_slip(s: Session) -> None:
    """Type a wrong key, delete it, think; the ghost text is there again and is accepted."""
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.type("q")
    s.e.wait(s.rng.uniform(0.3, 4))
    s.e.backspace()
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_after_a_change_elsewhere(s: Session) -> None:
    """A formatter or another cursor changes a line far away while the suggestion is read."""
    _, offered, _ = start_line(s)
    suggestion = s.offer(offered, "accepted")
    s.e.wait(0.5)
    s.e.change(Edit(Span(Position(0, 0), Position(0, 0)), "// lint\n"))
    s.e.cursor = Position(s.e.cursor.line + 1, s.e.cursor.column)
    s.e.wait(s.rng.uniform(0.5, 4))
    s.e.replace(Span(s.e.cursor, s.e.cursor), suggestion.text)
    s.pause()


def accept_over_a_bracket(s: Session) -> None:
    """The suggestion replaces the bracket that the editor closed."""
    s.line("check(")
    here = s.e.cursor
    behind = Position(here.line, here.column + 1)
    suggestion = Suggestion(
        f"b{s.e.ids}-{here.line}", "complete", "first, second);", ("a",), s.e.document.uri,
        s.e.document.version, Span(here, behind),
    )  # fmt: skip
    s.tracker.offered([suggestion], s.e.document)
    s.truth[suggestion.id], s.acts[suggestion.id] = "accepted", s.act
    s.pause()
    s.e.replace(Span(here, behind), suggestion.text)
    s.pause()


def accept_of_an_identifier(s: Session) -> None:
    """Rare: with a word typed, an open popup gets the accept key first."""
    typed, rest = s.rng.choice(IDENTIFIERS)
    s.line(typed)
    suggestion = s.offer(rest, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_of_a_name_after_a_space(s: Session) -> None:
    s.line("return ")
    suggestion = s.offer("classReferences", "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()
