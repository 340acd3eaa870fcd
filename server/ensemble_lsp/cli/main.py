"""The parser, and the way to each subcommand. Imports nothing heavy: an editor waits for ``serve``."""

from __future__ import annotations

import argparse
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .. import __version__, process_tuning
from ..errors import EnsembleError, SettingsError, UnknownModelError
from ..provider_spec import specs
from . import compare_arguments, finetune_arguments
from .logging_setup import logging_to

logger = logging.getLogger(__name__)

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

COMMANDS = {
    "serve": "the language server (the default)",
    "complete": "print a completion",
    "explain": "print an explanation",
    "generate": "print code",
    "models": "list, test, add and remove models",
    "compare": "measure models on your own code",
    "report": "a report from the history",
    "finetune": "training data and fine-tuning jobs",
    "history": "the local history: stats, export, import, clear",
    "demo": "play a short editing session through the real server",
    "doctor": "check the set-up and say what to do",
}


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 wrong usage or configuration."""
    from ..models.log_redaction import RedactKeys

    args = parse(arguments)
    # Whoever opens a session tells it the keys; every word that leaves by log or error goes through it.
    args.redact = RedactKeys()
    args.redact.add_environment(os.environ)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with logging_to(args.log_file, _LEVELS[args.log_level], args.redact):
            return _run(args)
    except SettingsError as error:
        return _fail(args, error)


def _run(args: argparse.Namespace) -> int:
    try:
        logger.debug("%s %s, Python %s on %s", args.subcommand, __version__, *_machine())
        module = importlib.import_module(f".{args.subcommand}_command", __package__)
        process_tuning.resume_collector()
        code = int(module.run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us has enough; the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except EnsembleError as error:
        return _fail(args, error)
    except Exception as error:
        logger.debug("internal error", exc_info=error)
        told = f"internal error ({type(error).__name__})"
        return _fail(
            args, EnsembleError(f"{told}; run again with --log-level debug and report it.")
        )


def _machine() -> tuple[str, str]:
    return sys.version.split()[0], sys.platform


def _fail(args: argparse.Namespace, error: EnsembleError) -> int:
    """Tell it in one line, without keys and without what a terminal would obey; the exit code."""
    line = " ".join(args.redact.redact(str(error)).split())
    shown = "".join(c if c.isprintable() else "?" for c in line)
    print(f"ensemble-lsp: {shown}", file=sys.stderr)
    return 2 if isinstance(error, SettingsError | UnknownModelError) else 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line in place of the whole usage."""
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments; without a subcommand they are those of ``serve``.

    What every command takes may stand before its name, too. A usage fault ends the process (2).
    """
    given, shared = list(arguments), ("--config", "--data-dir", "--log-level", "--log-file")
    before = 0
    while before < len(given) and given[before].partition("=")[0] in shared:
        before += 1 if "=" in given[before] else 2
    first = given[before] if before < len(given) else ""
    if first in COMMANDS:
        given = [first, *given[:before], *given[before + 1 :]]
    elif first.startswith("-") or not first:
        # `--help` and `--version` are the program's, whatever else stands there.
        given = given if first in ("-h", "--help", "--version") else ["serve", *given]
    return _parser(shows_help=bool({"-h", "--help"} & set(given))).parse_args(given)


def _parser(shows_help: bool) -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument("--config", type=_path, metavar="FILE", help="the settings' file")
    shared.add_argument("--data-dir", type=_path, metavar="DIR", help="history and weights")
    shared.add_argument("--log-level", choices=list(_LEVELS), default="warning")
    told = "write the log there, for you alone to read, in place of standard error"
    shared.add_argument("--log-file", type=_path, metavar="FILE", help=told)
    parser = _Parser("ensemble-lsp", description="Several AI models in any editor.")
    parser.add_argument("--version", action="version", version=f"ensemble-lsp {__version__}")
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, help=told, description=told, parents=[shared])
        for name, told in COMMANDS.items()
    }
    _serve(made["serve"])
    for name in ("complete", "explain", "generate"):
        _asking(made[name], name)
    # Reading the installed packages for their names takes a while; only the help needs them.
    _models(made["models"], ", ".join(specs()) if shows_help else "")
    _history(made["history"])
    compare_arguments.add_compare(made["compare"])
    compare_arguments.add_report(made["report"])
    finetune_arguments.add(made["finetune"])
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
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--stdio", action="store_true", help="standard input and output (default)")
    way.add_argument("--tcp", metavar="HOST:PORT", help="loopback only, with a token")
    way.add_argument("--ws", metavar="HOST:PORT", help="WebSocket: loopback only, with a token")
    parser.add_argument("--clientProcessId", type=int, help=argparse.SUPPRESS)


def _asking(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "generate":
        parser.add_argument("instruction", help="what to write")
        told = "where the code goes, counted from 1; it is printed, not written there"
        parser.add_argument("--at", metavar="FILE:LINE", help=told)
    else:
        place = "FILE:LINE:COL" if name == "complete" else "FILE[:LINE[-LINE]]"
        parser.add_argument("place", metavar=place, help="counted from 1, as editors show them")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--model", metavar="NAME", help="ask this model alone")
    who.add_argument("--ensemble", type=_size, metavar="N", help="ask N models and combine them")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _size(text: str) -> int:
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
    if not 1 <= size <= 9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to 9")
    return size


def _models(parser: argparse.ArgumentParser, providers: str) -> None:
    actions = ["list", "test", "add", "remove", "why"]
    told = "list (default); test [NAME]; add NAME; remove NAME; why FILE:LINE:COL"
    parser.add_argument("action", nargs="?", default="list", choices=actions, help=told)
    parser.add_argument("name", nargs="?", help="a model's name; for `why` a place")
    parser.add_argument("--provider", help=f"add: {providers}")
    parser.add_argument("--model", metavar="ID", help="add: the provider's id, or a GGUF file")
    parser.add_argument("--base-url", metavar="URL", help="add: any server of that protocol")
    told = "add: the environment variable that holds the key"
    parser.add_argument("--api-key-env", metavar="VARIABLE", help=told)
    parser.add_argument("--api", help="add: chat, completions or responses")
    told = "add: ask for the key and keep it in the system keyring; remove: remove it there too"
    parser.add_argument("--key", action="store_true", help=told)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _history(parser: argparse.ArgumentParser) -> None:
    actions = ["stats", "export", "import", "clear"]
    told = "stats (default); export [--out FILE]; import FILE; clear"
    parser.add_argument("action", nargs="?", default="stats", choices=actions, help=told)
    parser.add_argument(
        "file", nargs="?", type=Path, help="import: an exported file, `-` for a pipe"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="export: where to; else standard output"
    )
    parser.add_argument("--yes", action="store_true", help="clear: without asking")
    parser.add_argument("--json", action="store_true", help="print as JSON")
