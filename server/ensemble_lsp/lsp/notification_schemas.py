"""Parameters of the server's own notifications: ``ensemble/x`` carries ``XParams``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from ..errors import Problem
from ..types import Task
from .status import METHOD as STATUS
from .wire_models import ClientMessage, ServerMessage, optional


class DidShowParams(ClientMessage):
    """The suggestion is on the screen."""

    id: str


class DidPartiallyAcceptParams(ClientMessage):
    """Part of the suggestion was accepted."""

    id: str
    length: int
    """UTF-16 units from the start of the item's ``insertText``, cumulative."""


class DidEndParams(ClientMessage):
    """The suggestion left the screen."""

    id: str
    reason: Literal["accepted", "rejected", "ignored", "superseded"]
    shown_ms: float | None = optional()


class StatusParams(ServerMessage):
    """The server's state changed."""

    state: Literal["idle", "busy", "offline"]
    """`offline`: no model answered the last request; `problem` says why."""
    task: Task | None = optional()
    model: str | None = optional()
    """The model that is asked, or whose answer was offered."""
    message: str | None = optional()
    """The reason for a wait, or the error of a model, which begins with what to do."""
    problem: Problem | None = optional()
    """The kind of the error. With `idle`: another model answered, but this one needs the user."""
    latency_ms: float | None = optional()
    accept_rate: float | None = optional()
    snoozed: bool | None = optional()
    """True while automatic completions and next edits are snoozed."""
    snoozed_until: int | None = optional()
    """The end of the snooze in milliseconds since 1970; absent if it lasts until the server ends."""


FROM_CLIENT: dict[str, type[BaseModel]] = {
    "ensemble/didShow": DidShowParams,
    "ensemble/didPartiallyAccept": DidPartiallyAcceptParams,
    "ensemble/didEnd": DidEndParams,
}
FROM_SERVER: dict[str, type[BaseModel]] = {STATUS: StatusParams}
