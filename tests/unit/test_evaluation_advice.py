"""The advice of a comparison in the situations in which a hasty reader goes wrong."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ensemble_lsp.evaluation.advice import ScoredModel, advise
from ensemble_lsp.evaluation.statistics import difference, mean


def scored(name: str, values: list[float], **more: object) -> ScoredModel:
    by_case = {f"c{n}": value for n, value in enumerate(values)}
    fields: dict[str, object] = {"cost": 0.01, "ms": 100.0, "local": False, **more}
    exact = {case: float(value == 1) for case, value in by_case.items()}
    return ScoredModel(name=name, scores={"similarity": by_case, "exact": exact}, **fields)


def noisy(seed: int, count: int, middle: float) -> list[float]:
    rng = random.Random(seed)
    return [min(0.99, max(0.0, rng.gauss(middle, 0.25))) for _ in range(count)]


GOOD, SAME = noisy(1, 60, 0.6), noisy(6, 60, 0.6)


def test_equal_answers_at_equal_prices_leave_the_choice_open() -> None:
    text = advise([scored("a", GOOD), scored("b", GOOD)], {})
    assert text == "Use a or b: their answers are equally good over 60 cases."


@pytest.mark.parametrize(
    ("more", "word"), [({"cost": 0.001}, "cheaper"), ({"ms": 20.0}, "faster"), ({"cost": 0.0, "local": True}, "cheaper")]
)  # fmt: skip
def test_of_equally_good_models_the_much_cheaper_or_faster_one_is_advised(
    more: dict[str, object], word: str
) -> None:
    few = GOOD[:12]
    text = advise([scored("a", few), scored("b", few, **more)], {})
    assert text.startswith("Use b: ") and f"much {word}" in text


def test_of_equally_good_models_the_order_does_not_decide() -> None:
    few = GOOD[:12]
    text = advise([scored("a", few, cost=0.001), scored("b", few)], {})
    assert text == (
        "Use a: in each of 12 cases its answer is as good as that of b, and it is much cheaper."
    )
    # Between models of equal price the faster one is the reader's choice.
    assert advise([scored("a", few, ms=10.0), scored("b", few)], {}).startswith("Use a or b: ")


def test_different_models_of_the_same_quality_are_not_ranked() -> None:
    text = advise([scored("a", GOOD), scored("b", SAME)], {})
    assert text.startswith("60 cases do not show which is better, ")
    assert "more cases may" in text


def test_a_useless_model_beside_a_good_one_is_named_as_worse() -> None:
    text = advise([scored("a", GOOD), scored("b", [0.05] * 60, cost=0.0001)], {})
    assert text.startswith("Use a: ") and text.endswith("clearly better than b.")


def test_an_unknown_price_is_no_saving_and_is_mentioned() -> None:
    models = [scored("a", GOOD), scored("b", [v - 0.01 for v in GOOD], cost=0.0, priced=False)]
    text = advise(models, {})
    assert "cheaper" not in text
    assert "Costs are not compared: the price of b is not known." in text
    # Nor is the unpriced one's rival cheap, although it costs less than nobody knows what.
    swapped = [
        replace(models[0], cost=0.0, priced=False),
        replace(models[1], cost=0.01, priced=True),
    ]
    assert "cheaper" not in advise(swapped, {})


@pytest.mark.parametrize("count", [1, 9])
def test_few_cases_give_no_recommendation_whatever_they_show(count: int) -> None:
    text = advise([scored("a", [1.0] * count), scored("b", [0.0] * count)], {})
    assert "too few to recommend a model" in text and "Use" not in text


def test_a_free_local_model_that_is_shown_to_be_near_is_advised() -> None:
    near = [max(0.0, value - 0.02) for value in GOOD]
    text = advise([scored("gpt", GOOD), scored("mine", near, cost=0.0, local=True)], {})
    assert text.startswith("Use mine: much cheaper than gpt")


def test_a_cheaper_model_that_is_a_little_worse_needs_many_cases() -> None:
    rng = random.Random(5)
    gaps = [rng.gauss(0.05, 0.3) for _ in range(900)]
    base = noisy(3, 900, 0.6)
    worse = [value - gap for value, gap in zip(base, gaps, strict=True)]
    few = advise([scored("gpt", base[:20]), scored("mini", worse[:20], cost=0.001)], {})
    many = advise([scored("gpt", base), scored("mini", worse, cost=0.001)], {})
    assert "Use mini" not in few
    assert many.startswith("Use mini: much cheaper than gpt")


def test_a_cheaper_model_that_is_clearly_worse_is_not_advised_with_any_number_of_cases() -> None:
    worse = [max(0.0, value - 0.2) for value in noisy(4, 900, 0.6)]
    text = advise([scored("gpt", noisy(4, 900, 0.6)), scored("mini", worse, cost=0.0001)], {})
    assert text.startswith("Use gpt: ")


def test_models_that_all_failed_are_no_choice() -> None:
    models = [scored(name, [], failed=40) for name in ("a", "b")]
    assert advise(models, {}) == "No model gave an answer that could be scored."


def test_a_picked_model_that_often_failed_says_how_often() -> None:
    text = advise([scored("a", GOOD[:30], failed=30), scored("b", [0.05] * 60)], {})
    assert "a failed on 30 of 60 cases; its scores are of the others." in text


def test_a_model_that_a_limit_stopped_early_is_named() -> None:
    text = advise([scored("a", GOOD), scored("b", GOOD[:4], cost=0.0001)], {})
    assert "b had fewer than 10 scored answers." in text
    assert "Use b" not in text


def test_equal_models_are_rarely_called_different() -> None:
    """Half of the cases are right for each of two models, by chance: one run in ten may be misled."""
    rng, wrong, runs = random.Random(7), 0, 150
    for _ in range(runs):
        pair = [scored(n, [float(rng.random() < 0.5) for _ in range(12)]) for n in "ab"]
        wrong += "clearly better" in advise(pair, {})
    assert wrong <= 0.1 * runs


def test_intervals_of_a_few_cases_hold_the_mean_as_often_as_they_say() -> None:
    rng, held, runs = random.Random(11), 0, 300
    for _ in range(runs):
        one = mean([rng.gauss(1.0, 1.0) for _ in range(10)])
        assert one is not None and one.low is not None and one.high is not None
        held += one.low <= 1.0 <= one.high
    assert held >= 0.93 * runs  # .90 with the percentiles themselves


def test_an_interval_among_several_measures_is_wider() -> None:
    one = {str(n): value for n, value in enumerate(GOOD)}
    other = {str(n): value for n, value in enumerate(SAME)}
    alone, among = difference(one, other), difference(one, other, measures=2)
    assert alone is not None and among is not None
    assert among.low < alone.low and alone.high < among.high


def test_a_model_that_fails_on_half_of_the_cases_is_not_recommended() -> None:
    text = advise([scored("a", [0.99] * 30, failed=30), scored("b", GOOD)], {})
    assert text.startswith("Use b: similarity 0.62, exact 0.00 over 60 cases.")
    assert "a failed on 30 of 60 cases, too many to recommend it." in text
    few = advise([scored("a", GOOD[:55], failed=5), scored("b", [0.05] * 60)], {})
    assert few.startswith("Use a: ") and "its scores are of the others" in few


def test_a_model_that_fails_often_is_not_recommended_for_one_kind_either() -> None:
    models = [scored("a", [0.99] * 30, failed=30), scored("b", GOOD)]
    kinds = {"lines": models, "blocks": models}
    assert "For lines" not in advise(models, kinds)


def test_models_without_an_answer_are_named_beside_the_one_that_answered() -> None:
    text = advise([scored("a", GOOD), scored("b", [], failed=4)], {})
    assert text.startswith("Use a: ")
    assert "b gave no answer that could be scored." in text


def test_where_nothing_was_asked_no_model_is_blamed() -> None:
    assert advise([scored("a", []), scored("b", [])], {}) == "No case was asked."


def test_the_loss_of_a_local_model_is_given_for_a_measure_that_shows_it() -> None:
    exact = {f"c{n}": float(n % 4 > 0) for n in range(40)}
    none = dict.fromkeys(exact, 0.0)
    near = {case: 0.7 + 0.02 * (n % 3) for n, case in enumerate(exact)}
    gpt = ScoredModel("gpt", False, {"similarity": near, "exact": exact}, 0.01, 100.0)
    own = ScoredModel("own", True, {"similarity": near, "exact": none}, 0.0, 100.0)
    text = advise([gpt, own], {})
    assert "own, which runs on this machine, is not enough: its exact is lower by 0." in text
