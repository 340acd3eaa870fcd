"""``generate``: print code for an instruction."""

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
    """Print the first answer: the consensus, or the answer of the model with the best record."""
    # A column, as compilers and searches print it, adds nothing: the code follows the line.
    path, lines = numbers(args.at, 2) if args.at is not None else (None, [])
    if not args.instruction.strip() and path is None:
        raise SettingsError(
            "Give an instruction, or the place of a comment that has one: --at FILE:LINE."
        )

    async def work() -> int:
        async with app_of(args, path) as app:
            check_model(app, args.model, "generate")
            document, place = await _place(app, path, lines)
            with answers_shown(app, "generating", quiet=args.json):
                generation = await Generator().generate(
                    app,
                    document,
                    Span(place, place),
                    instruction=args.instruction.strip(),
                    size=args.ensemble,
                    model=args.model,
                )
            for error in generation.errors.values():
                warn(args.redact.redact(error))
            print_answer(args, _answer(generation))
        return 0

    return run_async(work)


async def _place(app: AppContext, path: Path | None, lines: list[int]) -> tuple[Document, Position]:
    if path is None:
        return Document.from_text("untitled:generate", 1, "python", ""), Position(0, 0)
    document = await open_file(app, path)
    return document, line_end(document, lines[0] if lines else len(document.lines))


def _answer(generation: Generation) -> CliResult:
    best = generation.candidates[0]
    alone = generation.agreeing < 2 and len(generation.candidates) == 1
    models = ", ".join(best.models)
    agreed = f"{generation.agreeing} of {generation.asked} agree: {models}"
    return CliResult(
        "generate",
        best.text,
        best.models,
        generation.latency_ms,
        None if alone else generation.agreement,
        generation.why,
        agreed if generation.agreeing > 1 else models,
    )
