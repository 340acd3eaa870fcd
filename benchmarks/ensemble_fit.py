"""Choose the consensus parameters on half of the tasks; check the calibration on the other half."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.common import table
from benchmarks.ensemble_draws import (
    EQUALS,
    Ensemble,
    draw,
    priors,
    rules,
    scores,
    verdict_of,
)
from benchmarks.ensemble_set import LEAST, Generations, halves
from ensemble_lsp.consensus.agreement import AgreementFeatures, CalibrationTable
from ensemble_lsp.consensus.code import VotingParameters

Said = tuple[float, bool, str]
"""Agreement, whether the answer passed, and the task."""
SURPRISES = (0.4, 1.0, 1.6, 2.4)
NEARS = (0.0, 0.06, 0.12)
DRAWS_OF_HALF = 5


class _Tap(CalibrationTable):
    """A table that records the features it receives."""

    seen: list[AgreementFeatures] = []  # noqa: RUF012 - one run, one list

    def probability(self, features: AgreementFeatures) -> float:
        self.seen.append(features)
        return 0.5


@dataclass(frozen=True)
class Answered:
    """The features of all verdicts on one set, and whether the chosen answers passed."""

    x: np.ndarray
    best: np.ndarray
    """Log-odds of the best model."""
    y: np.ndarray


def fit(sets: Sequence[Generations], draws: int) -> None:
    """Print the best parameters on the choosing half and the table that is fitted there."""
    rows = []
    drawn = [(g, *_drawn(g, draws)) for g in sets]
    for surprise, near in itertools.product(SURPRISES, NEARS):
        tuning = VotingParameters(surprise, near)
        lifts, worst = [], []
        for _, known, chosen, ensembles in drawn:
            wanted = {n: r for n, r in rules(tuning).items() if n in ("ours", "best prior", "seed")}
            for group in _grouped(ensembles):
                found = scores(group, chosen, known, wanted)
                lifts.append(float((found["ours"] - found["best prior"]).mean()))
                worst.append(float((found["ours"] - found["seed"]).mean()))
        rows.append([surprise, near, np.mean(lifts), np.min(lifts), np.mean(worst), np.min(worst)])
    header = ("surprise", "near", "− prior", "worst", "− seed", "worst")
    told = [[r[0], r[1], *(f"{100 * v:+.2f}" for v in r[2:])] for r in rows]
    table("on the choosing half (points)", header, told)
    by_set = [_populations(g, known, chosen, e) for g, known, chosen, e in drawn]
    _print_left_out(sets, by_set)
    print(fitted_table([one for populations in by_set for one in populations]))


def _populations(
    generations: Generations,
    known: Mapping[str, float],
    tasks: Sequence[str],
    ensembles: Sequence[Ensemble],
) -> list[Answered]:
    """Return the verdicts on all models, on the better half of them and on the weaker half.

    Without the halves the fit knows each set at one strength of models only, and fails on models of another.
    """
    found = [_answered(known, tasks, ensembles)]
    names = sorted(known, key=lambda m: -known[m])
    half = (len(names) + 1) // 2
    if half < LEAST or known[names[0]] - known[names[-1]] <= EQUALS:
        return found
    for part in (names[:half], names[-half:]):
        some = {name: known[name] for name in part}
        mixed = [e for e in draw(generations, some, DRAWS_OF_HALF, seed=7) if e.kind == "mixed"]
        found.append(_answered(some, tasks, mixed))
    return found


def _print_left_out(sets: Sequence[Generations], by_set: Sequence[Sequence[Answered]]) -> None:
    """Print the calibration error on each set of a table that was fitted on the others."""
    rows: list[list[Any]] = []
    for n, generations in enumerate(sets):
        others = fitted_table([a for m, one in enumerate(by_set) if m != n for a in one])
        said = np.concatenate([_probabilities(others, a) for a in by_set[n]])
        right = np.concatenate([a.y for a in by_set[n]])
        rows.append([generations.name, len(said), f"{_binned_error(said, right):.3f}"])
    table("agreement, each set left out of the fit", ("set", "verdicts", "error"), rows)


def _probabilities(fitted: CalibrationTable, answered: Answered) -> np.ndarray:
    raw = answered.x @ np.array(fitted.coefficients) + fitted.slope * answered.best
    most = np.maximum(fitted.high, (1 + 1 / (1 + np.exp(-answered.best))) / 2)
    return np.clip(1 / (1 + np.exp(-raw)), fitted.low, most)


def _binned_error(said: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    place = np.minimum((said * bins).astype(int), bins - 1)
    sums = [abs(float((said - right)[place == b].sum())) for b in range(bins)]
    return sum(sums) / len(said)


def _drawn(g: Generations, draws: int) -> tuple[dict[str, float], list[str], list[Ensemble]]:
    chosen, _ = halves(g.samples)
    known = priors(g, chosen)
    return known, chosen, list(draw(g, known, draws, seed=7))


def _grouped(ensembles: Iterable[Ensemble]) -> list[list[Ensemble]]:
    groups: dict[tuple[str, int], list[Ensemble]] = {}
    for one in ensembles:
        groups.setdefault((one.kind, one.size), []).append(one)
    return list(groups.values())


def _answered(
    known: Mapping[str, float], tasks: Sequence[str], ensembles: Sequence[Ensemble]
) -> Answered:
    """Return features and results of all draws of one set, with and without examples run."""
    found: list[tuple[AgreementFeatures, bool]] = []
    for ensemble, task, execute in itertools.product(ensembles, tasks, (False, True)):
        tap = _Tap((), source="tap")
        tap.seen.clear()
        verdict = verdict_of(
            ensemble.picks[task], known, execute=execute, tuning=VotingParameters(table=tap)
        )
        if verdict is not None:
            found.append((tap.seen[-1], verdict[1]))
    return Answered(
        np.array([features.vector() for features, _ in found]),
        np.array([features.best for features, _ in found]),
        np.array([passed for _, passed in found], dtype=float),
    )


def fitted_table(answered: Sequence[Answered], ridge: float = 1e-4) -> CalibrationTable:
    """Fit a logistic regression by Newton's method; each population has the same weight."""
    slope = CalibrationTable(()).slope
    x = np.concatenate([a.x for a in answered])
    y = np.concatenate([a.y for a in answered])
    offset = slope * np.concatenate([a.best for a in answered])
    w = np.concatenate([np.full(len(a.y), 1 / len(a.y) / len(answered)) for a in answered])
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -30, 30)))
        gradient = x.T @ (w * (y - p)) - ridge * beta
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        beta = beta + np.linalg.solve(hessian, gradient)
    edges = [_edges(a, a.x @ beta + slope * a.best) for a in answered]
    low, high = min(e[0] for e in edges), max(e[1] for e in edges)
    coefficients = tuple(round(float(c), 4) for c in beta)
    return CalibrationTable(coefficients, slope, round(max(0.005, low), 3), round(high, 3))


