"""Compare a fine-tuned model with its base model on live suggestions from the same days."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..finetuning.jobs import JobStore
from ..history import StatsRow
from ..types import Task
from .outcome_counts import OutcomeCounts
from .statistics import Estimate

if TYPE_CHECKING:
    from ..app import AppContext

_DAY = 86400


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One of the two models, since the fine-tuned one was first offered."""

    model: str
    count: OutcomeCounts
    stats: StatsRow | None

    @property
    def per_thousand(self) -> float | None:
        """US dollars per 1,000 accepted characters."""
        spent = self.stats.cost if self.stats else 0.0
        return 1000 * spent / self.count.chars if self.count.chars else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        latency = self.stats.latency if self.stats else None
        return {
            "model": self.model, **self.count.to_json(),
            "firstTokenMs": latency.first_p50 if latency else None,
            "totalMs": latency.total_p50 if latency else None,
            "cost": self.stats.cost if self.stats else 0.0,
            "costPerThousandAccepted": self.per_thousand,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FinetuneComparison:
    """A fine-tuned model and its base model for one task."""

    task: Task
    tuned: ComparedModel
    base: ComparedModel
    since: float
    """Start, in Unix seconds, of the day (UTC) on which the fine-tuned model was first offered."""
    retired: bool

    @property
    def difference(self) -> Estimate | None:
        """Acceptance rate of the fine-tuned model minus that of its base, with Newcombe's interval (1998, method 10)."""
        one, two = self.tuned.count.rate, self.base.count.rate
        if one is None or two is None:
            return None
        gap = one.value - two.value
        low = math.hypot(one.value - (one.low or 0.0), (two.high or 1.0) - two.value)
        high = math.hypot((one.high or 1.0) - one.value, two.value - (two.low or 0.0))
        return Estimate(gap, gap - low, gap + high, min(one.n, two.n))

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        name, base, gap = self.tuned.model, self.base.model, self.difference
        if gap is None:
            return f"There are no judged suggestions from both {name} and {base} yet."
        if gap.low is not None and gap.low > 0:
            return f"{name} is accepted more often than {base}."
        if gap.high is not None and gap.high < 0:
            return f"{name} is accepted less often than {base}; to retire it, run `ensemble-lsp finetune retire {name}`."
        return f"There is no clear difference between {name} and {base} yet."

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        gap = self.difference
        return {
            "task": self.task, "since": self.since, "retired": self.retired,
            "tuned": self.tuned.to_json(), "base": self.base.to_json(),
            "difference": gap.to_json() if gap else None, "verdict": self.verdict,
        }  # fmt: skip


async def finetune_comparisons(app: AppContext, task: Task | None) -> list[FinetuneComparison]:
    """Compare each fine-tuned model that was ever offered, by task. Reads the history if there are any."""
    jobs = await asyncio.to_thread(JobStore(app.data_dir).all)
    bases = {job.joined: (job.base.name, job.retired) for job in jobs if job.joined}
    if not bases:
        return []
    started: dict[tuple[str, Task], float] = {}
    async for stored in app.history.suggestions():
        record = stored.record
        for model in bases.keys() & set(record.models) if task in (None, record.task) else ():
            key = (model, record.task)
            started[key] = min(started.get(key, record.time), record.time)
    started = {key: when // _DAY * _DAY for key, when in started.items()}
    counts = await _counts(app, bases, started)
    found: list[FinetuneComparison] = []
    for (tuned, what), since in sorted(started.items()):
        base, retired = bases[tuned]
        stats = {s.model: s for s in await app.history.stats(what, since)}
        one, two = counts[(tuned, what, tuned)], counts[(tuned, what, base)]
        sides = (
            ComparedModel(tuned, one, stats.get(tuned)),
            ComparedModel(base, two, stats.get(base)),
        )
        found.append(FinetuneComparison(what, *sides, since, retired))
    return found


async def _counts(
    app: AppContext,
    bases: Mapping[str, tuple[str, bool]],
    started: Mapping[tuple[str, Task], float],
) -> Mapping[tuple[str, Task, str], OutcomeCounts]:
    """Count by fine-tuned model, task and compared model, from the day the fine-tuned one was first offered."""
    counts: dict[tuple[str, Task, str], OutcomeCounts] = defaultdict(OutcomeCounts)
    if not started:
        return counts
    async for stored in app.history.suggestions():
        record = stored.record
        for (tuned, task), since in started.items():
            if record.task == task and record.time >= since:
                for side in {tuned, bases[tuned][0]} & set(record.models):
                    counts[(tuned, task, side)].add(stored)
    return counts
