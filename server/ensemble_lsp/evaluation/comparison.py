"""A comparison from beginning to end: the command line and the editor's command both call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ..errors import NoModelError, SettingsError
from ..sandbox import process
from ..sandbox.process import ResourceLimits
from ..sandbox.scratch_repo import ScratchRepo
from ..types import Document, Prompt, Span, Task
from .case_selection import CaseSample, select_cases
from .cases import KINDS_OF, Case, CaseKind
from .eval_runner import EvalProgress, EvalQuestion, EvalRun, ModelUnderTest
from .results import Result, ResultStore
from .sampler import Sampler
from .scenario import Cleaners, ScenarioWorkspace
from .source_files import survey
from .spending_limit import Budget, CostEstimate, check_prices, estimate_cost
from .summary import Summary, summarise

if TYPE_CHECKING:
    from ..app import AppContext
    from ..registry.model_registry import Entry

Engine = Literal["local", "ray"]
"""Where models are asked from: this process, or a Ray cluster."""
ENGINES: tuple[Engine, ...] = get_args(Engine)
LINES_ABOVE = 12
"""Lines above a hole that the report shows."""
TESTABLE_KINDS: tuple[CaseKind, ...] = ("function", "generate")
"""What tests can judge: whole bodies."""

__all__ = [
    "ENGINES",
    "Comparison",
    "ComparisonObserver",
    "ComparisonOptions",
    "ComparisonPlan",
    "Engine",
    "compare",
]


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """What is compared, and how."""

    paths: tuple[Path, ...]
    out: Path
    task: Task = "complete"
    models: tuple[str, ...] = ()
    """By name; none: all that can do the task."""
    samples: int = 50
    seed: int = 0
    language: str | None = None
    kinds: tuple[CaseKind, ...] = ()
    max_cost: float | None = None
    """US dollars, of all that was ever asked for this folder's results."""
    engine: Engine = "local"
    fresh: bool = False
    """Whether everything is asked anew, whatever earlier runs had answered."""
    run_tests: str | None = None
    test_limits: ResourceLimits = field(default_factory=ResourceLimits)
    allow_network: bool = False


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """What a run would do: shown before anything is asked."""

    sample: CaseSample
    estimates: tuple[CostEstimate, ...]
    """Of what has no answer yet."""
    kept: int
    """Answers that are there from an earlier run."""
    unavailable: Mapping[str, str]
    """Models that cannot be asked, and why."""

    @property
    def cost(self) -> float:
        """US dollars, as expected."""
        return sum(e.cost for e in self.estimates)

    @property
    def max_cost(self) -> float:
        """US dollars, at most."""
        return sum(e.max_cost for e in self.estimates)

    @property
    def leaves_machine(self) -> bool:
        """Whether code goes to a model that is not on this machine: then somebody must agree."""
        return any(not e.local and e.requests for e in self.estimates)

    def sentence(self) -> str:
        """For a question."""
        names = [e.model for e in self.estimates if not e.local and e.requests]
        unknown = [e.model for e in self.estimates if not e.priced and e.requests]
        price = f"about ${self.cost:.4f}, at most ${self.max_cost:.2f}"
        more = f"; the price of {', '.join(unknown)} is not known" if unknown else ""
        return f"{len(self.sample.cases)} cases go to {', '.join(names)}: {price}{more}."


