"""A whole comparison of models, for the command line and the editor's command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .. import __version__
from ..app.failures import no_model
from ..errors import NoModelError, SettingsError
from ..provider_spec import spec_of
from ..types import LOCATOR, Document, Prompt, Span, Task
from .case_selection import CaseSample, select_cases
from .cases import KINDS_OF, Case
from .comparison_plan import ComparisonOptions, ComparisonPlan
from .edit_scenario import EditWorkspace, locator_model
from .edit_selection import EditSample, select_edits
from .eval_runner import EvalProgress, EvalQuestion, EvalRun, ModelUnderTest
from .repo_test_scoring import RepoTestOptions, score_with_tests
from .results import Result, ResultStore
from .sampler import Sampler
from .scenario import ScenarioWorkspace
from .signed_lines import LineSigner
from .source_files import survey
from .spending_limit import Budget, CostEstimate, check_prices, estimate_cost
from .summary import Summary, summarise

if TYPE_CHECKING:
    from ..app import AppContext
    from ..registry.model_registry import Entry

LINES_ABOVE = 12
"""Lines above a hole that a report shows."""


@dataclass(frozen=True, slots=True)
class ComparisonObserver:
    """Callbacks for progress, messages, and the confirmation before code leaves the machine."""

    confirm: Callable[[ComparisonPlan], Awaitable[bool]]
    on_progress: Callable[[EvalProgress], None] = lambda progress: None
    on_message: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The results of a comparison and their summary."""

    summary: Summary
    plan: ComparisonPlan
    results: Sequence[Result]
    cases: Mapping[str, Case]
    stopped: Mapping[str, str]
    spent: float
    ended: str = ""
    """The sentence that says at which case the budget ended the run; empty if it did not."""


async def compare(
    app: AppContext, options: ComparisonOptions, observer: ComparisonObserver
) -> Comparison | None:
    """Run a comparison; None if the user declines the plan. A cancelled run continues when called again.

    Raises ``SettingsError`` (paths, names, prices), ``NoModelError``, ``UnknownModelError``.
    """
    _check(options)
    settings = app.settings
    sample = await _select(options, settings.privacy.exclude)
    scenarios = _workspace(app, sample)
    results: ResultStore | None = None
    try:
        models, unavailable = _models_under_test(app, options, scenarios)
        results = await asyncio.to_thread(_results, app, options)
        if results.notice:
            observer.on_message(results.notice)
        questions = await _questions(scenarios, sample, models)
        plan = _plan(sample, questions, models, results, unavailable)
        plan = replace(plan, limit=options.max_cost)
        check_prices(plan.estimates, options.max_cost)
        if not await observer.confirm(plan):
            return None
        await asyncio.to_thread(_record_run, results, options, sample.cases, models)
        threshold = settings.complete.threshold if options.task == "complete" else 0.0
        limits = {"complete": settings.complete.budget_ms, "edit": settings.next_edit.budget_ms}
        budget = Budget(options.max_cost, results.spent())
        async with _sampler(app, options, plan, observer) as sampler:
            run = EvalRun(
                scenarios,
                results,
                budget,
                threshold=threshold,
                sampler=sampler,
                on_progress=observer.on_progress,
            )
            await run.ask(questions, models)
        if options.run_tests is not None:
            await score_with_tests(
                RepoTestOptions(options.run_tests, options.test_limits, options.allow_network),
                sample,
                questions,
                models,
                results,
                observer.on_message,
            )
        return await asyncio.to_thread(
            _conclude,
            options.task,
            sample,
            models,
            results,
            plan,
            run,
            budget.spent,
            limits.get(options.task),
        )
    finally:
        if results is not None:
            results.close()
        await scenarios.close()


def _results(app: AppContext, options: ComparisonOptions) -> ResultStore:
    path, signer = options.out / "results.jsonl", LineSigner.of(app.data_dir)
    return ResultStore.open(path, signer, fresh=options.fresh)


