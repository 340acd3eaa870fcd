"""A tuned model becomes one of the models, in the user's config, and is taken out again."""

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
from .jobs import Job, JobStore
from .prices import rates_of


@dataclass(frozen=True, slots=True)
class ConfigTarget:
    """Where the user's models are configured, and what else there is."""

    config: Path
    env: Mapping[str, str]
    found: Sequence[ModelSettings] = ()
    """Models in use that no config names: written down first, for a config with models has only
    those."""
    keyring: Keyring | None = None


async def register_model(job: Job, store: JobStore, home: ConfigTarget) -> Job:
    """Add a succeeded job's model, with its base's settings; one that is there already stays so.

    The selector tries it, as every model that it knows little of. Raises ``SettingsError``.
    """
    if job.joined or job.state != "succeeded":
        return job
    models = await asyncio.to_thread(_configured, home.config)
    for model in models:
        if (model.provider, model.model) == (job.base.provider, job.tuned):
            return await asyncio.to_thread(store.save, replace(job, joined=model.name))
    for model in () if models else home.found:
        await asyncio.to_thread(add_model_to_config, home.config, model)
    taken = {model.name for model in (*models, *home.found)}
    settings = tuned_settings(job, _free(job.name, taken))
    await _share_key(job.base, settings, home)
    await asyncio.to_thread(add_model_to_config, home.config, settings)
    return await asyncio.to_thread(store.save, replace(job, joined=settings.name))


def tuned_settings(job: Job, name: str) -> ModelSettings:
    """The base's settings with the tuned model's name, id and, where it is dearer, prices."""
    changes: dict[str, object] = {"name": name, "model": job.tuned}
    rates = rates_of(job.model)
    priced = job.base.input_price > 0 or job.base.output_price > 0
    if rates is not None and priced and uses_official_address(job.base):
        changes |= {"input_price": rates.tuned_input, "output_price": rates.tuned_output}
    return job.base.model_copy(update=changes)


async def retire(store: JobStore, name: str, home: ConfigTarget) -> Job:
    """Take a tuned model out of the models; the provider keeps it. Raises ``FineTuningError``."""
    jobs = await asyncio.to_thread(store.all)
    tuned = [job for job in jobs if job.joined and not job.retired]
    job = next((job for job in tuned if name in (job.joined, job.name)), None)
    if job is None:
        known = ", ".join(job.joined for job in tuned)
        told = f"there are {known}" if known else "there are none"
        raise FineTuningError(f"No tuned model is called {name!r}; {told}.")
    await asyncio.to_thread(remove_model_from_config, home.config, job.joined)
    return await asyncio.to_thread(store.save, replace(job, retired=True))


def _configured(config: Path) -> tuple[ModelSettings, ...]:
    raw, faults = read_config(config)
    if faults:
        raise SettingsError(f"{faults[0]}")
    return resolve([("config", raw)])[0].models


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


async def _share_key(base: ModelSettings, tuned: ModelSettings, home: ConfigTarget) -> None:
    """A key that lies in the keyring under the base's name is wanted under the new one too."""
    if home.keyring is None:
        return
    key = await find_key(base, home.env, home.keyring)
    if key and key.source == f"system keyring ({SERVICE}/{base.name})":
        await store_key(tuned.name, key.reveal(), home.keyring)
