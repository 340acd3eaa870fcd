"""Failed requests as errors: one sentence that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import DocumentError, EnsembleError, NoModelError

if TYPE_CHECKING:
    from ..consensus.fan_out import FanOutResult
    from ..models.interface import Model
    from ..types import Document, Task
    from .app_context import AppContext

_HINT = (
    "set OPENAI_API_KEY or ANTHROPIC_API_KEY, start a local server such as Ollama, "
    "or run `ensemble-lsp models add smollm2`"
)


def no_model(app: AppContext, task: Task) -> NoModelError:
    """Say why no model can do a task."""
    reasons = [
        f"{entry.profile.name}: {entry.reason}"
        for entry in app.registry.entries()
        if not entry.available
    ]
    details = f" ({'; '.join(reasons)})" if reasons else ""
    return NoModelError(f"No model can {task}{details}: {_HINT}.")


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
            f"{' and '.join(empty)} gave no answer to {task}; say more, or ask another model."
        )
    if not errors:
        seconds = app.settings.ensemble.budget_ms / 1e3
        return NoModelError(
            f"No model gave an answer to {task} within {seconds:g} s; "
            "try again, or raise ensemble.budgetMs."
        )
    messages = " ".join(str(error) for error in errors.values())
    app.activity.offline(messages)
    if len(errors) == 1:
        return next(iter(errors.values()))
    return NoModelError(f"None of the models answered. {messages}")
