"""The arguments of ``compare`` and ``report``, without the imports of the commands themselves."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..types import TASKS


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``compare`` to a parser."""
    description = (
        "files and folders with your own code; ignored, vendored and generated files are skipped"
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=description)
    parser.add_argument(
        "--task", choices=TASKS, default="complete", help="the task to measure (complete)"
    )
    parser.add_argument(
        "--models", metavar="A,B", help="names of the models (all that can do the task)"
    )
    parser.add_argument(
        "--samples", type=_count, default=50, metavar="N", help="number of places in the code (50)"
    )
    description = (
        "folder for the report and the results (./ensemble-comparison); run again to resume"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=description)
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed for choosing the places (0)"
    )
    parser.add_argument("--language", metavar="ID", help="only this language, such as python")
    description = (
        "only these kinds of places: line, block, function; nearby, moved, quiet for next edits"
    )
    parser.add_argument("--kinds", metavar="A,B", help=description)
    description = "start without asking after the cost estimate"
    parser.add_argument("--yes", action="store_true", help=description)
    description = "maximum cost in US dollars"
    parser.add_argument("--max-cost", type=_dollars, metavar="USD", help=description)
    description = "ask again, even if an earlier run in --out has answers"
    parser.add_argument("--fresh", action="store_true", help=description)
    description = "send requests from this process or from the Ray cluster at RAY_ADDRESS (local)"
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help=description)
    description = (
        'judge function bodies by the repository\'s tests, in a sandboxed copy: "pytest -q"'
    )
    parser.add_argument("--run-tests", metavar="COMMAND", help=description)
    parser.add_argument(
        "--test-timeout",
        type=_dollars,
        default=120.0,
        metavar="S",
        help="seconds for one run of the tests (120)",
    )
    description = "run the tests even if they cannot be kept off the network"
    parser.add_argument("--allow-network", action="store_true", help=description)
    description = "let the selector start from the results"
    parser.add_argument("--learn", action="store_true", help=description)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report`` to a parser."""
    parser.add_argument("--task", choices=TASKS, help="only this task")
    description = "folder for the report (in the data folder)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=description)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def _count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1")
    return count


def _dollars(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0")
    return value
