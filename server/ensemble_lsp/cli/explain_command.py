"""``explain``: print an explanation of code."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import SettingsError
from ..explanation.explainer import Explainer
from ..types import Document, Position, Span
from .common import app_of, line_end, line_start, numbers, open_file, run_async
from .one_shot import CliResult, check_model, print_answer, why
from .progress_bar import answers_shown


def run(args: argparse.Namespace) -> int:
    """Print an explanation of a file, the symbol at a line, or a range of lines."""
    path, lines = _place(args.place)

    async def work() -> int:
        async with app_of(args, path) as app:
            check_model(app, args.model, "explain")
            document = await open_file(app, path)
            span = _span(document, lines)
            with answers_shown(app, "explaining", quiet=args.json):
                explained = await Explainer().explain(
                    app, document, span, size=args.ensemble or 1, model=args.model
                )
            answer = CliResult(
                "explain",
                explained.markdown,
                explained.models,
                explained.latency_ms,
                explained.agreement,
                why(app, explained.id),
            )
            print_answer(args, answer)
        return 0

    return run_async(work)


def _place(text: str) -> tuple[Path, list[int]]:
    """Split ``FILE``, ``FILE:LINE`` or ``FILE:LINE-LINE`` into a path and up to two lines."""
    head, dash, last = text.rpartition("-")
    if dash and last.isascii() and last.isdigit():
        path, lines = numbers(head, 1)
        if lines:
            if int(last[:18]) < lines[0]:
                raise SettingsError(f"{text!r}: the last line must not come before the first.")
            return path, [*lines, int(last[:18])]
    path, lines = numbers(text, 2)
    return path, lines[:1]  # a column adds nothing: the symbol around the line is explained


def _span(document: Document, lines: list[int]) -> Span:
    if not lines:
        return Span(Position(0, 0), document.end)
    start = line_start(document, lines[0])
    # An empty span means the symbol around it.
    return Span(start, start if len(lines) == 1 else line_end(document, lines[1]))
