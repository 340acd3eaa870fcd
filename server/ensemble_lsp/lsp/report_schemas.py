"""Arguments and results of the commands that write reports; see ``command_schemas``."""

from __future__ import annotations

from typing import Literal

from ..types import Task
from .wire_models import ClientMessage, NonEmpty, ProgressToken, ServerMessage, optional


class ReportArguments(ClientMessage):
    """Write the report of the history."""

    task: Task | None = optional()
    """Only this task."""


class ReportResult(ServerMessage):
    """The paths of the report's files."""

    markdown: str
    html: str | None


class CompareArguments(ClientMessage):
    """Measure models on the workspace's own code; the options are those of the command line."""

    paths: list[NonEmpty] | None = optional()
    """Files and folders; by default the workspace's folders."""
    task: Task | None = optional()
    models: list[NonEmpty] | None = optional()
    samples: int | None = optional(ge=0)
    seed: int | None = optional(ge=0)
    language: str | None = optional()
    kinds: list[NonEmpty] | None = optional()
    max_cost: float | None = optional(ge=0)
    """US dollars that the comparison must not exceed."""
    engine: Literal["local", "ray"] | None = optional()
    fresh: bool | None = optional()
    """Ask again, even if an earlier run has answers."""
    learn: bool | None = optional()
    """Let the selector start from the results."""
    out: NonEmpty | None = optional()
    """An absolute path for the report."""
    yes: bool | None = optional()
    """Start without asking, even if code leaves the machine."""
    work_done_token: ProgressToken | None = optional()
    """Progress is reported under this token."""


class CompareResult(ServerMessage):
    """The paths of the report's files, or `cancelled`."""

    markdown: str | None = optional()
    html: str | None = optional(nullable=True)
    advice: str | None = optional()
    cost: float | None = optional()
    """US dollars spent."""
    cancelled: bool | None = optional()
