"""The arguments of ``compare`` and ``report``; apart from their work, so that the parser stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..types import TASKS


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Teach a parser the arguments of ``compare``."""
    told = (
        "files and folders with your own code; ignored, vendored and generated files are left out"
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=told)
    parser.add_argument("--task", choices=TASKS, default="complete", help="(complete)")
    parser.add_argument("--models", metavar="A,B", help="by name; else all that can do the task")
    parser.add_argument(
        "--samples", type=_count, default=50, metavar="N", help="how many places (50)"
    )
    told = "where the report and the results go (./ensemble-comparison); run again to go on"
    parser.add_argument("--out", type=Path, metavar="DIR", help=told)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="draws the places (0)")
    parser.add_argument("--language", metavar="ID", help="only this language, such as python")
    told = "only these kinds of places: line, block, function"
    parser.add_argument("--kinds", metavar="A,B", help=told)
    told = "go on after the cost estimate without asking"
    parser.add_argument("--yes", action="store_true", help=told)
    told = "US dollars that are never passed"
    parser.add_argument("--max-cost", type=_dollars, metavar="USD", help=told)
    told = "ask everything anew, whatever an earlier run in --out had answered"
    parser.add_argument("--fresh", action="store_true", help=told)
    told = "where models are asked from: this process, or the Ray cluster of RAY_ADDRESS (local)"
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help=told)
    told = 'let the repository\'s tests judge bodies, in a walled-off copy: "pytest -q"'
    parser.add_argument("--run-tests", metavar="COMMAND", help=told)
    parser.add_argument(
        "--test-timeout", type=_dollars, default=120.0, metavar="S", help="of one run (120)"
    )
    told = "run the tests even where nothing can keep them from the network"
    parser.add_argument("--allow-network", action="store_true", help=told)
    told = "let the results be what the selector expects of the models, until it knows better"
    parser.add_argument("--learn", action="store_true", help=told)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Teach a parser the arguments of ``report``."""
    parser.add_argument("--task", choices=TASKS, help="only this task")
    told = "where the report goes; else into the data folder"
    parser.add_argument("--out", type=Path, metavar="DIR", help=told)
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
