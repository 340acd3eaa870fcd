"""Summarise results for a report: one row a model, breakdowns, paired differences, advice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ..types import Task
from .advice import ScoredModel, advise
from .cases import BANDS, KINDS_OF, Case
from .results import Result
from .scoring import MAIN, agreement
from .statistics import Difference, Estimate, difference, mean, quantile

MEASURES = (
    *("right", "exact", "deltaChrf", "shown", "quiet"),
    *("similarity", "parses", "tests", "names", "agreement"),
)
DISAGREEMENTS = 6
KIND_NAMES = {
    "line": "the rest of a line",
    "block": "bodies of blocks",
    "function": "bodies of short functions",
    "generate": "functions from their docstrings",
    "explain": "explanations",
    "nearby": "the next edit near the last one",
    "moved": "the next edit elsewhere, with the cursor there",
    "quiet": "places where nothing follows",
    "edit": "next edits",
}


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model over some cases. Milliseconds and US dollars."""

    model: str
    id: str
    local: bool
    asked: int
    answered: int
    """Answers that are not empty; a model may offer nothing if its confidence is low."""
    failed: int
    errors: Mapping[str, int]
    message: str
    """The first error, and the reason if the model was stopped."""
    scores: Mapping[str, Estimate]
    first_ms: Estimate | None
    total_ms: Estimate | None
    total_p90: float | None
    input_tokens: int
    output_tokens: int
    cost: float
    """US dollars of all calls."""
    each: Estimate | None
    """US dollars of one answer; None if the model's price is unknown."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference between the best model and another, on the cases both answered."""

    best: str
    other: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A case with very different answers."""

    case: Case
    before: str
    """The lines above the hole."""
    answers: tuple[tuple[str, str, float | None], ...]
    """Model, text and main score; the best first."""


@dataclass(slots=True)
class Summary:
    """The content of a report."""

    task: Task
    main: str
    cases: int
    rows: list[ModelSummary]
    by_band: dict[str, list[ModelSummary]]
    by_kind: dict[str, list[ModelSummary]]
    by_language: dict[str, list[ModelSummary]]
    bands: dict[str, int]
    pairs: list[PairedDifference]
    advice: str
    front: list[str]
    """The Pareto front: no other model is better in both quality and cost (or time, if nothing costs money)."""
    front_by: str
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])
    notes: list[str] = field(default_factory=list[str])

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``report.json``, without the cases' code."""
        return {
            "task": self.task, "main": self.main, "cases": self.cases, "bands": self.bands,
            "advice": self.advice, "front": self.front, "frontBy": self.front_by,
            "models": [asdict(r) for r in self.rows],
            "byComplexity": {k: [asdict(r) for r in v] for k, v in self.by_band.items()},
            "byKind": {k: [asdict(r) for r in v] for k, v in self.by_kind.items()},
            "byLanguage": {k: [asdict(r) for r in v] for k, v in self.by_language.items()},
            "pairs": [asdict(p) for p in self.pairs], "notes": self.notes,
        }  # fmt: skip


def summarise(
    task: Task,
    cases: Mapping[str, Case],
    results: Sequence[Result],
    local: Mapping[str, bool],
    *,
    stopped: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
    unpriced: Collection[str] = (),
) -> Summary:
    """Summarise the results of some cases. ``local`` has every model, in display order.

    ``before``: the lines above each case's hole, for the side-by-side view. ``unpriced``: models
    that cost an unknown amount.
    """
    found = _with_agreement(results) if task == "explain" else list(results)
    by_model: dict[str, list[Result]] = {name: [] for name in local}
    for result in found:
        by_model.setdefault(result.model, []).append(result)
    main = _main(task, found)
    table = _ResultTable(cases, by_model, dict(local), dict(stopped or {}), unpriced)
    rows = table.rows("")
    by_kind = {kind: table.rows("kind", kind) for kind in KINDS_OF[task]}
    by_kind = {k: v for k, v in by_kind.items() if any(r.asked for r in v)}
    languages = Counter(c.language for c in cases.values())
    front_by = "cost" if any(r.cost > 0 for r in rows) and not unpriced else "latency"
    return Summary(
        task=task,
        main=main,
        cases=len(cases),
        rows=sorted(rows, key=lambda r: -_value(r, main)),
        by_band={band: table.rows("band", band) for band in BANDS},
        by_kind=by_kind,
        by_language={name: table.rows("language", name) for name, _ in languages.most_common()},
        bands={b: sum(c.band == b for c in cases.values()) for b in BANDS},
        pairs=table.pairs(rows, main),
        advice=table.advice(main, {} if task == "edit" else by_kind),
        front=_front(rows, main, front_by),
        front_by=front_by,
        disagreements=_disagreements(cases, by_model, main, before or {}),
        notes=_notes(task, main),
    )


