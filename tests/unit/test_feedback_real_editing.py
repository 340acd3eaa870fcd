"""Outcomes where people really edit: popups, opposites, redo, reload, older items, items that nobody saw."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.feedback.matching import reformatted
from ensemble_lsp.feedback.refusals import Refusals
from ensemble_lsp.feedback.reward import reward_of
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion
from tests.support.editing_sessions import FORMS, accepts, session
from tests.support.simulated_editor import Editor

BEFORE, BEHIND = "function f() {\n", "\n}\n"
LINE = 1


class Desk:
    """One line of a file under the cursor, a tracker, and its outcomes."""

    def __init__(self, line: str, form: str = "vscode", behind: str = BEHIND) -> None:
        self.now = [100.0]
        self.outcomes: dict[str, list[Outcome]] = {}
        self.preferred: list[tuple[str, list[str]]] = []
        self.tracker = Tracker(
            self._hear,
            self._hear,
            prefer=lambda s, others: self.preferred.append((s.id, [o.id for o in others])),
            clock=lambda: self.now[0],
        )
        document = Document.from_text("file:///a.ts", 1, "typescript", BEFORE + line + behind)
        self.editor = Editor(self.tracker, form, document, Position(LINE, len(line)), self.now)

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.outcomes.setdefault(suggestion.id, []).append(outcome)

    def offer(self, text: str) -> Suggestion:
        return self.editor.offer(text)

    def offer_several(self, *texts: str, listed: bool = False) -> list[Suggestion]:
        e = self.editor
        offered = [
            Suggestion(
                f"several{number}", "complete", text, (f"m{number}",), e.document.uri,
                e.document.version, Span(e.cursor, e.cursor), shown_at=number,
            )
            for number, text in enumerate(texts)
        ]  # fmt: skip
        self.tracker.offered(offered, e.document, all_visible=listed)
        return offered

    def popup(self, typed: str, item: str) -> None:
        """The popup replaces the typed part of a word."""
        cursor = self.editor.cursor
        start = Position(cursor.line, cursor.column - len(typed))
        self.editor.replace(Span(start, cursor), item)

    def end(self) -> None:
        self.editor.wait(5)
        self.tracker.closed(self.editor.document)

    def kind(self, suggestion: Suggestion) -> str:
        return self.outcomes[suggestion.id][-1].kind

    def reward(self, suggestion: Suggestion) -> float | None:
        return self.outcomes[suggestion.id][-1].reward


def _popup(typed: str, item: str) -> Callable[[Desk], None]:
    return lambda desk: desk.popup(typed, item)


def _insert(*texts: str) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        for text in texts:
            desk.editor.insert(text)

    return act


def _type(text: str) -> Callable[[Desk], None]:
    return lambda desk: desk.editor.type(text)


def _one_message(*texts: str) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        edits: list[Edit] = []
        place = desk.editor.cursor
        for text in texts:
            edits.append(Edit(Span(place, place), text))
            place = edits[-1].shift(place)
        desk.editor.change(*edits)

    return act


CASES: dict[str, tuple[str, str, Callable[[Desk], None], str]] = {
    # a line, what is offered behind it, what happens, the outcome
    "a popup ends the word": ("x = file.fil", "eName", _popup("fil", "fileName"), "typed"),
    "a popup replaces the dot too": ("x = file.fil", "eName", _popup(".fil", ".fileName"), "typed"),
    "a popup takes the first word": (
        "r.ref", "erences = r.references.filter(isOpen)", _popup("ref", "references"), "ignored",
    ),
    "a popup without a typed word": (
        "r.", "references = r.references.filter(isOpen)", _popup("", "references"), "ignored",
    ),
    "a popup's call": ("xs.fil", "ter((x) => x.ok && x.name)", _popup("fil", "filter()"), "ignored"),
    "a popup, then an accept": (
        "xs.fil", "ter((x) => x.ok)", _insert("ter", "((x) => x.ok)"), "accepted",
    ),
    "a name after a space": ("return ", "classReferences", _insert("classReferences"), "accepted"),
    "the end of a block": ("  go();", "\n\t}", _insert("\n\t}"), "accepted"),
    "Return between brackets": ("  go(() => {", "\n    a();\n  }", _insert("\n    \n  }"), "rejected"),
    "a comment that Return continues": ("// one", "\n// two words", _insert("\n// "), "ignored"),
    "an opposite": ("return a ", "<= b", _insert(">= b"), "rejected"),
    "a negation left out": ("if (", "!classReferences) {", _insert("classReferences"), "rejected"),
    "another quote and a comma": ("f(", "'a', b)", _insert('"a",b,)'), "accepted"),
    "a bracket that closes itself": ("refresh", "()", _type("("), "typed"),
    "the rest after most of it was typed": (
        "return ", "first.second.third();", lambda d: (d.editor.type("first.second.t"),
        d.editor.insert("hird();"))[0], "accepted",
    ),
    "typed on in the same message": ("x = ", "first(second);", _one_message("first(second);", " y"), "accepted"),
    "an undo and a redo of keys": ("x = ", "first(second, third);", lambda d: _retyped(d, "first"), "ignored"),
}  # fmt: skip


def _retyped(desk: Desk, text: str) -> None:
    """Type a text; undo and redo bring it back in one edit."""
    e = desk.editor
    before, here = e.document, e.cursor
    e.type(text)
    after, behind = e.document, e.cursor
    e.restore(before, here)
    e.restore(after, behind)
    e.wait(1)
    e.elsewhere()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_an_outcome_of_real_editing(name: str, form: str) -> None:
    line, offered, act, expected = CASES[name]
    desk = Desk(line, form)
    suggestion = desk.offer(offered)
    desk.editor.wait(1)
    act(desk)
    desk.end()
    assert desk.kind(suggestion) == expected


@pytest.mark.parametrize(("popup_first", "kind"), [(True, "accepted"), (False, "typed")])
def test_a_name_is_accepted_where_the_client_is_known_to_cover_words_in_popups(
    popup_first: bool, kind: str
) -> None:
    desk = Desk("let a = nam")
    if popup_first:
        desk.offer("e0")
        desk.popup("nam", "names")
    desk.editor.type("; x = file.fil")
    suggestion = desk.offer("eName")
    desk.editor.insert("eName")
    desk.end()
    assert desk.kind(suggestion) == kind


def test_the_accept_command_says_that_it_was_no_popup() -> None:
    desk = Desk("x = file.fil", "smallest")
    suggestion = desk.offer("eName")
    desk.editor.insert("eName")
    desk.tracker.accepted(suggestion.id)
    desk.end()
    assert desk.kind(suggestion) == "accepted"


@pytest.mark.parametrize(
    ("offered", "now", "same"),
    [
        ("f('a', b);", 'f("a", b)', True),
        ("f(a,\n  b)", "f(\n    a, b,\n)", True),
        ("x => x", "(x) => x", True),
        ("a <= b", "a >= b", False),
        ("!classReferences) {", "classReferences", False),
        ("first + second + third", "first - second + third", False),
        ("", "", False),
    ],
)
def test_reformatted_is_equal_but_for_layout_and_marks(offered: str, now: str, same: bool) -> None:
    assert reformatted(now, offered) == same


# -- undo, redo, reload ------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("typing", ["", " // x"])
def test_a_redo_is_an_accept_again(form: str, typing: str) -> None:
    desk = Desk("return ", form)
    e = desk.editor
    suggestion = desk.offer("width * height;")
    e.wait(1)
    states = [(e.document, e.cursor)]
    e.accept(suggestion)
    for key in typing:
        states.append((e.document, e.cursor))
        e.type(key)
    states.append((e.document, e.cursor))
    for state in reversed(states[:-1]):
        e.restore(*state)
    assert desk.kind(suggestion) == "rejected"
    e.wait(20)
    for state in states[1:]:
        e.restore(*state)
    assert desk.kind(suggestion) == "accepted"
    desk.end()
    assert desk.kind(suggestion) == "accepted"


def test_an_undone_text_that_is_typed_again_is_no_redo() -> None:
    desk = Desk("return ")
    e = desk.editor
    suggestion = desk.offer("width * height;")
    e.wait(1)
    before, here = e.document, e.cursor
    e.accept(suggestion)
    e.restore(before, here)
    e.type("width * height;")
    desk.end()
    assert desk.kind(suggestion) == "rejected"


@pytest.mark.parametrize(("thrown_away", "kind"), [(True, "rejected"), (False, "accepted")])
@pytest.mark.parametrize("closed", [True, False])
def test_a_reload_that_throws_the_text_away_takes_the_accept_back(
    thrown_away: bool, kind: str, closed: bool
) -> None:
    desk = Desk("return ")
    saved = desk.editor.document
    suggestion = desk.offer("width * height;")
    desk.editor.wait(1)
    desk.editor.accept(suggestion)
    desk.editor.wait(20)
    assert desk.kind(suggestion) == "accepted"
    if closed:
        desk.tracker.closed(desk.editor.document)
    desk.tracker.opened(saved if thrown_away else desk.editor.document)
    assert desk.kind(suggestion) == kind
    assert desk.reward(suggestion) == (0.0 if thrown_away else 1.0)
    desk.editor.wait(200)
    assert desk.kind(suggestion) == kind


def test_a_file_opened_later_says_nothing_about_an_old_accept() -> None:
    desk = Desk("return ")
    saved = desk.editor.document
    suggestion = desk.offer("width * height;")
    desk.editor.accept(suggestion)
    desk.tracker.closed(desk.editor.document)
    desk.editor.wait(200)
    desk.tracker.opened(saved)
    assert desk.kind(suggestion) == "accepted"


# -- still on the screen -----------------------------------------------------------------------


def test_an_older_suggestion_is_accepted_though_a_newer_one_was_offered() -> None:
    desk = Desk("return ")
    older = desk.offer("width * height;")
    desk.editor.wait(0.4)
    newer = desk.offer("none_of_it(at, all);")
    assert desk.kind(older) == "superseded"
    desk.editor.wait(0.4)
    desk.editor.accept(older)
    desk.end()
    assert (desk.kind(older), desk.kind(newer)) == ("accepted", "superseded")
    assert desk.reward(older) == 1.0


def test_a_slip_does_not_hide_the_accept_that_follows() -> None:
    desk = Desk("return ")
    suggestion = desk.offer("width * height;")
    desk.editor.wait(1)
    desk.editor.type("q")
    desk.editor.wait(4)
    assert desk.kind(suggestion) == "rejected"
    desk.editor.backspace()
    desk.editor.accept(suggestion)
    desk.end()
    assert desk.kind(suggestion) == "accepted"


def test_an_old_suggestion_that_is_typed_later_stays_as_it_is() -> None:
    desk = Desk("return ")
    older = desk.offer("width * height;")
    desk.editor.wait(1)
    desk.offer("none_of_it(at, all);")
    desk.editor.type("width * height;")
    desk.end()
    assert desk.kind(older) == "superseded"


# -- what nobody saw ---------------------------------------------------------------------------


def test_of_several_inline_completions_only_the_first_is_judged() -> None:
    desk = Desk("return ")
    offered = desk.offer_several("one();", "two();", "three();")
    desk.editor.wait(2)
    desk.editor.type("quite other text")
    desk.end()
    assert [desk.kind(s) for s in offered] == ["rejected", "ignored", "ignored"]
    assert [desk.reward(s) is not None for s in offered] == [True, False, False]


def test_those_are_judged_that_a_client_has_shown() -> None:
    desk = Desk("return ")
    first, second, third = desk.offer_several("one();", "two();", "three();")
    desk.editor.wait(2)
    desk.tracker.shown(second.id)
    desk.editor.wait(3)
    desk.editor.type("quite other text")
    desk.end()
    assert desk.reward(first) == reward_of("rejected", 0, 2000)
    assert desk.reward(second) == pytest.approx(reward_of("rejected", 0, 3200), abs=0.005)
    assert desk.reward(third) is None


def test_an_accept_of_one_that_was_not_said_to_be_shown_counts() -> None:
    desk = Desk("return ")
    first, second, third = desk.offer_several("one();", "two();", "three();")
    desk.editor.wait(2)
    desk.editor.insert("three();")
    desk.end()
    assert [desk.kind(s) for s in (first, second, third)] == ["rejected", "superseded", "accepted"]
    assert desk.reward(second) is None
    assert desk.preferred == [(third.id, [first.id])]


def test_in_a_list_all_are_on_the_screen() -> None:
    desk = Desk("return ")
    first, second, third = desk.offer_several("one();", "two();", "three();", listed=True)
    desk.editor.wait(2)
    desk.editor.insert("three();")
    desk.end()
    assert [desk.kind(s) for s in (first, second, third)] == ["rejected", "rejected", "accepted"]


# -- refused texts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "source", "revised", "refused"),
    [
        ("rejected", "command", False, True),
        ("rejected", "notification", False, True),
        ("rejected", "document", True, True),
        ("rejected", "document", False, False),
        ("ignored", "notification", False, False),
        ("accepted", "command", False, False),
    ],
)
def test_a_refused_text_is_remembered(kind: str, source: str, revised: bool, refused: bool) -> None:
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    document = Document.from_text("file:///a", 1, "python", "a\nreturn \n")
    here = Position(1, 7)
    suggestion = Suggestion("1", "complete", "x + 1", ("m",), "file:///a", 1, Span(here, here))
    refusals.offered(suggestion, document)
    refusals.settled(suggestion, Outcome("1", kind, source), revised=revised)
    assert refusals.includes(document, here, "x + 1") == refused
    assert refusals.includes(document, here, "x + 1 + y") == refused
    assert not refusals.includes(document, here, "y")
    assert not refusals.includes(document.replace(Span(here, here), "x"), Position(1, 8), " + 1")
    above = document.replace(Span(Position(0, 0), Position(0, 0)), "new\n")
    assert refusals.includes(above, Position(2, 7), "x + 1") == refused
    now[0] += 601
    assert not refusals.includes(document, here, "x + 1")


def test_an_accept_after_all_ends_a_refusal() -> None:
    refusals = Refusals(lambda: 0.0)
    document = Document.from_text("file:///a", 1, "python", "")
    here = Position(0, 0)
    suggestion = Suggestion("1", "complete", "x", ("m",), "file:///a", 1, Span(here, here))
    refusals.offered(suggestion, document)
    refusals.settled(suggestion, Outcome("1", "rejected", "document"), revised=True)
    refusals.settled(suggestion, Outcome("1", "accepted", "document"), revised=True)
    assert not refusals.includes(document, here, "x")


# -- sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "least"), [("vscode", 0.98), ("smallest", 0.95)])
def test_accepts_of_a_session_are_found(form: str, least: float) -> None:
    pairs = [pair for seed in range(100, 104) for pair in session(seed, form)]
    count, precision, recall = accepts(pairs)
    assert count > 150
    assert min(precision, recall) >= least