def _edges(answered: Answered, order: np.ndarray) -> tuple[float, float]:
    """Return the shares of right answers among the 5 % that seem worst, and best."""
    ranked = answered.y[np.argsort(order)]
    count = max(1, len(ranked) // 20)
    return float(ranked[:count].mean()), float(ranked[-count:].mean())


# -- calibration: is "0.8" right about 80 % of the time? -----------------------------------------


def calibration(sets: Sequence[Generations], draws: int) -> dict[str, Any]:
    """Print the expected calibration error of the shipped table on the test half, and its bins."""
    result: dict[str, Any] = {}
    pooled: list[Said] = []
    for g in sets:
        chosen, test = halves(g.samples)
        known = priors(g, chosen)
        pairs: list[Said] = []
        for ensemble, task in itertools.product(draw(g, known, draws), test):
            for execute in (False, True):
                found = verdict_of(ensemble.picks[task], known, execute=execute)
                if found is not None:
                    pairs.append((found[0].agreement, found[1], task))
        result[g.name] = _error(pairs)
        pooled += pairs
    result["all"] = _error(pooled)
    rows = [[n, r["count"], f"{r['error']:.3f}", f"{r['chance']:.3f}"] for n, r in result.items()]
    header = ("set", "verdicts", "calibration error", "of a perfect number, by chance")
    table("agreement, on the test half", header, rows)
    return result


def _error(pairs: Sequence[Said], bins: int = 10) -> dict[str, Any]:
    """Return the expected calibration error over ten bins of equal width (Guo et al. 2017).

    ``chance``: the error of a perfectly calibrated number on this number of tasks: each bin's mean absolute error
    if its residuals had mean zero, with the standard error by task (answers to the same task fail together).
    """
    said = np.array([p for p, _, _ in pairs])
    passed = np.array([ok for _, ok, _ in pairs], dtype=float)
    tasks = np.unique([t for _, _, t in pairs], return_inverse=True)[1]
    place = np.minimum((said * bins).astype(int), bins - 1)
    told, error, chance = [], 0.0, 0.0
    for b in range(bins):
        mine = place == b
        count = int(mine.sum())
        mean, right = (
            (float(said[mine].mean()), float(passed[mine].mean())) if count else (0.0, 0.0)
        )
        by_task = np.bincount(tasks[mine], weights=(passed - said)[mine])
        error += count / len(pairs) * abs(mean - right)
        chance += float(np.sqrt(2 / np.pi * (by_task**2).sum())) / len(pairs)
        told.append({"count": count, "said": mean, "passed": right})
    return {"count": len(pairs), "error": error, "chance": chance, "bins": told}
