"""Build an ``AppContext``: the first one, and the next one when the settings change."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..context.documents import Documents
from ..context.workspace_index import WorkspaceContext
from ..history import History, password_of
from ..models.api_keys import Key
from ..models.log_redaction import RedactKeys
from ..registry.model_registry import Registry
from ..selection import make_selector, offline_priors
from ..selection.choice import Selector
from ..selection.daily_budget import DailyBudget
from ..selection.history_sync import HistorySync
from ..settings import (
    Settings,
    SettingsIssue,
    config_stamp,
    read_config,
    unreadable_config,
    writable_by_others,
)
from ..types import Task
from .activity import Activity
from .app_context import AppContext, SettingsLayers
from .suggestion_log import SuggestionLog
from .workspace import Workspace


async def open_app(
    *,
    config_path: Path,
    data_dir: Path,
    documents: Documents | None = None,
    folders: Sequence[Path] = (),
    initialization: Any = None,
    editor: Any = None,
    env: Mapping[str, str] | None = None,
    trusted: bool = True,
    redact: RedactKeys | None = None,
) -> AppContext:
    """Build the first context. Never fails for wrong settings: see ``AppContext.issues``.

    ``redact`` is given every key in use, so that the log's handlers know them.
    """
    stamp = await asyncio.to_thread(config_stamp, config_path)
    config, issues = await asyncio.to_thread(_read_config_and_check, config_path, data_dir)
    layers = SettingsLayers(config, initialization or {}, editor or {})
    settings, more = layers.resolve(trusted)
    if redact is not None:
        redact.add(Key(password_of(settings.history.url or ""), "history.url"))
    history = History.open(data_dir / "history.sqlite3", **_history_options(settings))
    context = WorkspaceContext(settings.privacy)
    await context.set_folders(folders)
    workspace = Workspace(documents if documents is not None else Documents(), context)
    activity = Activity()
    suggestions = SuggestionLog(history, workspace, activity)
    env = os.environ if env is None else env
    registry = await Registry.build(
        settings,
        env=env,
        data_dir=data_dir,
        document_index=workspace.recall,
        on_call=suggestions.record_call,
        redact=redact,
        on_notice=activity.notice,
        prompt_redactor=context,
    )
    selector, learning, budget = await _learned(settings, history, data_dir, registry)
    suggestions.attach(learning)
    return AppContext(
        settings=settings,
        registry=registry,
        selector=selector,
        learning=learning,
        budget=budget,
        workspace=workspace,
        suggestions=suggestions,
        activity=activity,
        layers=layers,
        config_path=config_path,
        data_dir=data_dir,
        env=env,
        issues=(*issues, *more),
        config_stamp=stamp,
        trusted=trusted,
    )


def _read_config_and_check(
    config_path: Path, data_dir: Path
) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """Return the config file's settings, and the faults of the file and of the data folder's permissions."""
    config, issues = read_config(config_path)
    if problem := writable_by_others(data_dir):
        # The sentence begins with the folder itself.
        problem = problem.removeprefix(f"{data_dir} ")
        issues.append(SettingsIssue("data folder", str(data_dir), f"{problem}, or use another"))
    return config, issues


async def reconfigured(
    app: AppContext, editor: Any, *, search: bool = False
) -> tuple[AppContext, list[SettingsIssue]]:
    """Return a context for the editor's new settings and the config file, and the faults in them.

    Models that stay the same keep running; pins and models of this run of the server stay. ``search`` looks for
    models and weights again, even if the settings are the same.
    """
    stamp = await asyncio.to_thread(config_stamp, app.config_path)
    was_valid = app.layers.config != unreadable_config()
    meanwhile = "its last valid settings apply" if was_valid else ""
    config, issues = await asyncio.to_thread(read_config, app.config_path, meanwhile=meanwhile)
    if issues:  # a file that is being edited: its last valid content still applies
        config = app.layers.config
    layers = dataclasses.replace(app.layers, editor=editor or {}, config=config)
    settings, more = layers.resolve(app.trusted)
    registry = app.registry
    old = (app.settings.models, app.settings.discover)
    if search or (settings.models, settings.discover) != old:
        registry = await Registry.build(
            settings,
            env=app.env,
            data_dir=app.data_dir,
            document_index=app.workspace.recall,
            on_call=app.suggestions.record_call,
            previous=registry,
            on_notice=app.activity.notice,
            prompt_redactor=app.workspace.context,
        )
        app.activity.models_changed()
    selector, learning, budget = app.selector, app.learning, app.budget
    if settings.selector != app.settings.selector:
        selector, learning, budget = await _learned(settings, app.history, app.data_dir, registry)
    await app.workspace.context.set_privacy(settings.privacy)
    app.history.configure(**_history_options(settings))
    new = dataclasses.replace(
        app,
        settings=settings,
        registry=registry,
        selector=selector,
        learning=learning,
        budget=budget,
        layers=layers,
        config_stamp=stamp,
        pins=_pins_kept(app, settings),
        issues=(*issues, *more),
    )
    return new, [*issues, *more, *registry.faults]


def _pins_kept(app: AppContext, settings: Settings) -> Mapping[Task, str | None]:
    """Return the pins set by command, except those of a task whose own setting was changed."""
    old, new = app.settings.selector.pin, settings.selector.pin
    return MappingProxyType(
        {task: name for task, name in app.pins.items() if old.get(task) == new.get(task)}
    )


def _history_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments of ``History.open`` and ``History.configure``."""
    chosen = settings.history
    return {
        "url": chosen.url,
        "retention_days": chosen.retention_days,
        "keep_text": chosen.keep_text,
    }


async def _learned(
    settings: Settings, history: History, data_dir: Path, registry: Registry
) -> tuple[Selector, HistorySync, DailyBudget]:
    """Return a selector that has learned from the history, and what is left of today's budget."""
    selector = make_selector(settings.selector)
    learning = HistorySync(history, selector)
    await learning.start()
    budget = DailyBudget(history, settings.selector.daily_budget)
    await budget.refresh()
    known = await asyncio.to_thread(offline_priors.load_priors, data_dir)
    offline_priors.apply_priors(selector, known, registry.ids())
    return selector, learning, budget
