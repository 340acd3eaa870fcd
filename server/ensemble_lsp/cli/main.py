"""The parser, and the way to each subcommand. Imports nothing heavy: an editor waits for ``serve``."""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__

COMMANDS = {
    "serve": "the language server (the default)",
    "complete": "print a completion",
    "explain": "print an explanation",
    "generate": "print code",
    "models": "list, test, add and remove models",
    "history": "the local history: stats, export, import, clear",
    "demo": "play a short editing session through the real server",
    "doctor": "check the set-up and say what to do",
}


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 wrong usage or configuration."""
    args = parse(arguments)
    level = getattr(logging, str(args.log_level).upper())
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("pygls").setLevel(logging.WARNING)
    for name in ("httpx2", "httpcore2", "openai", "anthropic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    module = importlib.import_module(f".{args.subcommand}", __package__)
    gc.freeze()
    gc.enable()
    try:
        return int(module.run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        from ..errors import EnsembleError, SettingsError, UnknownModelError

        if isinstance(error, EnsembleError):
            print(f"ensemble-lsp: {error}", file=sys.stderr)
            return 2 if isinstance(error, SettingsError | UnknownModelError) else 1
        if level <= logging.DEBUG:
            raise
        kind = type(error).__name__
        told = f"internal error ({kind}); run again with --log-level debug and report it"
        print(f"ensemble-lsp: {told}", file=sys.stderr)
        return 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments; without a subcommand they are those of ``serve``."""
    known = {"-h", "--help", "--version", *COMMANDS}
    given = list(arguments)
    first = next((a for a in given if not a.startswith("-") or a in known), None)
    if first not in known or (given and given[0] in ("--stdio",)):
        given = ["serve", *given]
    return _parser().parse_args(given)


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=_path, metavar="FILE", help="the settings' file")
    shared.add_argument("--data-dir", type=_path, metavar="DIR", help="history and weights")
    levels = ["debug", "info", "warning", "error"]
    shared.add_argument("--log-level", choices=levels, default="warning")
    parser = argparse.ArgumentParser("ensemble-lsp", description="Several AI models in any editor.")
    parser.add_argument("--version", action="version", version=f"ensemble-lsp {__version__}")
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, help=told, description=told, parents=[shared])
        for name, told in COMMANDS.items()
    }
    _serve(made["serve"])
    for name in ("complete", "explain", "generate"):
        _asking(made[name], name)
    _models(made["models"])
    _history(made["history"])
    made["demo"].add_argument("--fetch", action="store_true", help="fetch the weights first")
    made["demo"].add_argument("--json", action="store_true")
    made["doctor"].add_argument("--json", action="store_true")
    told = "print exactly what would be sent, and to whom"
    made["doctor"].add_argument("--show-prompt", metavar="FILE:LINE:COL", help=told)
    return parser


def _path(text: str) -> Path:
    # Absolute: child processes run in folders of their own.
    return Path(text).expanduser().absolute()


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="standard input and output (default)")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="loopback only")
    parser.add_argument("--ws", metavar="HOST:PORT", help="loopback only; needs `websockets`")
    parser.add_argument("--clientProcessId", type=int, help=argparse.SUPPRESS)


def _asking(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "generate":
        parser.add_argument("instruction")
        parser.add_argument("--at", metavar="FILE:LINE")
    else:
        place = "FILE:LINE:COL" if name == "complete" else "FILE[:LINE[-LINE]]"
        parser.add_argument("place", metavar=place, help="counted from 1")
    parser.add_argument("--model", metavar="NAME")
    parser.add_argument("--ensemble", type=int, metavar="N")
    parser.add_argument("--json", action="store_true")


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", default="list", choices=["list", "test", "add", "remove", "why"]
    )
    parser.add_argument("name", nargs="?")
    parser.add_argument("--provider")
    parser.add_argument("--model", metavar="ID")
    parser.add_argument("--base-url")
    parser.add_argument("--api-key-env")
    parser.add_argument("--api")
    parser.add_argument(
        "--key", action="store_true", help="ask for the key; keep it in the keyring"
    )
    parser.add_argument("--json", action="store_true")


def _history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", default="stats", choices=["stats", "export", "import", "clear"]
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--json", action="store_true")
