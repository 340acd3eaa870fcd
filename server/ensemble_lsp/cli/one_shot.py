"""What ``complete``, ``explain`` and ``generate`` have in common: who is asked, and how it is told."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from ..app import AppContext
from ..errors import SettingsError
from ..types import Task
from .console import print_json, safe


@dataclass(frozen=True, slots=True)
class CliResult:
    """What a command prints."""

    task: Task
    text: str
    models: tuple[str, ...]
    latency_ms: float
    """From the question to the whole answer."""
    agreement: float | None
    """0 to 1, how far several models agree; None where one was asked."""
    why: str
    note: str = ""
    """For people: more than the models' names."""


def check_model(app: AppContext, name: str | None, task: Task) -> None:
    """Raise for a model that is not there (``UnknownModelError``) or not for this task."""
    if name is None:
        return
    tasks = app.registry.get(name).profile.tasks
    if task not in tasks:
        told = ", ".join(tasks)
        raise SettingsError(f"{name} is set up for {told}, not for {task}; choose another --model.")


def why(app: AppContext, id_: str) -> str:
    """Why a suggestion came from its model, in words."""
    reasons = app.suggestions.reasons(id_)
    return reasons.why if reasons else ""


def print_answer(args: argparse.Namespace, answer: CliResult) -> None:
    """The text on standard output and who wrote it on standard error; or all of it as JSON."""
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
    # Flushed first: on a terminal the one must not overtake the other.
    sys.stdout.flush()
    print(safe(f"({answer.note or ', '.join(answer.models)})"), file=sys.stderr)
