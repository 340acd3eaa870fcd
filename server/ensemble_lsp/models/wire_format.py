"""The description of one API's wire format, and the request that it makes of a prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ..types import Prompt
from .stream_assembler import Delta, Finish
from .thinking import THINKS, Switch, ThinkingPlan, plan_thinking

Body = dict[str, Any]
STREAM = "stream"
"""Fact: the service streams no answers of this model."""
BARE = "bare end"
"""Fact: the service ends a stream without a finish reason and without ``[DONE]``."""
_LIMIT = "limit="
LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")


class Reader(Protocol):
    """Reads the events of one answer."""

    def read(self, event: Body) -> Delta:
        """Return what an event, or a whole answer, says; raise ``AnswerError`` for an error."""
        ...

    def end(self, complete: bool) -> Finish | None:
        """Return the finish of a stream that ended without one; None for an answer that broke off.

        ``complete``: the service announced the end.
        """
        ...


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One API, as plain functions."""

    name: str
    path: str
    body: Callable[[Prompt, frozenset[str]], Body]
    """Returns the request without the parameters that the facts say are refused."""
    reader: Callable[[], Reader]
    stops: Callable[[Prompt], tuple[str, ...]]
    """Returns stop strings to enforce even if the service ignores them."""
    optional: Mapping[str, re.Pattern[str]]
    """Optional parameters, and the pattern by which an error names each."""
    switches: tuple[Switch, ...] = ()
    """Ways to switch thinking off or down, the likeliest first."""
    thinks: bool = False
    """Whether the model is known to think, whatever was learned."""
    is_chat: bool = True
    """Whether an answer may begin with a thought in its text."""
    replaceable: bool = False
    """Whether another API does the task where the service does not have this one."""
    alternatives: tuple[str, ...] = ()
    """APIs to use instead if an error says that the model is only behind one of them."""

    @property
    def missing(self) -> str:
        """The fact that the service does not have this API."""
        return f"no api {self.name}"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request."""

    wire: WireFormat
    body: Body
    plan: ThinkingPlan

    @classmethod
    def build(
        cls, wire: WireFormat, prompt: Prompt, facts: frozenset[str], thinking: str
    ) -> WireRequest:
        """Make a request of a prompt by the facts known of the service."""
        thinks = wire.thinks or THINKS in facts
        # What a body builder leaves out for a model that thinks (stop strings) depends on it.
        known = facts | {THINKS} if thinks or thinking != "auto" else facts
        plan = plan_thinking(wire.switches, facts, prompt.task, thinking, thinks)
        body = plan.apply(wire.body(prompt, known))
        if STREAM in facts:
            body.pop("stream_options", None)
        else:
            body["stream"] = True
        if limit := limit_of(facts):
            body |= {name: min(body[name], limit) for name in LENGTHS if name in body}
        return cls(wire, body, plan)


def use_api(name: str) -> str:
    """Return the fact that the model is only behind another API."""
    return f"use api {name}"


def limit_fact(tokens: int) -> str:
    """Return the fact that answers may have at most this many tokens."""
    return f"{_LIMIT}{tokens}"


def limit_of(facts: frozenset[str]) -> int:
    """Return the smallest limit among the facts; 0 for none."""
    limits = [
        int(fact.removeprefix(_LIMIT)) for fact in facts if re.fullmatch(rf"{_LIMIT}\d+", fact)
    ]
    return min(limits, default=0)


def table(value: Any) -> Body:
    """Return a JSON object inside an event; an empty one for anything else."""
    return cast(Body, value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Body]:
    """Return the JSON objects of a list inside an event; none for anything else."""
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast(Body, item) for item in found if isinstance(item, dict)]


def whole(value: Any) -> int:
    """Return a count that a provider sent; 0 for anything but a positive number."""
    return value if isinstance(value, int) and value > 0 else 0
