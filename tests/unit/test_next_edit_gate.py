"""The gate: what is not asked for and what is not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ensemble_lsp.next_edit.edit import PredictedEdit
from ensemble_lsp.next_edit.edit_history import Hunk
from ensemble_lsp.next_edit.gate import PROBE_SECONDS, THRESHOLDS, Eagerness, Gate, Moment
from ensemble_lsp.next_edit.reversal import is_reversal
from ensemble_lsp.types import Document, Position, Span
from tests.support.next_edit import document, hunk, place


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def edit_to(doc: Document, after: str) -> PredictedEdit:
    """Return the smallest edit from a document to a text."""
    whole = PredictedEdit(doc.uri, doc.version, Span(Position(0, 0), doc.end), after)
    return whole.smallest(doc)


def moment(doc: Document, cursor: Position = Position(0, 0), *hunks: Hunk) -> Moment:  # noqa: B008 - frozen
    return Moment(doc, cursor, hunks)


def shown(before: str, after: str, *hunks: Hunk, invoked: bool = False) -> str | None:
    """Return why an edit is held back; ``¦`` in ``before`` is the cursor."""
    doc, cursor = place(before)
    asked = replace(moment(doc, cursor, *hunks), invoked=invoked)
    return Gate(Clock()).before_showing(edit_to(doc, after), asked)


RENAMED = hunk("total = 0\n", "sum_ = 0\n", 0)
WIDENED = hunk("def f(a):\n", "def f(a, b):\n", 0)
DELETED = hunk("log(1)\n", "", 1)
ADDED = hunk("", "log(1)\nlog(2)\n", 1)


@pytest.mark.parametrize(
    ("before", "after", "hunks", "reversal"),
    [
        # Wholly.
        ("sum_ = 0\n", "total = 0\n", (RENAMED,), True),
        ("def f(a, b):\n    pass\n", "def f(a):\n    pass\n", (WIDENED,), True),
        ("a = 1\nb = 2\n", "a = 1\nlog(1)\nb = 2\n", (DELETED,), True),
        ("a = 1\nlog(1)\nlog(2)\n", "a = 1\n", (ADDED,), True),
        # In part.
        ("def f(a, b):\n    pass\n", "def f(a,):\n    pass\n", (WIDENED,), True),
        ("a = 1\nlog(1)\nlog(2)\n", "a = 1\nlog(2)\n", (ADDED,), True),
        # With something new beside it, which is less than what is undone.
        ("sum_ = 0\n", "total = 0.0\n", (RENAMED,), True),
        # Undone by an older of several edits, and by two of them at once.
        ("sum_ = 0\nc = 3\n", "total = 0\nc = 3\n", (RENAMED, hunk("b = 2\n", "c = 3\n", 1)), True),
        ("sum_ = 0\nc = 3\n", "total = 0\nb = 2\n", (RENAMED, hunk("b = 2\n", "c = 3\n", 1)), True),
        # Continued, not undone.
        ("sum_ = 0\nprint(total)\n", "sum_ = 0\nprint(sum_)\n", (RENAMED,), False),
        ("sum_ = 0\n", "sum_of_all = 0\n", (RENAMED,), False),
        ("def f(a, b):\n    pass\nf(1)\n", "def f(a, b):\n    pass\nf(1, 2)\n", (WIDENED,), False),
        ("a = 1\nlog(1)\nlog(2)\n", "a = 1\nlog(1)\nlog(2)\nlog(3)\n", (ADDED,), False),
        # The same text, at another place.
        ("a\nb\nc\nd\ne\n", "a\nb\nc\nd\nlog(1)\ne\n", (DELETED,), False),
        # Of another file.
        ("sum_ = 0\n", "total = 0\n", (replace(RENAMED, uri="file:///b.py"),), False),
        # Lines have moved since.
        ("x = 1\ny = 2\nsum_ = 0\n", "x = 1\ny = 2\ntotal = 0\n", (RENAMED,), True),
        ("sum_ = 0\n", "total = 0\n", (), False),
    ],
)
def test_an_undoing_edit_is_a_reversal(
    before: str, after: str, hunks: tuple[Hunk, ...], reversal: bool
) -> None:
    doc = document(before)
    assert is_reversal(edit_to(doc, after), doc, hunks) is reversal
    assert (shown(before, after, *hunks) == "reversal") is reversal
    assert (shown(before, after, *hunks, invoked=True) == "reversal") is reversal


def test_stray_characters_in_a_word_are_a_slip() -> None:
    typed = hunk("import os\n", "imxport os\n", 0)
    assert shown("imx¦port os\nos.walk()\n", "import os\nos.walk()\n", typed) is None
    # The text parses as it is: the user may mean it.
    named = hunk("size = 1\n", "maxsize = 1\n", 0)
    assert shown("max¦size = 1\n", "size = 1\n", named) == "reversal"
    # An unfinished call is not a slip.
    begun = hunk("run\n", "run(\n", 0)
    assert shown("run(¦\n", "run\n", begun) == "reversal"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("a = 1\n", "a = 1\n", "no-change"),
        ("a  =  1\n", "a = 1\n", "white-space"),
        ("a = 1\nb = 2\n", "a = 1\n\nb = 2\n", "white-space"),
        ("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", "white-space"),
        ("a = 1\n", "a = 2\n", None),
        # It parses now and would not afterwards.
        ("def f():\n    return [1]\n", "def f():\n    return [1\n", "breaks-syntax"),
        ("a = 1\n", "a =\nb = 2\n", "breaks-syntax"),
        # Broken at the cursor: an edit elsewhere waits, one that completes the line does not.
        ("a = foo(¦\nb = 1\nc = 1\n", "a = foo(\nb = 1\nc = 2\n", "typing"),
        ("b = 1\na = ¦\n", "b = 2\na = \n", "typing"),
        ("a = foo(¦\nb = 1\n", "a = foo(b)\nb = 1\n", None),
        ("b = 1\na = ¦\n", "b = 1\na = b\n", None),
        ("b = 1\na = foo(¦\n", "b = 1\na = bar(\n", "typing"),
        # Broken elsewhere: no reason to wait.
        ("b¦ = 1\n\n\n\nx = (\n", "b = 2\n\n\n\nx = (\n", None),
    ],
)
def test_reasons_of_the_text(before: str, after: str, reason: str | None) -> None:
    assert shown(before, after) == reason
    certain = reason if reason in ("no-change", "white-space") else None
    assert shown(before, after, invoked=True) == certain


LINES = [f"value_{number} = {number}\n" for number in range(12)]


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ("value_0 = 1\n", "removes-much"),  # the changed line alone
        ("".join(LINES[:2]), "removes-much"),  # an answer that ends early
        ("".join(LINES[:3] + LINES[-3:]), None),  # a few lines
        ("".join(line.replace("value", "total") for line in LINES[:6]), None),  # a rewrite
        ("".join(LINES) + "more = 1\n", None),
    ],
)
def test_an_edit_that_empties_the_region_is_not_shown_unasked(
    after: str, reason: str | None
) -> None:
    before = "¦" + "".join(LINES)
    assert shown(before, after) == reason
    assert shown(before, after, invoked=True) is None


def test_a_line_that_was_broken_before_is_not_being_typed() -> None:
    broken, after = "a = foo(¦\nb = 1\nc = 1\n", "a = foo(\nb = 1\nc = 2\n"
    assert shown(broken, after, hunk("b = 0\n", "b = 1\n", 1)) is None
    assert shown(broken, after, hunk("a = 1\n", "a = foo(\n", 0)) == "typing"


def test_without_a_grammar_the_syntax_is_no_reason() -> None:
    doc = document("a (b\n", "notes.txt")
    gate = Gate(Clock())
    assert gate.before_showing(edit_to(doc, "a (c\n"), moment(doc)) is None


def test_a_refused_edit_stays_away_from_its_place() -> None:
    clock = Clock()
    gate = Gate(clock)
    doc = document("x = 1\nf(a)\ny = 2\nf(a)\nz = 3\n")
    refused = edit_to(doc, "x = 1\nf(a, b)\ny = 2\nf(a)\nz = 3\n")
    gate.refuse(refused, doc)
    assert gate.before_showing(refused, moment(doc)) == "refused"
    # Lines came above it: it is the same place.
    longer = document("import os\n" + doc.text)
    again = edit_to(longer, "import os\nx = 1\nf(a, b)\ny = 2\nf(a)\nz = 3\n")
    assert gate.before_showing(again, moment(longer)) == "refused"
    # Another place, another text, an edit that the user asks for, another file.
    elsewhere = edit_to(doc, "x = 1\nf(a)\ny = 2\nf(a, b)\nz = 3\n")
    assert gate.before_showing(elsewhere, moment(doc)) is None
    other = edit_to(doc, "x = 1\nf(a, c)\ny = 2\nf(a)\nz = 3\n")
    assert gate.before_showing(other, moment(doc)) is None
    assert gate.before_showing(refused, replace(moment(doc), invoked=True)) is None
    file = document(doc.text, "other.py")
    assert gate.before_showing(edit_to(file, refused.apply(doc).text), moment(file)) is None
    gate.forget(doc.uri)
    assert gate.before_showing(refused, moment(doc)) is None


def test_a_refusal_is_forgotten_after_a_time() -> None:
    clock = Clock()
    gate = Gate(clock)
    doc = document("a = 1\n")
    edit = edit_to(doc, "a = 2\n")
    gate.refuse(edit, doc)
    clock.now += 1799
    assert gate.before_showing(edit, moment(doc)) == "refused"
    clock.now += 2
    assert gate.before_showing(edit, moment(doc)) is None


def test_only_so_many_refusals_are_remembered() -> None:
    gate = Gate(Clock())
    docs = [document(f"a = {n}\n", f"f{n}.py") for n in range(201)]
    edits = [edit_to(doc, "a = -1\n") for doc in docs]
    for edit, doc in zip(edits, docs, strict=True):
        gate.refuse(edit, doc)
    assert gate.before_showing(edits[0], moment(docs[0])) is None
    assert gate.before_showing(edits[1], moment(docs[1])) == "refused"


@pytest.mark.parametrize(
    ("eagerness", "pauses"),
    [("low", [0, 4, 8, 16]), ("medium", [0, 2, 4, 8]), ("high", [0, 1, 2, 4])],
)
def test_refusals_in_a_row_lengthen_the_pause(eagerness: Eagerness, pauses: list[int]) -> None:
    clock = Clock()
    gate = Gate(clock)
    doc = document("a = 1\n")
    asked = replace(moment(doc), eagerness=eagerness)
    for number, pause in enumerate(pauses):
        gate.refuse(edit_to(doc, f"a = {number + 2}\n"), doc)
        clock.now += max(0.0, pause - 0.1)
        assert gate.before_asking(asked) == ("paused" if pause else None)
        assert gate.before_asking(replace(asked, invoked=True)) is None
        clock.now += 0.2
        assert gate.before_asking(asked) is None


def test_the_pause_has_a_limit_and_an_accept_ends_it() -> None:
    clock = Clock()
    gate = Gate(clock)
    doc = document("a = 1\n")
    for number in range(100):
        gate.refuse(edit_to(doc, f"a = {number + 2}\n"), doc)
    clock.now += 119
    assert gate.before_asking(moment(doc)) == "paused"
    gate.accept()
    assert gate.before_asking(moment(doc)) is None
    gate.refuse(edit_to(doc, "a = 0\n"), doc)
    assert gate.before_asking(moment(doc)) is None


def test_snooze() -> None:
    gate, asked = Gate(Clock()), replace(moment(document("a = 1\n")), snoozed=True)
    assert gate.before_asking(asked) == "snoozed"
    assert gate.before_asking(replace(asked, invoked=True)) is None
    assert gate.before_asking(replace(asked, snoozed=False)) is None


def test_a_file_without_edits_asks_for_nothing() -> None:
    asked = replace(moment(document("a = 1\n")), edited=False)
    assert Gate(Clock()).before_asking(asked) == "unedited"
    assert Gate(Clock()).before_asking(replace(asked, invoked=True)) is None


def test_a_low_expectation_is_tested_now_and_then() -> None:
    clock = Clock()
    gate = Gate(clock)
    asked = replace(moment(document("a = 1\n")), expected_reward=0.01)
    wait = PROBE_SECONDS["medium"]
    assert PROBE_SECONDS["low"] > wait > PROBE_SECONDS["high"]
    assert gate.before_asking(asked) == "unlikely"
    clock.now += wait - 1
    assert gate.before_asking(asked) == "unlikely"
    clock.now += 1
    assert gate.before_asking(asked) is None
    assert gate.before_asking(asked) == "unlikely", "one probe at a time"
    clock.now += wait
    assert gate.before_asking(replace(asked, eagerness="low")) == "unlikely"
    assert gate.before_asking(replace(asked, expected_reward=0.9)) is None
    assert gate.before_asking(replace(asked, snoozed=True)) == "snoozed"
    assert gate.before_asking(asked) is None


def test_eagerness_is_the_least_expected_reward() -> None:
    assert THRESHOLDS["low"] > THRESHOLDS["medium"] > THRESHOLDS["high"] > 0
    doc = document("a = 1\n")
    edit = edit_to(doc, "a = 2\n")
    gate = Gate(Clock())
    for eagerness in ("low", "medium", "high"):
        least = THRESHOLDS[eagerness]
        for expected, reason in ((least - 0.01, "unlikely"), (least, None), (None, None)):
            asked = replace(moment(doc), eagerness=eagerness, expected_reward=expected)
            assert gate.before_asking(asked) == reason
            assert gate.before_showing(edit, asked) == reason
            assert gate.before_showing(edit, replace(asked, invoked=True)) is None
