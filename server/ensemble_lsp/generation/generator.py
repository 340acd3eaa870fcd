"""Code from an instruction: several models answer, and their consensus is the first candidate."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..app.failures import failed, no_model, refused
from ..consensus.code import consensus_of_code
from ..consensus.early_stopping import EarlyStopping
from ..consensus.fan_out import FanOutResult, query_all
from ..consensus.judge import judge_candidates
from ..consensus.votes import ConsensusResult, Vote
from ..context.generation_intent import (
    generation_intent_at,
    generation_intent_near,
    half_typed_body_at,
)
from ..context.indent_style import FormattingOptions, indent_unit_of
from ..context.prompt_builder import generate_prompt
from ..errors import DocumentError, EnsembleError, SettingsError
from ..models.control_tokens import control_tokens
from ..postprocess import clean_code
from ..postprocess.completion_text import CONTEXT_LENGTH
from ..postprocess.placeholders import is_placeholder, leaves_out_code
from ..postprocess.surroundings import Surroundings
from ..selection.cascade import Findings, could_escalate, escalate
from ..syntax.indentation import indent_of
from ..types import Document, Position, Prompt, Span
from ..wording import join_names
from .candidates import CandidateStore, Generation, follow, shown_positions
from .checks import CandidateChecks, CheckContext, candidate_checks
from .partial_answers import ReportProgress, partial_answers, progress_callback
from .presets import PresetRequest

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model
    from ..selection.decision import Decision

logger = logging.getLogger(__name__)

ReportPartial = Callable[[str, str, Span], None]
"""Receives a model's name, its text so far, and the place that the text replaces."""
ABOVE, BELOW = 40, 20
"""Lines around the place that post-processing sees."""

