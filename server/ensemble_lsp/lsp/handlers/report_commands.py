"""``ensemble.report`` and ``ensemble.compare``: write reports into the data folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ...errors import SettingsError
from ..message_requests import ask_user
from ..server import EnsembleServer
from ..work_done_progress import WorkDoneProgress, with_progress

if TYPE_CHECKING:
    from ...app import AppContext
    from ...evaluation.cases import CaseKind
    from ...evaluation.comparison import Comparison
    from ...evaluation.comparison_plan import ComparisonOptions, ComparisonPlan
    from ...evaluation.eval_runner import EvalProgress
    from ..report_schemas import CompareArguments, ReportArguments

CONTINUE = "Continue"


async def report(ls: EnsembleServer, arguments: ReportArguments) -> dict[str, Any]:
    """Write the report of the history and return the paths of its files."""
    from ...evaluation.history_report import summarise_history
    from ...evaluation.reports.history_page import write_history

    app = await ls.app()
    summary = await summarise_history(app, arguments.task)
    out = app.data_dir / "reports"
    written = await asyncio.to_thread(write_history, summary, out)
    return _paths(ls, written.markdown, written.html, written.html_error)


async def compare(ls: EnsembleServer, arguments: CompareArguments) -> dict[str, Any]:
    """Measure models on the workspace's code, with a progress bar that can cancel it.

    Before code leaves the machine the user is asked, unless ``yes`` is set. Tests as judges
    (``--run-tests``) run model output, so only the command line has them.
    """
    app = await ls.app()
    options = await asyncio.to_thread(_options, ls, app, arguments)

    async def work(bar: WorkDoneProgress) -> dict[str, Any]:
        return await _compare(ls, app, options, arguments, bar)

    return await with_progress(ls, "Comparing models", arguments.work_done_token, work)


async def _compare(
    ls: EnsembleServer,
    app: AppContext,
    options: ComparisonOptions,
    arguments: CompareArguments,
    bar: WorkDoneProgress,
) -> dict[str, Any]:
    from ...evaluation.comparison import ComparisonObserver
    from ...evaluation.comparison import compare as run
    from ...evaluation.reports.comparison_page import write_comparison

    shown = -1

    def show_step(step: EvalProgress) -> None:
        nonlocal shown
        percentage = int(100 * step.overall)
        if percentage != shown:
            shown = percentage
            bar.report(f"{step.model}: {step.done} of {step.total}", percentage)

    async def confirm(plan: ComparisonPlan) -> bool:
        return not plan.leaves_machine or arguments.yes is True or await _confirm(ls, plan)

    observer = ComparisonObserver(confirm, show_step, bar.report)
    compared = await run(app, options, observer)
    if compared is None:
        return {"cancelled": True}
    written = await asyncio.to_thread(write_comparison, compared, options.out)
    if arguments.learn:
        await _learn(app, compared)
    return {
        **_paths(ls, written.markdown, written.html, written.html_error),
        "advice": compared.summary.advice,
        "cost": compared.spent,
    }


async def _confirm(ls: EnsembleServer, plan: ComparisonPlan) -> bool:
    """Ask the user to agree to the cost; a client that cannot ask counts as a refusal."""
    message = f"ensemble-lsp: {plan.sentence()}"
    answer = await ask_user(ls, types.MessageType.Warning, message, [CONTINUE, "Cancel"])
    return answer == CONTINUE


async def _learn(app: AppContext, compared: Comparison) -> None:
    from ...evaluation.measured_priors import measured_priors
    from ...selection.offline_priors import apply_priors, save_priors

    priors = measured_priors(compared)
    await asyncio.to_thread(save_priors, app.data_dir, priors)
    apply_priors(app.selector, priors, app.registry.ids())


def _options(ls: EnsembleServer, app: AppContext, arguments: CompareArguments) -> ComparisonOptions:
    from ...app.workspace import paths_of
    from ...evaluation.comparison_plan import ComparisonOptions

    paths = arguments.paths or paths_of(ls.folders)
    if not paths:
        raise SettingsError("No folder is open; open one, or give 'paths'.")
    task = arguments.task or "complete"
    out = Path(arguments.out or app.data_dir / "comparisons" / task)
    if not out.is_absolute():
        raise SettingsError("The argument 'out' must be an absolute path.")
    return ComparisonOptions(
        paths=tuple(Path(path).absolute() for path in paths),
        out=out,
        task=task,
        models=tuple(arguments.models or ()),
        samples=50 if arguments.samples is None else arguments.samples,
        seed=arguments.seed or 0,
        language=arguments.language,
        kinds=cast("tuple[CaseKind, ...]", tuple(arguments.kinds or ())),
        max_cost=arguments.max_cost,
        engine=arguments.engine or "local",
        fresh=arguments.fresh is True,
    )


def _paths(ls: EnsembleServer, markdown: Path, html: Path | None, missing: str) -> dict[str, Any]:
    if missing:
        ls.notify_user(missing)
    return {"markdown": str(markdown), "html": str(html) if html else None}
