"""An accepted text that a tool moves with its line, as one that sorts imports does, is not undone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ensemble_lsp.feedback import Tracker
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span
from tests.support.simulated_editor import Editor

FORMS = ("vscode", "smallest", "neovim", "full")
ABOVE = "import abc\nimport sys\n\n\ndef f():\n    pass\n\n\n"
BELOW = "\n\nprint(1)\n"
LINE = ABOVE.count("\n")
ACCEPTS = {
    "all": ("", "import os"),
    "the name": ("import ", "os"),
    "two": ("from os ", "import path"),
}


def _in_one_message(e: Editor, line: str) -> None:
    top = Position(1, 0)
    e.change(Edit(Span(Position(LINE, 0), Position(LINE + 1, 0)), ""), Edit(Span(top, top), line))


def _one_after_the_other(e: Editor, line: str) -> None:
    e.change(Edit(Span(Position(LINE, 0), Position(LINE + 1, 0)), ""))
    e.wait(0.1)
    e.insert(line, Position(1, 0))


def _by_a_rewrite(e: Editor, line: str) -> None:
    text = "import abc\n" + line + (e.document.text.replace(line, "")).removeprefix("import abc\n")
    e.change(Edit(Span(Position(0, 0), e.document.end), text))


def _deleted(e: Editor, line: str) -> None:
    e.change(Edit(Span(Position(LINE, 0), Position(LINE + 1, 0)), ""))


def _outcome(accept: str, form: str, above: str = ABOVE) -> tuple[Editor, list[Outcome], str]:
    typed, text = ACCEPTS[accept]
    outcomes: list[Outcome] = []
    now = [100.0]
    tracker = Tracker(
        lambda _, o: outcomes.append(o), lambda _, o: outcomes.append(o), clock=lambda: now[0]
    )
    document = Document.from_text("file:///a.py", 1, "python", above + typed + BELOW)
    e = Editor(tracker, form, document, Position(LINE, len(typed)), now)
    suggestion = e.offer(text)
    e.wait(1)
    e.accept(suggestion)
    tracker.accepted(suggestion.id)
    e.wait(1)
    return e, outcomes, typed + text + "\n"


CASES = [
    (move, form)
    for move in (_in_one_message, _one_after_the_other, _by_a_rewrite)
    for form in FORMS
    if not (move is _one_after_the_other and form == "full")  # two whole documents do not show it
]


@pytest.mark.parametrize(("move", "form"), CASES)
@pytest.mark.parametrize("accept", ACCEPTS)
def test_a_line_that_is_moved_is_kept(
    move: Callable[[Editor, str], None], form: str, accept: str
) -> None:
    e, outcomes, line = _outcome(accept, form)
    move(e, line)
    e.wait(200)
    assert (outcomes[-1].kind, outcomes[-1].reward) == ("accepted", 1.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize("copies", [0, 1])
def test_a_line_that_is_deleted_is_undone(form: str, accept: str, copies: int) -> None:
    line = "".join(ACCEPTS[accept]) + "\n"
    above = ABOVE.replace("import sys\n", line) if copies else ABOVE
    e, outcomes, line = _outcome(accept, form, above)
    _deleted(e, line)
    e.wait(200)
    assert (outcomes[-1].kind, outcomes[-1].reward) == ("rejected", 0.0)
