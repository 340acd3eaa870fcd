"""Statistics of calls to models: latency, cost and failures, by model and task."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, cast

from ..models.interface import Profile
from ..numeric import clip, quantile
from ..types import TASKS, Task, Usage
from .choice import Latency, ObservedCall
from .priors import is_slow

WINDOW = 64
"""Latest calls that count: latency drifts by the hour, so older calls say little."""
HOUR_CALLS = 30.0
"""Calls that the means of one hour of the day weigh at most."""
FRESH_SECONDS = 1800.0
"""Seconds for which the latest calls alone predict the next one; the half-life of failures."""
HOUR_SECONDS = 7 * 86400.0
"""Half-life of the failures of an hour: a model that is not asked then cannot show that it has recovered."""
PSEUDO_CALLS = 10
"""Successful calls that every model starts with, so that one failure does not condemn it."""
TIMED_OUT = "TimedOutError"

_TYPICAL_MS: dict[Task, float] = {
    "complete": 900.0, "explain": 3500.0, "generate": 6000.0, "edit": 1500.0,
}  # fmt: skip
_TYPICAL_USAGE: dict[Task, Usage] = {
    "complete": Usage(1200, 40),
    "explain": Usage(1500, 350),
    "generate": Usage(1800, 500),
    "edit": Usage(2000, 150),
}
COST_UNIT: dict[Task, float] = {"complete": 0.01, "explain": 0.05, "generate": 0.10, "edit": 0.01}
"""US dollars that weigh as much as a reward of 1 if ``costWeight`` is 1."""


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """Expected milliseconds, US dollars and chance of failure of a call."""

    first_ms: float
    total_ms: float
    cost: float
    failures: float
    measured: bool = True
    """Whether the times come from calls; else they are typical of such a model."""


@dataclass(slots=True)
class _HourStats:
    """Means over the latest calls at one hour of the day (local time), of all days."""

    calls: float = 0.0
    """Weight of the means, at most ``HOUR_CALLS``, so that older days fade."""
    first: float = 0.0
    """Mean logarithm of the milliseconds; the same for ``total``."""
    total: float = 0.0
    cost: float = 0.0
    failed: float = 0.0
    """Share of failed calls, timeouts included."""
    timed_out: float = 0.0
    answers: float = 0.0
    time: float = 0.0
    """Unix seconds of the latest call."""

    def add(self, call: ObservedCall) -> None:
        """Add one call."""
        self.time = max(self.time, call.time)
        self.calls = min(HOUR_CALLS, self.calls + 1)
        self.failed += (float(call.status != "ok") - self.failed) / self.calls
        self.timed_out += (float(call.status == TIMED_OUT) - self.timed_out) / self.calls
        if call.status == "ok":
            self.answers = min(HOUR_CALLS, self.answers + 1)
            self.first += (math.log(max(0.01, call.first_token_ms)) - self.first) / self.answers
            self.total += (math.log(max(0.01, call.total_ms)) - self.total) / self.answers
            self.cost += (call.cost - self.cost) / self.answers

    def failures(self, now: float) -> float:
        """Return the chance of a failure, which fades until the next call at this hour."""
        faded = 0.5 ** (abs(now - self.time) / HOUR_SECONDS)
        return faded * self.failed * self.calls / (self.calls + PSEUDO_CALLS)


@dataclass(slots=True)
class _CallStats:
    first: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    total: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    cost: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    failed: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))
    """1 for a failure, 2 for a timeout, 0 for an answer."""
    hours: dict[int, _HourStats] = field(default_factory=dict[int, _HourStats])
    time: float = 0.0
    """Unix seconds of the latest call."""
    latency: Latency | None = None
    mean_cost: float = 0.0
    failures: float = 0.0

    def add(self, call: ObservedCall) -> None:
        """Add one call."""
        self.time = max(self.time, call.time)
        self.failed.append(2 if call.status == TIMED_OUT else int(call.status != "ok"))
        self.hours.setdefault(hour_of(call.time), _HourStats()).add(call)
        if call.status == "ok":
            self.first.append(call.first_token_ms)
            self.total.append(call.total_ms)
            self.cost.append(call.cost)
        self.refresh()

    def refresh(self) -> None:
        """Recompute the summary; done on write, so that ``choose`` only reads."""
        self.failures = sum(map(bool, self.failed)) / (len(self.failed) + PSEUDO_CALLS)
        if self.total:
            first, total = sorted(self.first), sorted(self.total)
            self.latency = Latency(quantile(first, 0.5), quantile(first, 0.9), quantile(total, 0.5))
            self.mean_cost = sum(self.cost) / len(self.cost)

    def recent_failures(self, now: float) -> float:
        """Return the chance of a failure by the latest calls; it halves in half an hour."""
        # A call in the future was written while a clock was wrong: its age is unknown, not 0.
        return self.failures * 0.5 ** (abs(now - self.time) / FRESH_SECONDS)

    def expected(self, now: float) -> ExpectedCall | None:
        """Return the expectation for a call now; None before the first answer.

        Fresh calls decide alone; older ones are blended with the statistics of the hour.
        """
        if self.latency is None:
            return None
        hour = self.hours.get(hour_of(now))
        is_old = abs(now - self.time) > FRESH_SECONDS
        trust = hour.answers / (hour.answers + 8) if hour and is_old else 0.0
        failures = self.recent_failures(now)
        if hour is None or not trust:
            known = self.latency
            return ExpectedCall(known.first_p50, known.total_p50, self.mean_cost, failures)
        return ExpectedCall(
            _blend(self.latency.first_p50, hour.first, trust),
            _blend(self.latency.total_p50, hour.total, trust),
            self.mean_cost + trust * (hour.cost - self.mean_cost),
            max(failures, hour.failures(now)),
        )

    def save(self) -> dict[str, Any]:
        """Return plain values."""
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
    def load(cls, raw: Mapping[str, Any]) -> _CallStats | None:
        """Restore the values of ``save``; None if they are invalid."""
        first, total = finite_numbers(raw.get("first")), finite_numbers(raw.get("total"))
        cost, failed = finite_numbers(raw.get("cost")), finite_numbers(raw.get("failed"))
        if not len(first) == len(total) == len(cost) or min(total, default=0) < 0:
            return None
        record = cls()
        record.first.extend(first)
        record.total.extend(total)
        record.cost.extend(cost)
        record.failed.extend(int(clip(v, 0, 2)) for v in failed)
        record.time = (finite_numbers([raw.get("time")]) or [0.0])[0]
        hours: Any = raw.get("hours")
        for row in cast("list[Any]", hours) if isinstance(hours, list) else []:
            values = finite_numbers(row)
            # An older version did not keep the time.
            if len(values) in (8, 9) and values[0] in range(24) and min(values[1], values[4]) >= 0:
                record.hours[int(values[0])] = _HourStats(*values[1:])
        record.refresh()
        return record


class CallStatistics:
    """Sliding-window statistics of calls, by model, task and hour of the day."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._stats: dict[tuple[str, str], _CallStats] = {}
        self._baselines: dict[tuple[str, str], Latency] = {}
        self._changed: set[tuple[str, str]] = set()

    def observe(self, call: ObservedCall) -> None:
        """Add one call; a cancelled one is ignored, a failed one counts as a failure only."""
        if call.status == "cancelled":
            return
        key = (call.model, call.task)
        self._stats.setdefault(key, _CallStats()).add(call)
        self._changed.add(key)

    def set_baseline(self, model: str, task: Task, latency: Latency) -> None:
        """Use this latency, known from earlier runs, until the first call."""
        self._baselines[(model, task)] = latency

    def latency(self, model: str, task: Task) -> Latency | None:
        """Return the recent latency; None before the first call."""
        record = self._stats.get((model, task))
        known = record.latency if record else None
        return known or self._baselines.get((model, task))

    def expected(self, profile: Profile, task: Task) -> ExpectedCall:
        """Return the expectation for a call now; typical figures before the first answer."""
        record = self._stats.get((profile.name, task))
        now = self._clock()
        if record and (known := record.expected(now)):
            return known
        failures = record.recent_failures(now) if record else 0.0
        if profile.free:
            return ExpectedCall(10.0, 10.0, 0.0, failures, measured=False)
        baseline = self._baselines.get((profile.name, task))
        ms = typical_ms(profile, task)
        return ExpectedCall(
            baseline.first_p50 if baseline else ms * 0.5,
            baseline.total_p50 if baseline else ms,
            typical_cost(profile, task),
            failures,
            measured=baseline is not None,
        )

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Return plain values by part; ``changed``: only what changed since the last such call."""
        keys = self._changed if changed else set(self._stats)
        if changed:
            self._changed = set()
        return {f"calls/{task}/{model}": self._stats[(model, task)].save() for model, task in keys}

    def load(self, parts: Mapping[str, Any]) -> None:
        """Restore the values of ``save``; invalid entries are skipped."""
        for task, model, raw in parts_of_kind(parts, "calls"):
            if (record := _CallStats.load(raw)) is not None:
                self._stats[(model, task)] = record


def typical_ms(profile: Profile, task: Task) -> float:
    """Return the milliseconds to a whole answer for a model without calls."""
    factor = 5 if is_slow(profile.model) else 1.5 if profile.local else 1
    return _TYPICAL_MS[task] * factor


def typical_cost(profile: Profile, task: Task) -> float:
    """Return the US dollars of an ordinary request."""
    return profile.cost(_TYPICAL_USAGE[task])


def hour_of(unix: float) -> int:
    """Return the hour of the day in local time: providers are slow while their users are awake."""
    try:
        return time.localtime(unix).tm_hour
    except (OverflowError, ValueError, OSError):
        return 0


def _blend(ms: float, log_ms: float, trust: float) -> float:
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
    """Return reward − latencyWeight × latency / budget − costWeight × cost / the task's unit.

    Latency is capped at twice the budget, cost at ten units.
    """
    waiting = min(2.0, latency_ms / max(1.0, budget_ms))
    money = min(10.0, cost / COST_UNIT[task])
    return expected - latency_weight * waiting - cost_weight * money


def parts_of_kind(
    parts: Mapping[str, Any], kind: str
) -> Iterable[tuple[Task, str, Mapping[str, Any]]]:
    """Yield task, model and table of the parts named ``kind/task/model``."""
    for name, raw in parts.items():
        head, _, rest = name.partition("/")
        task, _, model = rest.partition("/")
        if head == kind and task in TASKS and model and isinstance(raw, Mapping):
            yield task, model, cast("Mapping[str, Any]", raw)


def finite_numbers(saved: Any) -> list[float]:
    """Return a list of finite numbers; empty for anything else."""
    if not isinstance(saved, list):
        return []
    items = cast("list[Any]", saved)
    good = [float(v) for v in items if isinstance(v, int | float) and math.isfinite(v)]
    return good if len(good) == len(items) else []
