"""A choice among models with its reasons, and the protocol of a selector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..models.interface import Profile
from ..types import Task
from ..wording import plural
from .agreement_correction import AgreementCorrection
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
    acceptance_scope: str = "here"
    """Suggestions that this share counts, as the end of a clause: all, or those in the context that matters."""
    timed: bool = False
    """Whether the times were measured in calls; else they are typical of such a model."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Models in the order in which to ask them."""

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
    """Observed milliseconds: first token (median, 90th percentile) and whole answer (median)."""

    first_p50: float
    first_p90: float
    total_p50: float


class ObservedCall(Protocol):
    """One finished call, in milliseconds and US dollars, as ``models.wrappers.metering`` reports it."""

    @property
    def model(self) -> str:
        """The configured name."""
        ...

    @property
    def task(self) -> Task:
        """The task of the request."""
        ...

    @property
    def first_token_ms(self) -> float:
        """Milliseconds to the first token."""
        ...

    @property
    def total_ms(self) -> float:
        """Milliseconds to the end of the answer."""
        ...

    @property
    def cost(self) -> float:
        """US dollars."""
        ...

    @property
    def status(self) -> str:
        """``ok``, ``cancelled``, or the class of an error."""
        ...

    @property
    def time(self) -> float:
        """Unix seconds at the start."""
        ...


class Selector(Protocol):
    """Orders models for a request and learns from the outcomes of their answers.

    Use it from one thread. ``choose`` takes well under a millisecond. ``save`` returns plain JSON by
    part; ``load`` restores it and skips invalid parts.
    """

    strategy: str
    agreement: AgreementCorrection

    def choose(
        self,
        context: RequestContext,
        profiles: Sequence[Profile],
        *,
        budget_ms: float,
        pinned: str | None = None,
    ) -> Choice:
        """Order the models that can do the task, the pinned one first."""
        ...

    def learn(self, model: str, context: RequestContext, reward: float | None) -> None:
        """Learn one outcome; None is ignored."""
        ...

    def revise(self, model: str, context: RequestContext, old: float, new: float | None) -> None:
        """Correct a learned reward (an accept was undone, a text did not survive); None removes it."""
        ...

    def prefer(
        self, winner: str, losers: Sequence[str], context: RequestContext, shown_at: int = 0
    ) -> None:
        """Learn that the user chose one of several candidates, shown at this index of the list."""
        ...

    def learn_agreement(self, stated: float, old: float | None, new: float | None) -> None:
        """Learn the reward of an ensemble's answer that was offered with this agreement."""
        ...

    def observe_call(self, call: ObservedCall) -> None:
        """Learn from one call; a cancelled one is ignored, a failed one counts as a failure only."""
        ...

    def observe_latency(self, model: str, task: Task, latency: Latency) -> None:
        """Use the latency of earlier runs, from the history, until the first call."""
        ...

    def latency(self, model: str, task: Task) -> Latency | None:
        """Return the recent latency; None before the first call."""
        ...

    def save(self, *, changed: bool = False) -> dict[str, Any]:
        """Return the state by part, as JSON values; ``changed``: only what changed since the last such call."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore parts of ``save``; invalid ones and those of another version are skipped."""
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
    speed = "its speed is not measured yet"
    if r.timed:
        speed = f"it answers in {format_duration(r.latency_ms)}"
    if r.acceptance is not None:
        share = f"{r.acceptance:.0%}".replace("%", " %")
        return f"you accept {share} of its suggestions {r.acceptance_scope}, and {speed}"
    count = plural(r.observations, "suggestion")
    known = f"only {count} judged so far" if r.observations else "no suggestion judged yet"
    return f"{known}, and {speed}"


def format_duration(ms: float) -> str:
    """Return milliseconds as people read them: ``85 ms``, ``0.7 s``."""
    return f"{ms:.0f} ms" if ms < 100 else f"{ms / 1000:.1f} s"