def _workspace(app: AppContext, sample: CaseSample) -> ScenarioWorkspace:
    settings = app.settings
    if isinstance(sample, EditSample):
        return EditWorkspace(sample, settings.privacy)
    max_lines = settings.complete.max_lines
    return ScenarioWorkspace(sample.documents, sample.folder, settings.privacy, max_lines=max_lines)


@asynccontextmanager
async def _sampler(
    app: AppContext, options: ComparisonOptions, plan: ComparisonPlan, observer: ComparisonObserver
) -> AsyncGenerator[Sampler | None]:
    """Open the Ray cluster, if it is chosen and requests remain; else yield None for this process."""
    names = [e.model for e in plan.estimates if e.requests]
    if options.engine == "local" or not names:
        yield None
        return
    from .ray_backend import RaySampler

    cluster = await RaySampler.open(app, names)
    observer.on_message(f"{cluster.size} workers of the Ray cluster send the requests.")
    try:
        yield cluster
    finally:
        await asyncio.shield(cluster.close())


def _check(options: ComparisonOptions) -> None:
    if options.samples < 1:
        raise SettingsError("--samples must be 1 or more.")
    if options.max_cost is not None and options.max_cost < 0:
        raise SettingsError("--max-cost must be 0 or more dollars.")
    unknown = [k for k in options.kinds if k not in KINDS_OF[options.task]]
    if unknown:
        known = ", ".join(KINDS_OF[options.task])
        raise SettingsError(
            f"{unknown[0]!r} is not a kind of case for the task {options.task}; use {known}."
        )
    if options.run_tests is not None and options.task in ("explain", "edit"):
        noun = {"explain": "explanations", "edit": "next edits"}[options.task]
        raise SettingsError(f"Tests cannot judge {noun}; leave --run-tests out.")


async def _select(options: ComparisonOptions, exclude: Sequence[str]) -> CaseSample:
    stopped = False

    def work() -> CaseSample:
        found = survey(options.paths, exclude)
        if options.task == "edit":
            return select_edits(
                found,
                options.samples,
                seed=options.seed,
                language=options.language,
                kinds=options.kinds,
                stopped=lambda: stopped,
            )
        return select_cases(
            found,
            options.task,
            options.samples,
            seed=options.seed,
            language=options.language,
            kinds=options.kinds,
            stopped=lambda: stopped,
        )

    try:
        return await asyncio.to_thread(work)
    finally:
        stopped = True  # after a cancel the thread ends at the next file


def _models_under_test(
    app: AppContext, options: ComparisonOptions, scenarios: ScenarioWorkspace
) -> tuple[list[ModelUnderTest], dict[str, str]]:
    """Return the models to ask, and those that cannot be asked with the reasons."""
    entries = {e.profile.name: e for e in app.registry.entries()}
    usable: list[ModelUnderTest] = []
    wanted = list(dict.fromkeys(options.models))
    if options.task == "edit" and LOCATOR in (wanted or (LOCATOR,)):
        usable.append(ModelUnderTest(locator_model(), f"{LOCATOR}/{__version__}"))
        wanted = [name for name in wanted if name != LOCATOR]
    for name in wanted:
        app.registry.get(name)  # raises for an unknown name, with the nearest one
    names = wanted or [
        name
        for name, e in entries.items()
        if options.task in e.profile.tasks and not options.models
    ]
    unavailable: dict[str, str] = {}
    for name in names:
        entry = entries[name]
        if options.task not in entry.profile.tasks:
            unavailable[name] = f"{name} does not do the task {options.task}."
        elif not entry.available:
            unavailable[name] = entry.reason
        else:
            usable.append(_model_under_test(app, entry, scenarios))
    if not usable:
        if unavailable:
            reasons = " ".join(unavailable.values())
            raise NoModelError(f"No model can do the task {options.task}. {reasons}")
        raise no_model(app, options.task)
    return usable, unavailable


