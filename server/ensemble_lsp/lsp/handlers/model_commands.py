"""``ensemble.models``, ``providers``, ``pin``, ``addModel`` and ``removeModel``: commands about models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..server import EnsembleServer
from .config_watching import reload_config

if TYPE_CHECKING:
    from ...app import AppContext
    from ..model_schemas import (
        ModelsArguments,
        PinArguments,
        ProvidersArguments,
        RemoveModelArguments,
        StatusArguments,
    )


async def models(ls: EnsembleServer, arguments: ModelsArguments) -> list[dict[str, Any]]:
    """List the models with their state and their record."""
    from ...app.model_admin import describe_models

    return await describe_models(await ls.app())


async def status(ls: EnsembleServer, arguments: StatusArguments) -> dict[str, Any]:
    """Return pins, faults of the settings, and usage."""
    from ...app.status_report import describe_status

    return await describe_status(await ls.app())


async def providers(ls: EnsembleServer, arguments: ProvidersArguments) -> list[dict[str, Any]]:
    """List the providers that a model can use."""
    from ...provider_spec import specs

    found = await asyncio.to_thread(specs)
    return [spec.to_json() for spec in found.values()]


async def pin(ls: EnsembleServer, arguments: PinArguments) -> None:
    """Use one model for a task from now on, or (null) let the selector choose again."""

    async def pinned(app: AppContext) -> AppContext:
        return app.with_pin(arguments.task, arguments.name)

    await ls.change(pinned)


async def add_model(ls: EnsembleServer, arguments: dict[str, Any]) -> dict[str, Any]:
    """Add a model until the server ends; with ``save`` also to the user's config.

    A config that lists models replaces discovery, so the models that were found are written to it too.

    The arguments are a model's settings, so they are checked as settings are.
    """
    from ...app.model_admin import parse_model, save_model, with_model

    model = parse_model({key: value for key, value in arguments.items() if key != "save"})
    saves = arguments.get("save") is True
    kept: list[str] = []

    async def added(app: AppContext) -> AppContext:
        if saves:  # first: a config that cannot be written changes nothing
            kept.extend(await save_model(app, model))
        return await with_model(app, model)

    app = await ls.change(added)
    if saves:
        await reload_config(ls)
    ls.background(app.prepare())  # so that no completion waits for the import of an SDK
    return {"saved": str(app.config_path) if saves else None, "kept": kept}


async def remove_model(ls: EnsembleServer, arguments: RemoveModelArguments) -> None:
    """Remove a model until the server ends; with ``save`` also from the user's config."""
    from ...app.model_admin import forget_model, without_model

    app = await ls.change(lambda app: without_model(app, arguments.name))
    if arguments.save is True:
        await forget_model(app, arguments.name)
