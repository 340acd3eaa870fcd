"""Summarise the history by model: acceptance, survival, time, cost, and the models the selector prefers.

Counts follow ``outcome_counts``.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..history import RewardRow, StatsRow, StoredSuggestion
from ..models.interface import Profile
from ..selection import RequestContext, make_selector
from ..selection.choice import Latency, Selector
from ..types import Task
from .cases import BANDS, Band, band_of
from .finetune_ab import FinetuneComparison, finetune_comparisons
from .outcome_counts import OutcomeCounts

if TYPE_CHECKING:
    from ..app import AppContext

WEEKS = 26
"""Number of latest weeks that a report shows."""
REPLAYED = 5000
LATEST = 253_370_764_800.0
"""The year 9999. A team's database may have any time, and a later one has no date."""


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """One model at one task, over the whole history."""

    model: str
    task: Task
    count: OutcomeCounts
    stats: StatsRow

    @property
    def per_thousand(self) -> float | None:
        """US dollars per 1,000 accepted characters; None if nothing was accepted."""
        return 1000 * self.stats.cost / self.count.chars if self.count.chars else None


@dataclass(frozen=True, slots=True)
class PreferredModel:
    """The model the selector would ask first, for code of one complexity."""

    task: Task
    band: str
    model: str
    since: float | None
    """Unix seconds of the first outcome in the week since which it leads; None: from the start."""
    expected: float
    low: float
    high: float
    outcomes: int


@dataclass(slots=True)
class HistorySummary:
    """The content of the report."""

    rows: list[ModelHistory]
    breakdowns: dict[str, dict[str, dict[str, OutcomeCounts]]]
    """``language``, ``complexity`` or ``week`` → value, in order → model → counts."""
    preferred: list[PreferredModel]
    task: Task | None
    strategy: str
    suggestions: int
    first: float | None
    last: float | None
    pairs: list[FinetuneComparison] = field(default_factory=list[FinetuneComparison])
    """Fine-tuned models compared with their base models."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "task": self.task, "suggestions": self.suggestions, "strategy": self.strategy,
            "models": [
                {
                    "model": r.model, "task": r.task, **r.count.to_json(),
                    "latency": asdict(r.stats.latency), "calls": r.stats.calls,
                    "failures": r.stats.failures, "cost": r.stats.cost,
                    "costPerThousandAccepted": r.per_thousand, "reward": r.stats.reward,
                }
                for r in self.rows
            ],
            "parts": {
                part: {k: {m: c.to_json() for m, c in v.items()} for k, v in values.items()}
                for part, values in self.breakdowns.items()
            },
            "preferred": [asdict(p) for p in self.preferred],
            "tuned": [p.to_json() for p in self.pairs],
        }  # fmt: skip


async def summarise_history(app: AppContext, task: Task | None = None) -> HistorySummary:
    """Summarise the whole history in one pass."""
    history = app.history
    tally = _Tally(task)
    async for stored in history.suggestions():
        tally.add(stored)
    stats = await history.stats(task)
    rewards = await history.rewards_by_model(task, REPLAYED)
    profiles = [e.profile for e in app.registry.entries() if e.available]
    selector = make_selector(app.settings.selector)
    preferred = await asyncio.to_thread(_preferences, selector, rewards, stats, profiles)
    rows = [
        ModelHistory(s.model, s.task, tally.whole.get((s.model, s.task), OutcomeCounts()), s)
        for s in stats
    ]
    return HistorySummary(
        rows=rows,
        breakdowns=tally.parts(),
        preferred=preferred,
        task=task,
        strategy=app.settings.selector.strategy,
        suggestions=tally.suggestions,
        first=tally.first,
        last=tally.last,
        pairs=await finetune_comparisons(app, task),
    )


class _Tally:
    def __init__(self, task: Task | None) -> None:
        self._task = task
        self.suggestions = 0
        self.first: float | None = None
        self.last: float | None = None
        self.whole: dict[tuple[str, Task], OutcomeCounts] = defaultdict(OutcomeCounts)
        self._parts: dict[str, dict[str, dict[str, OutcomeCounts]]] = {
            "language": {}, "complexity": {}, "week": {},
        }  # fmt: skip

    def add(self, stored: StoredSuggestion) -> None:
        record = stored.record
        if self._task not in (None, record.task):
            return
        self.suggestions += 1
        self.first = min(self.first or record.time, record.time)
        self.last = max(self.last or record.time, record.time)
        complexity = record.features.get("complexity", 1)
        band = band_of(complexity if isinstance(complexity, int | float) else 1)
        keys = {
            "language": record.language or "unknown",
            "complexity": band,
            "week": week_of(record.time),
        }
        for model in record.models:
            self.whole[(model, record.task)].add(stored)
            for part, key in keys.items():
                self._parts[part].setdefault(key, {}).setdefault(model, OutcomeCounts()).add(stored)

    def parts(self) -> dict[str, dict[str, dict[str, OutcomeCounts]]]:
        """Return each breakdown in display order."""
        languages = Counter(
            {k: sum(c.offered for c in v.values()) for k, v in self._parts["language"].items()}
        )
        weeks = sorted(self._parts["week"])[-WEEKS:]
        bands = [b for b in BANDS if b in self._parts["complexity"]]
        return {
            "language": {k: self._parts["language"][k] for k, _ in languages.most_common()},
            "complexity": {b: self._parts["complexity"][b] for b in bands},
            "week": {w: self._parts["week"][w] for w in weeks},
        }


def week_of(when: float) -> str:
    """Return the Monday (UTC) of a time's week."""
    when = min(max(when, 0.0), LATEST)
    moment = time.gmtime(when)
    return time.strftime("%Y-%m-%d", time.gmtime(when - moment.tm_wday * 86400))


