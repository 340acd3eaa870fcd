"""The outcome that a person would name, in cases of ``tests/data/editing``, in two forms of edits.

``mended.json`` was used to find faults. Each of the held-out files was written, and its faults were counted, before
the rules that it led to.
"""

from __future__ import annotations

import pytest

from tests.support.edit_cases import PARTS, EditCase, is_right, load, play, precision_and_recall

CASES = [(case, form) for part in PARTS for case in load(part) for form in case.forms]


@pytest.mark.parametrize(
    ("case", "form"), CASES, ids=[f"{case.name}, {form}" for case, form in CASES]
)
def test_the_outcome_of_a_case(case: EditCase, form: str) -> None:
    found = play(case, form)
    assert found
    assert all(is_right(truth, kind) for truth, kind in found), found


@pytest.mark.parametrize(("form", "least"), [("vscode", 0.98), ("smallest", 0.95)])
@pytest.mark.parametrize("part", PARTS)
def test_accepts_are_found(part: str, form: str, least: float) -> None:
    pairs = [pair for case in load(part) if form in case.forms for pair in play(case, form)]
    count, precision, recall = precision_and_recall(pairs)
    assert count > 15
    assert min(precision, recall) >= least
