"""Turn a comparison into priors for the selector: an expected reward for each model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..errors import SettingsError
from ..selection.offline_priors import OfflinePrior
from ..types import LOCATOR, Task
from .comparison import Comparison
from .results import Result

MIN_CASES = 10
"""Smallest number of cases for a prior."""


def measured_priors(comparison: Comparison, now: float | None = None) -> list[OfflinePrior]:
    """Return a prior for each model with enough answers, on the scale of the public benchmarks' priors.

    Raises ``SettingsError`` if the task has no reference or no model has enough cases.
    """
    task = comparison.summary.task
    if task == "explain":
        raise SettingsError(
            "Explanations have no reference to compare with, so nothing was learned; compare the task complete or "
            "generate."
        )
    by_model: dict[str, list[Result]] = {}
    for result in comparison.results:
        if not result.failed and _teaches(task, result):
            by_model.setdefault(result.model, []).append(result)
    when = time.time() if now is None else now
    found = [
        OfflinePrior(name, results[0].id, task, reward_of(results), len(results), when)
        for name, results in by_model.items()
        if len(results) >= MIN_CASES
    ]
    if not found:
        raise SettingsError(
            f"No model answered {MIN_CASES} cases, so nothing was learned; increase --samples."
        )
    return found


def _teaches(task: Task, result: Result) -> bool:
    """Return whether a user would have judged an answer: an edit that is not shown has no reward."""
    return task != "edit" or (bool(result.text) and result.model != LOCATOR)


def reward_of(results: Sequence[Result]) -> float:
    """Return 0.15 + 0.6 × the mean value of the answers: the scale of ``selection.priors``."""
    mean = sum(answer_value(r.scores) for r in results) / len(results)
    return round(0.15 + 0.6 * mean, 4)


def answer_value(scores: Mapping[str, float]) -> float:
    """Estimate the share of an answer that a user would have accepted.

    1 if it equals the original or passes the tests; else its similarity above one half, since some of it would have
    been kept.
    """
    if "deltaChrf" in scores:
        return 1.0 if scores["exact"] else max(0.0, scores["deltaChrf"] - 0.5)
    if "tests" in scores:
        return scores["tests"]
    if scores.get("exact"):
        return 1.0
    return max(0.0, scores.get("similarity", 0.0) - 0.5)
