"""Editing sequences with known outcomes, in the shapes in which editors really report edits.

A sequence is a document, an offered text, and what the user then does; ``play`` runs it against a
``Tracker`` and returns what it made of it. Shapes: ``vscode`` (each change as it was made, brackets closed
by the editor), ``smallest`` (the same without the text that a change leaves as it is), ``neovim`` (changes
found by comparing lines from the left, some keys in one message),
``lines`` (whole lines replaced), ``full`` (the whole document, after a pause in typing).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ensemble_lsp.feedback.range_tracking import advance, common_suffix, minimal
from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import (
    Document,
    Edit,
    Outcome,
    Position,
    Span,
    Suggestion,
    common_prefix_length,
    split_lines,
)

SHAPES = ("vscode", "neovim", "lines", "full")
FINE = ("vscode", "smallest", "neovim")
"""Shapes that show each key."""
CURSOR = "¦"


@dataclass(frozen=True)
class Sample:
    """A place in code (the cursor is ``¦``), what is offered there, and what is written instead."""

    language: str
    code: str
    offered: str
    instead: str
    typed: str = ""
    """A word before the cursor that the offered text repeats, so that its span covers it."""
    eol: str = "\n"


SAMPLES = (
    Sample(
        "python",
        "import os\n\ndef area(w, h):\n    return ¦\n\nprint(1)\n",
        "width * height",
        "None",
    ),
    Sample(
        "python",
        "class A:\n    def f(self, values):\n        total = 0\n        ¦\n\nx = 1\n",
        "for value in values:\n            total += value\n        return total",
        "while values:",
    ),
    Sample(
        "javascript",
        "const a = 1;\nfunction add(a, b) {\n  ¦\n}\nadd(1, 2);\n",
        "const sum = a + b;\n  return sum;",
        "throw new Error()",
        eol="\r\n",
    ),
    Sample("typescript", "let s = '😀';\nconsole.log(¦)\nlet t = 2;\n", "value.length, s", "'no'"),
    Sample("go", "func main() {\n\tx := 1\n\tfmt.¦\n}\n", 'Println("x is", x)', "Errorf(err)"),
    Sample(
        "rust",
        "fn f(v: &[i32]) -> i32 {\n    v.it¦\n}\n\nfn main() {}\n",
        "iter().sum()",
        "em",
        typed="it",
        eol="\r\n",
    ),
    Sample("java", "class A {\n  int x;\n  int get() { ¦ }\n}\n", "return this.x;", "x = 5;"),
    Sample("lua", "-- 名前 🎉\nlocal t = {}\nt.name = ¦\nreturn t\n", 'os.getenv("USER")', "nil"),
    Sample(
        "c",
        "int main(void) {\n    for (¦)\n    return 0;\n}\n",
        "int i = 0; i < n; i++",
        "unsigned k = 9",
    ),
    Sample(
        "html",
        "<ul>\n  <li>one</li>\n  ¦\n</ul>\n",
        "<li>two</li>\n  <li>three</li>",
        "text only",
    ),
    Sample(
        "python",
        "def read(path):\n    with open(path) as file:\n        data = fi¦\n    return 1\n",
        "file.read()",
        "x.y",
        typed="fi",
    ),
    Sample("ruby", "def a\n  b = 1\n  ¦\nend\n\nputs a\n", "c = b + 2\n  c * 3", "puts 'é'"),
    Sample(
        "php",
        "<?php\nfunction f($a) {\n    ¦\n}\nf(1);\n",
        "$b = array_map('trim', $a);\n    return $b;",
        "throw 1;",
    ),
    Sample(
        "kotlin",
        "fun main() {\n    val xs = listOf(1, 2)\n    xs.fo¦\n}\n",
        "forEach { println(it) }",
        "old()",
        typed="fo",
        eol="\r\n",
    ),
    Sample(
        "csharp",
        "class A\n{\n    string Name => ¦;\n}\n",
        'first + " " + last',
        "null ?? x",
    ),
    Sample(
        "shellscript",
        "#!/bin/sh\nfor f in *; do\n  ¦\ndone\necho ok\n",
        'echo "$f"\n  rm -f "$f.bak"',
        "exit 3",
    ),
    Sample(
        "python",
        "# 日本語 𝒳\nresult = compute(¦)\n",
        "first, second, key=lambda pair: pair[0]",
        "42, 'x'",
    ),
    Sample(
        "json",
        '{\n  "a": 1,\n  ¦\n}\n',
        '"version": "1.0.0",\n  "private": true',
        "// no",
    ),
)

AMBIGUOUS = (
    # Half of these is one character: taken at once or typed, the document looks the same.
    Sample("python", "def f(xs):\n    return [¦ for x in xs]\n", "x ** 2", "None"),
    Sample("javascript", "a\n  b\n  ¦\n  b\n  c\n", "b\n  b\n  bb", "zzz = 1"),
)


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


Act = Callable[[Editor, Suggestion, Sample], Suggestion | None]


def half(text: str) -> int:
    """Return the offset of the second half of the words."""
    return len("".join(first_words(text)))


def first_words(text: str) -> list[str]:
    """Return half of the words, the first ones in one piece."""
    pieces = words(text)
    count = len(pieces) - len(by_word(text)) + 1
    first = "".join(pieces[:count])
    return [first, *pieces[count : max(count, len(pieces) // 2)]]


def by_word(text: str) -> list[str]:
    """Return the words, the first ones joined until they can be neither keys nor a popup's word."""
    first, *rest = words(text)
    while len(rest) > 1 and (len(first.replace(" ", "")) <= 3 or first.isidentifier()):
        first += rest.pop(0)
    return [first, *rest]


