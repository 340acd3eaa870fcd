"""When a stronger model is asked after a cheaper one, and what is said of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.postprocess.syntax_check import parses_at
from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection.cascade import Findings, Reach, beyond_reach, stronger, with_escalation
from ensemble_lsp.selection.choice import Choice, Ranked
from ensemble_lsp.selection.request_context import RequestContext
from ensemble_lsp.settings import SelectorSettings
from ensemble_lsp.types import Document, Position


def ranked(name: str, expected: float, latency_ms: float = 500.0, **more: object) -> Ranked:
    row = Ranked(name, expected, 0, 1, latency_ms, 0.0, expected, 9, "x")
    return replace(row, **more)


CHEAP, MIDDLE, STRONG = ranked("cheap", 0.4), ranked("middle", 0.5), ranked("strong", 0.6, 1500)
ALL = (CHEAP, MIDDLE, STRONG)


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (Findings(), ""),
        (Findings(parses=True, examples=True, agreement=0.6, confidence=0.9), ""),
        (Findings(parses=False, agreement=0.1), "does not parse"),
        (Findings(parses=True, examples=False), "fails the examples"),
        (Findings(agreement=0.34), "only 34% of the votes agree"),
        (Findings(confidence=0.41), "its confidence was only 41%"),
    ],
)
def test_a_doubt_is_told_in_words(findings: Findings, words: str) -> None:
    assert words in findings.doubt()
    assert bool(findings.doubt()) == bool(words)


def test_the_strongest_that_is_clearly_better_and_quick_enough_is_asked() -> None:
    assert stronger(ALL, {"cheap"}) is STRONG
    assert stronger(ALL, {"cheap"}, left_ms=900) is MIDDLE
    assert stronger(ALL, {"strong"}) is None
    assert stronger((CHEAP, ranked("same", 0.42)), {"cheap"}) is None
    assert stronger((CHEAP, replace(STRONG, failures=0.5)), {"cheap"}) is None, "it fails too often"


def test_why_tells_what_was_done() -> None:
    choice = with_escalation(
        Choice(ALL, False, reason="cheap comes first."), "cheap", "strong", "it is red"
    )
    assert (
        choice.why
        == "cheap comes first. cheap was asked first, but it is red, so strong was asked too."
    )


def test_where_the_code_is_too_complex_for_the_first_a_stronger_one_comes_first() -> None:
    limited = replace(CHEAP, reach=10)
    order, why = beyond_reach((limited, MIDDLE, STRONG), 14)
    assert [r.model for r in order] == ["strong", "cheap", "middle"]
    assert "cheap does well up to a complexity of 10; this code has 14" in why
    assert beyond_reach((limited, MIDDLE), 10) == ((limited, MIDDLE), "")
    assert beyond_reach((limited, replace(STRONG, reach=5)), 14)[1] == ""


def test_reach_is_learned_only_from_enough_and_clear_evidence() -> None:
    reach = Reach.new()
    for _ in range(7):
        reach.add(3, 0.8)
        reach.add(8, 0.75)
        reach.add(15, 0.1)
    assert reach.limit() is None, "too few"
    for _ in range(5):
        reach.add(3, 0.8)
        reach.add(8, 0.75)
        reach.add(15, 0.1)
    assert reach.limit() == 10
    for _ in range(60):
        reach.add(15, 0.8)
    assert reach.limit() is None, "it has become good at it"


@pytest.mark.parametrize("escalate", [True, False])
def test_a_model_that_fails_on_complex_code_is_passed_over_there(escalate: bool) -> None:
    # Costs put the cheap one first; features alone move the linear model too little.
    selector = make_selector(
        SelectorSettings(escalate=escalate, latency_weight=0.0, cost_weight=2.0)
    )
    cheap = Profile("cheap", "openai", "gpt-4.1-nano")
    strong = Profile("strong", "openai", "gpt-4.1", input_price=2.0, output_price=8.0)
    rng = random.Random(1)
    for _ in range(40):
        for complexity, rate in ((3, 0.7), (25, 0.4)):
            here = RequestContext("complete", "python", complexity=complexity)
            selector.learn("cheap", here, float(rng.random() < rate))
            selector.learn("strong", here, float(rng.random() < 0.75))
    simple = RequestContext("complete", "python", complexity=3)
    hard = RequestContext("complete", "python", complexity=30)
    assert selector.choose(simple, [cheap, strong], budget_ms=2500).names[0] == "cheap"
    choice = selector.choose(hard, [cheap, strong], budget_ms=2500)
    assert (choice.names[0] == "strong") == escalate
    assert ("strong is asked first" in choice.why) == escalate


PYTHON = "def f(x):\n    if x:\n        \n    return 1\n"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("return x + 1", True),
        ("for i in range(3):\n            print(i)", True),
        ("return g(x,", True),  # open at its end: what is typed next may close it
        ("if x:", True),
        ("return x +* 1\n        y = 2", False),
        ("x = f(1))", False),
        ("the function returns x,\n        which is nice. So\n        x = 1", False),
    ],
)
def test_only_an_error_inside_the_text_is_held_against_it(text: str, fits: bool) -> None:
    document = Document.from_text("file:///a.py", 1, "python", PYTHON)
    assert parses_at(document, Position(2, 8), text) is fits


def test_without_a_grammar_nobody_can_tell() -> None:
    document = Document.from_text("file:///a.txt", 1, "plaintext", "hello ")
    assert parses_at(document, Position(0, 6), "world (") is None
