"""``complete``: a completion at a place."""

from __future__ import annotations

import argparse
import sys
import time

from ..errors import NoModelError, SettingsError
from ..features.complete import Completer, CompletionRequest
from .common import numbers, open_file, position_in, print_json, run_async, safe, session_of

BUDGET_MS = 30_000.0
"""At a prompt one waits for an embedded model to load; the setting is for who types."""


def run(args: argparse.Namespace) -> int:
    """Print the best completion."""
    path, place = numbers(args.place, 2)
    if len(place) != 2:
        raise SettingsError(f"{args.place!r} must be FILE:LINE:COL.")

    async def work() -> int:
        async with session_of(args, path) as session:
            document = await open_file(session, path)
            request = CompletionRequest(
                document,
                position_in(document, *place),
                "invoked",
                model=args.model,
                ensemble=args.ensemble,
                budget_ms=max(BUDGET_MS, session.settings.complete.budget_ms),
            )
            start = time.perf_counter()
            found = await Completer().complete(session, request)
            if not found:
                raise NoModelError("No model has a completion for this place.")
            best = found[0]
            if args.json:
                why = session.runtime.reasons(best.id)
                print_json(
                    {
                        "task": "complete",
                        "text": best.text,
                        "models": list(best.models),
                        "latencyMs": round((time.perf_counter() - start) * 1e3, 1),
                        "agreement": best.agreement,
                        "why": why.decision.choice.why if why else "",
                    }
                )
            else:
                print(safe(best.text))
                print(f"({', '.join(best.models)})", file=sys.stderr)
            return 0

    return run_async(work)
