"""A choice among models, with its reasons, and the protocol of what makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..models.interface import Profile
from ..types import Task
from .request_context import RequestContext


@dataclass(frozen=True, slots=True)
class Ranked:
    """One model's estimates for one request."""

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
    """Expected reward times the chance of an answer, minus the weighted latency and cost."""
    observations: int
    """Outcomes that the expected reward rests on."""
    prior: str
    """Source of the expectation before the first outcome, as a noun phrase."""
    first_ms: float = 0.0
    """Expected time to the first token."""
    failures: float = 0.0
    """Chance that the call fails, from recent calls and calls at this hour of the day."""
    reach: int | None = None
    """Highest cyclomatic complexity at which the model's record holds up; None if unknown."""
    acceptance: float | None = None
    """Share of the remembered suggestions that the user kept; None with fewer than five."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Models in the order in which they should be asked."""

    ranked: tuple[Ranked, ...]
    explored: bool
    """Whether the first model was chosen to learn about it, not for its utility."""
    task: Task = "complete"
    reason: str = ""
    """The rule that decided, if it was not utility: a pin, or a fixed order."""
    notes: tuple[str, ...] = ()
    """Sentences added after the choice: an escalation, a budget."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the models' names, in order."""
        return tuple(r.model for r in self.ranked)

    @property
    def why(self) -> str:
        """Return the reason in plain words. Built on demand: most choices are never explained."""
        return " ".join((self.reason or explain_choice(self), *self.notes))

    def noted(self, note: str) -> Choice:
        """Return the choice with one more sentence in its reason; an empty note changes nothing."""
        return replace(self, notes=(*self.notes, note)) if note else self


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


def explain_choice(choice: Choice) -> str:
    """Return one plain sentence: the first model, how often its suggestions are kept, its speed."""
    if not choice.ranked:
        return f"No configured model does the task {choice.task!r}."
    first = choice.ranked[0]
    if choice.explored:
        return f"{first.model} is tried to learn more about it: {_record(first)}."
    if len(choice.ranked) == 1:
        return f"{first.model} is the only model for this task: {_record(first)}."
    return f"{first.model}: {_record(first)}."


def _record(r: Ranked) -> str:
    """Return acceptance and speed, as the end of a sentence."""
    speed = f"it answers in {format_duration(r.latency_ms)}"
    if r.acceptance is not None:
        return f"you accept {r.acceptance:.0%} of its suggestions here, and {speed}".replace(
            "%", " %"
        )
    count = f"{r.observations} suggestions" if r.observations != 1 else "1 suggestion"
    known = f"only {count} judged so far" if r.observations else "no suggestion judged yet"
    return f"{known}, so {r.prior} counts, and {speed}"


def format_duration(ms: float) -> str:
    """Return milliseconds as people read them: ``85 ms``, ``0.7 s``."""
    return f"{ms:.0f} ms" if ms < 100 else f"{ms / 1000:.1f} s"
