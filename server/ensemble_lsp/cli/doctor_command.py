"""``doctor``: check the set-up and say what to do."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..app import AppContext
from ..app.failures import no_model
from ..provider_spec import problems
from ..settings import default_config_path, default_data_dir, writable_by_others
from ..types import TASKS
from .common import app_of, run_async
from .console import print_json, safe
from .sentence_layout import say


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """The result of one check. A failed one makes the command fail, unless it is not ``serious``."""

    what: str
    ok: bool
    told: str
    serious: bool = True

    @property
    def mark(self) -> str:
        """The sign before the line: a cross means that the command fails."""
        return "✓" if self.ok else "✗" if self.serious else "!"


def run(args: argparse.Namespace) -> int:
    """Check everything, or show a prompt."""
    if args.show_prompt is None:
        return run_async(lambda: _check(args))
    from .prompt_preview import show_prompt

    return run_async(lambda: show_prompt(args))


async def _check(args: argparse.Namespace) -> int:
    config, data = args.config or default_config_path(), args.data_dir or default_data_dir()
    checks = [
        DoctorCheck("python", sys.version_info >= (3, 10), sys.version.split()[0]),
        _config(config, given=args.config is not None),
        _data_folder(data),
    ]
    async with app_of(args, lenient=True) as app:
        history = app.history
        await history.ready()
        notices = list(history.notices)
        checks.append(
            DoctorCheck("history", not notices, " ".join(notices) or f"{history.location} opens")
        )
        # Their problems are shown above.
        failed = {str(path) for path in (config, data) if writable_by_others(path)}
        checks += [
            DoctorCheck("settings", False, str(issue))
            for issue in app.issues
            if issue.path not in failed
        ]
        checks += [
            DoctorCheck(f"provider {name}", False, text) for name, text in problems().items()
        ]
        checks += [await _sandbox(app), *await _models(app)]
    checks = [replace(check, told=args.redact.redact(check.told)) for check in checks]
    if args.json:
        print_json([asdict(c) for c in checks])
    for check in [] if args.json else checks:
        say(f"{check.mark} {safe(check.what)}: {safe(check.told)}", indent="  ")
    return 1 if any(not c.ok and c.serious for c in checks) else 0


def _config(path: Path, given: bool) -> DoctorCheck:
    if problem := writable_by_others(path):
        return DoctorCheck("config", False, problem)
    if os.path.lexists(path):
        return DoctorCheck("config", True, str(path))
    if given:
        return DoctorCheck("config", False, f"{path} does not exist; check --config")
    return DoctorCheck("config", True, f"{path} does not exist; the defaults apply")


def _data_folder(path: Path) -> DoctorCheck:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    problem = "" if writable else f"{path} cannot be written; change its owner"
    problem = problem or writable_by_others(path)
    hint = ", or name another with --data-dir"
    return DoctorCheck("data folder", not problem, problem + hint if problem else str(path))


async def _sandbox(app: AppContext) -> DoctorCheck:
    """Return the isolation for ``ensemble.runExamples`` and ``ensemble.runTests``."""
    from ..sandbox import process

    if reason := await process.unavailable_reason():
        wanted = app.settings.ensemble.run_examples or bool(app.settings.ensemble.run_tests)
        return DoctorCheck("sandbox", False, f"no model's code is run here: {reason}", wanted)
    return DoctorCheck("sandbox", True, await process.description())


async def _models(app: AppContext) -> list[DoctorCheck]:
    found: list[DoctorCheck] = []
    for entry in app.registry.entries():
        name = f"model {entry.profile.name}"
        if entry.locality:
            found.append(DoctorCheck(f"{name}, privacy", True, entry.locality))
        if not entry.available:
            found.append(DoctorCheck(name, False, entry.reason))
            continue
        result = await app.registry.test(entry.profile.name)
        source = "no key" if entry.key_source == "none" else f"key: {entry.key_source}"
        found.append(DoctorCheck(name, result.ok, f"{result.message} ({source})"))
    for task in TASKS:
        able = bool(app.models_for(task))
        message = "has a model" if able else str(no_model(app, task))
        # A model for completions alone may be the user's choice.
        found.append(DoctorCheck(task, able, message, serious=task == "complete"))
    return found
