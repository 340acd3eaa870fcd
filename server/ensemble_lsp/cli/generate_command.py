"""``generate``: code from an instruction."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..app import AppContext
from ..errors import SettingsError
from ..generation.generator import Generation, Generator
from ..types import Document, Position, Span
from .common import app_of, line_end, numbers, open_file, run_async
from .console import warn
from .one_shot import CliResult, check_model, print_answer
from .progress_bar import answers_shown


def run(args: argparse.Namespace) -> int:
    """Print what the models agree on."""
    path, lines = numbers(args.at, 1) if args.at is not None else (None, [])
    if not args.instruction.strip() and path is None:
        raise SettingsError("Say what to write, or where a comment says it: --at FILE:LINE.")

    async def work() -> int:
        async with app_of(args, path) as app:
            check_model(app, args.model, "generate")
            document, place = await _place(app, path, lines)
            with answers_shown(app, "generating", quiet=args.json):
                made = await Generator().generate(
                    app,
                    document,
                    Span(place, place),
                    instruction=args.instruction.strip(),
                    size=args.ensemble,
                    model=args.model,
                )
            for error in made.errors.values():
                warn(args.redact.redact(error))
            print_answer(args, _answer(made))
        return 0

    return run_async(work)


async def _place(app: AppContext, path: Path | None, lines: list[int]) -> tuple[Document, Position]:
    if path is None:
        return Document.from_text("untitled:generate", 1, "python", ""), Position(0, 0)
    document = await open_file(app, path)
    return document, line_end(document, lines[0] if lines else len(document.lines))


def _answer(made: Generation) -> CliResult:
    best, alone = made.candidates[0], made.asked == 1
    models = ", ".join(best.models)
    return CliResult(
        "generate",
        best.text,
        best.models,
        made.latency_ms,
        None if alone else made.agreement,
        made.why,
        models if alone else f"{made.agreeing} of {made.asked} agree: {models}",
    )
