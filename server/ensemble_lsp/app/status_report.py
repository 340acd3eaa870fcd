"""The facts of a status bar that no notification carries: pins, faults of the settings, and usage."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..history import UsageRow
from ..selection.daily_budget import day_start
from ..types import TASKS
from .app_context import AppContext


async def describe_status(app: AppContext, now: float | None = None) -> dict[str, Any]:
    """Return the pins, the faults of the settings, and the usage of today and this month."""
    now = time.time() if now is None else now
    today = _usage(await app.history.usage_since(day_start(now)))
    month = _usage(await app.history.usage_since(month_start(now)))
    return {
        "pins": _pins(app),
        "issues": [str(issue) for issue in (*app.issues, *app.registry.faults)],
        "configPath": str(app.config_path),
        "dailyBudget": app.settings.selector.daily_budget,
        "today": today,
        "month": month,
    }


def _pins(app: AppContext) -> dict[str, str]:
    """Return the pinned model of each task. A pin to a model that was removed has no effect."""
    pins = {task: app.pin(task) for task in TASKS}
    names = app.registry.ids()
    return {task: name for task, name in pins.items() if name in names}


def month_start(unix: float) -> float:
    """Return the Unix seconds of the beginning of the month, local time."""
    first = datetime.fromtimestamp(unix).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.astimezone().timestamp()


def _usage(rows: Sequence[UsageRow]) -> dict[str, Any]:
    """Return the sums, and the models by descending cost."""
    return {
        "cost": sum(row.cost for row in rows),
        "inputTokens": sum(row.input_tokens for row in rows),
        "outputTokens": sum(row.output_tokens for row in rows),
        "models": [_camel(row) for row in rows],
    }


def _camel(row: UsageRow) -> dict[str, Any]:
    table = dataclasses.asdict(row)
    names = {"input_tokens": "inputTokens", "output_tokens": "outputTokens"}
    return {names.get(key, key): value for key, value in table.items()}
