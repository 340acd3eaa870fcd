"""What calls to models took: latency, cost and failures, by model and task."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, cast

from ..models.interface import Profile
from ..types import TASKS, Task, Usage
from .choice import Call, Latency
from .priors import is_slow

WINDOW = 64
"""Calls that are remembered: latency drifts by the hour, so older ones say little."""
HOUR_CALLS = 30.0
"""Calls of one hour of the day that its means rest on."""
FRESH_S = 1800.0
"""Seconds for which the latest calls alone tell what the next one takes; failures count half after."""
CALM = 10
"""Calls without a failure that every model is credited with, so that one failure is no verdict."""
TIMED_OUT = "TimedOutError"

_TYPICAL_MS: dict[Task, float] = {"complete": 900.0, "explain": 3500.0, "generate": 6000.0}
_TYPICAL_USAGE: dict[Task, Usage] = {
    "complete": Usage(1200, 40),
    "explain": Usage(1500, 350),
    "generate": Usage(1800, 500),
}
COST_UNIT: dict[Task, float] = {"complete": 0.01, "explain": 0.05, "generate": 0.10}
"""US dollars that weigh as much as one full reward when ``costWeight`` is 1."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a call is expected to take: milliseconds, US dollars, and the chance that it fails."""

    first_ms: float
    total_ms: float
    cost: float
    failures: float


@dataclass(slots=True)
class _Hour:
    """One hour of the day (local time): means over its latest calls, of all days."""

    calls: float = 0.0
    """Calls the means rest on; at most ``HOUR_CALLS``, so that older days fade."""
    first: float = 0.0
    """Mean of the logarithm of milliseconds; the same for ``total``."""
    total: float = 0.0
    cost: float = 0.0
    failed: float = 0.0
    """Share of the calls; time-outs are among them."""
    timed_out: float = 0.0
    answers: float = 0.0

    def take(self, call: Call) -> None:
        """Count a call in."""
        self.calls = min(HOUR_CALLS, self.calls + 1)
        self.failed += (float(call.status != "ok") - self.failed) / self.calls
        self.timed_out += (float(call.status == TIMED_OUT) - self.timed_out) / self.calls
        if call.status == "ok":
            self.answers = min(HOUR_CALLS, self.answers + 1)
            self.first += (math.log(max(0.01, call.first_token_ms)) - self.first) / self.answers
            self.total += (math.log(max(0.01, call.total_ms)) - self.total) / self.answers
            self.cost += (call.cost - self.cost) / self.answers


@dataclass(slots=True)
class _Record:
    first: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    total: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    cost: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    failed: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))
    """1 for a failure, 2 for a time-out, 0 for an answer."""
    hours: dict[int, _Hour] = field(default_factory=dict[int, _Hour])
    time: float = 0.0
    """Of the latest call."""
    latency: Latency | None = None
    mean_cost: float = 0.0
    failures: float = 0.0

    def take(self, call: Call) -> None:
        """Count a call in."""
        self.time = max(self.time, call.time)
        self.failed.append(2 if call.status == TIMED_OUT else int(call.status != "ok"))
        self.hours.setdefault(hour_of(call.time), _Hour()).take(call)
        if call.status == "ok":
            self.first.append(call.first_token_ms)
            self.total.append(call.total_ms)
            self.cost.append(call.cost)
        self.refresh()

    def refresh(self) -> None:
        """Compute what ``choose`` reads, at the time of writing."""
        self.failures = sum(map(bool, self.failed)) / (len(self.failed) + CALM)
        if self.total:
            first, total = sorted(self.first), sorted(self.total)
            self.latency = Latency(quantile(first, 0.5), quantile(first, 0.9), quantile(total, 0.5))
            self.mean_cost = sum(self.cost) / len(self.cost)

    def expected(self, now: float) -> Expected | None:
        """What a call takes now; None before the first answer.

        The latest calls tell, while they are fresh; later they and the hour's own record share.
        """
        if self.latency is None:
            return None
        age = max(0.0, now - self.time)
        hour = self.hours.get(hour_of(now))
        trust = hour.answers / (hour.answers + 8) if hour and age > FRESH_S else 0.0
        failures = self.failures * 0.5 ** (age / FRESH_S)
        if hour is None or not trust:
            known = self.latency
            return Expected(known.first_p50, known.total_p50, self.mean_cost, failures)
        return Expected(
            _between(self.latency.first_p50, hour.first, trust),
            _between(self.latency.total_p50, hour.total, trust),
            self.mean_cost + trust * (hour.cost - self.mean_cost),
            max(failures, hour.failed * hour.calls / (hour.calls + CALM)),
        )

    def save(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "first": [round(v, 1) for v in self.first],
            "total": [round(v, 1) for v in self.total],
            "cost": [float(f"{v:.6g}") for v in self.cost],
            "failed": list(self.failed),
            "time": self.time,
            "hours": [
                [hour, *(float(f"{v:.6g}") for v in astuple(h))] for hour, h in self.hours.items()
            ],
        }

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> _Record | None:
        """Take back ``save``'s values; None where they are damaged."""
        first, total = numbers(raw.get("first")), numbers(raw.get("total"))
        cost, failed = numbers(raw.get("cost")), numbers(raw.get("failed"))
        if not len(first) == len(total) == len(cost) or min(total, default=0) < 0:
            return None
        record = cls()
        record.first.extend(first)
        record.total.extend(total)
        record.cost.extend(cost)
        record.failed.extend(max(0, min(2, int(v))) for v in failed)
        record.time = (numbers([raw.get("time")]) or [0.0])[0]
        hours: Any = raw.get("hours")
        for row in cast("list[Any]", hours) if isinstance(hours, list) else []:
            values = numbers(row)
            if len(values) == 8 and values[0] in range(24) and min(values[1], values[4]) >= 0:
                record.hours[int(values[0])] = _Hour(*values[1:])
        record.refresh()
        return record