@dataclass(frozen=True, slots=True)
class ComparisonObserver:
    """Who is told how it goes, and asked before code leaves the machine."""

    confirm: Callable[[ComparisonPlan], Awaitable[bool]]
    on_progress: Callable[[EvalProgress], None] = lambda step: None
    on_message: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it."""

    summary: Summary
    plan: ComparisonPlan
    results: Sequence[Result]
    cases: Mapping[str, Case]
    stopped: Mapping[str, str]
    spent: float


async def compare(
    app: AppContext, options: ComparisonOptions, cleaners: Cleaners, watcher: ComparisonObserver
) -> Comparison | None:
    """Run it; None where the user did not agree to the plan. May be cancelled, and called again.

    Raises ``SettingsError`` (paths, names, prices), ``NoModelError``, ``UnknownModelError``.
    """
    _check(options)
    settings = app.settings
    drawn = await _sample(options, settings.privacy.exclude)
    bench = ScenarioWorkspace(
        drawn.documents,
        drawn.folder,
        settings.privacy,
        cleaners,
        max_lines=settings.complete.max_lines,
    )
    results: ResultStore | None = None
    try:
        contestants, unavailable = _models_under_test(app, options, bench)
        results = await asyncio.to_thread(
            ResultStore.open, options.out / "results.jsonl", fresh=options.fresh
        )
        questions = await _questions(bench, drawn, contestants)
        plan = _plan(drawn, questions, contestants, results, unavailable)
        check_prices(plan.estimates, options.max_cost)
        if not await watcher.confirm(plan):
            return None
        await asyncio.to_thread(_note, results, options, drawn.cases, contestants)
        threshold = settings.complete.threshold if options.task == "complete" else 0.0
        budget = Budget(options.max_cost, results.spent())
        async with _asker(app, options, plan, watcher) as asker:
            run = EvalRun(
                bench,
                results,
                budget,
                threshold=threshold,
                sampler=asker,
                on_progress=watcher.on_progress,
            )
            ended = await run.ask(questions, contestants)
        if options.run_tests is not None:
            await _try(options, drawn, questions, contestants, results, watcher)
        return await asyncio.to_thread(
            _conclude, options.task, drawn, contestants, results, plan, ended.stopped, budget.spent
        )
    finally:
        if results is not None:
            results.close()
        await bench.close()


@asynccontextmanager
async def _asker(
    app: AppContext, options: ComparisonOptions, plan: ComparisonPlan, watcher: ComparisonObserver
) -> AsyncGenerator[Sampler | None]:
    """The cluster, where one is wanted and anything is left to be asked from it."""
    names = [e.model for e in plan.estimates if e.requests]
    if options.engine == "local" or not names:
        yield None
        return
    from .ray_backend import RaySampler

    cluster = await RaySampler.open(app, names)
    watcher.on_message(f"Models are asked by {cluster.size} workers of the Ray cluster.")
    try:
        yield cluster
    finally:
        await asyncio.shield(cluster.close())


def _check(options: ComparisonOptions) -> None:
    if options.samples < 1:
        raise SettingsError("--samples must be 1 or more.")
    if options.max_cost is not None and options.max_cost < 0:
        raise SettingsError("--max-cost must be 0 or more dollars.")
    wrong = [k for k in options.kinds if k not in KINDS_OF[options.task]]
    if wrong:
        known = ", ".join(KINDS_OF[options.task])
        raise SettingsError(f"{wrong[0]} is no kind of {options.task}; use {known}.")
    if options.run_tests is not None and options.task == "explain":
        raise SettingsError("Tests cannot judge explanations; leave --run-tests out.")


async def _sample(options: ComparisonOptions, exclude: Sequence[str]) -> CaseSample:
    stopped = False

    def work() -> CaseSample:
        return select_cases(
            survey(options.paths, exclude),
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
        stopped = True  # a cancelled run lets the thread end at the next file


def _models_under_test(
    app: AppContext, options: ComparisonOptions, bench: ScenarioWorkspace
) -> tuple[list[ModelUnderTest], dict[str, str]]:
    """The models to ask, and those that cannot be asked with the reason."""
    entries = {e.profile.name: e for e in app.registry.entries()}
    for name in options.models:
        app.registry.get(name)  # raises for an unknown one, with the nearest name
    wanted = list(dict.fromkeys(options.models)) or [
        name for name, e in entries.items() if options.task in e.profile.tasks
    ]
    able: list[ModelUnderTest] = []
    unavailable: dict[str, str] = {}
    for name in wanted:
        entry = entries[name]
        if options.task not in entry.profile.tasks:
            unavailable[name] = f"{name} does not do the task {options.task}."
        elif not entry.available:
            unavailable[name] = entry.reason
        else:
            able.append(_model_under_test(app, entry, bench))
    if not able:
        told = f" {' '.join(unavailable.values())}" if unavailable else ""
        if told:
            raise NoModelError(f"None of the models can be asked to {options.task}.{told}")
        raise app.no_model(options.task)
    return able, unavailable


def _model_under_test(app: AppContext, entry: Entry, bench: ScenarioWorkspace) -> ModelUnderTest:
    profile = entry.profile
    own = profile.provider == "recall"
    model = bench.recall_model(entry.settings) if own else app.registry.get(profile.name)
    return ModelUnderTest(model, f"{profile.provider}/{profile.model}")


async def _questions(
    bench: ScenarioWorkspace, drawn: CaseSample, contestants: Sequence[ModelUnderTest]
) -> list[EvalQuestion]:
    """Every case as each model is asked it. Cases that nothing would ask for are left out."""
    questions: list[EvalQuestion] = []
    await bench.workspace.guard(c.profile for c in contestants)
    for case in drawn.cases:
        scene = await bench.open_case(case)
        if scene is None:
            continue
        prompts: dict[str, Prompt] = {}
        refusals: dict[str, str] = {}
        for contestant in contestants:
            prompt = bench.prompt(scene, contestant.profile)
            if prompt is None:
                refusals[contestant.name] = bench.exclusion_reason(scene, contestant.profile)
            else:
                prompts[contestant.name] = prompt
        questions.append(EvalQuestion(scene, prompts, refusals))
        await bench.close_case(scene)
    drawn.cases = [q.scenario.case for q in questions]
    if not questions:
        raise SettingsError("No case is left that an editor would ask for; name other files.")
    return questions


def _plan(
    drawn: CaseSample,
    questions: Sequence[EvalQuestion],
    contestants: Sequence[ModelUnderTest],
    results: ResultStore,
    unavailable: Mapping[str, str],
) -> ComparisonPlan:
    estimates: list[CostEstimate] = []
    kept = 0
    for contestant in contestants:
        left: list[Prompt] = []
        for question in questions:
            known = results.get(question.scenario.case.id, contestant.name, contestant.id)
            if known is not None and not known.failed:
                kept += 1
            elif contestant.name in question.prompts:
                left.append(question.prompts[contestant.name])
        estimates.append(estimate_cost(contestant.profile, left))
    return ComparisonPlan(drawn, tuple(estimates), kept, unavailable)


def _note(
    results: ResultStore,
    options: ComparisonOptions,
    cases: Sequence[Case],
    contestants: Sequence[ModelUnderTest],
) -> None:
    results.begin_run()
    results.append(
        "run",
        {
            "task": options.task,
            "paths": [str(p) for p in options.paths],
            "samples": options.samples,
            "seed": options.seed,
            "models": {c.name: c.id for c in contestants},
        },
    )
    for case in cases:
        results.append_case(case)


async def _try(
    options: ComparisonOptions,
    drawn: CaseSample,
    questions: Sequence[EvalQuestion],
    contestants: Sequence[ModelUnderTest],
    results: ResultStore,
    watcher: ComparisonObserver,
) -> None:
    """Let the repository's tests judge whole bodies."""
    assert options.run_tests is not None
    asked = [q for q in questions if q.scenario.case.kind in TESTABLE_KINDS]
    if not asked:
        watcher.on_message(
            "No case is a whole function body, so there is nothing for tests to judge."
        )
        return
    if not options.allow_network and (refused := await process.unavailable_reason()):
        raise SettingsError(
            f"Nothing here can keep tests from the network ({refused}), and they run what models wrote; "
            "add --allow-network to run them anyway."
        )
    watcher.on_message("Copying the repository and running its tests once as they are…")
    bench = await ScratchRepo.open(
        drawn.folder,
        options.run_tests,
        limits=options.test_limits,
        files=[q.scenario.case.file for q in asked],
        allow_network=options.allow_network,
    )
    try:
        await bench.check_baseline()
        for number, question in enumerate(asked, 1):
            watcher.on_message(f"Tests: case {number} of {len(asked)}")
            await _try_case(bench, question, contestants, results, drawn)
    finally:
        await bench.close()


