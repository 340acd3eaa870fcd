"""The arguments of ``finetune``; apart from its work, so that the parser stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

ACTIONS = ("prepare", "start", "status", "list", "cancel", "retire")


def add(parser: argparse.ArgumentParser) -> None:
    """Teach a parser the arguments."""
    told = (
        "prepare [PATH]; start [DATA] --model NAME; status [JOB]; list (default); cancel JOB; "
        "retire NAME"
    )
    _optional(parser, "action", default="list", choices=ACTIONS, help=told)
    told = (
        "prepare: a repository or a JSONL file; start: a prepared folder or a JSONL file (else the "
        "latest); status, cancel: a job; retire: a tuned model"
    )
    _optional(parser, "what", help=told)
    parser.add_argument("--model", metavar="NAME", help="prepare, start: the model to be tuned")
    told = "prepare, start: the provider's id to tune, or (local) a folder with the model's weights"
    parser.add_argument("--base", metavar="ID", help=told)
    told = "supervised (accepted answers) or dpo (chosen before refused answers)"
    parser.add_argument("--method", choices=["supervised", "dpo"], help=told)
    _preparing(parser)
    _starting(parser)
    parser.add_argument("--follow", action="store_true", help="status: until the job has ended")
    told = "start, status: seconds between two looks"
    parser.add_argument("--every", type=_positive, metavar="SECONDS", help=told)
    told = "retire: remove the model at the provider too, for good"
    parser.add_argument("--delete", action="store_true", help=told)
    parser.add_argument("--yes", action="store_true", help="start, retire: without asking")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _optional(parser: argparse.ArgumentParser, name: str, **more: Any) -> None:
    """A positional argument that may be missing, and may stand behind options.

    With ``nargs="?"`` it may not: argparse takes it for missing at the first option.
    """
    parser.add_argument(name, metavar=f"[{name.upper()}]", **more).required = False


def _preparing(parser: argparse.ArgumentParser) -> None:
    told = (
        "prepare: where examples come from (a folder is a repository, a file a file, else history)"
    )
    sources = ["history", "repository", "file"]
    parser.add_argument("--from", dest="source", choices=sources, help=told)
    told = "prepare: where the files go; else into the data folder"
    parser.add_argument("--out", type=Path, metavar="DIR", help=told)
    parser.add_argument(
        "--examples", type=_count, default=500, metavar="N", help="prepare: at most"
    )
    told = "prepare: the share kept for validation, by file (0.1)"
    parser.add_argument("--validation", type=_share, default=0.1, metavar="SHARE", help=told)
    told = "prepare, start: US dollars for a million trained tokens, where they are not known"
    parser.add_argument("--price", type=_amount, metavar="USD", help=told)
    told = "prepare: write nothing; start: send nothing"
    parser.add_argument("--dry-run", action="store_true", help=told)


def _starting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="start: what the job and its model are called")
    parser.add_argument(
        "--suffix", help="start: a part of the tuned model's id, at most 64 characters"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="prepare, start: the random seed")
    parser.add_argument("--epochs", type=_count, metavar="N", help="start: passes over the data")
    parser.add_argument("--batch-size", type=_count, metavar="N", help="start")
    told = "start: the learning rate's multiplier; for a local base the rate itself"
    parser.add_argument("--learning-rate", type=_positive, metavar="X", help=told)
    parser.add_argument(
        "--beta", type=_positive, metavar="X", help="start, dpo: how near to the base"
    )
    told = "start: come back at once; `status --follow` goes on"
    parser.add_argument("--no-follow", action="store_true", help=told)


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
