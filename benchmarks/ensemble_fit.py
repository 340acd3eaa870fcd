"""Choose the consensus parameters on half of the tasks; check the calibration on the other half."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.common import table
from benchmarks.ensemble_draws import (
    Ensemble,
    draw,
    priors,
    rules,
    scores,
    verdict_of,
)
from benchmarks.ensemble_set import Generations, halves
from ensemble_lsp.consensus.agreement import AgreementFeatures, CalibrationTable
from ensemble_lsp.consensus.code import VotingParameters

Said = tuple[float, bool, str]
"""Agreement, whether the answer passed, and the task."""
SURPRISES = (0.4, 1.0, 1.6, 2.4)
NEARS = (0.0, 0.06, 0.12)


class _Tap(CalibrationTable):
    """A table that records the signs it receives."""

    seen: list[AgreementFeatures] = []  # noqa: RUF012 - one run, one list

    def chance(self, signs: AgreementFeatures) -> float:
        self.seen.append(signs)
        return 0.5


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
    vectors, passed, weights = _pooled([(g, known, c, e) for g, known, c, e in drawn])
    fitted = fitted_table(vectors, passed, weights)
    print("coefficients", tuple(round(float(c), 4) for c in fitted.coefficients))
    print("edges", tuple(round(e, 4) for e in fitted.edges))
    print("values", tuple(round(v, 4) for v in fitted.values))


def _drawn(g: Generations, draws: int) -> tuple[dict[str, float], list[str], list[Ensemble]]:
    chosen, _ = halves(g.samples)
    known = priors(g, chosen)
    return known, chosen, list(draw(g, known, draws, seed=7))


def _grouped(ensembles: Iterable[Ensemble]) -> list[list[Ensemble]]:
    groups: dict[tuple[str, int], list[Ensemble]] = {}
    for one in ensembles:
        groups.setdefault((one.kind, one.size), []).append(one)
    return list(groups.values())


def _pooled(
    drawn: Sequence[tuple[Generations, Mapping[str, float], Sequence[str], Sequence[Ensemble]]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return signs, outcomes and weights of all draws, with and without trials; each set has the same weight."""
    vectors: list[tuple[float, ...]] = []
    passed: list[bool] = []
    weights: list[float] = []
    for _, known, tasks, ensembles in drawn:
        count = len(ensembles) * len(tasks) * 2
        for ensemble, task, execute in itertools.product(ensembles, tasks, (False, True)):
            tap = _Tap((), source="tap")
            tap.seen.clear()
            found = verdict_of(
                ensemble.picks[task], known, execute=execute, tuning=VotingParameters(table=tap)
            )
            if found is not None:
                vectors.append(tap.seen[-1].vector())
                passed.append(found[1])
                weights.append(1 / count)
    return np.array(vectors), np.array(passed, dtype=float), np.array(weights)


def fitted_table(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, ridge: float = 1e-3
) -> CalibrationTable:
    """Fit a logistic regression by Newton's method, then isotonic steps (pool adjacent violators)."""
    w = w / w.sum()
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (w * (y - p)) - ridge * beta
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        beta = beta + np.linalg.solve(hessian, gradient)
    raw = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
    edges, values = _isotonic(raw, y, w)
    return CalibrationTable(tuple(map(float, beta)), edges, values)


def _isotonic(
    raw: np.ndarray, y: np.ndarray, w: np.ndarray, bins: int = 24
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the means of ``bins`` bins of equal weight, pooled to be ascending."""
    order = np.argsort(raw)
    raw, y, w = raw[order], y[order], w[order]
    cut = np.minimum((np.cumsum(w) / w.sum() * bins).astype(int), bins - 1)
    blocks: list[list[float]] = []
    for b in range(bins):
        mine = cut == b
        if not mine.any():
            continue
        total = float(w[mine].sum())
        blocks.append([float((raw[mine] * w[mine]).sum()), float((y[mine] * w[mine]).sum()), total])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    edges = tuple(round(b[0] / b[2], 4) for b in blocks)
    values = tuple(round(min(0.99, max(0.005, b[1] / b[2])), 4) for b in blocks)
    return edges, values


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
