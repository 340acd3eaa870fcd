"""``edit``: print the next edit as a diff."""

from __future__ import annotations

import argparse
import difflib
import itertools
import sys
import time
from pathlib import Path

from ..app import AppContext
from ..app.failures import refused
from ..errors import EnsembleError, NoModelError, SettingsError
from ..languages import language_of
from ..next_edit.edit_history import EditHistory
from ..next_edit.model_prompt import EditQuery
from ..next_edit.patch import PatchHunk, read_patch, replay
from ..next_edit.predictor import EditPredictor
from ..types import Document
from .common import app_of, file_line_column, open_file, place_in, project_of, run_async
from .one_shot import (
    CliResult,
    check_model,
    collect_failures,
    models_asked,
    print_answer,
    why,
)
from .progress_bar import answers_shown


def run(args: argparse.Namespace) -> int:
    """Print the next edit."""
    path, place = file_line_column(args.place)
    hunks = _read(args.history) if args.history is not None else []

    async def work() -> int:
        async with app_of(args, path) as app:
            check_model(app, args.model, "edit")
            document = await open_file(app, path)
            history = await _history_of(app, hunks, document, project_of(path))
            print_answer(args, await _predict(args, app, document, place, history))
        return 0

    return run_async(work)


def _read(patch: Path) -> list[PatchHunk]:
    try:
        text = sys.stdin.read() if str(patch) == "-" else patch.read_text("utf-8", "replace")
        hunks = list(read_patch(text))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{patch} cannot be read as a patch: {error}; give the output of `git diff`."
        ) from error
    if not hunks:
        raise SettingsError(
            f"{patch} has no hunk of a unified diff; give the output of `git diff`."
        )
    return hunks


async def _history_of(
    app: AppContext, hunks: list[PatchHunk], document: Document, project: Path
) -> EditHistory:
    """Return the hunks of a patch as the edits just made."""
    history = EditHistory()
    for name, group in itertools.groupby(hunks, lambda hunk: hunk.path):
        path, found = project / name, list(group)
        await app.workspace.context.privacy.prepare(path)
        if path.as_uri() == document.uri and replay(history, document, found):
            continue
        for hunk in found:
            original, updated = "".join(hunk.original), "".join(hunk.updated)
            history.add(path.as_uri(), language_of(name), original, updated, hunk.line)
    return history


async def _predict(
    args: argparse.Namespace,
    app: AppContext,
    document: Document,
    place: tuple[int, int],
    history: EditHistory,
) -> CliResult:
    query = EditQuery(
        document,
        place_in(document, *place),
        "invoked",
        model=args.model,
        # No keystroke waits for it: a model may take longer, or load its weights.
        budget_ms=app.settings.ensemble.budget_ms,
    )
    failures = collect_failures(app)
    predictor = EditPredictor(history)
    start = time.perf_counter()
    try:
        with answers_shown(app, "predicting", quiet=args.json):
            found = await predictor.predict(app, query)
        took = (time.perf_counter() - start) * 1e3
    finally:
        predictor.close()
    if found is None:
        raise _nothing(args, app, document, failures)
    after = document.replace(found.span, found.text)
    diff = _diff(document, after, app.workspace.context.relative(document.path))
    return CliResult("edit", diff, found.models, took, None, why(app, found.id))


def _diff(before: Document, after: Document, path: str) -> str:
    old, new = before.text.removesuffix("\n"), after.text.removesuffix("\n")
    lines = difflib.unified_diff(
        old.split("\n"), new.split("\n"), f"a/{path}", f"b/{path}", lineterm=""
    )
    return "\n".join(line.rstrip("\r") for line in lines)


def _nothing(
    args: argparse.Namespace, app: AppContext, document: Document, failures: list[str]
) -> EnsembleError:
    """Return the reason why there is no edit."""
    models = models_asked(app, args.model, "edit")
    message = failures[-1] if failures else "No next edit is predicted here."
    if not models:
        message = f"{message} No model can predict one: add a chat model or one for edits."
    return refused(app, document, models) or NoModelError(message)