@dataclass(frozen=True, slots=True)
class _ResultTable:
    cases: Mapping[str, Case]
    by_model: Mapping[str, Sequence[Result]]
    local: Mapping[str, bool]
    stopped: Mapping[str, str]
    unpriced: Collection[str]

    def rows(
        self, part: Literal["", "kind", "band", "language"], value: str = ""
    ) -> list[ModelSummary]:
        """Return one row a model, over the cases of one kind, complexity or language."""
        return [
            self._row(
                name, [r for r in results if not part or getattr(self.cases[r.case], part) == value]
            )
            for name, results in self.by_model.items()
        ]

    def _row(self, name: str, results: Sequence[Result]) -> ModelSummary:
        # In the order of the cases, not of the answers: the same results give the same intervals.
        good = sorted((r for r in results if not r.failed), key=lambda r: r.case)
        errors = Counter(r.error_kind for r in results if r.failed)
        first = next((r.error for r in results if r.failed), "")
        scores = {m: mean([r.scores[m] for r in good if m in r.scores]) for m in MEASURES}
        totals = [r.total_ms for r in good if r.total_ms is not None]
        slow = quantile(totals, 0.9)
        return ModelSummary(
            model=name,
            id=next((r.id for r in results), ""),
            local=self.local.get(name, False),
            asked=len(results),
            answered=sum(bool(r.text.strip()) for r in good),
            failed=sum(errors.values()),
            errors=dict(errors),
            message=" ".join(dict.fromkeys(m for m in (first, self.stopped.get(name, "")) if m)),
            scores={m: v for m, v in scores.items() if v is not None},
            first_ms=quantile([r.first_ms for r in good if r.first_ms is not None], 0.5),
            total_ms=quantile(totals, 0.5),
            total_p90=slow.value if slow else None,
            input_tokens=sum(r.input_tokens for r in good),
            output_tokens=sum(r.output_tokens for r in good),
            cost=sum(r.cost for r in results),
            each=None if name in self.unpriced else mean([r.cost for r in good]),
        )

    def values(self, name: str, main: str, kind: str = "") -> dict[str, float]:
        """Return a model's main score by case, of one kind or of all. Failed calls have no score."""
        return {
            r.case: r.scores[main]
            for r in self.by_model[name]
            if not r.failed and main in r.scores and kind in ("", self.cases[r.case].kind)
        }

    def advice(self, main: str, kinds: Mapping[str, Sequence[ModelSummary]]) -> str:
        """Return the advice over all cases, and where a kind of case differs from them."""
        by_kind = {
            KIND_NAMES[kind]: [self._scored(row, main, kind) for row in rows]
            for kind, rows in kinds.items()
        }
        return advise([self._scored(row, main) for row in self.rows("")], by_kind)

    def _scored(self, row: ModelSummary, main: str, kind: str = "") -> ScoredModel:
        measures = dict.fromkeys((main, "exact")) if main != "names" else (main,)
        scores = {name: self.values(row.model, name, kind) for name in measures}
        scores = {name: by_case for name, by_case in scores.items() if by_case or name == main}
        cost, time = price(row, "cost"), price(row, "latency")
        priced = row.model not in self.unpriced
        return ScoredModel(row.model, row.local, scores, cost, time, row.failed, priced)

    def pairs(self, rows: Sequence[ModelSummary], main: str) -> list[PairedDifference]:
        scored = sorted((r for r in rows if main in r.scores), key=lambda r: -_value(r, main))
        found: list[PairedDifference] = []
        for other in scored[1:]:
            best = scored[0].model
            gap = difference(self.values(best, main), self.values(other.model, main))
            if gap is not None:
                found.append(PairedDifference(best, other.model, gap))
        return found


