"""The arguments of ``finetune``, without the imports of the command itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from .action_parsers import accept_common, add_actions, add_word

_ACTIONS = {
    "prepare": "collect training data, check it, and estimate the price; nothing is sent",
    "start": "send training data to the provider, or train a local model, after a question",
    "status": "show a job, and add its model to your models if it has ended",
    "list": "list the jobs and their models",
    "cancel": "cancel a job, and delete its files at the provider",
    "retire": "remove a fine-tuned model from your models",
}


def add(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """Add the actions to a parser."""
    made = add_actions(parser, shared, "list", _ACTIONS)
    for name in ("prepare", "start"):
        _target(made[name])
    _prepare(made["prepare"])
    _start(made["start"])
    status, cancel, retire = made["status"], made["cancel"], made["retire"]
    add_word(status, "what", "[JOB]", help="the name of a job (the latest)")
    status.add_argument("--follow", action="store_true", help="wait until the job has ended")
    for one in (made["start"], status):
        text = "seconds between two checks"
        one.add_argument("--every", type=_positive, metavar="SECONDS", help=text)
    text = "also list the jobs of this model's account that were started elsewhere"
    made["list"].add_argument("--model", metavar="NAME", help=text)
    add_word(cancel, "what", "JOB", help="the name of a job")
    add_word(retire, "what", "NAME", help="the name of a fine-tuned model")
    text = "also delete the model at the provider, or its file, permanently; needs --yes"
    retire.add_argument("--delete", action="store_true", help=text)
    for one in (made["start"], retire):
        one.add_argument("--yes", action="store_true", help="do not ask")
    for one in made.values():
        one.add_argument("--json", action="store_true", help="print as JSON")
    accept_common(made)


def _target(parser: argparse.ArgumentParser) -> None:
    """Add the model to train and its parameters, which determine the data and the price."""
    text = "the model to fine-tune (the only one that can be)"
    parser.add_argument("--model", metavar="NAME", help=text)
    text = "the provider's id to fine-tune, or (local) a folder with the model's weights"
    parser.add_argument("--base", metavar="ID", help=text)
    text = "supervised (accepted answers) or dpo (accepted over rejected answers)"
    parser.add_argument("--method", choices=["supervised", "dpo"], help=text)
    text = "US dollars per million trained tokens, if unknown"
    parser.add_argument("--price", type=_amount, metavar="USD", help=text)
    parser.add_argument("--epochs", type=_count, metavar="N", help="passes over the data")
    parser.add_argument("--seed", type=int, metavar="N", help="the random seed")


def _prepare(parser: argparse.ArgumentParser) -> None:
    text = "a repository or a JSONL file (the history)"
    add_word(parser, "what", "[PATH]", help=text)
    text = "the source of the examples (by the kind of the path)"
    sources = ["history", "repository", "file"]
    parser.add_argument("--from", dest="source", choices=sources, help=text)
    text = "the folder for the files (in the data folder)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)
    text = "maximum number of examples (500)"
    parser.add_argument("--examples", type=_count, default=500, metavar="N", help=text)
    text = "the share of files kept for validation (0.1)"
    parser.add_argument("--validation", type=_share, default=0.1, metavar="SHARE", help=text)
    parser.add_argument("--dry-run", action="store_true", help="write nothing")


def _start(parser: argparse.ArgumentParser) -> None:
    text = "a folder that `prepare` wrote, or a JSONL file (the latest that was prepared)"
    add_word(parser, "what", "[DATA]", help=text)
    parser.add_argument("--name", help="the name of the job and of its model (MODEL-tuned)")
    text = "a part of the fine-tuned model's id, at most 64 characters"
    parser.add_argument("--suffix", help=text)
    parser.add_argument("--batch-size", type=_count, metavar="N", help="the batch size")
    text = "the learning rate multiplier; for a local base, the learning rate"
    parser.add_argument("--learning-rate", type=_positive, metavar="X", help=text)
    text = "dpo: how closely to follow the base model"
    parser.add_argument("--beta", type=_positive, metavar="X", help=text)
    text = "return at once; `status --follow` continues"
    parser.add_argument("--no-follow", action="store_true", help=text)
    parser.add_argument("--dry-run", action="store_true", help="send nothing")


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
