"""What a comparison teaches the selector: an expected reward for each model, as a prior."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..errors import SettingsError
from ..selection.offline_priors import OfflinePrior
from .comparison import Comparison
from .results import Result

MIN_CASES = 10
"""Cases below which a mean says too little to be learned."""


def measured_priors(comparison: Comparison, now: float | None = None) -> list[OfflinePrior]:
    """A measure for each model with enough answers, on the scale of the public records' priors.

    Raises ``SettingsError`` where the task has no reference or no model has enough cases.
    """
    task = comparison.summary.task
    if task == "explain":
        raise SettingsError(
            "Explanations have no reference, so a comparison cannot say which model is right; "
            "nothing was learned from it."
        )
    by_model: dict[str, list[Result]] = {}
    for result in comparison.results:
        if not result.failed:
            by_model.setdefault(result.model, []).append(result)
    when = time.time() if now is None else now
    found = [
        OfflinePrior(name, results[0].id, task, reward_of(results), len(results), when)
        for name, results in by_model.items()
        if len(results) >= MIN_CASES
    ]
    if not found:
        raise SettingsError(
            f"No model answered {MIN_CASES} cases, so nothing was learned; give --samples more."
        )
    return found


def reward_of(results: Sequence[Result]) -> float:
    """0.15 + 0.6 × the mean worth of the answers: the scale of ``selection.priors``."""
    mean = sum(answer_value(r.scores) for r in results) / len(results)
    return round(0.15 + 0.6 * mean, 4)


def answer_value(scores: Mapping[str, float]) -> float:
    """How much of an answer a user would have taken, roughly.

    1 where it is what stood there or passes the tests; else what its similarity has above one half,
    for some of it would have been kept.
    """
    if "tests" in scores:
        return scores["tests"]
    if scores.get("exact"):
        return 1.0
    return max(0.0, scores.get("similarity", 0.0) - 0.5)
