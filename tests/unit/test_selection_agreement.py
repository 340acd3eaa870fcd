"""An ensemble's agreement, corrected by what the user accepts."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ensemble_lsp.history import Change
from ensemble_lsp.numeric import logistic, logit
from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection.agreement_correction import AgreementCorrection
from ensemble_lsp.selection.history_sync import apply_change
from ensemble_lsp.settings import SelectorSettings


def test_without_outcomes_the_agreement_is_the_published_one() -> None:
    assert [AgreementCorrection().corrected(p) for p in (0.0, 0.37, 1.0)] == [0.0, 0.37, 1.0]


@pytest.mark.parametrize("shift", [-1.5, 1.0])
def test_it_converges_to_what_this_user_finds(shift: float) -> None:
    rng, correction = random.Random(4), AgreementCorrection()
    errors: list[float] = []
    for _ in range(300):
        published = rng.uniform(0.1, 0.9)
        true = logistic(logit(published) + shift)
        stated = correction.corrected(published)
        errors.append(abs(stated - true))
        correction.learn(stated, None, float(rng.random() < true))
    assert sum(errors[:5]) / 5 > 0.1
    assert sum(errors[-100:]) / 100 < 0.06


def test_a_few_outcomes_do_not_overturn_the_published_table() -> None:
    correction = AgreementCorrection()
    for _ in range(2):
        correction.learn(correction.corrected(0.8), None, 0.0)
    assert 0.5 < correction.corrected(0.8) < 0.8
    assert correction.corrected(0.3) < correction.corrected(0.6), "the order stays"


def test_a_corrected_or_withdrawn_reward_is_learned_once() -> None:
    correction = AgreementCorrection()
    correction.learn(0.5, None, 0.9)
    once = correction.shift
    correction.learn(0.5, 0.9, 0.8)
    assert correction.shift == once, "accepted still"
    correction.learn(0.5, 0.8, None)
    assert correction.shift == pytest.approx(0, abs=0.05)


def change(task: Any, agreement: float | None) -> Change:
    return Change(1, "outcome", 0.0, task, ("a", "b"), {}, None, 0.0, agreement=agreement)


@pytest.mark.parametrize("strategy", ["fixed", "seed", "learned"])
def test_selectors_learn_it_from_generations_and_keep_it(strategy: str) -> None:
    selector = make_selector(SelectorSettings.model_validate({"strategy": strategy}))
    apply_change(selector, change("complete", 0.9))
    apply_change(selector, change("generate", None))
    assert selector.agreement.shift == 0
    apply_change(selector, change("generate", 0.9))
    assert selector.agreement.corrected(0.9) < 0.88
    saved = json.loads(json.dumps(selector.save(changed=True)))
    assert "agreement" in saved
    assert "agreement" not in selector.save(changed=True)
    again = make_selector(SelectorSettings.model_validate({"strategy": strategy}))
    again.load(saved)
    assert again.agreement.corrected(0.9) == pytest.approx(
        selector.agreement.corrected(0.9), abs=1e-4
    )
    for damaged in (None, [], [1], ["x", 1], [float("nan"), 1]):
        again.load({**saved, "agreement": {"values": damaged}})
    assert again.agreement.corrected(0.9) == pytest.approx(
        selector.agreement.corrected(0.9), abs=1e-4
    )
    again.reset()
    assert again.agreement.shift == 0