async def _try_case(
    bench: ScratchRepo,
    question: EvalQuestion,
    contestants: Sequence[ModelUnderTest],
    results: ResultStore,
    drawn: CaseSample,
) -> None:
    scene, case = question.scenario, question.scenario.case
    original = drawn.documents[case.file]
    filler = "raise NotImplementedError" if case.language == "python" else ""
    hollow = original.replace(case.hole, filler).text
    for contestant in contestants:
        known = results.get(case.id, contestant.name, contestant.id)
        if known is None or known.failed or "tests" in known.scores:
            continue
        if not known.text.strip():
            passed: bool | None = False if await bench.covers(case.id, case.file, hollow) else None
        else:
            filled = scene.filled(known.text).text
            passed = await bench.passes(case.id, case.file, hollow, filled)
        if passed is not None:
            tested = replace(known, scores={**known.scores, "tests": float(passed)})
            await asyncio.to_thread(results.add, tested)


def _conclude(
    task: Task,
    drawn: CaseSample,
    contestants: Sequence[ModelUnderTest],
    results: ResultStore,
    plan: ComparisonPlan,
    stopped: Mapping[str, str],
    spent: float,
) -> Comparison:
    cases = {c.id: c for c in drawn.cases}
    ids = {c.name: c.id for c in contestants}
    found = [r for r in results.for_cases(cases) if ids.get(r.model) == r.id]
    summary = summarise(
        task,
        cases,
        found,
        {c.name: c.profile.local for c in contestants},
        stopped={**plan.unavailable, **stopped},
        before={c.id: _above(drawn.documents[c.file], c) for c in drawn.cases},
    )
    return Comparison(summary, plan, found, cases, stopped, spent)


def _above(document: Document, case: Case) -> str:
    if case.kind == "explain":
        return ""
    start = case.hole.start
    first = replace(start, line=max(0, start.line - LINES_ABOVE), column=0)
    return document.slice(Span(first, start)).replace("\r\n", "\n")