def _with_agreement(results: Sequence[Result]) -> list[Result]:
    """Score explanations by their similarity to the other models' of the same code."""
    by_case: dict[str, list[int]] = defaultdict(list)
    for number, result in enumerate(results):
        if not result.failed and result.text.strip():
            by_case[result.case].append(number)
    scored = list(results)
    for numbers in by_case.values():
        if len(numbers) < 2:
            continue
        likeness = agreement([results[n].text for n in numbers])
        for number, value in zip(numbers, likeness, strict=True):
            one = results[number]
            scored[number] = replace(one, scores={**one.scores, "agreement": value})
    return scored


def _main(task: Task, results: Iterable[Result]) -> str:
    tested = sum("tests" in r.scores for r in results)
    return "tests" if tested else MAIN[task]


def _value(row: ModelSummary, main: str) -> float:
    return row.scores[main].value if main in row.scores else -1.0


def _front(rows: Sequence[ModelSummary], main: str, by: str) -> list[str]:
    """Return the Pareto front: models that no other beats in both quality and cost (or time)."""
    points = [(r.model, _value(r, main), price(r, by)) for r in rows if main in r.scores]
    kept = [
        (name, value, cost)
        for name, value, cost in points
        if not any((v >= value and c <= cost and (v > value or c < cost)) for _, v, c in points)
    ]
    return [name for name, _, _ in sorted(kept, key=lambda p: p[2])]


def price(row: ModelSummary, by: str) -> float:
    """Return the cost of an answer: US dollars (``cost``), or median milliseconds."""
    if by == "cost":
        return row.each.value if row.each else 0.0
    return row.total_ms.value if row.total_ms else 0.0


def _disagreements(
    cases: Mapping[str, Case],
    by_model: Mapping[str, Sequence[Result]],
    main: str,
    before: Mapping[str, str],
) -> list[Disagreement]:
    by_case: dict[str, list[Result]] = defaultdict(list)
    for results in by_model.values():
        for result in results:
            if not result.failed:
                by_case[result.case].append(result)

    def gap(results: Sequence[Result]) -> float:
        values = [r.scores[main] for r in results if main in r.scores]
        return max(values) - min(values) if len(values) > 1 else 0.0

    order = sorted(by_case, key=lambda case: (-gap(by_case[case]), case))
    found: list[Disagreement] = []
    for case in order[:DISAGREEMENTS]:
        if gap(by_case[case]) <= 0:
            break
        results = sorted(by_case[case], key=lambda r: -r.scores.get(main, 0.0))
        answers = tuple((r.model, r.text, r.scores.get(main)) for r in results)
        found.append(Disagreement(cases[case], before.get(case, ""), answers))
    return found


def _notes(task: Task, main: str) -> list[str]:
    notes = {
        "complete": "The original code is one of several good answers: similarity and exact match measure how close "
        "a model comes to it, not whether another answer would do.",
        "generate": "The original code is one way to write it: unless tests were run, similarity measures how "
        "close the code is to it, not whether the code works.",
        "explain": "An explanation has no reference: names (the share of the code's names it mentions) and agreement (its "
        "similarity to the other models' explanations) compare models, but do not show which is right.",
        "edit": "Of each commit the last change of a file is the wanted edit, after all other changes of the commit. "
        "deltaChrf is how alike the edit and the wanted one are, 0 where nothing was shown; quiet is the share "
        "without an edit where the file has not changed further since; right is exact or quiet. Each model is "
        "measured alone; in the editor the locator answers first.",
    }
    sentences = [notes[task]]
    if main == "tests":
        sentences.append(
            "Tests score only cases whose code the repository's tests cover: they pass with it and fail without it."
        )
    sentences.append(
        "Intervals are 95 % (bootstrap over the cases); models are compared on the same cases. "
        "Models on this machine were timed one request at a time."
    )
    return sentences
