"""``generate``: code from an instruction."""

from __future__ import annotations

import argparse
import sys

from ..features.generate import Generator
from ..types import Document, Position, Span
from .common import numbers, open_file, position_in, print_json, run_async, safe, session_of


def run(args: argparse.Namespace) -> int:
    """Print what the models agree on."""
    path, lines = numbers(args.at, 1) if args.at else (None, [])

    async def work() -> int:
        async with session_of(args, path) as session:
            if path is not None:
                document = await open_file(session, path)
                place = position_in(document, lines[0] if lines else len(document.lines), 10**9)
            else:
                document = Document.from_text("untitled:generate", 1, "python", "")
                place = Position(0, 0)

            def report(message: str, _percent: int | None) -> None:
                if sys.stderr.isatty():
                    print(message, file=sys.stderr)

            made = await Generator().generate(
                session,
                document,
                Span(place, place),
                instruction=args.instruction,
                size=args.ensemble,
                model=args.model,
                progress=report,
            )
            best = made.candidates[0]
            if args.json:
                print_json(
                    {
                        "task": "generate",
                        "text": best.text,
                        "models": list(best.models),
                        "latencyMs": round(made.latency_ms, 1),
                        "agreement": made.agreement,
                        "why": made.why,
                    }
                )
            else:
                print(safe(best.text))
                told = f"{made.agreeing} of {made.asked} agree: {', '.join(best.models)}"
                print(f"({told})", file=sys.stderr)
            return 0

    return run_async(work)
