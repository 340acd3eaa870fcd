"""``compare``: measure models on the user's own code."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import shlex
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ..app import AppContext
from ..errors import SettingsError
from ..evaluation.cases import CaseKind
from ..evaluation.comparison import Comparison, ComparisonObserver, compare
from ..evaluation.comparison_plan import ComparisonOptions, ComparisonPlan
from ..evaluation.eval_runner import EvalProgress
from ..evaluation.measured_priors import measured_priors
from ..evaluation.reports import html_page
from ..evaluation.reports.comparison_page import ReportFiles, write_comparison
from ..sandbox.process import ResourceLimits
from ..selection.offline_priors import save_priors
from ..uris import expand_user
from ..wording import plural
from .browser import open_page
from .common import app_of, run_async
from .console import number, print_json, print_table, safe, warn
from .questions import confirmed
from .sentence_layout import say

OUT = "ensemble-comparison"


def run(args: argparse.Namespace) -> int:
    """Compare; the exit code is 1 if no model gave an answer that could be scored."""
    options = _options(args)

    async def work() -> int:
        async with app_of(args, options.paths[0] / "any") as app:
            with _bars(quiet=args.json) as step:
                observer = ComparisonObserver(
                    lambda plan: _confirm(args, plan), step, _print_progress
                )
                try:
                    compared = await compare(app, options, observer)
                except asyncio.CancelledError:
                    warn(f"stopped; the answers are kept in {options.out}: run it again to resume")
                    raise
            if compared is None:
                say("No model was asked.", to_stderr=True)
                return 0
            command = "ensemble-lsp compare " + shlex.join(_shown(args))
            written = await asyncio.to_thread(write_comparison, compared, options.out, command)
            _print(args, compared, written)
            open_page(written.html, wanted=False if args.json else args.open)
            if args.learn:
                await _learn(app, compared)
            return 0 if any(row.scores for row in compared.summary.rows) else 1

    return run_async(work)


def _options(args: argparse.Namespace) -> ComparisonOptions:
    split = [k.strip() for k in (args.kinds or "").split(",") if k.strip()]
    models = [m.strip() for m in (args.models or "").split(",") if m.strip()]
    if args.out is None and Path(OUT).is_symlink():
        # A repository may have put it there: its target would be written to.
        raise SettingsError(f"{OUT} is a symbolic link; remove it, or choose a folder with --out.")
    return ComparisonOptions(
        paths=tuple(expand_user(path).absolute() for path in args.paths),
        out=expand_user(args.out or Path(OUT)).absolute(),
        task=args.task,
        models=tuple(models),
        samples=args.samples,
        seed=args.seed,
        language=args.language,
        kinds=cast("tuple[CaseKind, ...]", tuple(split)),
        max_cost=args.max_cost,
        engine=args.engine,
        fresh=args.fresh,
        run_tests=args.run_tests,
        test_limits=ResourceLimits(seconds=max(1.0, args.test_timeout)),
        allow_network=args.allow_network,
    )


def _shown(args: argparse.Namespace) -> list[str]:
    """Return the command as a report shows it: the options that decide the cases."""
    shown = [str(path) for path in args.paths] + ["--task", args.task]
    shown += ["--samples", str(args.samples), "--seed", str(args.seed)]
    for name in ("models", "language", "kinds"):
        if value := getattr(args, name):
            shown += [f"--{name}", value]
    return shown


async def _confirm(args: argparse.Namespace, plan: ComparisonPlan) -> bool:
    """Print the estimate; ask the user if code leaves the machine."""
    for name, why in plan.unavailable.items():
        warn(f"{name} is skipped: {why}")
    sys.stdout.flush()
    places = f"{plural(len(plan.sample.cases), 'place')} in {plural(plan.sample.read, 'file')}"
    kept = f"; {plural(plan.kept, 'answer')} already there" if plan.kept else ""
    say(f"{places}{kept}.", to_stderr=True)
    for one in plan.estimates:
        price = f"about {html_page.dollars(one.cost)}, at most {html_page.dollars(one.max_cost)}"
        price = price if one.priced else "price unknown"
        cost = "on this machine" if one.local else price
        tokens = f"{plural(one.input_tokens, 'token')} in, {one.output_tokens:,} out"
        line = f"{plural(one.requests, 'request')}, about {tokens}; {cost}"
        line = line if one.requests else "no request"
        say(safe(f"  {one.model}: {line}"), to_stderr=True, indent="    ")
    if not plan.leaves_machine or args.yes:
        return True
    if not sys.stdin.isatty():
        raise SettingsError(f"{plan.sentence()} Add --yes to continue.")
    return confirmed(f"{plan.sentence()} Continue?")


@contextmanager
def _bars(*, quiet: bool) -> Generator[Callable[[EvalProgress], None]]:
    """Show a progress bar for each model on standard error, from the first answer on."""
    if quiet or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bars: dict[str, TaskID] = {}

    def step(at: EvalProgress) -> None:
        progress.start()
        if at.model not in bars:
            bars[at.model] = progress.add_task(safe(at.model), total=at.total)
        progress.update(bars[at.model], completed=at.done)

    try:
        yield step
    finally:
        progress.stop()


def _print_progress(text: str) -> None:
    say(safe(text), to_stderr=True)


def _print(args: argparse.Namespace, compared: Comparison, written: ReportFiles) -> None:
    if written.html_error:
        warn(written.html_error)
    if args.json:
        paths = {
            k: str(v) for k, v in dataclasses.asdict(written).items() if v and k != "html_error"
        }
        print_json({**compared.summary.to_json(), "spent": compared.spent, "written": paths})
        return
    summary = compared.summary
    measures = [summary.main, "exact"]
    if summary.task == "edit":
        measures += ["deltaChrf", "shown", "quiet"]
    rows: list[list[str]] = []
    for row in summary.rows:
        first, *others = [row.scores.get(measure) for measure in measures]
        rows.append(
            [
                row.model,
                f"{row.answered} of {row.asked}",
                html_page.score(first),
                *(number(one.value if one else None) for one in others),
                html_page.ms(row.first_ms.value if row.first_ms else None),
                html_page.ms(row.total_ms.value if row.total_ms else None),
                html_page.dollars(row.cost) if row.each or row.cost else html_page.EMPTY,
                row.message or "",
            ]
        )
    columns = ["model", "answers", *measures, "first token", "whole", "cost", "error"]
    print_table(columns, rows, optional=("first token", "answers", "exact", "whole"))
    say(safe(compared.summary.advice))
    if compared.ended:
        say(compared.ended)
    print(f"Report: {written.html or written.markdown}")


async def _learn(app: AppContext, compared: Comparison) -> None:
    priors = measured_priors(compared)
    await asyncio.to_thread(save_priors, app.data_dir, priors)
    rewards = ", ".join(f"{prior.model} {prior.reward:.2f}" for prior in priors)
    message = f"The selector now expects these rewards for {compared.summary.task}: {rewards}."
    say(safe(message), to_stderr=True)
