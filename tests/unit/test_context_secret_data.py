"""The figures of the labelled snippets and of ordinary files hold."""

from __future__ import annotations

import pytest
from benchmarks.secrets import (
    ATTACK,
    ATTACK_AGAIN,
    HALVES,
    altered_lines,
    leaks,
    load,
    ordinary_files,
    score,
)

from ensemble_lsp.context.secret_redaction import Redactor


@pytest.mark.parametrize("half", HALVES)
def test_recall_and_precision(half: str) -> None:
    total, mistakes = score(load(half), Redactor())
    assert total.removed >= 0.95 * total.secrets, mistakes if half == HALVES[0] else ""
    assert total.clean >= 0.95 * total.negatives


@pytest.mark.parametrize("form", ["common", "odd"])
def test_recall_on_forms_that_an_attacker_chose(form: str) -> None:
    snippets = [each for each in load(ATTACK) if each.kind.startswith(form)]
    total, mistakes = score(snippets, Redactor())
    assert len(snippets) >= 120
    assert total.removed >= 0.95 * total.secrets, mistakes


@pytest.mark.parametrize("kind", ["token", "form", "later"])
def test_recall_on_a_second_attack(kind: str) -> None:
    snippets = [each for each in load(ATTACK_AGAIN) if each.kind.startswith(kind)]
    total, mistakes = score(snippets, Redactor())
    assert len(snippets) >= 170
    assert total.removed >= 0.95 * total.secrets, mistakes


def test_the_set_is_large_enough_and_has_negatives() -> None:
    snippets = [snippet for half in HALVES for snippet in load(half)]
    assert len(snippets) >= 440
    assert 0.25 < sum(each.is_negative for each in snippets) / len(snippets) < 0.4
    assert all(1 <= each.text.rstrip("\n").count("\n") + 1 <= 12 for each in snippets)
    assert len({each.id for each in snippets}) == len(snippets)


def test_a_secret_leaks_where_a_piece_of_it_is_left() -> None:
    assert leaks("abcdefghij", "x = cdefgh", "x = ")
    assert leaks("abc", "abc", "")
    assert leaks("first line\nsecond", "<redacted>\nsecond", "")
    assert not leaks("abcdefghij", "x = <redacted>ij", "x = ")
    assert not leaks("abcdefghij", "abcdefg()", "abcdefg()")


def test_lines_are_counted_that_redaction_altered() -> None:
    assert altered_lines("a\nb\nc", "a\nX\nc") == {1}
    assert altered_lines("a\nb\nc\nd", "a\nX\nd") == {1, 2}
    assert altered_lines("a", "a") == set()


def test_ordinary_files_stay_as_they_are() -> None:
    redactor, lines, altered = Redactor(), 0, 0
    for path in ordinary_files(300):
        text = path.read_text(encoding="utf-8", errors="replace")
        lines += text.count("\n") + 1
        altered += len(altered_lines(text, redactor.redact(text)[0]))
    assert altered <= lines / 10_000
