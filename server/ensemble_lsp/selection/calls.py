"""What calls to models took: latency, cost and failures, by model and task."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..models.base import Profile
from ..types import TASKS, Task, Usage
from .choice import Call, Latency
from .priors import is_slow

WINDOW = 64
"""Calls that are remembered: latency drifts by the hour, so older ones say little."""

_TYPICAL_MS: dict[Task, float] = {"complete": 900.0, "explain": 3500.0, "generate": 6000.0}
_TYPICAL_USAGE: dict[Task, Usage] = {
    "complete": Usage(1200, 40),
    "explain": Usage(1500, 350),
    "generate": Usage(1800, 500),
}
COST_UNIT: dict[Task, float] = {"complete": 0.01, "explain": 0.05, "generate": 0.10}
"""US dollars that weigh as much as one full reward when ``costWeight`` is 1."""


@dataclass(slots=True)
class _Record:
    first: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    total: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    cost: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    failed: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))
    latency: Latency | None = None
    mean_cost: float = 0.0

    def refresh(self) -> None:
        """Compute what ``choose`` reads, at the time of writing."""
        if self.total:
            first, total = sorted(self.first), sorted(self.total)
            self.latency = Latency(quantile(first, 0.5), quantile(first, 0.9), quantile(total, 0.5))
            self.mean_cost = sum(self.cost) / len(self.cost)


class CallStatistics:
    """Sliding statistics of calls."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], _Record] = {}
        self._before: dict[tuple[str, str], Latency] = {}

    def observe(self, call: Call) -> None:
        """Take in one call; a cancelled one says nothing, a failed one only that it failed."""
        if call.status == "cancelled":
            return
        record = self._records.setdefault((call.model, call.task), _Record())
        record.failed.append(int(call.status != "ok"))
        if call.status == "ok":
            record.first.append(call.first_token_ms)
            record.total.append(call.total_ms)
            record.cost.append(call.cost)
            record.refresh()

    def start_with(self, model: str, task: Task, latency: Latency) -> None:
        """Use what is known from before, until the first call."""
        self._before[(model, task)] = latency

    def latency(self, model: str, task: Task) -> Latency | None:
        """What calls took lately; ``None`` before the first."""
        record = self._records.get((model, task))
        known = record.latency if record else None
        return known or self._before.get((model, task))

    def failure_rate(self, model: str, task: Task) -> float:
        """Share of the latest calls that failed; 0 before the first."""
        record = self._records.get((model, task))
        return sum(record.failed) / len(record.failed) if record and record.failed else 0.0

    def expected(self, profile: Profile, task: Task) -> tuple[float, float]:
        """Milliseconds to the whole answer, US dollars; typical figures before the first call."""
        record = self._records.get((profile.name, task))
        if record and record.latency:
            return record.latency.total_p50, record.mean_cost
        if profile.free:
            return 10.0, 0.0
        ms = _TYPICAL_MS[task] * (5 if is_slow(profile.model) else 1.5 if profile.local else 1)
        before = self._before.get((profile.name, task))
        return before.total_p50 if before else ms, profile.cost(_TYPICAL_USAGE[task])

    def save(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [
            {
                "model": model,
                "task": task,
                "first": [round(v, 1) for v in r.first],
                "total": [round(v, 1) for v in r.total],
                "cost": list(r.cost),
                "failed": list(r.failed),
            }
            for (model, task), r in self._records.items()
        ]

    def load(self, saved: Any) -> None:
        """Take back ``save``'s values; a damaged record is left out."""
        for raw in rows(saved):
            first, total = numbers(raw.get("first")), numbers(raw.get("total"))
            cost, failed = numbers(raw.get("cost")), numbers(raw.get("failed"))
            model, task = raw.get("model"), raw.get("task")
            whole = isinstance(model, str) and task in TASKS
            if not whole or not len(first) == len(total) == len(cost):
                continue
            record = _Record()
            record.first.extend(first)
            record.total.extend(total)
            record.cost.extend(cost)
            record.failed.extend(int(v > 0) for v in failed)
            record.refresh()
            self._records[(cast(str, model), cast(Task, task))] = record


def utility(
    expected: float,
    latency_ms: float,
    cost: float,
    task: Task,
    *,
    budget_ms: float,
    latency_weight: float,
    cost_weight: float,
) -> float:
    """Expected reward − latencyWeight × latency / budget − costWeight × cost / the task's unit.

    Latency counts up to twice the budget and cost up to ten units: beyond, worse is no different.
    """
    waiting = min(2.0, latency_ms / max(1.0, budget_ms))
    money = min(10.0, cost / COST_UNIT[task])
    return expected - latency_weight * waiting - cost_weight * money


def quantile(ordered: list[float], share: float) -> float:
    """The nearest-rank quantile of sorted values."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1 if share else 0)]


def rows(saved: Any) -> Iterable[Mapping[str, Any]]:
    """The tables in a list of saved state; nothing where it is no list."""
    if not isinstance(saved, list):
        return []
    items = cast("list[Any]", saved)
    return [cast("Mapping[str, Any]", r) for r in items if isinstance(r, Mapping)]


def numbers(saved: Any) -> list[float]:
    """A list of finite numbers; empty where it is anything else."""
    if not isinstance(saved, list):
        return []
    items = cast("list[Any]", saved)
    good = [float(v) for v in items if isinstance(v, int | float) and math.isfinite(v)]
    return good if len(good) == len(items) else []
