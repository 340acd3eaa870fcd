"""Windows: whole lines and words, stable beginnings, cost that does not grow with the file."""

from __future__ import annotations

import time

import pytest

from ensemble_lsp.context.context_window import (
    ALIGNMENT_LINES,
    context_window,
    cut_end,
    cut_lines,
    cut_start,
    estimate_tokens,
)
from ensemble_lsp.types import Document, Position


def doc(text: str) -> Document:
    return Document.from_text("file:///a.py", 1, "python", text)


def test_a_small_document_is_shown_whole() -> None:
    shown = context_window(doc("one\ntwo\nthree"), Position(1, 1), 100, 100)
    assert (shown.prefix, shown.suffix) == ("one\nt", "wo\nthree")
    assert (shown.first, shown.last) == (0, 2)


def test_windows_hold_whole_lines_within_their_budgets() -> None:
    lines = [f"value_{n} = compute({n})\n" for n in range(1000)]
    document = doc("".join(lines))
    shown = context_window(document, Position(500, 5), 800, 300)
    assert estimate_tokens(shown.prefix) <= 800
    assert estimate_tokens(shown.suffix) <= 300
    assert shown.prefix == "".join(lines[shown.first : 500]) + lines[500][:5]
    assert shown.suffix == lines[500][5:] + "".join(lines[501 : shown.last + 1])
    assert shown.first % ALIGNMENT_LINES == 0


def test_the_prefix_begins_at_the_same_place_while_typing() -> None:
    document = doc("".join(f"value_{n} = compute({n})\n" for n in range(1000)))
    starts = {
        context_window(document, Position(line, 0), 800, 300).first for line in range(500, 532)
    }
    assert len(starts) <= 2


@pytest.mark.parametrize("tokens", [1, 5, 20])
def test_a_line_longer_than_the_budget_is_cut_between_words(tokens: int) -> None:
    words = [f"word{n}" for n in range(100)]
    document = doc(" ".join(words))
    shown = context_window(document, Position(0, len(document.text) // 2), tokens, tokens)
    # The word at the cursor may be cut by the cursor itself.
    assert all(word in words for word in shown.prefix.split()[:-1])
    assert all(word in words for word in shown.suffix.split()[1:])


def test_cutting_keeps_within_budget_and_whole_words() -> None:
    text = "alpha beta gamma delta epsilon"
    assert cut_start(text, 4) == " epsilon"
    assert cut_end(text, 4) == "alpha beta "
    assert cut_start(text, 100) == cut_end(text, 100) == text
    assert cut_start(text, 0) == cut_end(text, 0) == ""
    assert cut_lines("one two\nthree four\n", 4) == "one two\n"


def test_wide_characters_count_more() -> None:
    assert estimate_tokens("日本語の文") > estimate_tokens("abcde")
    assert estimate_tokens("") == 0


def test_cost_does_not_grow_with_the_file() -> None:
    def best(lines: int) -> float:
        document = doc("value = compute(1)\n" * lines)
        times: list[float] = []
        for _ in range(30):
            start = time.perf_counter()
            context_window(document, Position(lines - 50, 3), 1000, 300)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(50_000) < 5 * best(500) + 1e-3


def test_a_position_out_of_range_is_moved() -> None:
    assert context_window(doc("one"), Position(9, 9), 10, 10).prefix == "one"
    assert context_window(doc(""), Position(0, 0), 10, 10).prefix == ""
