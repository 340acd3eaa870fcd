"""A comparison from beginning to end: the command line and the editor's command both call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ..app.failures import no_model
from ..errors import NoModelError, SettingsError
from ..provider_spec import spec_of
from ..sandbox import process
from ..sandbox.scratch_repo import Limits, ScratchRepo
from ..types import Document, Prompt, Span, Task
from .case_selection import Sample, sample
from .cases import KINDS_OF, Case, Kind
from .eval_runner import ModelUnderTest, Question, Run, Step
from .results import Result, Results
from .sampler import Asker
from .scenario import Bench, Cleaners
from .source_files import survey
from .spending_limit import Budget, Estimate, check_prices, estimate
from .summary import Summary, summarise

if TYPE_CHECKING:
    from ..app import AppContext
    from ..registry.model_registry import Entry

Engine = Literal["local", "ray"]
"""Where models are asked from: this process, or a Ray cluster."""
ENGINES: tuple[Engine, ...] = get_args(Engine)
SHOWN_BEFORE = 12
"""Lines above a hole that the report shows."""
TRIED: tuple[Kind, ...] = ("function", "generate")
"""What tests can judge: whole bodies."""

__all__ = ["ENGINES", "Comparison", "Engine", "Options", "Plan", "Watcher", "compare"]


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared, and how."""

    paths: tuple[Path, ...]
    out: Path
    task: Task = "complete"
    models: tuple[str, ...] = ()
    """By name; none: all that can do the task."""
    samples: int = 50
    seed: int = 0
    language: str | None = None
    kinds: tuple[Kind, ...] = ()
    max_cost: float | None = None
    """US dollars, of all that was ever asked for this folder's results."""
    engine: Engine = "local"
    fresh: bool = False
    """Whether everything is asked anew, whatever earlier runs had answered."""
    run_tests: str | None = None
    test_limits: Limits = field(default_factory=Limits)
    allow_network: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: shown before anything is asked."""

    sample: Sample
    estimates: tuple[Estimate, ...]
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
    def most(self) -> float:
        """US dollars, at most."""
        return sum(e.most for e in self.estimates)

    @property
    def leaves_machine(self) -> bool:
        """Whether code goes to a model that is not on this machine: then somebody must agree."""
        return any(not e.local and e.requests for e in self.estimates)

    def sentence(self) -> str:
        """For a question."""
        names = [e.model for e in self.estimates if not e.local and e.requests]
        unknown = [e.model for e in self.estimates if not e.priced and e.requests]
        price = f"about ${self.cost:.4f}, at most ${self.most:.2f}"
        more = f"; the price of {', '.join(unknown)} is not known" if unknown else ""
        return f"{len(self.sample.cases)} cases go to {', '.join(names)}: {price}{more}."


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how it goes, and asked before code leaves the machine."""

    agree: Callable[[Plan], Awaitable[bool]]
    step: Callable[[Step], None] = lambda step: None
    say: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it."""

    summary: Summary
    plan: Plan
    results: Sequence[Result]
    cases: Mapping[str, Case]
    stopped: Mapping[str, str]
    spent: float


async def compare(
    app: AppContext, options: Options, cleaners: Cleaners, watcher: Watcher
) -> Comparison | None:
    """Run it; None where the user did not agree to the plan. May be cancelled, and called again.

    Raises ``SettingsError`` (paths, names, prices), ``NoModelError``, ``UnknownModelError``.
    """
    _check(options)
    settings = app.settings
    drawn = await _sample(options, settings.privacy.exclude)
    bench = Bench(
        drawn.documents,
        drawn.folder,
        settings.privacy,
        cleaners,
        max_lines=settings.complete.max_lines,
    )
    results: Results | None = None
    try:
        contestants, unavailable = _contestants(app, options, bench)
        results = await asyncio.to_thread(
            Results.open, options.out / "results.jsonl", fresh=options.fresh
        )
        questions = await _questions(bench, drawn, contestants)
        plan = _plan(drawn, questions, contestants, results, unavailable)
        check_prices(plan.estimates, options.max_cost)
        if not await watcher.agree(plan):
            return None
        await asyncio.to_thread(_note, results, options, drawn.cases, contestants)
        threshold = settings.complete.threshold if options.task == "complete" else 0.0
        budget = Budget(options.max_cost, results.spent())
        async with _asker(app, options, plan, watcher) as asker:
            run = Run(bench, results, budget, threshold=threshold, asker=asker, told=watcher.step)
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
    app: AppContext, options: Options, plan: Plan, watcher: Watcher
) -> AsyncGenerator[Asker | None]:
    """The cluster, where one is wanted and anything is left to be asked from it."""
    names = [e.model for e in plan.estimates if e.requests]
    if options.engine == "local" or not names:
        yield None
        return
    from .ray_backend import Cluster

    cluster = await Cluster.open(app, names)
    watcher.say(f"Models are asked by {cluster.size} workers of the Ray cluster.")
    try:
        yield cluster
    finally:
        await asyncio.shield(cluster.close())


def _check(options: Options) -> None:
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


async def _sample(options: Options, exclude: Sequence[str]) -> Sample:
    stopped = False

    def work() -> Sample:
        return sample(
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


def _contestants(
    app: AppContext, options: Options, bench: Bench
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
            able.append(_contestant(app, entry, bench))
    if not able:
        told = f" {' '.join(unavailable.values())}" if unavailable else ""
        if told:
            raise NoModelError(f"None of the models can be asked to {options.task}.{told}")
        raise no_model(app, options.task)
    return able, unavailable


def _contestant(app: AppContext, entry: Entry, bench: Bench) -> ModelUnderTest:
    profile = entry.profile
    own = spec_of(profile.provider).uses_documents
    model = bench.recall_model(entry.settings) if own else app.registry.get(profile.name)
    return ModelUnderTest(model, f"{profile.provider}/{profile.model}")


async def _questions(
    bench: Bench, drawn: Sample, contestants: Sequence[ModelUnderTest]
) -> list[Question]:
    """Every case as each model is asked it. Cases that nothing would ask for are left out."""
    questions: list[Question] = []
    await bench.workspace.guard(c.profile for c in contestants)
    for case in drawn.cases:
        scene = await bench.enter(case)
        if scene is None:
            continue
        prompts: dict[str, Prompt] = {}
        refusals: dict[str, str] = {}
        for contestant in contestants:
            prompt = bench.prompt(scene, contestant.profile)
            if prompt is None:
                refusals[contestant.name] = bench.refusal(scene, contestant.profile)
            else:
                prompts[contestant.name] = prompt
        questions.append(Question(scene, prompts, refusals))
        await bench.leave(scene)
    drawn.cases = [q.scene.case for q in questions]
    if not questions:
        raise SettingsError("No case is left that an editor would ask for; name other files.")
    return questions


def _plan(
    drawn: Sample,
    questions: Sequence[Question],
    contestants: Sequence[ModelUnderTest],
    results: Results,
    unavailable: Mapping[str, str],
) -> Plan:
    estimates: list[Estimate] = []
    kept = 0
    for contestant in contestants:
        left: list[Prompt] = []
        for question in questions:
            known = results.get(question.scene.case.id, contestant.name, contestant.id)
            if known is not None and not known.failed:
                kept += 1
            elif contestant.name in question.prompts:
                left.append(question.prompts[contestant.name])
        estimates.append(estimate(contestant.profile, left))
    return Plan(drawn, tuple(estimates), kept, unavailable)


def _note(
    results: Results, options: Options, cases: Sequence[Case], contestants: Sequence[ModelUnderTest]
) -> None:
    results.begin()
    results.note(
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
        results.note_case(case)


async def _try(
    options: Options,
    drawn: Sample,
    questions: Sequence[Question],
    contestants: Sequence[ModelUnderTest],
    results: Results,
    watcher: Watcher,
) -> None:
    """Let the repository's tests judge whole bodies."""
    assert options.run_tests is not None
    asked = [q for q in questions if q.scene.case.kind in TRIED]
    if not asked:
        watcher.say("No case is a whole function body, so there is nothing for tests to judge.")
        return
    if not options.allow_network and (refused := await process.unavailable_reason()):
        raise SettingsError(
            f"Nothing here can keep tests from the network ({refused}), and they run what models wrote; "
            "add --allow-network to run them anyway."
        )
    watcher.say("Copying the repository and running its tests once as they are…")
    bench = await ScratchRepo.open(
        drawn.folder,
        options.run_tests,
        limits=options.test_limits,
        files=[q.scene.case.file for q in asked],
        allow_network=options.allow_network,
    )
    try:
        await bench.check_baseline()
        for number, question in enumerate(asked, 1):
            watcher.say(f"Tests: case {number} of {len(asked)}")
            await _try_case(bench, question, contestants, results, drawn)
    finally:
        await bench.close()


async def _try_case(
    bench: ScratchRepo,
    question: Question,
    contestants: Sequence[ModelUnderTest],
    results: Results,
    drawn: Sample,
) -> None:
    scene, case = question.scene, question.scene.case
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
            passed = await bench.judge(case.id, case.file, hollow, filled)
        if passed is not None:
            tested = replace(known, scores={**known.scores, "tests": float(passed)})
            await asyncio.to_thread(results.add, tested)


def _conclude(
    task: Task,
    drawn: Sample,
    contestants: Sequence[ModelUnderTest],
    results: Results,
    plan: Plan,
    stopped: Mapping[str, str],
    spent: float,
) -> Comparison:
    cases = {c.id: c for c in drawn.cases}
    ids = {c.name: c.id for c in contestants}
    found = [r for r in results.of(cases) if ids.get(r.model) == r.id]
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
    first = replace(start, line=max(0, start.line - SHOWN_BEFORE), column=0)
    return document.slice(Span(first, start)).replace("\r\n", "\n")
