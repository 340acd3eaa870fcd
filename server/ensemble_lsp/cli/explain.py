"""``explain``: what code does."""

from __future__ import annotations

import argparse
import sys

from ..errors import SettingsError
from ..features.explain import Explainer
from ..types import Position, Span
from .common import numbers, open_file, position_in, print_json, run_async, safe, session_of


def run(args: argparse.Namespace) -> int:
    """Print an explanation of a file, the symbol at a line, or a range of lines."""
    text, last = args.place, 0
    head, dash, tail = text.rpartition("-")
    if dash and tail.isdigit() and head.rpartition(":")[2].isdigit():
        text, last = head, int(tail)
    path, lines = numbers(text, 1)

    async def work() -> int:
        async with session_of(args, path) as session:
            document = await open_file(session, path)
            span = None
            if lines:
                start = position_in(document, lines[0], 1)
                end = start
                if last:
                    if last < lines[0]:
                        raise SettingsError("The last line must not come before the first.")
                    end = position_in(document, last, 10**9)
                span = Span(start, end)
            else:
                span = Span(Position(0, 0), document.end)
            told = await Explainer().explain(
                session, document, span, size=args.ensemble or 1, model=args.model
            )
            if args.json:
                why = session.runtime.reasons(told.id)
                print_json(
                    {
                        "task": "explain",
                        "text": told.markdown,
                        "models": list(told.models),
                        "latencyMs": round(told.latency_ms, 1),
                        "agreement": told.agreement,
                        "why": why.decision.choice.why if why else "",
                    }
                )
            else:
                print(safe(told.markdown))
                print(f"({', '.join(told.models)})", file=sys.stderr)
            return 0

    return run_async(work)
