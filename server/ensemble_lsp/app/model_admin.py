"""Add, remove and describe models while the server runs."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from ..errors import SettingsError
from ..models.api_keys import key_variable
from ..settings import (
    ModelSettings,
    Raw,
    add_model_to_config,
    remove_model_from_config,
    resolve_strict,
)
from .app_context import AppContext


def parse_model(raw: Raw) -> ModelSettings:
    """Return one model's settings; raises ``SettingsError`` for a wrong value."""
    return resolve_strict([("model", {"models": [dict(raw)]})]).models[0]


async def with_model(app: AppContext, model: ModelSettings) -> AppContext:
    """Return a context with one more model, until the server ends."""
    return dataclasses.replace(app, registry=await app.registry.add(model))


async def without_model(app: AppContext, name: str) -> AppContext:
    """Return a context without a model, until the server ends."""
    app.activity.models_changed()
    return dataclasses.replace(app, registry=app.registry.remove(name))


def found_models(app: AppContext) -> list[ModelSettings]:
    """Return the models in use that were found without a config."""
    return [entry.settings for entry in app.registry.entries() if entry.origin == "discovered"]


async def save_model(app: AppContext, model: ModelSettings) -> list[str]:
    """Add a model to the user's config; return the names of found models that are written with it.

    Raises ``SettingsError`` if the name is taken.
    """
    if any(entry.profile.name == model.name for entry in app.registry.entries()):
        raise SettingsError(f"There is a model {model.name!r} already; choose another name.")
    return await asyncio.to_thread(add_model_to_config, app.config_path, model, found_models(app))


async def forget_model(app: AppContext, name: str) -> None:
    """Remove a model from the user's config."""
    await asyncio.to_thread(remove_model_from_config, app.config_path, name)


async def describe_models(app: AppContext) -> list[dict[str, Any]]:
    """Return all models with their state and their record."""
    rows = await app.history.stats()
    described: list[dict[str, Any]] = []
    for entry in app.registry.entries():
        profile = entry.profile
        stats = {row.task: dataclasses.asdict(row) for row in rows if row.model == profile.name}
        described.append(
            {
                "name": profile.name,
                "provider": profile.provider,
                "model": profile.model,
                "tasks": list(profile.tasks),
                "available": entry.available,
                "reason": entry.reason,
                "problem": entry.problem,
                "keySource": entry.key_source,
                "keyVariable": key_variable(entry.settings),
                "origin": entry.origin,
                "local": profile.local,
                "stats": stats,
            }
        )
    return described