def _model_under_test(
    app: AppContext, entry: Entry, scenarios: ScenarioWorkspace
) -> ModelUnderTest:
    profile = entry.profile
    own = spec_of(profile.provider).uses_documents
    model = scenarios.recall_model(entry.settings) if own else app.registry.get(profile.name)
    return ModelUnderTest(model, f"{profile.provider}/{profile.model}")


async def _questions(
    scenarios: ScenarioWorkspace, sample: CaseSample, models: Sequence[ModelUnderTest]
) -> list[EvalQuestion]:
    """Build each model's prompt for every case; drop cases an editor would never trigger on."""
    questions: list[EvalQuestion] = []
    await scenarios.workspace.guard(c.profile for c in models)
    for case in sample.cases:
        scenario = await scenarios.open_case(case)
        if scenario is None:
            continue
        prompts: dict[str, Prompt] = {}
        exclusions: dict[str, str] = {}
        for candidate in models:
            prompt = scenarios.prompt(scenario, candidate.profile)
            if prompt is None:
                exclusions[candidate.name] = scenarios.exclusion_reason(scenario, candidate.profile)
            else:
                prompts[candidate.name] = prompt
        questions.append(EvalQuestion(scenario, prompts, exclusions))
        await scenarios.close_case(scenario)
    sample.cases = [q.scenario.case for q in questions]
    if not questions:
        raise SettingsError("An editor would request none of these cases; choose other files.")
    return questions


def _plan(
    sample: CaseSample,
    questions: Sequence[EvalQuestion],
    models: Sequence[ModelUnderTest],
    results: ResultStore,
    unavailable: Mapping[str, str],
) -> ComparisonPlan:
    estimates: list[CostEstimate] = []
    kept = 0
    for candidate in (model for model in models if model.name != LOCATOR):
        left: list[Prompt] = []
        for question in questions:
            known = results.get(question.scenario.case.id, candidate.name, candidate.id)
            if known is not None and not known.failed:
                kept += 1
            elif candidate.name in question.prompts:
                left.append(question.prompts[candidate.name])
        estimates.append(estimate_cost(candidate.profile, left))
    return ComparisonPlan(sample, tuple(estimates), kept, unavailable)


def _record_run(
    results: ResultStore,
    options: ComparisonOptions,
    cases: Sequence[Case],
    models: Sequence[ModelUnderTest],
) -> None:
    results.begin_run()
    results.append(
        "run",
        {
            "task": options.task,
            "paths": [str(p) for p in options.paths],
            "samples": options.samples,
            "seed": options.seed,
            "models": {c.name: c.id for c in models},
        },
    )
    for case in cases:
        results.append_case(case)


def _conclude(
    task: Task,
    sample: CaseSample,
    models: Sequence[ModelUnderTest],
    results: ResultStore,
    plan: ComparisonPlan,
    run: EvalRun,
    spent: float,
    time_limit: int | None,
) -> Comparison:
    cases = {c.id: c for c in sample.cases}
    ids = {c.name: c.id for c in models}
    current = [r for r in results.for_cases(cases) if ids.get(r.model) == r.id]
    summary = summarise(
        task,
        cases,
        current,
        {c.name: c.profile.local for c in models},
        stopped={**plan.unavailable, **run.stopped},
        before={c.id: _lines_above(sample.document(c), c) for c in sample.cases},
        unpriced=[e.model for e in plan.estimates if not e.priced],
        time_limit=time_limit,
    )
    if run.ended:
        summary.notes.insert(0, run.ended)
    return Comparison(summary, plan, current, cases, run.stopped, spent, run.ended)


def _lines_above(document: Document, case: Case) -> str:
    if case.kind == "explain":
        return ""
    start = case.hole.start
    first = replace(start, line=max(0, start.line - LINES_ABOVE), column=0)
    return document.slice(Span(first, start)).replace("\r\n", "\n")
