"""The measures of next edits, against values computed by hand."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.metrics import (
    EditCase,
    delta_chrf,
    harmonic_mean,
    line_chrf,
    scores,
)


@pytest.mark.parametrize(
    ("before", "wanted", "after", "value"),
    [
        ("a", "a", "a", 1.0),
        ("ab", "ac", "ac", 1.0),
        # No change where one is wanted: nothing matches.
        ("ab", "ac", "ab", 0.0),
        # Order 1 wants -b +c and gets -b +d: precision and recall 1/2. Order 2: -ab +ac against -ab +ad.
        ("ab", "ac", "ad", 0.5),
        # Order 1: +b +c against +b: precision 1, recall 1/2: 5*.5/(4+.5) = 5/9. Order 2: +ab +bc
        # against +ab: 5/9. Order 3: +abc against nothing: 0.
        ("a", "abc", "ab", (5 / 9 + 5 / 9 + 0) / 3),
        # A deletion counts: order 1: -b -c against -c: 5/9; order 2: -ab -bc against -bc: 5/9;
        # order 3: -abc against -abc: 1.
        ("abc", "a", "ab", (5 / 9 + 5 / 9 + 1) / 3),
        # White space does not count.
        ("a b", "a  b", "ab", 1.0),
    ],
)
def test_delta_chrf(before: str, wanted: str, after: str, value: float) -> None:
    assert delta_chrf(before, wanted, after) == pytest.approx(value)


@pytest.mark.parametrize(
    ("before", "wanted", "after", "value"),
    [
        ("x\na\ny", "x\nb\ny", "x\nb\ny", 1.0),
        ("x\na\ny", "x\nb\ny", "x\na\ny", 0.0),
        # New lines "ab" and "ac": order 1: 1 of 2 each way, 1/2; order 2: 0.
        ("x\ny", "x\nab\ny", "x\nac\ny", 0.25),
        # Both only delete: the new lines are empty.
        ("x\na\nb\ny", "x\ny", "x\nb\ny", 1.0),
    ],
)
def test_line_chrf(before: str, wanted: str, after: str, value: float) -> None:
    assert line_chrf(before, wanted, after) == pytest.approx(value)


def test_the_score_multiplies_by_the_harmonic_mean() -> None:
    cases = [
        EditCase("ab", "ac", "ac\n"),  # exact: white space at the end does not count
        EditCase("ab", "ac", "ad"),  # 0.5
        EditCase("ab", "ac", None),  # 0
        EditCase("ab", "ac", None),  # 0
        EditCase("ab", None, None),
        EditCase("ab", None, "ad"),
    ]
    found = scores(cases)
    assert (found.exact, found.wanted, found.false_alarms, found.unwanted) == (1, 4, 1, 2)
    assert found.delta_chrf == pytest.approx(1.5 / 4)
    assert (found.shown, found.quiet) == (0.5, 0.5)
    assert found.score == pytest.approx(0.375 * 0.5)
    assert not EditCase("a", None, None).exact


def test_the_harmonic_mean() -> None:
    assert harmonic_mean(0.4, 1.0) == pytest.approx(0.8 / 1.4)
    assert harmonic_mean(0.0, 1.0) == 0.0
    assert scores([]).score == 0.0
