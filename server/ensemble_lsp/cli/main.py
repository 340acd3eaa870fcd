"""The parser and the dispatch to subcommands. Imports nothing heavy: an editor waits for ``serve``."""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .. import __version__, process_tuning
from ..errors import EnsembleError, SettingsError, UnknownModelError
from ..provider_spec import specs
from ..uris import expand_user
from . import admin_arguments, compare_arguments, finetune_arguments, shell_completion
from .action_parsers import action_first, subparsers
from .logging_setup import logging_to
from .sentence_layout import encode_all_characters, fitted, say

logger = logging.getLogger(__name__)

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_DISK = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO")} - {
    None
}
"""The user's disk is full, read-only or damaged; no fault of the program."""

_DEFAULT_ACTIONS = {"models": "list", "history": "stats", "finetune": "list"}

COMMANDS = {
    "serve": "run the language server (the default)",
    "complete": "print a completion",
    "explain": "print an explanation",
    "generate": "print code",
    "edit": "print the next edit as a diff",
    "models": "list, test, add, remove and explain models",
    "compare": "measure models on your own code",
    "report": "write a report of the history",
    "finetune": "prepare training data and run fine-tuning jobs",
    "history": "show, export, import or clear the local history",
    "demo": "play a short editing session through the real server",
    "doctor": "check the set-up and say what to do",
    "init": "set up a model and an editor in a short dialogue",
    "completion": "print the completion script of a shell",
}


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code: 0 success, 1 failure, 2 wrong usage or configuration."""
    if shell_completion.VARIABLE in os.environ:
        shell_completion.answer(_parser(shows_help=False))
    from ..models.log_redaction import RedactKeys

    args = parse(arguments)
    # It gets every key when a context is opened; all logs and errors pass through it.
    args.redact = RedactKeys()
    args.redact.add_environment(os.environ)
    encode_all_characters(sys.stdout, sys.stderr)
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
        process_tuning.ignore_interrupts()
        _discard_output()
        return 130
    except BrokenPipeError:
        _discard_output()
        return 1
    except EnsembleError as error:
        return _fail(args, error)
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno not in _DISK:
            return _fail_internally(args, error)
        logger.debug("no permission, or no space", exc_info=error)
        _discard_output()  # it may be the file that is full
        where = error.filename or "a file"
        advice = "check its permissions" if isinstance(error, PermissionError) else "check the disk"
        return _fail(args, EnsembleError(f"{where} cannot be used ({error.strerror}); {advice}."))
    except Exception as error:
        return _fail_internally(args, error)


def _fail_internally(args: argparse.Namespace, error: Exception) -> int:
    logger.debug("internal error", exc_info=error)
    hint = "run again with --log-level debug and report it."
    return _fail(args, EnsembleError(f"internal error ({type(error).__name__}); {hint}"))


def _discard_output() -> None:
    """Drop what is not written yet: at exit the interpreter would wait for a reader, or fail."""
    with suppress(OSError, ValueError):  # tests have no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _machine() -> tuple[str, str]:
    return sys.version.split()[0], sys.platform


def _fail(args: argparse.Namespace, error: EnsembleError) -> int:
    """Print an error in one line, without keys and control characters; return the exit code."""
    line = " ".join(args.redact.redact(str(error)).split())
    shown = "".join(c if c.isprintable() else "?" for c in line)
    say(f"ensemble-lsp: {shown}", to_stderr=True)
    return 2 if isinstance(error, SettingsError | UnknownModelError) else 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line instead of the whole usage."""
        self.exit(2, fitted(f"{self.prog}: {message} (see `{self.prog} --help`)") + "\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments; without a subcommand they are those of ``serve``.

    Shared options may also come before the subcommand. Wrong usage exits with code 2.
    """
    given, shared = list(arguments), ("--config", "--data-dir", "--log-level", "--log-file")
    before = 0
    while before < len(given) and given[before].partition("=")[0] in shared:
        before += 1 if "=" in given[before] else 2
    first = given[before] if before < len(given) else ""
    if first and not first.startswith("-"):
        given = [first, *given[:before], *given[before + 1 :]]
    else:
        # `--help` and `--version` belong to the program itself.
        given = given if first in ("-h", "--help", "--version") else ["serve", *given]
    parser = _parser(shows_help=bool({"-h", "--help"} & set(given)))
    if first in _DEFAULT_ACTIONS:
        given = [first, *action_first(parser, first, given[1:], _DEFAULT_ACTIONS[first])]
    args, unknown = parser.parse_known_args(given)
    if unknown:
        of_command = subparsers(parser)[args.subcommand]
        of_action = subparsers(of_command).get(getattr(args, "action", ""), of_command)
        of_action.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def _parser(shows_help: bool) -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument("--config", type=_path, metavar="FILE", help="the settings file")
    shared.add_argument(
        "--data-dir", type=_path, metavar="DIR", help="the folder of history and weights"
    )
    shared.add_argument("--log-level", choices=list(_LEVELS), default="warning")
    text = "write the log to a file that only you can read, instead of standard error"
    shared.add_argument("--log-file", type=_path, metavar="FILE", help=text)
    parser = _Parser("ensemble-lsp", description="Several AI models in any editor.")
    parser.add_argument("--version", action="version", version=f"ensemble-lsp {__version__}")
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, help=text, description=text, parents=[shared])
        for name, text in COMMANDS.items()
    }
    _serve(made["serve"])
    for name in ("complete", "explain", "generate"):
        _asking(made[name], name)
    _edit(made["edit"])
    # Reading the installed packages for their names takes a while; only the help needs them.
    admin_arguments.add_models(made["models"], shared, ", ".join(specs()) if shows_help else "")
    admin_arguments.add_history(made["history"], shared)
    compare_arguments.add_compare(made["compare"])
    compare_arguments.add_report(made["report"])
    finetune_arguments.add(made["finetune"], shared)
    made["demo"].add_argument("--fetch", action="store_true", help="download the weights first")
    text = "with the smallest model alone: 93 MB instead of 571 MB, and weaker answers"
    made["demo"].add_argument("--small", action="store_true", help=text)
    made["demo"].add_argument("--json", action="store_true")
    made["doctor"].add_argument("--json", action="store_true")
    text = "print exactly what would be sent, and to which address"
    made["doctor"].add_argument("--show-prompt", metavar="FILE:LINE:COL", help=text)
    _init(made["init"])
    made["completion"].add_argument("shell", choices=["bash", "zsh", "fish"], help="your shell")
    return parser


def _init(parser: argparse.ArgumentParser) -> None:
    text = "print how to set up this editor, without a question"
    editors = ["vscode", "neovim", "helix", "emacs", "sublime"]
    parser.add_argument("--editor", choices=editors, help=text)
    text = "ask nothing: print the models that were found and the next steps"
    parser.add_argument("--yes", action="store_true", help=text)


def _path(text: str) -> Path:
    # Absolute: child processes run in other folders.
    return expand_user(text).absolute()


def _serve(parser: argparse.ArgumentParser) -> None:
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--stdio", action="store_true", help="standard input and output (default)")
    way.add_argument(
        "--tcp", metavar="HOST:PORT", help="listen on a loopback port; clients need a token"
    )
    way.add_argument(
        "--ws",
        metavar="HOST:PORT",
        help="listen for WebSocket on a loopback port; clients need a token",
    )
    parser.add_argument("--clientProcessId", type=int, help=argparse.SUPPRESS)


def _asking(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "generate":
        parser.add_argument("instruction", help="what to write")
        text = "the place of the code, counted from 1; the code is printed, the file is not changed"
        parser.add_argument("--at", metavar="FILE:LINE", help=text)
    else:
        place = "FILE:LINE:COL" if name == "complete" else "FILE[:LINE[-LINE]]"
        parser.add_argument("place", metavar=place, help="counted from 1, as editors show them")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--model", metavar="NAME", help="ask only this model")
    who.add_argument("--ensemble", type=_size, metavar="N", help="ask N models and combine them")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _edit(parser: argparse.ArgumentParser) -> None:
    text = "counted from 1, as editors show them"
    parser.add_argument("place", metavar="FILE:LINE:COL", help=text)
    text = "a unified diff of the edits just made, `-` for a pipe"
    parser.add_argument("--history", type=Path, metavar="PATCH", help=text)
    parser.add_argument("--model", metavar="NAME", help="ask only this model")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _size(text: str) -> int:
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
    if not 1 <= size <= 9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to 9")
    return size
