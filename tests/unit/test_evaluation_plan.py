"""The sentence that asks before a comparison sends code to other machines."""

from __future__ import annotations

import pytest

from ensemble_lsp.evaluation.case_selection import CaseSample
from ensemble_lsp.evaluation.comparison_plan import ComparisonPlan
from ensemble_lsp.evaluation.spending_limit import CostEstimate


def estimate(model: str, cost: float | None, *, local: bool = False) -> CostEstimate:
    priced = local or cost is not None
    return CostEstimate(model, 5, 1_000, 100, cost or 0.0, 4 * (cost or 0.0), priced, local)


@pytest.mark.parametrize(
    ("estimates", "price"),
    [
        (
            [estimate("gpt", 0.25)],
            "gpt: about $0.25, at most $1.00 if every answer is as long as allowed",
        ),
        ([estimate("gpt", None)], "gpt: the price of gpt is not known"),
        (
            [estimate("gpt", 0.25), estimate("own", None), estimate("mine", 0.0, local=True)],
            "gpt and own: about $0.25, at most $1.00 if every answer is as long as allowed; "
            "the price of own is not known",
        ),
    ],
)
def test_the_question_names_the_models_elsewhere_and_what_is_known_of_their_prices(
    estimates: list[CostEstimate], price: str
) -> None:
    plan = ComparisonPlan(CaseSample([]), tuple(estimates), 0, {})
    assert plan.sentence() == f"This sends 0 cases to {price}."
