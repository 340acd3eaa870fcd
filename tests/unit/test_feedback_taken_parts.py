"""The reward of a text of which a part was accepted: the part stays, whatever becomes of the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.feedback.reward import reward_of
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion
from tests.support.simulated_editor import Editor

FINE = ("vscode", "smallest", "neovim")
FORMS = (*FINE, "full")
TEXT = "await db.users.find(id);"
LINE = "  const user = "


class Desk:
    """A file, a tracker, and the outcomes of each suggestion."""

    def __init__(self, form: str, above: str = "function f() {\n", below: str = "\n}\n") -> None:
        self.outcomes: dict[str, list[Outcome]] = {}
        now = [100.0]
        self.tracker = Tracker(self._hear, self._hear, clock=lambda: now[0])
        text = above + LINE + below
        document = Document.from_text("file:///a.ts", 1, "typescript", text)
        cursor = Position(above.count("\n"), len(LINE))
        self.editor = Editor(self.tracker, form, document, cursor, now)
        self.editor.type("q")
        self.editor.backspace()

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.outcomes.setdefault(suggestion.id, []).append(outcome)

    def last(self, suggestion: Suggestion) -> Outcome:
        return self.outcomes[suggestion.id][-1]


def _type_other(desk: Desk, rest: Suggestion) -> None:
    desk.editor.type(" ?? null;")


def _refuse(desk: Desk, rest: Suggestion) -> None:
    desk.tracker.ended(rest.id, "rejected")


def _leave(desk: Desk, rest: Suggestion) -> None:
    desk.editor.elsewhere()


ENDS = {"other text": _type_other, "a refusal of the rest": _refuse, "another place": _leave}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("asked_again", [True, False])
def test_accepted_words_keep_their_reward(form: str, end: str, asked_again: bool) -> None:
    desk = Desk(form)
    e = desk.editor
    suggestion = e.offer(TEXT)
    e.wait(1)
    for taken, word in ((5, "await"), (8, " db"), (14, ".users")):
        e.insert(word)
        if asked_again:
            suggestion = e.offer(TEXT[taken:])
        e.wait(0.5)
    ENDS[end](desk, suggestion)
    e.wait(200)
    outcome = desk.last(suggestion)
    assert (outcome.kind, outcome.survival) == ("partial", 1.0)
    assert outcome.share == pytest.approx(14 / len(TEXT), abs=0.05)
    assert outcome.reward == reward_of("partial", outcome.share, survival=1.0)


@pytest.mark.parametrize("form", FORMS)
def test_accepted_words_that_are_deleted_have_no_reward(form: str) -> None:
    desk = Desk(form)
    e = desk.editor
    start = e.cursor
    e.offer(TEXT)
    e.wait(1)
    e.insert("await db.users")
    suggestion = e.offer(TEXT[14:])
    e.wait(1)
    desk.tracker.ended(suggestion.id, "rejected")
    e.wait(20)
    e.replace(Span(start, e.cursor), "null")
    e.wait(200)
    assert desk.last(suggestion).reward == 0.0


@pytest.mark.parametrize("form", FORMS)
def test_the_last_word_alone_is_undone(form: str) -> None:
    desk = Desk(form)
    e = desk.editor
    suggestion = e.offer(TEXT)
    e.wait(1)
    e.insert("await db.users")
    suggestion = e.offer(TEXT[14:])
    e.wait(1)
    before, here = e.document, e.cursor
    e.insert(TEXT[14:])
    e.wait(1)
    e.restore(before, here)
    e.wait(200)
    outcome = desk.last(suggestion)
    assert outcome.kind == "accepted"
    assert outcome.survival == pytest.approx(4 / 9)


def test_a_command_before_the_last_word_arrives_means_the_whole_text() -> None:
    desk = Desk("vscode")
    e = desk.editor
    e.offer(TEXT)
    e.wait(1)
    e.insert("await db.users")
    suggestion = e.offer(TEXT[14:])
    e.wait(1)
    desk.tracker.accepted(suggestion.id)
    start = e.cursor
    e.insert(TEXT[14:])
    e.wait(40)
    assert desk.last(suggestion).survival == 1.0
    e.replace(Span(start, e.cursor), "")
    e.wait(200)
    assert desk.last(suggestion).survival == pytest.approx(4 / 9)


@pytest.mark.parametrize("form", FINE)
def test_the_rest_of_a_typed_text_is_undone(form: str) -> None:
    desk = Desk(form)
    e = desk.editor
    e.offer(TEXT)
    e.wait(1)
    e.type("await db")
    suggestion = e.offer(TEXT[8:])
    e.wait(1)
    before, here = e.document, e.cursor
    e.accept(suggestion)
    e.wait(1)
    e.restore(before, here)
    e.wait(200)
    assert (desk.last(suggestion).kind, desk.last(suggestion).reward) == ("rejected", 0.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by_key", [True, False])
def test_an_accepted_word_stays_when_the_next_one_is_taken_back(form: str, by_key: bool) -> None:
    desk = Desk(form)
    e = desk.editor
    e.offer(TEXT)
    e.wait(1)
    e.insert("await db")
    suggestion = e.offer(TEXT[8:])
    e.wait(1)
    before, here = e.document, e.cursor
    e.insert(".users")
    e.wait(1)
    if by_key:
        e.backspace(6)
    else:
        e.restore(before, here)
    e.type(" ?? null;")
    e.wait(200)
    outcome = desk.last(suggestion)
    assert (outcome.kind, outcome.survival) == ("partial", 1.0)
    assert outcome.share == pytest.approx(7 / 23, abs=0.01)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reported_first", [True, False])
@pytest.mark.parametrize("again", [True, False])
def test_a_reported_part_that_is_undone_is_no_part(
    form: str, reported_first: bool, again: bool
) -> None:
    desk = Desk(form)
    e = desk.editor
    suggestion = e.offer(TEXT)
    e.wait(1)
    before, here = e.document, e.cursor
    if reported_first:
        desk.tracker.partially_accepted(suggestion.id, 5)
    e.insert("await")
    if not reported_first:
        desk.tracker.partially_accepted(suggestion.id, 5)
    e.wait(0.5)
    e.restore(before, here)
    if again:
        e.wait(0.5)
        e.insert("await")
        desk.tracker.partially_accepted(suggestion.id, 5)
    e.type(" null;")
    e.wait(200)
    assert desk.last(suggestion).kind == ("partial" if again else "rejected")


@pytest.mark.parametrize("arrives", [True, False])
def test_an_accept_is_not_measured_before_its_edit_comes(arrives: bool) -> None:
    desk = Desk("full")
    e = desk.editor
    suggestion = e.offer(TEXT)
    e.wait(1)
    desk.tracker.accepted(suggestion.id)
    e.wait(60)
    assert desk.last(suggestion).survival is None
    if arrives:
        e.insert(TEXT)
    else:
        e.type("null;")
    e.wait(200)
    assert desk.last(suggestion).survival == pytest.approx(1.0 if arrives else 0.0, abs=0.15)


# -- edits that are no judgement -----------------------------------------------------------------

ABOVE = "".join(f"import m{n} from 'm{n}';\n" for n in range(9)) + "function f() {\n"
BELOW = "\n}\n" + "".join(f"function g{n}() {{\n  return {n};\n}}\n" for n in range(5))


def _checkout(text: str) -> str:
    return text.replace("m3", "m33").replace(LINE, LINE + "other(1);").replace("g4", "h4")


def _nothing_left(text: str) -> str:
    return "".join(f"line {n}\n" for n in range(30))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rewrite", [_checkout, _nothing_left])
def test_a_file_that_is_replaced_refuses_nothing(form: str, rewrite: Callable[[str], str]) -> None:
    desk = Desk(form, ABOVE, BELOW)
    e = desk.editor
    suggestion = e.offer(TEXT)
    e.wait(2)
    e.change(Edit(Span(Position(0, 0), e.document.end), rewrite(e.document.text)))
    e.wait(5)
    desk.tracker.closed(e.document)
    assert desk.last(suggestion).kind != "rejected"


@pytest.mark.parametrize("form", FORMS)
def test_the_return_key_alone_refuses_nothing(form: str) -> None:
    desk = Desk(form)
    suggestion = desk.editor.offer(TEXT)
    desk.editor.wait(1)
    desk.editor.type("\n")
    desk.editor.wait(5)
    desk.tracker.closed(desk.editor.document)
    assert desk.last(suggestion).kind == "ignored"


# -- deletions -------------------------------------------------------------------------------------


LINES = Span(Position(2, 0), Position(4, 0))
WORD = Span(Position(2, 0), Position(2, 7))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("span", [LINES, WORD])
@pytest.mark.parametrize(
    ("pauses", "kind", "reward"),
    [((1.0,), "rejected", 0.0), ((20.0,), "accepted", 0.0), ((1.0, 3.0), "accepted", 1.0)],
    ids=["undone", "undone later", "undone and redone"],
)
def test_a_deletion_that_is_undone_is_not_kept(
    form: str, span: Span, pauses: tuple[float, ...], kind: str, reward: float
) -> None:
    desk = Desk(form, ABOVE, BELOW)
    e = desk.editor
    document = e.document
    suggestion = Suggestion("deletion", "edit", "", ("a",), document.uri, document.version, span)
    desk.tracker.offered([suggestion], document)
    e.wait(1)
    states = [document]
    e.change(Edit(span, ""))
    states.insert(0, e.document)
    for number, pause in enumerate(pauses, 1):
        e.wait(pause)
        e.restore(states[number % 2], e.cursor)
    e.wait(200)
    desk.tracker.closed(e.document)
    assert (desk.last(suggestion).kind, desk.last(suggestion).reward) == (kind, reward)


@pytest.mark.parametrize("form", FORMS)
def test_a_deletion_is_kept_though_something_else_is_written_there(form: str) -> None:
    desk = Desk(form, ABOVE, BELOW)
    e = desk.editor
    document = e.document
    suggestion = Suggestion("deletion", "edit", "", ("a",), document.uri, document.version, LINES)
    desk.tracker.offered([suggestion], document)
    e.wait(1)
    e.change(Edit(LINES, ""))
    e.wait(1)
    e.insert("export {};\n", LINES.start)
    e.wait(200)
    assert (desk.last(suggestion).kind, desk.last(suggestion).reward) == ("accepted", 1.0)
