"""Generated sessions of one developer, with the true outcome of each suggestion.

A session is one file that grows line by line. At each line a suggestion is offered, and the developer does one
of the things that people do: accepts it, takes words from the editor's own popup, types, pastes, undoes.
Edits are reported as they are made (``vscode``) or in their smallest form (``smallest``). Unlike the
sequences of ``edit_sequences``, all suggestions of a session go through one tracker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ensemble_lsp.feedback.range_tracking import advance
from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion

from .edit_sequences import Editor, type_exactly, words

FORMS = ("vscode", "smallest")

LINES: tuple[tuple[str, str, str], ...] = (
    # typed before the suggestion, offered, another text with a similar beginning
    (
        "const re",
        "ferences = r.references.filter((x) => x.isOpen);",
        "placed = old.replace(/a/g, b);",
    ),
    ("if (", "!classReferences) {\n    return [];\n  }", "classReferences.length) {"),
    ("return a ", "<= b ? -1 : 1;", ">= b ? 1 : -1;"),
    ("const path = file.fil", "eName.split('/').pop();", "es[0];"),
    ("for (const item of ", "this.items) {\n    total += item.price;\n  }", "that.other) {"),
    ("await ", "this.store.save(document, { force: true });", "delay(100);"),
    ("const total = ", "items.reduce((sum, item) => sum + item.price, 0);", "0;"),
    ("this.em", "itter.fire({ uri, version });", "pty = true;"),
    ("export function ", "parseRange(text: string): Range {", "print(): void {"),
    ("console.", "log(`${name}: ${value}`);", "error(err);"),
    ("private readonly ", "listeners = new Map<string, Listener>();", "name: string;"),
    ("while (", "index < lines.length && !lines[index].trim()) index++;", "true) {"),
    ("  def ", "normalise(self, values: list[float]) -> list[float]:", "name(self) -> str:"),
    ("result = [", "row.strip() for row in rows if row]", "1, 2, 3]"),
    ("assert ", "len(found) == 3, found", "found is None"),
    ("throw new ", 'TypeError(`expected a string, got "${typeof value}"`);', "Error(message);"),
    ("let x = cond ", "&& other.isReady ? first : second;", "|| other;"),
    ("<div ", 'className="row">{children}</div>', "id={name} />"),
    ("import { ", 'readFile, writeFile } from "node:fs/promises";', "join } from 'path';"),
    ("} catch (", "error) {\n    logger.warn(error);\n  }", "e) {"),
)
IDENTIFIERS = (
    # typed, the rest of the identifier
    ("const path = file.fil", "eName"),
    ("return this.cla", "ssReferences"),
    ("if (docu", "mentVersion"),
    ("x = self._ca", "che_size"),
)
START = "import os from 'os';\n\nfunction first() {\n  return 1;\n}\n\nexport class Main {\n\n}\n"


@dataclass
class Session:
    """A developer at work: one tracker, one file (another is opened now and then)."""

    rng: random.Random
    form: str
    now: list[float] = field(default_factory=lambda: [1000.0])
    outcomes: dict[str, str] = field(default_factory=dict[str, str])
    truth: dict[str, str] = field(default_factory=dict[str, str])
    acts: dict[str, str] = field(default_factory=dict[str, str])
    act: str = ""

    def __post_init__(self) -> None:
        """Open the file."""
        self.tracker = Tracker(self._hear, self._hear, clock=lambda: self.now[0])
        document = Document.from_text("file:///main.ts", 1, "typescript", START)
        self.e = Editor(self.tracker, self.form, document, Position(7, 0), self.now)

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.outcomes[suggestion.id] = outcome.kind

    def line(self, typed: str) -> None:
        """Begin a new line and type its start."""
        end = self.e.document.end
        last = Position(end.line - 1, len(self.e.document.line(end.line - 2)))
        self.e.cursor = Position(last.line - 1, last.column)
        self.e.type("\n")
        self.e.type(typed)

    def offer(self, text: str, truth: str = "", typed: str = "") -> Suggestion:
        """Offer a text and write down its true outcome ("" for any that is no accept)."""
        self.e.wait(self.rng.uniform(0.15, 0.4))
        suggestion = self.e.offer(text, typed)
        self.truth[suggestion.id] = truth
        self.acts[suggestion.id] = self.act
        return suggestion

    def pause(self) -> None:
        """Read."""
        self.e.wait(self.rng.uniform(0.5, 2.5))

    def popup(self, text: str) -> None:
        """Take an item of the popup: it replaces the word under the cursor."""
        e = self.e
        line = e.document.line(e.cursor.line)[: e.cursor.column]
        start = len(line)
        while start and (line[start - 1].isalnum() or line[start - 1] in "_$"):
            start -= 1
        e.replace(Span(Position(e.cursor.line, start), e.cursor), text)

    def word_here(self) -> str:
        """Return the part of a word before the cursor."""
        line = self.e.document.line(self.e.cursor.line)[: self.e.cursor.column]
        return line[len(line.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")) :]

    def undo(self, document: Document, cursor: Position) -> None:
        """Go back, or forth, to a text."""
        self.e.restore(document, cursor)


Act = Callable[[Session], None]


def _pick(s: Session) -> tuple[str, str, str]:
    typed, offered, other = s.rng.choice(LINES)
    s.line(typed)
    return typed, offered, other


def _first(text: str) -> str:
    """Return the first identifier of a text."""
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[:end]


# -- accepted ----------------------------------------------------------------------------------


def accept(s: Session) -> None:
    _, offered, _ = _pick(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_then_type_at_once(s: Session) -> None:
    _, offered, _ = _pick(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.e.type(" // ok", per_key=0.07)


def accept_and_key_in_one_message(s: Session) -> None:
    _, offered, _ = _pick(s)
    s.offer(offered, "accepted")
    s.pause()
    here = s.e.cursor
    behind = advance(here, offered)
    s.e.change(Edit(Span(here, here), offered), Edit(Span(behind, behind), " x"))
    s.pause()


def accept_after_typing_along(s: Session) -> None:
    """Type a part (each key brings the rest again), then accept."""
    _, offered, _ = _pick(s)
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
    _, offered, _ = _pick(s)
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
    _, offered, _ = _pick(s)
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
    _, offered, _ = _pick(s)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.e.wait(s.rng.uniform(0.05, 1.0))
    text = s.e.document.text.replace("'", '"').replace("(x) =>", "x =>")
    s.e.change(Edit(Span(Position(0, 0), s.e.document.end), text))
    s.pause()


def accept_word_by_word(s: Session) -> None:
    _, offered, _ = _pick(s)
    s.offer(offered, "accepted")
    s.pause()
    for word in words(offered):
        s.e.insert(word)
        s.e.wait(0.4)


def accept_undone_and_redone(s: Session) -> None:
    _, offered, _ = _pick(s)
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
    _, offered, _ = _pick(s)
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
    _, offered, other = _pick(s)
    suggestion = s.offer(offered, "accepted")
    s.e.wait(0.3)
    s.offer(other)
    s.e.wait(0.5)
    s.e.accept(suggestion)
    s.pause()


def accept_after_another_file(s: Session) -> None:
    """Look at another file while the suggestion waits, come back, get it again, accept."""
    _, offered, _ = _pick(s)
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
    typed, offered, _ = _pick(s)
    s.offer(offered)
    s.pause()
    s.line(typed)
    suggestion = s.offer(offered, "accepted")
    s.pause()
    s.e.accept(suggestion)
    s.pause()


def accept_after_a_slip(s: Session) -> None:
    """Type a wrong key, delete it, think; the ghost text is there again and is accepted."""
    _, offered, _ = _pick(s)
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
    _, offered, _ = _pick(s)
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


# -- not accepted ------------------------------------------------------------------------------


def popup_ends_the_word(s: Session) -> None:
    typed, rest = s.rng.choice(IDENTIFIERS)
    s.line(typed)
    s.offer(rest)
    s.e.wait(s.rng.uniform(0.2, 1.5))
    s.popup(s.word_here() + rest)
    s.pause()


def popup_takes_the_first_word(s: Session) -> None:
    """The popup inserts the suggestion's first word; then something else is done."""
    _, offered, other = _pick(s)
    name = _first(offered)
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
    _, offered, _ = _pick(s)
    name = _first(offered)
    s.offer(offered)
    s.e.wait(0.4)
    if name:
        s.popup(s.word_here() + name)
    type_exactly(s.e, offered[len(name) :])
    s.e.wait(3)