__all__ = ["CandidateStore", "Generation", "Generator", "Revision", "follow"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A change to an earlier answer, in the user's words."""

    draft: str
    request: str

    def instruction(self, original: str) -> str:
        """Return the instruction for the models; the request comes first, since a long text is cut at its end."""
        first = f"Change the draft below as follows: {self.request}\nReturn all of its code."
        return f"{first}\n\nThe draft:\n{self.draft}\n\nIts instruction was:\n{original}"


@dataclass(frozen=True, slots=True)
class _GenerationRun:
    """One request, with its decision and the models to ask."""

    app: AppContext
    document: Document
    place: Span
    instruction: str
    indent: str
    decision: Decision
    members: list[Model]
    progress: ReportProgress | None
    unit: str = ""
    """One level of the document's indentation."""
    preset: PresetRequest | None = None
    revision: Revision | None = None
    partial: ReportPartial | None = None
    paused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Paused models that would have been members, each with the reason."""

    def report_text(self) -> Callable[[str, str], None] | None:
        """Return the callback for partial answers. A preset can only use a whole one."""
        report = self.partial
        if report is None or self.preset is not None:
            return None
        return lambda model, text: report(model, text, self.place)

    def prompt(self, model: Model) -> Prompt | None:
        """Return the prompt for a model; ``None`` if it may not see the file."""
        change = self.revision
        return generate_prompt(
            self.document,
            self.place,
            change.instruction(self.instruction) if change else self.instruction,
            indent=self.indent,
            profile=model.profile,
            workspace=self.app.workspace.context,
        )

    def clean(self, text: str) -> str:
        """Post-process an answer and fit it to the place; empty if it leaves code out or a preset cannot use it."""
        code = self._fitted(text)
        replaced = self.document.slice(self.place)
        if leaves_out_code(code, replaced) or is_placeholder(code, self.document.text):
            return ""
        return self.preset.fit(code) if self.preset is not None and code.strip() else code

    def clean_partial(self, text: str) -> str:
        """Post-process the lines of an unfinished answer; empty while there is no code."""
        return self._fitted(text, partial=True)

    def _fitted(self, text: str, *, partial: bool = False) -> str:
        start, end = self.place.start, self.place.end
        last = min(len(self.document.lines) - 1, end.line + BELOW)
        before = Span(Position(max(0, start.line - ABOVE), 0), start)
        after = Span(end, Position(last, len(self.document.lines[last])))
        return clean_code(
            text,
            language=self.document.language,
            indent=self.indent,
            instruction=self.instruction,
            prefix=self.document.slice(before)[-CONTEXT_LENGTH:],
            suffix=self.document.slice(after)[:CONTEXT_LENGTH],
            tokens={token for m in self.members for token in control_tokens(m.profile)},
            unit=self.unit,
            partial=partial,
            around=None if partial else Surroundings.of(self.document, self.place),
        )

    def report(self, message: str) -> None:
        """Report a step to the caller."""
        if self.progress is not None:
            self.progress(message, None)


class Generator(CandidateStore):
    """Asks ensembles for code and keeps the candidates for the code actions that choose between them."""

    async def generate(
        self,
        app: AppContext,
        document: Document,
        span: Span,
        *,
        instruction: str = "",
        revision: Revision | None = None,
        size: int | None = None,
        model: str | None = None,
        progress: ReportProgress | None = None,
        partial: ReportPartial | None = None,
        formatting: FormattingOptions | None = None,
        preset: PresetRequest | None = None,
    ) -> Generation:
        """Ask several models and find their consensus. Cancelling closes every stream.

        A ``preset`` has its own place and instruction; with a ``revision``, the models change an earlier
        answer. ``partial`` receives the text of one model while it is written. Raises ``NoModelError``,
        ``DocumentError``, ``ProviderError`` (if every model failed).
        """
        unit = await indent_unit_of(document, span.start.line, formatting)
        run = await _start_run(
            app, document, span, instruction, size, model, progress, unit, preset
        )
        run = replace(run, revision=revision, partial=partial)
        async with candidate_checks(_check_context(run)) as checks:
            asked, answers = await _answers(run, checks)
            verdict = await _consensus(run, answers)
            if (stronger := _with_stronger_model(run, answers, verdict)) is not None:
                run = stronger
                asked, answers = await _ask_added_member(run, checks, asked, answers)
                verdict = await _consensus(run, answers)
        verdict, picked = await _judged(run, verdict)
        generation = _generation(run, asked, verdict, picked, checks.problems)
        self.keep(generation)
        explained = replace(run.decision, choice=run.decision.choice.noted(generation.why))
        app.suggestions.offer(
            list(generation.candidates),
            document,
            [explained] * len(generation.candidates),
            trigger="invoked",
            group=generation.id,
        )
        return generation


async def _start_run(
    app: AppContext,
    document: Document,
    span: Span,
    instruction: str,
    size: int | None,
    model: str | None,
    progress: ReportProgress | None,
    unit: str,
    preset: PresetRequest | None,
) -> _GenerationRun:
    if preset is not None:
        intent = preset.intent
        instruction = "\n".join(filter(None, (intent.instruction, instruction)))
    else:
        find_intent = generation_intent_at if instruction else generation_intent_near
        intent = await asyncio.to_thread(find_intent, document, span, unit=unit)
        if intent is None and not instruction:
            intent = await asyncio.to_thread(half_typed_body_at, document, span, unit)
    place = intent.span if intent is not None else span
    instruction = instruction or (intent.instruction if intent else "")
    if not instruction and place.empty:
        raise SettingsError(
            "There is no instruction; select code, put the cursor on a comment that says what to "
            "write, or give an instruction."
        )
    indent = intent.indent if intent else indent_of(document.line(place.start.line))
    await app.workspace.complexity.ready(document)
    decision = app.decide("generate", document, place.start, instruction=instruction, only=model)
    if not decision.models:
        raise no_model(app, "generate")
    count = 1 if model else (size or app.settings.ensemble.size)
    members = app.members(decision, count)
    missing = 0 if model else max(0, count - len(members))
    paused = dict(list(app.registry.paused("generate").items())[:missing])
    await app.workspace.context.prepare(document)
    await app.workspace.context.guard(model.profile for model in members)
    return _GenerationRun(
        app, document, place, instruction, indent, decision, members, progress, unit, preset,
        paused=paused,
    )  # fmt: skip


def _check_context(run: _GenerationRun) -> CheckContext:
    """Return the context of the checks; a single model's answer needs none."""
    app = run.app
    if len(run.members) < 2:
        settings = app.settings
        alone = settings.ensemble.model_copy(update={"run_examples": False, "run_tests": ""})
        app = replace(app, settings=settings.model_copy(update={"ensemble": alone}))
    return CheckContext(app, run.document, run.place, run.instruction, run.clean, run.report)


async def _answers(run: _GenerationRun, checks: CandidateChecks) -> tuple[FanOutResult, list[Vote]]:
    """Ask the members; return the raw result and the usable answers. Raises without a usable answer."""
    app = run.app
    stopping = EarlyStopping(
        run.document.language,
        app.weights(run.decision),
        run.clean,
        checks if checks else None,
        rule=app.settings.ensemble.rule,
    )
    async with partial_answers(run.clean_partial, run.report_text()) as partial:
        asked = await query_all(
            run.members,
            run.prompt,
            budget_ms=app.settings.ensemble.budget_ms,
            progress=progress_callback(run.progress, len(run.members), partial),
            should_stop=stopping,
            on_text=partial.add if partial is not None else None,
        )
    names = [model.profile.name for model in run.members]
    if not asked.completions:
        denied = refused(app, run.document, run.members)
        raise denied or failed(app, "generate", asked, names)
    answers = await stopping.votes(asked.completions, patience=app.settings.ensemble.test_seconds)
    if not answers:
        if run.preset is not None:
            raise DocumentError(run.preset.refusal)
        raise failed(app, "generate", asked, names)
    return asked, answers


async def _consensus(run: _GenerationRun, answers: list[Vote]) -> ConsensusResult:
    """Return the consensus, with the agreement corrected by what this user accepted before."""
    rule = run.app.settings.ensemble.rule
    found = await asyncio.to_thread(consensus_of_code, answers, run.document.language, rule)
    return replace(found, agreement=_corrected(run, found.agreement))


def _corrected(run: _GenerationRun, agreement: float) -> float:
    return round(run.app.selector.agreement.corrected(agreement), 3)


def _with_stronger_model(
    run: _GenerationRun, answers: list[Vote], verdict: ConsensusResult
) -> _GenerationRun | None:
    """Return the run with a stronger model added if a check casts doubt on the verdict."""
    names = [m.profile.name for m in run.members]
    if not (run.app.settings.selector.escalate and could_escalate(run.decision, names)):
        return None
    best = next((a for a in answers if a.text == verdict.text), None)
    findings = Findings(
        parses=best.form is not None if best is not None and best.form != "" else None,
        examples=best.checks.pass_rate >= 1
        if best is not None and best.checks is not None
        else None,
        agreement=verdict.agreement if len(verdict.groups) > 1 else None,
    )
    found = escalate(run.decision, findings, names)
    if found is None:
        return None
    model, decision = found
    return replace(run, members=[*run.members, model], decision=decision)


async def _ask_added_member(
    run: _GenerationRun, checks: CandidateChecks, asked: FanOutResult, answers: list[Vote]
) -> tuple[FanOutResult, list[Vote]]:
    """Ask the added member and append its answer; if it fails, keep the existing ones."""
    last = replace(run, members=run.members[-1:])
    run.report(f"asking {run.members[-1].profile.name} as well")
    try:
        more, new = await _answers(last, checks)
    except EnsembleError as error:
        logger.info("%s", error)
        return asked, answers
    completions = [*asked.completions, *more.completions]
    errors = {**asked.errors, **more.errors}
    return FanOutResult(completions, errors, [*asked.cancelled, *more.cancelled]), [*answers, *new]


async def _judged(run: _GenerationRun, verdict: ConsensusResult) -> tuple[ConsensusResult, bool]:
    """Return the verdict, or the judge's pick if the models agree too little.

    The pick has its own agreement. The judge's opinion does not raise it: nothing was measured of it.
    """
    settings = run.app.settings.ensemble
    weak = verdict.agreement < settings.threshold and len(verdict.groups) > 1
    if not settings.judge or not weak:
        return verdict, False
    judge = next((m for m in run.decision.models if m.profile.name == settings.judge), None)
    prompt = run.prompt(judge) if judge is not None else None
    if judge is None or prompt is None:
        logger.warning("ensemble.judge: %s cannot be asked for this file", settings.judge)
        return verdict, False
    run.report(f"{settings.judge} compares the answers")
    texts = [group.text for group in verdict.groups]
    index = await judge_candidates(judge, prompt, texts, budget_ms=settings.budget_ms)
    if index is None:
        return verdict, False
    group = verdict.groups[index]
    others = [g for g in verdict.groups if g is not group]
    why = (
        f"{verdict.why} {settings.judge} picked the answer of {join_names(group.models)} "
        f"among {len(texts)} without their names."
    )
    agreement = verdict.agreement
    if index and group.agreement is not None:
        agreement = _corrected(run, group.agreement)
    picked = replace(
        verdict, text=group.text, models=group.models, agreement=agreement,
        groups=(group, *others), why=why,
    )  # fmt: skip
    return picked, True


def _generation(
    run: _GenerationRun, asked: FanOutResult, verdict: ConsensusResult, picked: bool, trouble: str
) -> Generation:
    threshold = run.app.settings.ensemble.threshold
    count = len(verdict.groups)
    decided = count == 1 or picked or verdict.agreement >= threshold
    positions = shown_positions(count)
    candidates = tuple(
        run.app.new_suggestion(
            "generate",
            group.text,
            tuple(group.models),
            run.document,
            run.place,
            agreement=verdict.agreement if n == 0 else None,
            shown_at=positions[n],
        )
        for n, group in enumerate(verdict.groups)
    )
    return Generation(
        id=uuid.uuid4().hex[:16],
        uri=run.document.uri,
        version=run.document.version,
        span=run.place,
        candidates=candidates,
        agreement=verdict.agreement,
        agreeing=len(verdict.groups[0].models),
        asked=len(run.members),
        why=" ".join(filter(None, (verdict.why, trouble))),
        latency_ms=max(c.total_ms for c in asked.completions),
        errors={**run.paused, **{name: str(error) for name, error in asked.errors.items()}},
        decided=decided,
        check_summaries=tuple(
            group.checks.sentence() if group.checks else "" for group in verdict.groups
        ),
    )
