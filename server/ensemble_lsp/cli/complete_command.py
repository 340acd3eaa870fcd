"""``complete``: print a completion."""

from __future__ import annotations

import argparse
import time

from ..app import AppContext
from ..app.failures import no_model, refused
from ..completion import Completer, CompletionRequest
from ..errors import EnsembleError, NoModelError
from ..types import Document
from .common import app_of, file_line_column, open_file, place_in, run_async
from .one_shot import (
    CliResult,
    check_model,
    collect_failures,
    models_asked,
    print_answer,
    why,
)
from .progress_bar import answers_shown

_NO_COMPLETION = "No model suggested a completion here; try another position."


def run(args: argparse.Namespace) -> int:
    """Print the best completion."""
    path, place = file_line_column(args.place)

    async def work() -> int:
        async with app_of(args, path) as app:
            check_model(app, args.model, "complete")
            document = await open_file(app, path)
            print_answer(args, await _ask(args, app, document, place))
        return 0

    return run_async(work)


async def _ask(
    args: argparse.Namespace, app: AppContext, document: Document, place: tuple[int, int]
) -> CliResult:
    request = CompletionRequest(
        document,
        place_in(document, *place),
        "invoked",
        model=args.model,
        ensemble=args.ensemble,
        # No keystroke waits for it: a model may take longer, or load its weights.
        budget_ms=app.settings.ensemble.budget_ms,
        candidates=1,
    )
    failures = collect_failures(app)
    start = time.perf_counter()
    completer = Completer()
    try:
        with answers_shown(app, "completing", quiet=args.json):
            found = await completer.complete(app, request)
        took = (time.perf_counter() - start) * 1e3
        await completer.settled()
    finally:
        completer.close()
    if not found:
        # A place where nothing is asked leaves the file unchecked.
        await app.workspace.context.prepare(document)
        raise _nothing(args, app, document, failures)
    best = found[0]
    return CliResult("complete", best.text, best.models, took, best.agreement, why(app, best.id))


def _nothing(
    args: argparse.Namespace, app: AppContext, document: Document, failures: list[str]
) -> EnsembleError:
    """Return the reason why there is no completion."""
    models = models_asked(app, args.model, "complete")
    if not models:
        return no_model(app, "complete")
    message = failures[-1] if failures else _NO_COMPLETION
    return refused(app, document, models) or NoModelError(message)
