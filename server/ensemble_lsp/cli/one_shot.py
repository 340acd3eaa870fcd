"""Shared by the commands that ask models once: the check of --model, failures, and the printed result."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from ..app import AppContext
from ..errors import SettingsError
from ..models.interface import Model
from ..types import Task
from .console import print_json, safe


@dataclass(frozen=True, slots=True)
class CliResult:
    """The result that a command prints."""

    task: Task
    text: str
    models: tuple[str, ...]
    latency_ms: float
    """From the request to the whole answer."""
    agreement: float | None
    """The agreement of several models, from 0 to 1; None for a single model."""
    why: str
    note: str = ""
    """Text for people, instead of the models' names."""


def check_model(app: AppContext, name: str | None, task: Task) -> None:
    """Raise for an unknown model (``UnknownModelError``) or one without this task."""
    if name is None:
        return
    tasks = app.registry.get(name).profile.tasks
    if task not in tasks:
        raise SettingsError(
            f"{name} is configured for {', '.join(tasks)}, not for {task}; choose another --model."
        )


def models_asked(app: AppContext, name: str | None, task: Task) -> list[Model]:
    """Return the models for a task, or the one that --model names."""
    return [app.registry.get(name)] if name else app.models_for(task)


def collect_failures(app: AppContext) -> list[str]:
    """Return a list that gets the message of each failure of a model from now on."""
    failures: list[str] = []

    def listen(state: str, **fields: Any) -> None:
        if state == "offline":
            failures.append(str(fields.get("message", "")))

    app.activity.on_status = listen
    return failures


def why(app: AppContext, id_: str) -> str:
    """Return the reason for a suggestion's model in words."""
    reasons = app.suggestions.reasons(id_)
    return reasons.why if reasons else ""


def print_answer(args: argparse.Namespace, answer: CliResult) -> None:
    """Print the text, and its models on standard error; or everything as JSON."""
    if args.json:
        print_json(
            {
                "task": answer.task,
                "text": answer.text,
                "models": list(answer.models),
                "latencyMs": round(answer.latency_ms, 1),
                "agreement": answer.agreement,
                "why": answer.why,
            }
        )
        return
    print(safe(answer.text))
    # Flush first, to keep the order on a terminal.
    sys.stdout.flush()
    print(safe(f"({answer.note or ', '.join(answer.models)})"), file=sys.stderr)
