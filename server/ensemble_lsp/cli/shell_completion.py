"""Answer a shell that completes this program's arguments: subcommands, options, and names from the config.

The script of ``ensemble-lsp completion`` runs the program with ``_ARGCOMPLETE`` in the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .action_parsers import subparsers

VARIABLE = "_ARGCOMPLETE"
"""Set in the environment while a shell asks."""

Completer = Callable[..., Iterable[str]]


def answer(parser: argparse.ArgumentParser) -> None:
    """Print the completions that the shell asks for, and end the process."""
    import argcomplete

    for command, action in _actions(parser):
        completer = _COMPLETERS.get((command, action.dest)) or _COMPLETERS.get(("", action.dest))
        if completer is not None and not action.choices:
            action.completer = completer  # type: ignore[attr-defined]  # as argcomplete reads it
    argcomplete.autocomplete(parser, always_complete_options=False)


def _actions(
    parser: argparse.ArgumentParser, command: str = ""
) -> Iterator[tuple[str, argparse.Action]]:
    """Yield the arguments of all subcommands and of their actions, with the subcommand's name."""
    for name, sub in subparsers(parser).items():
        yield from ((command or name, action) for action in sub._actions)
        yield from _actions(sub, command or name)


def _configured(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the names of the models in the config."""
    from ..settings import default_config_path, read_config

    raw, _issues = read_config(parsed_args.config or default_config_path())
    models = raw.get("models")
    found = [model.get("name") for model in models] if isinstance(models, list) else []
    return [name for name in found if isinstance(name, str)]


def _known(parsed_args: argparse.Namespace, **more: Any) -> list[str]:
    """Return the names of the models in the config and of the installed ones."""
    from ..providers.llamacpp import catalogue

    installed = [item.name for item in catalogue.installed(_data_dir(parsed_args))]
    return [*_configured(parsed_args, **more), *installed]


def _models_name(parsed_args: argparse.Namespace, **more: Any) -> list[str]:
    """Return the names for an action of ``models``: packaged models can be added, files have places."""
    from argcomplete.completers import FilesCompleter

    from ..providers.llamacpp import catalogue

    if parsed_args.action == "add":
        return [item.name for item in catalogue.PACKAGED]
    if parsed_args.action == "why":
        return list(FilesCompleter()(**more))
    return _known(parsed_args, **more) if parsed_args.action in ("test", "remove") else []


def _finetune_what(parsed_args: argparse.Namespace, **more: Any) -> list[str]:
    """Return the names of jobs, or files for the actions that take data."""
    from argcomplete.completers import FilesCompleter

    from ..finetuning.jobs import JobStore

    if parsed_args.action in ("prepare", "start"):
        return list(FilesCompleter()(**more))
    jobs = JobStore(_data_dir(parsed_args)).all()
    retires = parsed_args.action == "retire"
    return [job.joined if retires else job.name for job in jobs if job.joined or not retires]


def _providers(**_: Any) -> list[str]:
    from ..provider_spec import specs

    return list(specs())


def _no_names(**_: Any) -> list[str]:
    return []  # an id at a provider


def _data_dir(args: argparse.Namespace) -> Path:
    from ..settings import default_data_dir

    return Path(args.data_dir or default_data_dir())


_COMPLETERS: dict[tuple[str, str], Completer] = {
    ("", "model"): _known,
    ("", "models"): _known,
    ("", "provider"): _providers,
    ("models", "name"): _models_name,
    ("models", "model"): _no_names,
    ("finetune", "what"): _finetune_what,
}
"""Completers by subcommand, or "" for all of them, and the argument's name. Other arguments complete files."""
