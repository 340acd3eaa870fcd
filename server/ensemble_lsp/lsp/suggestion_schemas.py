"""Arguments and results of the commands on suggestions and their automatic offer; see ``command_schemas``."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from ..selection.choice import Ranked
from ..types import Task
from .wire_models import ClientMessage, NonEmpty, ServerMessage, WirePosition, optional

MAX_SNOOZE_MINUTES = 7 * 24 * 60


class AcceptArguments(ClientMessage):
    """Record that a suggestion was accepted."""

    id: NonEmpty
    """The suggestion's id."""
    length: int | None = optional(ge=0)
    """For a partial accept: UTF-16 units from the start of the text."""


class RejectArguments(ClientMessage):
    """Record that a suggestion was rejected."""

    id: NonEmpty
    """The id of a suggestion, or of a generation with all its candidates."""


class ChooseArguments(ClientMessage):
    """Apply one candidate of a generation, or let the user choose one."""

    id: NonEmpty
    """The id of a candidate to apply, or of a generation to let the user choose."""


class WhyArguments(ClientMessage):
    """Explain which models were asked for a suggestion, or would be asked at a position."""

    id: NonEmpty | None = optional()
    """The suggestion to explain. Without it, `task`, `uri` and `position` are required."""
    task: Task | None = optional()
    uri: NonEmpty | None = optional()
    position: WirePosition | None = optional()
    unpinned: bool | None = optional()
    """Explain the choice at a position as if no model were pinned."""


class PositionQuery(ClientMessage):
    """The arguments of `ensemble.why` without an id."""

    task: Task
    uri: NonEmpty
    position: WirePosition


class WhyResult(ServerMessage):
    """The choice of models with its reasons."""

    model_config = ConfigDict(alias_generator=None)  # the scores have snake_case keys

    why: str
    """The reason in plain words."""
    task: Task
    models: list[str]
    """The models that were asked, or that would be asked."""
    agreement: float | None
    explored: bool
    """Whether the choice was an exploration."""
    context: dict[str, Any]
    """The features of the request."""
    scores: list[Ranked]
    """Every model considered, best first."""
    id: str | None = optional()
    """The suggestion's id; absent for a position."""


class NextEditArguments(ClientMessage):
    """Predict the next edit at a position and apply it."""

    uri: NonEmpty
    """The document."""
    position: WirePosition
    """The cursor."""


class NextEditResult(ServerMessage):
    """The edit that was predicted."""

    id: str
    applied: bool
    """Whether the client applied it."""


class SnoozeArguments(ClientMessage):
    """Stop automatic completions and next edits for a time; without arguments, return the state."""

    minutes: float | None = optional(ge=0, le=MAX_SNOOZE_MINUTES)
    """The length of the snooze; 0 ends it."""
    until_restart: bool | None = optional()
    """Snooze until the server ends."""


class SnoozeResult(ServerMessage):
    """The state after the command."""

    snoozed: bool
    until: int | None
    """The end in milliseconds since 1970; null if it lasts until the server ends, or if not snoozed."""
