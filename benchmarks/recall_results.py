"""The results of ``recall`` on lines of code: their summary, its tables, and the fit of the confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from ensemble_lsp.providers.recall.obvious import is_obvious
from ensemble_lsp.providers.recall.recall_model import THRESHOLD


@dataclass
class Result:
    """One masked line."""

    package: str
    rest: str
    text: str
    confidence: float
    features: tuple[float, ...]
    baseline: str
    predict_ms: float
    change_ms: float
    head: str = ""
    """The line left of the cursor."""

    def would_answer(self, threshold: float) -> bool:
        """Return whether ``recall`` offers the text at a threshold."""
        sure = self.confidence >= threshold
        return sure and bool(self.text) and not is_obvious(self.head, self.text)

    @property
    def exact(self) -> bool:
        """Return whether the rest of the line is right."""
        return self.text.rstrip() == self.rest


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def similarity(one: str, other: str) -> float:
    return Levenshtein.normalized_similarity(one, other)


def summary(results: Sequence[Result]) -> dict[str, float]:
    """Return the figures of some results."""
    n = len(results)
    sure = [r for r in results if r.would_answer(THRESHOLD)]
    predict = [r.predict_ms for r in results]
    change = [r.change_ms for r in results]
    return {
        "n": n,
        "exact": sum(r.exact for r in results) / n,
        "similarity": sum(similarity(r.text.rstrip(), r.rest) for r in results) / n,
        "baseline exact": sum(r.baseline == r.rest for r in results) / n,
        "baseline similarity": sum(similarity(r.baseline, r.rest) for r in results) / n,
        "answered": len(sure) / n,
        "exact when answered": sum(r.exact for r in sure) / max(1, len(sure)),
        "baseline exact there": sum(r.baseline == r.rest for r in sure) / max(1, len(sure)),
        "similarity when answered": sum(similarity(r.text.rstrip(), r.rest) for r in sure)
        / max(1, len(sure)),
        "predict p50 CPU ms": percentile(predict, 0.5),
        "predict p99 CPU ms": percentile(predict, 0.99),
        "change p50 CPU ms": percentile(change, 0.5),
        "change p99 CPU ms": percentile(change, 0.99),
    }


def reliability(results: Sequence[Result]) -> list[tuple[str, int, float, float]]:
    """Return number, mean confidence and share of right answers by confidence."""
    rows: list[tuple[str, int, float, float]] = []
    for low in range(0, 100, 10):
        some = [r for r in results if r.text and low <= min(99.9, r.confidence * 100) < low + 10]
        if some:
            n = len(some)
            mean = sum(r.confidence for r in some) / n
            rows.append((f"{low / 100:.1f}", n, mean, sum(r.exact for r in some) / n))
    return rows


def fit(results: Sequence[Result]) -> list[float]:
    """Fit the weights of a logistic function by Newton's method with a small ridge penalty."""
    import numpy as np

    x = np.array([r.features for r in results if r.text])
    y = np.array([float(r.exact) for r in results if r.text])
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (y - p) - 0.5 * w
        curve = (x * (p * (1 - p))[:, None]).T @ x + 0.5 * np.eye(len(w))
        w += np.linalg.solve(curve, slope)
    return [round(float(v), 3) for v in w]


def table(title: str, figures: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        text = f"{value:8.0f}" if float(value).is_integer() else f"{value:8.3f}"
        print(f"  {name:28} {text}")


def table_by_threshold(results: Sequence[Result]) -> None:
    """Print coverage and precision by the threshold of the confidence."""
    print("\nthreshold  answered  right")
    for step in range(25, 80, 5):
        least = step / 100
        sure = [r for r in results if r.would_answer(least)]
        right = sum(r.exact for r in sure) / max(1, len(sure))
        print(f"  {least:.2f}      {len(sure) / len(results):.3f}     {right:.3f}")