def popup_with_prefix_then_away(s: Session) -> None:
    """Type some of the first word as offered, then end it by the popup."""
    _, offered, _ = _pick(s)
    name = _first(offered)
    if len(name) < 4:
        return
    s.offer(offered)
    s.e.type(name[:2])
    s.e.wait(0.3)
    s.popup(s.word_here() + name[2:])
    s.pause()


def typed_by_hand(s: Session) -> None:
    _, offered, _ = _pick(s)
    s.offer(offered)
    s.e.wait(0.2)
    type_exactly(s.e, offered)
    s.e.wait(3)


def typed_along(s: Session) -> None:
    """Type it all; each key brings the rest again."""
    _, offered, _ = _pick(s)
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
    _, offered, other = _pick(s)
    s.offer(offered)
    s.pause()
    s.e.insert(other)
    s.pause()


def other_typed(s: Session) -> None:
    _, offered, other = _pick(s)
    s.offer(offered)
    s.pause()
    s.e.type(other)
    s.pause()


def left(s: Session) -> None:
    _, offered, _ = _pick(s)
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
    _, offered, other = _pick(s)
    s.offer(offered)
    s.pause()
    for char in other[:8]:
        here, top = s.e.cursor, Position(0, 0)
        s.e.change(Edit(Span(here, here), char), Edit(Span(top, top), char))
        s.e.cursor = Position(here.line, here.column + 1)
        s.e.wait(0.15)
    s.pause()


