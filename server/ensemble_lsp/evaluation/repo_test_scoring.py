"""Score whole function bodies by the repository's own tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..sandbox import process
from ..sandbox.process import ResourceLimits
from ..sandbox.scratch_repo import ScratchRepo
from .case_selection import CaseSample
from .cases import CaseKind
from .eval_runner import EvalQuestion, ModelUnderTest
from .results import ResultStore

TESTABLE_KINDS: tuple[CaseKind, ...] = ("function", "generate")
"""Kinds of whole bodies, which tests can judge."""


@dataclass(frozen=True, slots=True)
class RepoTestOptions:
    """The command that runs the tests, and its limits."""

    command: str
    limits: ResourceLimits
    allow_network: bool


async def score_with_tests(
    options: RepoTestOptions,
    sample: CaseSample,
    questions: Sequence[EvalQuestion],
    models: Sequence[ModelUnderTest],
    results: ResultStore,
    on_message: Callable[[str], None],
) -> None:
    """Run the tests on every answer that is a whole body, and keep the scores."""
    testable = [q for q in questions if q.scenario.case.kind in TESTABLE_KINDS]
    if not testable:
        on_message("No case is a whole function body, so the tests have nothing to judge.")
        return
    if not options.allow_network and (reason := await process.unavailable_reason()):
        raise SettingsError(
            f"The tests run code that models wrote, and this system cannot isolate it ({reason}); "
            "add --allow-network to run them anyway."
        )
    on_message("Copying the repository and running its tests once without changes…")
    repo = await ScratchRepo.open(
        sample.folder,
        options.command,
        limits=options.limits,
        files=[q.scenario.case.file for q in testable],
        allow_network=options.allow_network,
    )
    try:
        await repo.check_baseline()
        for number, question in enumerate(testable, 1):
            on_message(f"Tests: case {number} of {len(testable)}")
            await _score_case(repo, question, models, results, sample)
    finally:
        await repo.close()


async def _score_case(
    repo: ScratchRepo,
    question: EvalQuestion,
    models: Sequence[ModelUnderTest],
    results: ResultStore,
    sample: CaseSample,
) -> None:
    scenario, case = question.scenario, question.scenario.case
    stub = "raise NotImplementedError" if case.language == "python" else ""
    stubbed = sample.documents[case.file].replace(case.hole, stub).text
    for candidate in models:
        known = results.get(case.id, candidate.name, candidate.id)
        if known is None or known.failed or "tests" in known.scores:
            continue
        if not known.text.strip():
            passed: bool | None = False if await repo.covers(case.id, case.file, stubbed) else None
        else:
            filled = scenario.filled(known.text).text
            passed = await repo.passes(case.id, case.file, stubbed, filled)
        if passed is not None:
            tested = replace(known, scores={**known.scores, "tests": float(passed)})
            await asyncio.to_thread(results.add, tested)