def _preferences(
    selector: Selector,
    rewards: Sequence[RewardRow],
    stats: Iterable[StatsRow],
    profiles: Sequence[Profile],
) -> list[PreferredModel]:
    """Replay the history into a fresh selector and record its choices after every week."""
    for row in stats:
        first, total = row.latency.first_p50, row.latency.total_p50
        if first is not None and total is not None:
            p90 = row.latency.first_p90 or first
            selector.observe_latency(row.model, row.task, Latency(first, p90, total))
    learned = [(row, context) for row in rewards if (context := _context_of(row)) is not None]
    places = _typical([context for _, context in learned])
    leaders: dict[tuple[Task, Band], tuple[str, float | None]] = {}
    week, started = "", None
    for row, context in learned:
        if week_of(row.time) != week:
            _record_leaders(selector, places, profiles, leaders, started)
            week, started = week_of(row.time), row.time
        selector.learn(row.model, context, row.reward)
    _record_leaders(selector, places, profiles, leaders, started)
    outcomes = Counter((row.task, band_of(s.complexity)) for row, s in learned)
    found: list[PreferredModel] = []
    for (task, band), place in places.items():
        ranked = selector.choose(place, profiles, budget_ms=_budget(task)).ranked
        best = max(ranked, key=lambda r: r.utility, default=None)
        if best is not None:
            since = leaders[(task, band)][1]
            found.append(
                PreferredModel(
                    task,
                    band,
                    best.model,
                    since,
                    best.expected,
                    best.low,
                    best.high,
                    outcomes[(task, band)],
                )
            )
    return found


def _record_leaders(
    selector: Selector,
    places: dict[tuple[Task, Band], RequestContext],
    profiles: Sequence[Profile],
    leaders: dict[tuple[Task, Band], tuple[str, float | None]],
    started: float | None,
) -> None:
    """Record the leading models; a new leader leads since the week that has just ended."""
    for key, place in places.items():
        ranked = selector.choose(place, profiles, budget_ms=_budget(key[0])).ranked
        best = max(ranked, key=lambda r: r.utility, default=None)
        if best is None:
            continue
        if key not in leaders or leaders[key][0] != best.model:
            leaders[key] = (best.model, started if key in leaders else None)


def _budget(task: Task) -> float:
    return 2500.0 if task == "complete" else 20000.0


def _context_of(row: RewardRow) -> RequestContext | None:
    try:
        return RequestContext.from_json({**row.features, "task": row.task})
    except ValueError:
        return None


def _typical(contexts: Sequence[RequestContext]) -> dict[tuple[Task, Band], RequestContext]:
    """Return the median context for each task and band of complexity."""
    groups: dict[tuple[Task, Band], list[RequestContext]] = defaultdict(list)
    for context in contexts:
        groups[(context.task, band_of(context.complexity))].append(context)
    ordered = sorted(groups, key=lambda key: (key[0], BANDS.index(key[1])))
    return {
        key: sorted(groups[key], key=lambda s: (s.complexity, s.prefix_chars))[
            len(groups[key]) // 2
        ]
        for key in ordered
    }
