"""``doctor``: checks the set-up and says what to do."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, dataclass

from ..context.prompts import complete_prompt
from ..context.shape import shape_at
from ..errors import SettingsError
from ..session import Session
from ..settings import default_config_path, default_data_dir
from .common import numbers, open_file, position_in, print_json, run_async, safe, session_of


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``serious`` faults make the command fail."""

    what: str
    ok: bool
    told: str
    serious: bool = False


def run(args: argparse.Namespace) -> int:
    """Check everything, or show a prompt."""
    return run_async(lambda: _show_prompt(args) if args.show_prompt else _check(args))


async def _check(args: argparse.Namespace) -> int:
    config, data = args.config or default_config_path(), args.data_dir or default_data_dir()
    checks = [
        Check("python", sys.version_info >= (3, 10), sys.version.split()[0], True),
        Check("config", True, f"{config}" + ("" if config.exists() else " (none: defaults)")),
    ]
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    writable = os.access(data, os.W_OK)
    told = str(data) if writable else f"{data} cannot be written; make it yours"
    checks.append(Check("data folder", writable, told, True))
    async with session_of(args) as session:
        await session.runtime.history.ready()
        notices = list(session.runtime.history.notices)
        checks.append(Check("history", not notices, " ".join(notices) or "opens"))
        for fault in session.faults:
            checks.append(Check("settings", False, str(fault), True))
        checks += await _models(session)
    if args.json:
        print_json([asdict(c) for c in checks])
    for check in [] if args.json else checks:
        print(f"{'✓' if check.ok else '✗'} {check.what}: {check.told}")
    return 1 if any(not c.ok and c.serious for c in checks) else 0


async def _models(session: Session) -> list[Check]:
    found: list[Check] = []
    for entry in session.registry.entries():
        name = f"model {entry.profile.name}"
        if not entry.available:
            found.append(Check(name, False, entry.reason))
            continue
        result = await session.registry.test(entry.profile.name)
        found.append(Check(name, result.ok, f"{result.message} ({entry.key_source})"))
    for task in ("complete", "explain", "generate"):
        able = bool(session.models_for(task))
        told = "has a model" if able else str(session.no_model(task))
        found.append(Check(task, able, told))
    return found


async def _show_prompt(args: argparse.Namespace) -> int:
    path, place = numbers(args.show_prompt, 2)
    if len(place) != 2:
        raise SettingsError("Give the place: --show-prompt FILE:LINE:COL.")
    async with session_of(args, path) as session:
        document = await open_file(session, path)
        position = position_in(document, *place)
        workspace = session.runtime.workspace
        await workspace.prepare(document)
        shape = shape_at(document, position)
        for model in session.models_for("complete"):
            profile = model.profile
            where = "this machine" if profile.local else f"{profile.provider}, off this machine"
            print(f"== {profile.name} ({where})")
            prompt = complete_prompt(
                document,
                position,
                profile=profile,
                workspace=workspace,
                shape=shape,
                max_lines=session.settings.complete.max_lines,
            )
            if prompt is None:
                print(f"nothing: {workspace.privacy.refusal(document.path)}")
                continue
            for key in ("path", "imports", "related", "prefix", "suffix"):
                print(f"-- {key}\n{safe(str(getattr(prompt, key)))}")
    return 0