def own(sample: Sample) -> str:
    """Return the part of the offered text that is not typed yet."""
    return sample.offered[len(sample.typed) :]


def words(text: str) -> list[str]:
    """As an editor's "accept next word" takes them: a word with the space before it, or a mark."""
    return re.findall(r"\s*\w+|\s*[^\w\s]+|\s+$", text)


def accept(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1.5)
    e.accept(s)
    e.wait(3)


def accept_at_once(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.3)
    e.accept(s)
    e.wait(3)


def accept_and_type_on(e: Editor, s: Suggestion, _: Sample) -> None:
    accept(e, s, _)
    e.type(" + more")
    e.wait(40)


def accept_in_parts(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept_in_parts(s)
    e.wait(3)


def accept_with_an_import(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    text = s.text.replace("\n", e.eol)
    e.change(
        Edit(Span(s.span.start, e.cursor), text),
        Edit(Span(Position(0, 0), Position(0, 0)), "use this_too" + e.eol),
    )
    e.wait(3)


def accept_then_import(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept(s)
    e.elsewhere()
    e.wait(3)


def accept_then_format(e: Editor, s: Suggestion, _: Sample) -> None:
    accept(e, s, _)
    text = e.document.text.replace('"', "'").replace(", ", ",  ")
    if text != e.document.text:
        e.change(Edit(Span(Position(0, 0), e.document.end), text))
    e.wait(40)


def accept_after_some_keys(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.5)
    e.type(own(sample)[:2])
    e.wait(0.5)
    # The editor's own closing bracket, if one came, stays behind.
    e.replace(Span(s.span.start, e.cursor), s.text)
    e.wait(3)


def accept_by_command_first(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.tracker.accepted(s.id)
    e.accept(s)
    e.wait(3)


def accept_by_command_after(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept(s)
    e.tracker.accepted(s.id)
    e.wait(3)


def accept_word_by_word(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    for word in by_word(own(sample)):
        e.insert(word)
        e.wait(0.5)
    e.wait(5)


def accept_undone_and_done_again(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    after, behind = e.document, e.cursor
    e.wait(2)
    e.restore(before, cursor)
    e.wait(1)
    e.restore(after, behind)
    e.wait(20)


def accept_undone_late(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    e.wait(20)
    e.restore(before, cursor)
    e.wait(20)


def part_then_other(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    for word in first_words(own(sample)):
        e.insert(word)
        e.wait(0.4)
    e.type("zzz qqq")
    e.wait(5)


def part_then_away(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)
    e.elsewhere()
    e.wait(5)


def part_then_close(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)


def part_told(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.tracker.partially_accepted(s.id, len(sample.typed) + half(own(sample)))
    e.tracker.ended(s.id, "ignored", 2000)
    e.wait(5)


def typed(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    type_exactly(e, own(sample))
    e.wait(5)


def typed_with_a_slip(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    text = own(sample)
    type_exactly(e, text[:3])
    e.type("q")
    e.wait(0.3)
    e.backspace()
    type_exactly(e, text[3:])
    e.wait(5)


def typed_and_gone_on(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    type_exactly(e, own(sample))
    e.type(" ?? 1")
    e.wait(5)


def typed_with_new_offers(e: Editor, s: Suggestion, sample: Sample) -> Suggestion:
    """The server offers what is left after each key, from its cache."""
    text = own(sample)
    last = s
    for index, char in enumerate(text):
        if char == "\n":
            break
        e.type(char)
        e.wait(0.1)
        rest = text[index + 1 :]
        if rest.strip():
            last = e.offer(rest)
    if "\n" in text:
        e.wait(0.2)
        type_exactly(e, text[text.index("\n") :])
    e.wait(5)
    return last


def written_over(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(2)
    e.type(sample.instead)
    e.wait(5)


def written_over_after_some(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.type(own(sample)[:1])
    e.type("_zz = 17")
    e.wait(5)


def other_text_at_once(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(2)
    e.insert(sample.instead + " something pasted")
    e.wait(5)


def written_over_then_new_offer(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1.5)
    e.type("zq")
    e.offer("ueue()")
    e.wait(5)


def refused_by_key(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.tracker.ended(s.id, "rejected", 2000)
    e.wait(1)


def accept_undone(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    e.wait(3)
    e.restore(before, cursor)
    e.wait(200)


def accept_deleted_at_once(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    start = e.cursor
    e.accept(s)
    e.wait(4)
    if s.span.start < start:
        start = s.span.start
    e.change(Edit(Span(start, e.cursor), ""))
    e.wait(200)


def part_undone(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)
    e.restore(before, cursor)
    e.wait(1)
    e.elsewhere()
    e.wait(5)


def moved_away(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.elsewhere()
    e.wait(5)


def left_alone(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(3)


def word_before_deleted(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.backspace(2)
    e.wait(5)


def typed_over_at_a_glance(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.2)
    e.type(sample.instead, per_key=0.05)
    e.wait(5)


def new_offer(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.offer("quite_another(text)")
    e.wait(1)


def new_offer_soon(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.1)
    e.offer("quite_another(text)")
    e.wait(1)


def withdrawn(e: Editor, s: Suggestion, _: Sample) -> None:
    e.tracker.ended(s.id, "superseded", 0.0)


def replaced_while_typing_fast(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.1)
    e.type("zq", per_key=0.08)
    e.offer("ueue()")
    e.wait(5)


SCENARIOS: tuple[tuple[str, Act], ...] = (
    ("accepted", accept),
    ("accepted", accept_at_once),
    ("accepted", accept_and_type_on),
    ("accepted", accept_in_parts),
    ("accepted", accept_with_an_import),
    ("accepted", accept_then_import),
    ("accepted", accept_then_format),
    ("accepted", accept_after_some_keys),
    ("accepted", accept_by_command_first),
    ("accepted", accept_by_command_after),
    ("accepted", accept_word_by_word),
    ("accepted", accept_undone_and_done_again),
    ("accepted", accept_undone_late),
    ("partial", part_then_other),
    ("partial", part_then_away),
    ("partial", part_then_close),
    ("partial", part_told),
    ("typed", typed),
    ("typed", typed_with_a_slip),
    ("typed", typed_and_gone_on),
    ("typed", typed_with_new_offers),
    ("rejected", written_over),
    ("rejected", written_over_after_some),
    ("rejected", other_text_at_once),
    ("rejected", written_over_then_new_offer),
    ("rejected", refused_by_key),
    ("rejected", accept_undone),
    ("rejected", accept_deleted_at_once),
    ("rejected", part_undone),
    ("ignored", moved_away),
    ("ignored", left_alone),
    ("ignored", word_before_deleted),
    ("ignored", typed_over_at_a_glance),
    ("superseded", new_offer),
    ("superseded", new_offer_soon),
    ("superseded", withdrawn),
    ("superseded", replaced_while_typing_fast),
)


def type_exactly(e: Editor, text: str) -> None:
    """Type a text; its indentation after a line end comes from the editor or from the space bar."""
    first, *rest = text.split("\n")
    e.type(first)
    for line in rest:
        e.type("\n")
        e.type(line[min(e.cursor.column, len(line) - len(line.lstrip())) :])


@dataclass(frozen=True)
class LabelledSequence:
    """One labelled editing sequence."""

    name: str
    expected: str
    shape: str
    sample: Sample
    act: Act


def sequences(samples: Sequence[Sample] = SAMPLES) -> Iterator[LabelledSequence]:
    """All of them, in a fixed order."""
    for shape in SHAPES:
        for number, sample in enumerate(samples):
            for expected, act in SCENARIOS:
                name = f"{act.__name__}-{sample.language}{number}-{shape}"
                yield LabelledSequence(name, expected, shape, sample, act)


def play(sequence: LabelledSequence) -> tuple[str, list[Outcome]]:
    """Return the tracker's final outcome, and all outcomes on the way."""
    said: list[Outcome] = []
    now = [1000.0]

    def hear(suggestion: Suggestion, outcome: Outcome) -> None:
        assert suggestion.id == outcome.id
        said.append(outcome)

    settled: list[str] = []

    def settle(suggestion: Suggestion, outcome: Outcome) -> None:
        assert suggestion.id not in settled, "settled twice"
        settled.append(suggestion.id)
        hear(suggestion, outcome)

    tracker = Tracker(settle, hear, clock=lambda: now[0])
    sample = sequence.sample
    code = sample.code.replace("\n", sample.eol)
    before = code[: code.index(CURSOR)]
    document = Document.from_text("file:///a", 1, sample.language, code.replace(CURSOR, ""))
    cursor = advance(Position(0, 0), before)
    editor = Editor(tracker, sequence.shape, document, cursor, now, sample.eol)
    offered = editor.offer(sample.offered, sample.typed)
    followed = sequence.act(editor, offered, sample) or offered
    editor.flush()
    tracker.closed(editor.document)
    last = [outcome for outcome in said if outcome.id == followed.id]
    return (last[-1].kind if last else "nothing"), said


def scores(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[int, float, float]]:
    """Of (expected, found): count, precision and recall of each outcome."""
    table: dict[str, tuple[int, float, float]] = {}
    for kind in sorted({expected for expected, _ in pairs}):
        wanted = sum(expected == kind for expected, _ in pairs)
        found = sum(got == kind for _, got in pairs)
        right = sum(expected == got == kind for expected, got in pairs)
        table[kind] = (wanted, right / found if found else 0.0, right / wanted)
    return table
