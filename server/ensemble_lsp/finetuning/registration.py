"""Add a tuned model to the user's config, and remove it again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import FineTuningError, SettingsError
from ..models.api_keys import SERVICE, Keyring, find_key, store_key, uses_official_address
from ..settings import (
    ModelSettings,
    add_model_to_config,
    read_config,
    remove_model_from_config,
    resolve,
)
from .jobs import JobStore, TuningJob
from .prices import rates_of


@dataclass(frozen=True, slots=True)
class ConfigTarget:
    """The user's config file, and the keys and models outside it."""

    config: Path
    env: Mapping[str, str]
    discovered: Sequence[ModelSettings] = ()
    """Models in use without a config. They are written to it first, because a config that lists models
    replaces discovery."""
    keyring: Keyring | None = None


async def register_model(job: TuningJob, store: JobStore, target: ConfigTarget) -> TuningJob:
    """Add the model of a succeeded job, with its base's settings, unless it is configured already.

    The selector then tries it like any new model. Raises ``SettingsError``.
    """
    if job.joined or job.state != "succeeded":
        return job
    models = await asyncio.to_thread(_configured, target.config)
    for model in models:
        if (model.provider, model.model) == (job.base.provider, job.tuned):
            return await asyncio.to_thread(store.save, replace(job, joined=model.name))
    for model in () if models else target.discovered:
        await asyncio.to_thread(add_model_to_config, target.config, model)
    taken = {model.name for model in (*models, *target.discovered)}
    settings = tuned_settings(job, _unused_name(job.name, taken))
    await _share_key(job.base, settings, target)
    await asyncio.to_thread(add_model_to_config, target.config, settings)
    return await asyncio.to_thread(store.save, replace(job, joined=settings.name))


def tuned_settings(job: TuningJob, name: str) -> ModelSettings:
    """Return the base's settings with the tuned model's name, id and prices."""
    changes: dict[str, object] = {"name": name, "model": job.tuned}
    rates = rates_of(job.model)
    priced = job.base.input_price > 0 or job.base.output_price > 0
    if rates is not None and priced and uses_official_address(job.base):
        changes |= {"input_price": rates.tuned_input, "output_price": rates.tuned_output}
    return job.base.model_copy(update=changes)


async def retire_model(
    store: JobStore, name: str, target: ConfigTarget, *, again: bool = False
) -> TuningJob:
    """Remove a tuned model from the config; the provider keeps it. Raises ``FineTuningError``.

    ``again``: accept a model that was removed before, which the caller wants to delete.
    """
    jobs = await asyncio.to_thread(store.all)
    tuned = [job for job in jobs if job.joined and (again or not job.retired)]
    job = next((job for job in tuned if name in (job.joined, job.name)), None)
    if job is None:
        known = ", ".join(job.joined for job in tuned)
        advice = f"choose from {known}" if known else "begin with `ensemble-lsp finetune prepare`"
        raise FineTuningError(f"No tuned model is called {name!r}; {advice}.")
    if job.retired:
        return job
    await asyncio.to_thread(remove_model_from_config, target.config, job.joined)
    return await asyncio.to_thread(store.save, replace(job, retired=True))


def _configured(config: Path) -> tuple[ModelSettings, ...]:
    raw, faults = read_config(config)
    if faults:
        raise SettingsError(f"{faults[0]}")
    return resolve([("config", raw)])[0].models


def _unused_name(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


async def _share_key(base: ModelSettings, tuned: ModelSettings, target: ConfigTarget) -> None:
    """Copy a key that the keyring stores under the base's name to the new name."""
    if target.keyring is None:
        return
    key = await find_key(base, target.env, target.keyring)
    if key and key.source == f"system keyring ({SERVICE}/{base.name})":
        await store_key(tuned.name, key.reveal(), target.keyring)