def formatted_while_open(s: Session) -> None:
    _, offered, _ = _pick(s)
    s.offer(offered)
    s.pause()
    text = s.e.document.text.replace("'", '"').replace("  return", " return")
    s.e.change(Edit(Span(Position(0, 0), s.e.document.end), text))
    s.pause()
    s.e.cursor = Position(0, 0)


def undo_chain(s: Session) -> None:
    """Type, undo, redo, undo."""
    _, offered, other = _pick(s)
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
    _, offered, _ = _pick(s)
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


MIX: tuple[tuple[int, Act], ...] = (
    (12, accept),
    (4, accept_then_type_at_once),
    (1, accept_and_key_in_one_message),
    (5, accept_after_typing_along),
    (4, accept_after_typing_without_offers),
    (2, accept_of_a_block_end),
    (1, accept_with_import),
    (2, accept_and_format),
    (1, accept_word_by_word),
    (1, accept_undone_and_redone),
    (1, accept_typed_undone_and_redone),
    (1, accept_of_an_older_item),
    (1, accept_after_another_file),
    (1, accept_where_it_reappears),
    (1, accept_after_a_slip),
    (1, accept_after_a_change_elsewhere),
    (2, accept_over_a_bracket),
    (1, accept_of_an_identifier),
    (1, accept_of_a_name_after_a_space),
    (5, popup_ends_the_word),
    (6, popup_takes_the_first_word),
    (3, popup_then_typed),
    (2, popup_with_prefix_then_away),
    (5, typed_by_hand),
    (5, typed_along),
    (1, opposite_pasted),
    (2, negation_left_out),
    (2, other_pasted),
    (10, other_typed),
    (6, left),
    (1, call_brackets_typed),
    (1, comment_continued),
    (2, return_between_brackets),
    (1, several_cursors),
    (1, formatted_while_open),
    (1, undo_chain),
    (1, accept_undone),
    (1, snippet_of_the_editor),
)


def session(seed: int, form: str, acts: int = 150) -> Iterator[tuple[str, str, str]]:
    """Play a session; yield the act, the true and the found outcome of each suggestion."""
    played = Session(random.Random(seed), form)
    weights = [weight for weight, _ in MIX]
    for act in played.rng.choices([act for _, act in MIX], weights, k=acts):
        played.act = act.__name__
        act(played)
        played.e.flush()
    played.tracker.closed(played.e.document)
    for id_, truth in played.truth.items():
        yield played.acts[id_], truth, played.outcomes.get(id_, "nothing")


def accepts(pairs: Sequence[tuple[str, str, str]]) -> tuple[int, float, float]:
    """Return the number of true accepts, and precision and recall of the found ones.

    A part counts as found: the developer of a session never accepts a part alone.
    """
    found = [truth == "accepted" for _, truth, got in pairs if got in ("accepted", "partial")]
    wanted = [got == "accepted" for _, truth, got in pairs if truth == "accepted"]
    return len(wanted), sum(found) / max(1, len(found)), sum(wanted) / max(1, len(wanted))