class CallStatistics:
    """Sliding statistics of calls, by model, task and hour of the day."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: dict[tuple[str, str], _Record] = {}
        self._before: dict[tuple[str, str], Latency] = {}
        self._changed: set[tuple[str, str]] = set()

    def observe(self, call: Call) -> None:
        """Take in one call; a cancelled one says nothing, a failed one only that it failed."""
        if call.status == "cancelled":
            return
        key = (call.model, call.task)
        self._records.setdefault(key, _Record()).take(call)
        self._changed.add(key)

    def start_with(self, model: str, task: Task, latency: Latency) -> None:
        """Use what is known from before, until the first call."""
        self._before[(model, task)] = latency

    def latency(self, model: str, task: Task) -> Latency | None:
        """What calls took lately; ``None`` before the first."""
        record = self._records.get((model, task))
        known = record.latency if record else None
        return known or self._before.get((model, task))

    def expected(self, profile: Profile, task: Task) -> Expected:
        """What a call takes now; typical figures before the first answer."""
        record = self._records.get((profile.name, task))
        if record and (known := record.expected(self._clock())):
            return known
        failures = record.failures if record else 0.0
        if profile.free:
            return Expected(10.0, 10.0, 0.0, failures)
        before = self._before.get((profile.name, task))
        ms = typical_ms(profile, task)
        return Expected(
            before.first_p50 if before else ms * 0.5,
            before.total_p50 if before else ms,
            typical_cost(profile, task),
            failures,
        )

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Plain values by part's name; ``changed``: only what changed since it was last asked."""
        keys = self._changed if changed else set(self._records)
        if changed:
            self._changed = set()
        return {
            f"calls/{task}/{model}": self._records[(model, task)].save() for model, task in keys
        }

    def load(self, parts: Mapping[str, Any]) -> None:
        """Take back ``save``'s values; a damaged record is left out."""
        for task, model, raw in of_kind(parts, "calls"):
            if (record := _Record.load(raw)) is not None:
                self._records[(model, task)] = record


def typical_ms(profile: Profile, task: Task) -> float:
    """Milliseconds to a whole answer of a model that was never asked."""
    factor = 5 if is_slow(profile.model) else 1.5 if profile.local else 1
    return _TYPICAL_MS[task] * factor


def typical_cost(profile: Profile, task: Task) -> float:
    """US dollars of an ordinary request."""
    return profile.cost(_TYPICAL_USAGE[task])


def hour_of(unix: float) -> int:
    """The hour of the day, local time: providers are slow when their users are awake."""
    try:
        return time.localtime(unix).tm_hour
    except (OverflowError, ValueError, OSError):
        return 0


def _between(ms: float, log_ms: float, trust: float) -> float:
    return math.exp((1 - trust) * math.log(max(0.01, ms)) + trust * log_ms)


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


def of_kind(parts: Mapping[str, Any], kind: str) -> Iterable[tuple[Task, str, Mapping[str, Any]]]:
    """Task, model and table of the parts that are named ``kind/task/model``."""
    for name, raw in parts.items():
        head, _, rest = name.partition("/")
        task, _, model = rest.partition("/")
        if head == kind and task in TASKS and model and isinstance(raw, Mapping):
            yield task, model, cast("Mapping[str, Any]", raw)


def numbers(saved: Any) -> list[float]:
    """A list of finite numbers; empty where it is anything else."""
    if not isinstance(saved, list):
        return []
    items = cast("list[Any]", saved)
    good = [float(v) for v in items if isinstance(v, int | float) and math.isfinite(v)]
    return good if len(good) == len(items) else []
