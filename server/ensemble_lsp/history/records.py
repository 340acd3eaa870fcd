"""Records of suggestions, calls and choices, and the rows that queries return."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..types import Outcome, Task

Feature = float | str | bool


def new_id() -> str:
    """Return a key that is unique among all servers on the same history."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class SuggestionRecord:
    """A suggestion as it was offered; ``text`` and ``context`` only with ``keepText``."""

    id: str
    time: float
    """Unix seconds."""
    task: Task
    models: tuple[str, ...]
    """All models that gave this text."""
    language: str = ""
    chars: int = 0
    lines: int = 0
    trigger: str = "automatic"
    cached: bool = False
    agreement: float | None = None
    shown_at: int = 0
    """Its place in the list that was offered, from 0."""
    group: str | None = None
    """An id that the suggestions of one ensemble run share."""
    features: Mapping[str, Feature] = field(default_factory=dict[str, Feature])
    explored: bool = False
    """Whether the model was asked in order to learn about it, not because it seemed the best."""
    project: str = ""
    """Salted hash of the workspace's root."""
    text: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The calls to one model since a time, their tokens and their cost in US dollars."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call to one model. ``status`` is ``ok``, ``cancelled`` or the error's class name."""

    time: float
    """Unix seconds."""
    task: Task
    model: str
    provider: str = ""
    first_token_ms: float | None = None
    total_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0
    """US dollars."""
    status: str = "ok"
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class PreferenceRecord:
    """A choice among the answers of one ensemble run, by the models of each answer."""

    time: float
    group: str
    chosen: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    shown_at: int = 0
    """The place of the chosen answer in the list, from 0."""
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class StoredSuggestion:
    """A stored suggestion and, once it is settled, its outcome."""

    record: SuggestionRecord
    outcome: Outcome | None = None
    settled: float | None = None
    """Unix seconds at which it was settled."""


@dataclass(frozen=True, slots=True)
class RewardRow:
    """One observation for a selector: the reward of a suggestion, for one of its models."""

    time: float
    model: str
    task: Task
    reward: float
    features: Mapping[str, Feature]
    chars: int = 0
    language: str = ""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Percentiles in milliseconds (±5 %); None without measurements."""

    first_p50: float | None = None
    first_p90: float | None = None
    first_p95: float | None = None
    total_p50: float | None = None
    total_p90: float | None = None
    total_p95: float | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True)
class StatsRow:
    """The record of one model at one task."""

    model: str
    task: Task
    suggestions: int
    """Suggestions that were offered."""
    shown: int
    """Suggestions that were judged: settled with a reward; not those superseded or barely shown."""
    accepted: int
    """Accepted whole or in part; ``typed`` is counted separately."""
    partial: int
    """Accepted in part; included in ``accepted``."""
    typed: int
    rejected: int
    ignored: int
    acceptance: float | None
    """``accepted / shown``."""
    low: float | None
    """Wilson 95 % interval of the acceptance rate."""
    high: float | None
    reward: float | None
    """Mean over those shown."""
    latency: Latencies
    calls: int
    failures: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost: float


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float] | None:
    """Return Wilson's score interval of a rate (E. B. Wilson, JASA 1927); None without trials."""
    if trials <= 0:
        return None
    rate = min(max(successes / trials, 0.0), 1.0)
    scale = 1 + z * z / trials
    middle = (rate + z * z / (2 * trials)) / scale
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def dumps(value: object) -> str:
    """Return compact JSON for a column."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
