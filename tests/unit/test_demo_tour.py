"""The sentences of the demo about an ensemble and a suggestion: they claim what happened and no more."""

from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.cli.demo_tour import agreement, parses


def made(*answers: tuple[str, ...], settled: bool = False, **errors: str) -> dict[str, Any]:
    candidates = [{"models": list(models)} for models in answers]
    return {"candidates": candidates, "errors": errors, "settled": settled}


def test_agreement_is_claimed_where_models_share_an_answer() -> None:
    assert agreement(made(("coder", "small"))).startswith("Yes: coder and small ")


def test_a_single_answer_agrees_with_nothing_and_the_others_reason_is_shown() -> None:
    text = agreement(made(("coder",), small="small did not answer within 25 s."))
    assert text == (
        "Only coder answered, so there is nothing to agree with.\n"
        "small: small did not answer within 25 s."
    )
    assert agreement(made(("coder",))).endswith("nothing to agree with.")


@pytest.mark.parametrize(
    ("settled", "end"), [(True, "the examples decide."), (False, "your editor would ask.")]
)
def test_different_answers_are_no_agreement(settled: bool, end: str) -> None:
    text = agreement(made(("coder",), ("small",), settled=settled))
    assert text.startswith("No: coder and small ")
    assert text.endswith(end)


@pytest.mark.parametrize(
    ("code", "ok", "verdict"),
    [
        ("x = 1\n", True, "it parses"),
        ("if x:", True, "it parses, with a body"),
        ("x = (1\n", False, "it does not parse"),
        ("return side *", False, "it does not parse"),
    ],
)
def test_the_verdict_is_the_parsers(code: str, ok: bool, verdict: str) -> None:
    assert parses(code) == (ok, verdict)
