"""A choice among models, with its reasons, and the protocol of what makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from ..models.interface import Profile
from ..types import Task
from .request_context import RequestContext


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is thought of one model for one request."""

    model: str
    expected: float
    """Expected reward, 0 to 1."""
    low: float
    high: float
    """90 % interval of the expected reward."""
    latency_ms: float
    """Expected time to the whole answer."""
    cost: float
    """Expected US dollars."""
    utility: float
    """Expected reward, where the call does not fail, less what waiting and money count."""
    observations: int
    prior: str
    """Where the expectation comes from before anything was observed."""
    first_ms: float = 0.0
    """Expected time to the first token."""
    failures: float = 0.0
    """Chance that the call fails, by what happened lately and at this hour of the day."""
    reach: int | None = None
    """The highest cyclomatic complexity at which its record holds up; None where none is known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Models in the order they should be asked."""

    ranked: tuple[Ranked, ...]
    explored: bool
    """Whether the first is there to learn about it rather than for its expected utility."""
    why: str
    """For the user, in plain words first."""

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names, in order."""
        return tuple(r.model for r in self.ranked)

    def noted(self, note: str) -> Choice:
        """With one more sentence in its reason, where there is one."""
        return replace(self, why=f"{self.why} {note}") if note else self

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``ensemble.why``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds observed: first token at the median and the 90th percentile; whole answer."""

    first_p50: float
    first_p90: float
    total_p50: float


class Call(Protocol):
    """What is learned of one call; ``models.wrappers.Call`` is one. Milliseconds and US dollars."""

    @property
    def model(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def task(self) -> Task: ...  # noqa: D102
    @property
    def first_token_ms(self) -> float: ...  # noqa: D102
    @property
    def total_ms(self) -> float: ...  # noqa: D102
    @property
    def cost(self) -> float: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def time(self) -> float: ...  # noqa: D102 - Unix seconds


class Selector(Protocol):
    """Orders models for a request, and learns from what became of their answers.

    Used from one thread. ``choose`` takes well under a millisecond and never computes what could
    have been computed before. ``save`` gives plain JSON by part, ``load`` takes it back and leaves
    out what is damaged.
    """

    strategy: str

    def choose(
        self,
        situation: RequestContext,
        profiles: Sequence[Profile],
        *,
        budget_ms: float,
        pinned: str | None = None,
    ) -> Choice:
        """Order those of ``profiles`` that do the task; the pinned one, if among them, first."""
        ...

    def learn(self, model: str, situation: RequestContext, reward: float | None) -> None:
        """Take in one outcome; ``None`` teaches nothing."""
        ...

    def revise(self, model: str, situation: RequestContext, old: float, new: float | None) -> None:
        """Correct a reward that was learned: an accept undone, a text that did not last."""
        ...

    def prefer(
        self, winner: str, losers: Sequence[str], situation: RequestContext, shown_at: int = 0
    ) -> None:
        """The user took one of several candidates, shown at that place of the list (from 0)."""
        ...

    def observe_call(self, call: Call) -> None:
        """Take in what a call took; a cancelled one says nothing, a failed one only that."""
        ...

    def observe_latency(self, model: str, task: Task, latency: Latency) -> None:
        """Take in what calls took before this start, from the history."""
        ...

    def latency(self, model: str, task: Task) -> Latency | None:
        """What calls took lately; ``None`` before the first."""
        ...

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """The state by part's name, as JSON values; ``changed``: what changed since last asked."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Take parts of ``save``; what is damaged or of another version is left out."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...


def explain_choice(task: Task, ranked: Sequence[Ranked], explored: bool) -> str:
    """Why the first comes first, in plain words; ``details`` tells of the others."""
    if not ranked:
        return f"No configured model does the task {task!r}."
    first = ranked[0]
    if explored:
        return f"{first.model} is tried to learn more about it: {_describe(first)}."
    if len(ranked) == 1:
        return f"{first.model} is the only model for this: {_describe(first)}."
    second = max(ranked[1:], key=lambda r: r.utility)
    lead = _better(first.utility - second.utility)
    return f"{first.model} looks {lead} {second.model} here: {_describe(first)}."


def details(choice: Choice) -> str:
    """The choice's reason, and a line for each of the other models."""
    others = [f"{r.model}: {_describe(r)}." for r in choice.ranked[1:]]
    return "\n".join([choice.why, *others])


def _better(lead: float) -> str:
    if lead < 0.02:
        return "about as good as"
    return "a little better than" if lead < 0.1 else "clearly better than"


def _describe(r: Ranked) -> str:
    base = (
        f"{r.observations} outcomes so far"
        if r.observations
        else f"nothing observed yet, so by {r.prior}"
    )
    cost = f", {r.cost:.4f} USD" if r.cost else ""
    return (
        f"expected reward {r.expected:.2f} ({r.low:.2f} to {r.high:.2f}; {base}), "
        f"about {_seconds(r.latency_ms)}{cost}, utility {r.utility:.2f}"
    )


def _seconds(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
