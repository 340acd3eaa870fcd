"""The task generate: code written from an instruction, by several models together."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..consensus.code import consensus_of_code
from ..consensus.early_stopping import EarlyStopping
from ..consensus.fan_out import FanOutProgress as Asking
from ..consensus.fan_out import FanOutResult, query_all
from ..consensus.judge import judge_candidates
from ..consensus.votes import Verdict, Vote
from ..context.generation_intent import asks_for_code
from ..context.prompt_builder import generate_prompt
from ..errors import EnsembleError, SettingsError
from ..postprocess import clean_code
from ..selection.cascade import Findings, could_escalate, escalate
from ..types import Document, Position, Prompt, Span
from .candidates import Candidates, Generation, follow
from .checks import CandidateChecks, CheckContext, attempts

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model
    from ..selection.decision import Decision

logger = logging.getLogger(__name__)

Report = Callable[[str, int | None], None]
ABOVE, BELOW = 40, 20
"""Lines round the place that an answer is fitted to."""

__all__ = ["Candidates", "Generation", "Generator", "follow"]


@dataclass(frozen=True, slots=True)
class _Job:
    """One request: what is wanted, and where."""

    app: AppContext
    document: Document
    place: Span
    wish: str
    indent: str
    decision: Decision
    members: list[Model]
    progress: Report | None

    def prompt(self, model: Model) -> Prompt | None:
        """What a model is asked; None where it may not see the file."""
        return generate_prompt(
            self.document,
            self.place,
            self.wish,
            indent=self.indent,
            profile=model.profile,
            workspace=self.app.runtime.workspace,
        )

    def clean(self, text: str) -> str:
        """An answer fitted to the place."""
        start, end = self.place.start, self.place.end
        last = min(len(self.document.lines) - 1, end.line + BELOW)
        after = Span(end, Position(last, len(self.document.lines[last])))
        return clean_code(
            text,
            language=self.document.language,
            indent=self.indent,
            instruction=self.wish,
            prefix=self.document.slice(Span(Position(max(0, start.line - ABOVE), 0), start)),
            suffix=self.document.slice(after),
        )

    def told(self, message: str) -> None:
        """Tell how far it is."""
        if self.progress is not None:
            self.progress(message, None)


class Generator(Candidates):
    """Runs ensembles and keeps what they wrote, for the code actions that choose among it."""

    async def generate(
        self,
        app: AppContext,
        document: Document,
        span: Span,
        *,
        instruction: str = "",
        size: int | None = None,
        model: str | None = None,
        progress: Report | None = None,
    ) -> Generation:
        """Ask several models, find the consensus. Cancelling closes every stream.

        Raises ``NoModelError``, ``DocumentError``, ``ProviderError`` (when every model failed).
        """
        job = await _job(app, document, span, instruction, size, model, progress)
        rule = app.settings.ensemble.rule
        async with attempts(_wanted(job)) as trials:
            asked, answers = await _answers(job, trials)
            verdict = await asyncio.to_thread(consensus_of_code, answers, document.language, rule)
            if (second := _stronger_job(job, answers, verdict)) is not None:
                job = second
                asked, answers = await _answers_too(job, trials, asked, answers)
                verdict = await asyncio.to_thread(
                    consensus_of_code, answers, document.language, rule
                )
        verdict, picked = await _judged(job, verdict)
        generation = _generation(job, asked, verdict, picked, trials.trouble)
        self.keep(generation)
        said = replace(job.decision, choice=job.decision.choice.noted(generation.why))
        app.runtime.offered(
            list(generation.candidates),
            document,
            [said] * len(generation.candidates),
            trigger="invoked",
            group=generation.id,
        )
        return generation


async def _job(
    app: AppContext,
    document: Document,
    span: Span,
    instruction: str,
    size: int | None,
    model: str | None,
    progress: Report | None,
) -> _Job:
    request = await asyncio.to_thread(asks_for_code, document, span)
    place = request.span if request is not None else span
    wish = instruction or (request.instruction if request else "")
    if not wish and place.empty:
        raise SettingsError(
            "Nothing says what to write; select code, put the cursor on a comment, "
            "or give an instruction."
        )
    indent = request.indent if request else _indent_of(document, place.start)
    decision = app.decide("generate", document, place.start, instruction=wish, only=model)
    if not decision.models:
        raise app.no_model("generate")
    count = 1 if model else (size or app.settings.ensemble.size)
    members = app.members(decision, count)
    await app.runtime.workspace.prepare(document)
    await app.runtime.workspace.guard(model.profile for model in members)
    return _Job(app, document, place, wish, indent, decision, members, progress)


def _wanted(job: _Job) -> CheckContext:
    """What is run on the answers; of a single model there is nothing to choose."""
    app = job.app
    if len(job.members) < 2:
        settings = app.settings
        alone = settings.ensemble.model_copy(update={"run_examples": False, "run_tests": ""})
        app = replace(app, settings=settings.model_copy(update={"ensemble": alone}))
    return CheckContext(app, job.document, job.place, job.wish, job.clean, job.told)


async def _answers(job: _Job, trials: CandidateChecks) -> tuple[FanOutResult, list[Vote]]:
    """What came of asking, and each usable answer. Raises where there is none."""
    app = job.app
    quorum = EarlyStopping(
        job.document.language,
        app.weights(job.decision),
        job.clean,
        trials if trials else None,
        rule=app.settings.ensemble.rule,
    )
    asked = await query_all(
        job.members,
        job.prompt,
        budget_ms=app.settings.ensemble.budget_ms,
        progress=_named(job.progress, len(job.members)),
        should_stop=quorum,
    )
    names = [model.profile.name for model in job.members]
    if not asked.completions:
        refused = app.refused(job.document, job.members)
        raise refused or app.failed("generate", asked, names)
    answers = await quorum.votes(asked.completions, patience=app.settings.ensemble.test_seconds)
    if not answers:
        raise app.failed("generate", asked, names)
    return asked, answers


def _stronger_job(job: _Job, answers: list[Vote], verdict: Verdict) -> _Job | None:
    """The job with a stronger model as its last member, where a check doubts the verdict."""
    names = [m.profile.name for m in job.members]
    if not (job.app.settings.selector.escalate and could_escalate(job.decision, names)):
        return None
    best = next((a for a in answers if a.text == verdict.text), None)
    findings = Findings(
        parses=best.form is not None if best is not None and best.form != "" else None,
        examples=best.checks.pass_rate >= 1
        if best is not None and best.checks is not None
        else None,
        agreement=verdict.agreement if len(verdict.groups) > 1 else None,
    )
    found = escalate(job.decision, findings, names)
    if found is None:
        return None
    model, decision = found
    return replace(job, members=[*job.members, model], decision=decision)


async def _answers_too(
    job: _Job, trials: CandidateChecks, asked: FanOutResult, answers: list[Vote]
) -> tuple[FanOutResult, list[Vote]]:
    """What came before, and what the last member says; where it fails, the rest stands."""
    last = replace(job, members=job.members[-1:])
    job.told(f"{job.members[-1].profile.name} is asked too")
    try:
        more, new = await _answers(last, trials)
    except EnsembleError as error:
        logger.info("%s", error)
        return asked, answers
    completions = [*asked.completions, *more.completions]
    errors = {**asked.errors, **more.errors}
    return FanOutResult(completions, errors, [*asked.cancelled, *more.cancelled]), [*answers, *new]


async def _judged(job: _Job, verdict: Verdict) -> tuple[Verdict, bool]:
    """The verdict, or what the judge picks where the models agree too little."""
    settings = job.app.settings.ensemble
    weak = verdict.agreement < settings.threshold and len(verdict.groups) > 1
    if not settings.judge or not weak:
        return verdict, False
    judge = next((m for m in job.decision.models if m.profile.name == settings.judge), None)
    prompt = job.prompt(judge) if judge is not None else None
    if judge is None or prompt is None:
        logger.warning("ensemble.judge: %s cannot be asked here", settings.judge)
        return verdict, False
    job.told(f"{settings.judge} judges")
    texts = [group.text for group in verdict.groups]
    index = await judge_candidates(judge, prompt, texts, budget_ms=settings.budget_ms)
    if index is None:
        return verdict, False
    group = verdict.groups[index]
    others = [g for g in verdict.groups if g is not group]
    why = f"{verdict.why} {settings.judge} picked among {len(texts)} answers without their names."
    picked = replace(
        verdict, text=group.text, models=group.models, groups=(group, *others), why=why
    )
    return picked, True


def _generation(
    job: _Job, asked: FanOutResult, verdict: Verdict, picked: bool, trouble: str
) -> Generation:
    threshold = job.app.settings.ensemble.threshold
    count = len(verdict.groups)
    settled = count == 1 or picked or verdict.agreement >= threshold
    places = _places(count, settled)
    candidates = tuple(
        job.app.new_suggestion(
            "generate",
            group.text,
            tuple(group.models),
            job.document,
            job.place,
            agreement=verdict.agreement if n == 0 else None,
            shown_at=places[n],
        )
        for n, group in enumerate(verdict.groups)
    )
    return Generation(
        id=uuid.uuid4().hex[:16],
        uri=job.document.uri,
        version=job.document.version,
        span=job.place,
        candidates=candidates,
        agreement=verdict.agreement,
        agreeing=len(verdict.groups[0].models),
        asked=len(job.members),
        why=" ".join(filter(None, (verdict.why, trouble))),
        latency_ms=max(c.total_ms for c in asked.completions),
        errors={name: str(error) for name, error in asked.errors.items()},
        settled=settled,
        tried=tuple(group.checks.sentence() if group.checks else "" for group in verdict.groups),
    )


def _places(count: int, settled: bool) -> list[int]:
    """Where each candidate is shown: a settled consensus first, all else in a drawn order."""
    drawn = list(range(1 if settled else 0, count))
    random.shuffle(drawn)
    return [0, *drawn] if settled else drawn


def _indent_of(document: Document, position: Position) -> str:
    line = document.line(position.line)
    return line[: len(line) - len(line.lstrip())]


def _named(report: Report | None, count: int) -> Callable[[Asking], None] | None:
    """The asking's progress as sentences: who has answered, how many are left."""
    if report is None:
        return None

    def told(step: Asking) -> None:
        report(f"{step.model}: {step.state}", 100 * step.done // max(1, count))

    return told
