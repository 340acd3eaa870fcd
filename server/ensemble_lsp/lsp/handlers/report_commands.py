"""``ensemble.report`` and ``ensemble.compare``: reports written into the data folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from ...errors import SettingsError
from ...types import TASKS, Task
from ..error_responses import raise_to_user
from ..server import EnsembleServer
from ..work_done_progress import Progress, with_progress

if TYPE_CHECKING:
    from ...app import AppContext
    from ...evaluation.cases import Kind
    from ...evaluation.comparison import Options, Plan
    from ...evaluation.eval_runner import Step

Arguments = dict[str, Any]
GO_ON = "Go on"


@raise_to_user
async def report(ls: EnsembleServer, arguments: Arguments) -> dict[str, Any]:
    """The report from the history: the paths of what was written."""
    from ...evaluation.history_report import summarise_history
    from ...evaluation.reports.history_page import write_history

    app = await ls.app()
    summary = await summarise_history(app, _task(arguments))
    out = app.data_dir / "reports"
    written = await asyncio.to_thread(write_history, summary, out)
    return _paths(ls, written.markdown, written.html, written.missing)


@raise_to_user
async def compare(ls: EnsembleServer, arguments: Arguments) -> dict[str, Any]:
    """Measure models on the workspace's code, with a progress bar that can be cancelled.

    As the command line's arguments: ``paths`` (the workspace's folders), ``task``, ``models``,
    ``samples``, ``seed``, ``language``, ``kinds``, ``maxCost``, ``engine``, ``fresh``, ``learn``, ``out``.
    Where code would leave the machine the user is asked first, unless ``yes`` is set. Tests that judge
    (``--run-tests``) run what models wrote, so they are the command line's alone.
    """
    app = await ls.app()
    options = await asyncio.to_thread(_options, ls, app, arguments)

    async def work(bar: Progress) -> dict[str, Any]:
        return await _compare(ls, app, options, arguments, bar)

    token = arguments.get("workDoneToken")
    return cast("dict[str, Any]", await with_progress(ls, "Comparing models", token, work))


async def _compare(
    ls: EnsembleServer, app: AppContext, options: Options, arguments: Arguments, bar: Progress
) -> dict[str, Any]:
    from ...evaluation.comparison import Watcher
    from ...evaluation.comparison import compare as run
    from ...evaluation.reports.comparison_page import write
    from ...evaluation.scenario import Cleaners
    from ...postprocess import clean_code, clean_completion, clean_prose

    shown = -1

    def step(at: Step) -> None:
        nonlocal shown
        percentage = int(100 * at.overall)
        if percentage != shown:
            shown = percentage
            bar.report(f"{at.model}: {at.done} of {at.total}", percentage)

    async def agree(plan: Plan) -> bool:
        return not plan.leaves_machine or arguments.get("yes") is True or await _ask(ls, plan)

    watcher = Watcher(agree, step, bar.report)
    cleaners = Cleaners(clean_completion, clean_code, clean_prose)
    compared = await run(app, options, cleaners, watcher)
    if compared is None:
        return {"cancelled": True}
    written = await asyncio.to_thread(write, compared, options.out)
    told = _paths(ls, written.markdown, written.html, written.missing)
    if arguments.get("learn"):
        await _learn(app, compared)
    return {**told, "advice": compared.summary.advice, "cost": compared.spent}


async def _ask(ls: EnsembleServer, plan: Plan) -> bool:
    """Whether the user agrees to the cost; a client that cannot ask does not."""
    question = types.ShowMessageRequestParams(
        type=types.MessageType.Warning,
        message=f"ensemble-lsp: {plan.sentence()}",
        actions=[types.MessageActionItem(GO_ON), types.MessageActionItem("Cancel")],
    )
    answer = await ls.window_show_message_request_async(question)
    return answer is not None and answer.title == GO_ON


async def _learn(app: AppContext, compared: Any) -> None:
    from ...evaluation.measured_priors import measured
    from ...selection.offline_priors import apply_priors, save_priors

    found = measured(compared)
    await asyncio.to_thread(save_priors, app.data_dir, found)
    apply_priors(app.selector, found, app.registry.ids())


def _options(ls: EnsembleServer, app: AppContext, arguments: Arguments) -> Options:
    from ...evaluation.comparison import ENGINES, Options

    paths = _texts(arguments, "paths") or [
        unquote(urlsplit(uri).path) for uri in ls.folders if uri.startswith("file:")
    ]
    if not paths:
        raise SettingsError("No folder is open; open one, or give 'paths'.")
    task = _task(arguments) or "complete"
    out = arguments.get("out")
    folder = Path(str(out)) if out else app.data_dir / "comparisons" / task
    if not folder.is_absolute():
        raise SettingsError("The argument 'out' must be an absolute path.")
    cost = arguments.get("maxCost")
    if cost is not None and (isinstance(cost, bool) or not isinstance(cost, int | float)):
        raise SettingsError("The argument 'maxCost' must be a number of dollars.")
    engine = arguments.get("engine") or "local"
    if engine not in ENGINES:
        raise SettingsError("The argument 'engine' must be 'local' or 'ray'.")
    language = arguments.get("language")
    if language is not None and not isinstance(language, str):
        raise SettingsError("The argument 'language' must be a text.")
    return Options(
        paths=tuple(Path(p).absolute() for p in paths),
        out=folder,
        task=task,
        models=tuple(_texts(arguments, "models")),
        samples=_whole(arguments, "samples", 50),
        seed=_whole(arguments, "seed", 0),
        language=language,
        kinds=cast("tuple[Kind, ...]", tuple(_texts(arguments, "kinds"))),
        max_cost=cost,
        engine=engine,
        fresh=arguments.get("fresh") is True,
    )


def _texts(arguments: Arguments, key: str) -> list[str]:
    value = arguments.get(key)
    if value is None:
        return []
    items = cast("list[Any]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) and item for item in items):
        raise SettingsError(f"The argument {key!r} must be a list of texts.")
    return cast("list[str]", items)


def _whole(arguments: Arguments, key: str, default: int) -> int:
    value = arguments.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"The argument {key!r} must be a whole number from 0.")
    return value


def _task(arguments: Arguments) -> Task | None:
    task = arguments.get("task")
    if task is not None and task not in TASKS:
        raise SettingsError(f"The task {task!r} is not known; use {', '.join(TASKS)}.")
    return task


def _paths(ls: EnsembleServer, markdown: Path, html: Path | None, missing: str) -> dict[str, Any]:
    if missing:
        ls.tell(missing)
    return {"markdown": str(markdown), "html": str(html) if html else None}
