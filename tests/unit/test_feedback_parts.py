"""Edits in their smallest form, regions that follow them, matching, survival and rewards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.feedback.matching import is_keystroke, match, reformatted
from ensemble_lsp.feedback.range_tracking import (
    DocumentChange,
    advance,
    follow_change,
    minimal,
    split,
)
from ensemble_lsp.feedback.reward import reward_of
from ensemble_lsp.feedback.survival import occurrences, survival
from ensemble_lsp.types import Document, Edit, Position, Span

TEXT = st.text(alphabet="ab(\n\r🎉 ", max_size=14)


def doc(text: str) -> Document:
    return Document.from_text("file:///a", 1, "python", text)


@given(TEXT, TEXT)
def test_a_smallest_edit_makes_the_same_document(old: str, new: str) -> None:
    before = doc(old)
    edit = minimal(before, Edit(Span(Position(0, 0), before.end), new))
    assert before.replace(edit.span, edit.text).text == new


@given(TEXT, TEXT)
def test_the_pieces_of_an_edit_make_the_same_document(old: str, new: str) -> None:
    document = before = doc(old)
    for edit in split(before, Edit(Span(Position(0, 0), before.end), new)):
        document = document.replace(edit.span, edit.text)
    assert document.text == new


@pytest.mark.parametrize(
    ("text", "region", "edit", "becomes"),
    [
        ("a()\n    b\n", (0, 3), ((1, 4), (1, 4), "c\n    "), "\n    c"),
        ("x = (y)", (0, 5), ((0, 0), (0, 7), "x = (y, y)"), "y, "),
        ("xx", (0, 0), ((0, 2), (0, 2), "xx"), "xx"),
        ("ab", (0, 1), ((0, 0), (0, 2), "a12b"), "12"),
    ],
)
def test_a_change_is_read_at_the_region_where_it_may_be(
    text: str, region: tuple[int, int], edit: tuple[object, object, str], becomes: str
) -> None:
    before = doc(text)
    at = Position(*region)
    given_edit = Edit(Span(Position(*edit[0]), Position(*edit[1])), edit[2])
    after = before.replace(given_edit.span, given_edit.text)
    found, _, _ = follow_change(
        Span(at, at), DocumentChange.of(before, after, [given_edit]), grows=True
    )
    assert after.slice(found) == becomes


@given(TEXT, TEXT, TEXT, TEXT)
def test_a_region_holds_what_is_inserted_at_it(a: str, b: str, c: str, text: str) -> None:
    before = doc(a + "[" + b + "]" + c)
    start = advance(Position(0, 0), a + "[")
    after = before.replace(Span(start, start), "<" + text + ">")
    edit = Edit(Span(start, start), "<" + text + ">")
    found, touching, outside = follow_change(
        Span(start, start), DocumentChange.of(before, after, [edit]), grows=True
    )
    assert after.slice(found) == "<" + text + ">"
    assert touching and not outside


@pytest.mark.parametrize(
    ("now", "old", "wanted", "state", "taken"),
    [
        ("", "", "f(x)", "untouched", 0),
        ("f(", "", "f(x)", "part", 2),
        ("f()", "", "f(x)", "part", 2),
        ("f(x)", "", "f(x)", "whole", 4),
        ("f(x))", "", "f(x)", "whole", 4),
        ("f(\n  x\n)", "", "f(x)", "whole", 4),
        ("g", "", "f(x)", "other", 0),
        ("f(x).y", "", "f(x)", "other", 4),
        ("a\r\n\tb", "", "a\n    b", "whole", 2),
        ("ol", "old", "new", "untouched", 0),
        ("n", "old", "new", "part", 1),
        ("\n", "", "\n", "whole", 1),
    ],
)
def test_a_place_is_compared_with_the_offer(
    now: str, old: str, wanted: str, state: str, taken: int
) -> None:
    found = match(now, old, wanted)
    assert (found.state, found.taken) == (state, taken)


@pytest.mark.parametrize(
    ("now", "state", "gained"),
    [
        (")", "untouched", 0),
        ("!)", "part", 1),
        ("!sf)", "part", 3),
        ("!sf) ret", "part", 6),
        ("!sf) return x;", "whole", 11),
        ("other)", "other", 0),
    ],
)
def test_what_was_there_before_is_not_gained(now: str, state: str, gained: int) -> None:
    found = match(now, ")", "!sf) return x;")
    assert (found.state, found.gained, found.size) == (state, gained, 11)


@pytest.mark.parametrize(
    ("text", "coarse", "key"),
    [
        ("a", False, True),
        ("()", False, True),
        ("\n    ", False, True),
        ("\n    \n}", False, True),
        ("漢字", False, True),
        ("👩‍💻", False, True),
        ("é", False, True),
        ("e\u0301", False, True),
        ("höhe", False, False),
        ("цена", False, False),
        ("ab", False, False),
        ("ab", True, True),
        ("abcd", True, False),
    ],
)
def test_keystrokes_are_told_from_insertions(text: str, coarse: bool, key: bool) -> None:
    assert is_keystroke(text, coarse=coarse) == key


def test_a_formatter_changes_little() -> None:
    assert reformatted('f("a", b)', "f('a',b)")
    assert not reformatted("g(c)", "f('a', b)")


@pytest.mark.parametrize(
    ("accepted", "now", "share"),
    [
        ("a + b", "a + b", 1.0),
        ("a + b", "a+b", 1.0),
        ("a + b", "c + b", 2 / 3),
        ("a + b", "", 0.0),
        ("a b c d", "d c b a", 0.25),
        ("f('a', 'b');", 'f("a", "b")', 1.0),
        ("x => g(x)", "(x) => g(x);", 1.0),
        ("f('a', 'b');", 'f("a", "c")', 4 / 5),
        (");", ")", 1.0),
        ("';", "'", 0.5),
        ("'", "", 0.0),
        ("", "x", 1.0),
    ],
)
def test_survival_is_a_share_of_tokens_in_order(accepted: str, now: str, share: float) -> None:
    assert survival(accepted, now) == pytest.approx(share)


def test_a_text_is_found_elsewhere_by_its_lines() -> None:
    text = "first_line(of, it)\n    second_line = 2\nthird()"
    assert occurrences(doc(f"x\n  {text}\ny\n{text}\n"), text) == 2
    assert occurrences(doc("a\na\n"), "a") == 0


def test_rewards_are_numbers_from_0_to_1_in_the_right_order() -> None:
    def worth(kind: str, *more: float | None) -> float:
        reward = reward_of(kind, *more)
        assert reward is not None and 0 <= reward <= 1
        return reward

    assert worth("accepted", 1.0, 2000, 1.0) == 1.0
    assert worth("accepted", 1.0) > worth("typed", 1.0) > worth("partial", 0.5)
    assert worth("partial", 0.1) > worth("ignored", 0.0, 2000) > worth("rejected", 0.0, 800)
    assert worth("rejected", 0.0, 800) > worth("rejected", 0.0, 9000) > worth("accepted", 1, 1, 0)


@pytest.mark.parametrize("kind", ["superseded", "cancelled", "failed"])
def test_some_outcomes_teach_nothing(kind: str) -> None:
    assert reward_of(kind, 0.0, 5000) is None
    assert reward_of("rejected", 0.0, 700) is None
    assert reward_of("ignored", 0.0, 700) is None
    assert reward_of("ignored", 0.0, 600_000) is None
