"""Failed requests as errors: one sentence that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import DocumentError, EnsembleError, NoModelError
from ..wording import join_names

if TYPE_CHECKING:
    from ..consensus.fan_out import FanOutResult
    from ..models.interface import Model
    from ..registry.model_registry import Entry
    from ..types import Document, Task
    from .app_context import AppContext

_WAYS = ("Set OPENAI_API_KEY or ANTHROPIC_API_KEY", "start a local server such as Ollama")
_DOWNLOAD = "run `ensemble-lsp models add smollm2`"


def no_model(app: AppContext, task: Task) -> NoModelError:
    """Say why no model can do a task."""
    paused = [e for e in app.registry.entries() if not e.available and task in e.profile.tasks]
    if not paused:
        # A packaged model is too small to predict edits.
        ways = _WAYS if task == "edit" else (*_WAYS, _DOWNLOAD)
        return NoModelError(f"Add a model: none can {task}. {join_names(ways, 'or')}.")
    return _unavailable(paused, f" No other model can {task}.")


def paused(app: AppContext, task: Task) -> NoModelError | None:
    """Say why the models that could do a task are not asked now; ``None`` if no failure pauses one."""
    names = app.registry.paused(task)
    entries = [e for e in app.registry.entries() if e.profile.name in names]
    return _unavailable(entries) if entries else None


def _unavailable(entries: Sequence[Entry], end: str = "") -> NoModelError:
    reasons = [
        entry.reason
        if entry.profile.name in entry.reason
        else f"{entry.profile.name}: {entry.reason}"
        for entry in entries
    ]
    sentences = [reason.rstrip(".") + "." for reason in reasons]
    error = NoModelError(f"{_in_one_message(sentences)}{end}")
    error.problem = entries[0].problem
    return error


def refused(app: AppContext, document: Document, models: Sequence[Model]) -> DocumentError | None:
    """Say why none of the models may see a file; None if one may."""
    context = app.workspace.context
    reasons = [context.exclusion_reason(document, model.profile) for model in models]
    return DocumentError(reasons[0]) if reasons and all(reasons) and reasons[0] else None


def failed(app: AppContext, task: Task, asked: FanOutResult, names: Sequence[str]) -> EnsembleError:
    """Sum up the failures of the named models, none of which gave a usable answer."""
    errors = asked.errors
    empty = [name for name in names if name not in errors and name not in asked.cancelled]
    if not errors and empty:
        return NoModelError(
            f"Say more, or ask another model: {' and '.join(empty)} gave no answer to {task}."
        )
    if not errors:
        seconds = app.settings.ensemble.budget_ms / 1e3
        return NoModelError(
            "Try again, or raise ensemble.budgetMs: "
            f"no model gave an answer to {task} within {seconds:g} s."
        )
    app.activity.failed(list(errors.values()))
    first = next(iter(errors.values()))
    if len(errors) == 1:
        return first
    messages = _in_one_message(map(str, errors.values()))
    combined = NoModelError(f"{messages} None of the models answered.")
    combined.problem = first.problem
    return combined


def _in_one_message(errors: Iterable[str]) -> str:
    """Join errors that begin with their advice, so that each piece of advice is given once."""
    given: set[str] = set()
    parts: list[str] = []
    for error in dict.fromkeys(errors):
        advice, stop, fault = error.partition(". ")
        parts.append(fault if stop and advice in given else error)
        given.add(advice)
    return " ".join(parts)
