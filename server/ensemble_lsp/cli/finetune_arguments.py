"""The arguments of ``finetune``, without the imports of the command itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

ACTIONS = ("prepare", "start", "status", "list", "cancel", "retire")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to a parser."""
    text = (
        "prepare [PATH]; start [DATA] --model NAME; status [JOB]; list (default); cancel JOB; "
        "retire NAME"
    )
    _optional(parser, "action", default="list", choices=ACTIONS, help=text)
    text = (
        "prepare: a repository or a JSONL file; start: a prepared folder or a JSONL file (else the "
        "latest); status, cancel: a job; retire: a fine-tuned model"
    )
    _optional(parser, "what", help=text)
    parser.add_argument("--model", metavar="NAME", help="prepare, start: the model to fine-tune")
    text = "prepare, start: the provider's id to fine-tune, or (local) a folder with the model's weights"
    parser.add_argument("--base", metavar="ID", help=text)
    text = "supervised (accepted answers) or dpo (accepted over rejected answers)"
    parser.add_argument("--method", choices=["supervised", "dpo"], help=text)
    _preparing(parser)
    _starting(parser)
    parser.add_argument(
        "--follow", action="store_true", help="status: wait until the job has ended"
    )
    text = "start, status: seconds between two checks"
    parser.add_argument("--every", type=_positive, metavar="SECONDS", help=text)
    text = "retire: also delete the model at the provider, permanently"
    parser.add_argument("--delete", action="store_true", help=text)
    parser.add_argument("--yes", action="store_true", help="start, retire: do not ask")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _optional(parser: argparse.ArgumentParser, name: str, **more: Any) -> None:
    """Add a positional argument that may be missing and may come after options.

    With ``nargs="?"``, argparse would consider it missing at the first option.
    """
    parser.add_argument(name, metavar=f"[{name.upper()}]", **more).required = False


def _preparing(parser: argparse.ArgumentParser) -> None:
    text = "prepare: the source of the examples (by default a folder is a repository, and no path the history)"
    sources = ["history", "repository", "file"]
    parser.add_argument("--from", dest="source", choices=sources, help=text)
    text = "prepare: the folder for the files (in the data folder)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)
    parser.add_argument(
        "--examples", type=_count, default=500, metavar="N", help="prepare: maximum number"
    )
    text = "prepare: the share of files kept for validation (0.1)"
    parser.add_argument("--validation", type=_share, default=0.1, metavar="SHARE", help=text)
    text = "prepare, start: US dollars per million trained tokens, if unknown"
    parser.add_argument("--price", type=_amount, metavar="USD", help=text)
    text = "prepare: write nothing; start: send nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)


def _starting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="start: the name of the job and of its model")
    parser.add_argument(
        "--suffix", help="start: a part of the fine-tuned model's id, at most 64 characters"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="prepare, start: the random seed")
    parser.add_argument("--epochs", type=_count, metavar="N", help="start: passes over the data")
    parser.add_argument("--batch-size", type=_count, metavar="N", help="start: the batch size")
    text = "start: the learning rate multiplier; for a local base, the learning rate"
    parser.add_argument("--learning-rate", type=_positive, metavar="X", help=text)
    parser.add_argument(
        "--beta",
        type=_positive,
        metavar="X",
        help="start, dpo: how closely to follow the base model",
    )
    text = "start: return at once; `status --follow` continues"
    parser.add_argument("--no-follow", action="store_true", help=text)


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return number


def _number(text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = high + 1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from {low:g} to {high:g}")
    return number


def _positive(text: str) -> float:
    return _number(text, 1e-9, 1e6)


def _amount(text: str) -> float:
    return _number(text, 0, 1e6)


def _share(text: str) -> float:
    return _number(text, 0, 0.9)
