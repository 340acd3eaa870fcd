"""``ensemble.generate`` and ``ensemble.explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ...types import Document, Span
from ..candidate_picker import apply_edit, pick_candidate
from ..convert import to_span
from ..convert_diagnostics import from_arguments
from ..formatting import formatting_options
from ..server import EnsembleServer
from ..show_document import show_markdown
from ..work_done_progress import WorkDoneProgress, with_progress
from .code_action import (
    first_edit,
    generate_with_progress,
    range_arguments,
    report_unanswered,
)
from .preset_actions import requested_preset

if TYPE_CHECKING:
    from ...explanation.explainer import FollowUp
    from ...generation.generator import ReportPartial, Revision
    from ..generation_schemas import ExplainArguments, GenerateArguments, RangeArguments


def _range_in_document(ls: EnsembleServer, arguments: RangeArguments) -> tuple[Document, Span]:
    document = ls.document(arguments.uri)
    # It has LSP's fields, but may hold numbers that lsprotocol refuses.
    return document, to_span(document, cast("types.Range", arguments.range), ls.encoding)


async def generate(ls: EnsembleServer, arguments: GenerateArguments) -> dict[str, Any]:
    """Write code with several models; apply the first answer unless ``apply`` is false."""
    document, span = _range_in_document(ls, arguments)
    generation = await generate_with_progress(
        ls,
        document,
        span,
        arguments.work_done_token,
        instruction=arguments.instruction or "",
        revision=_revision(arguments),
        size=arguments.size or None,
        model=arguments.model or None,
        partial=_report_partial(ls, document, arguments.partial_result_token),
        formatting=formatting_options(arguments.formatting_options),
        preset=await requested_preset(ls, document, span, arguments),
    )
    if arguments.apply is not False:
        if not generation.decided:
            ls.background(pick_candidate(ls, generation))
        elif await apply_edit(ls, "Generate with ensemble", first_edit(ls, generation)):
            suggestions = (await ls.app()).suggestions
            await suggestions.accepted(generation.candidates[0].id, None)
            report_unanswered(ls, generation)
    return {
        "id": generation.id,
        "text": generation.candidates[0].text,
        "agreement": generation.agreement,
        "settled": generation.decided,
        "candidates": [
            {"id": c.id, "models": list(c.models), "text": c.text} for c in generation.candidates
        ],
        "errors": generation.errors,
        **range_arguments(ls, document, generation.span),
    }


def _report_partial(
    ls: EnsembleServer, document: Document, token: str | int | None
) -> ReportPartial | None:
    """Return a callback that sends partial answers to the client; ``None`` if it wants none."""
    if token is None:
        return None

    def report(model: str, text: str, place: Span) -> None:
        answer = {"model": model, "text": text, **range_arguments(ls, document, place)}
        params = types.ProgressParams(token=token, value=answer)
        ls.protocol.notify(types.PROGRESS, params)

    return report


def _revision(arguments: GenerateArguments) -> Revision | None:
    """Return the change to an earlier answer that the arguments ask for."""
    from ...generation.generator import Revision

    if not (arguments.draft and arguments.follow_up):
        return None
    return Revision(arguments.draft, arguments.follow_up)


async def explain(ls: EnsembleServer, arguments: ExplainArguments) -> dict[str, Any]:
    """Explain code with several models; ``show`` opens the explanation in the editor."""
    document, span = _range_in_document(ls, arguments)
    host = await ls.host()
    size = arguments.size or host.app.settings.ensemble.size
    problems = from_arguments(document, arguments.diagnostics, ls.encoding)

    async def work(bar: WorkDoneProgress) -> Any:
        def report(step: Any) -> None:
            bar.report(f"{step.model}: {step.state}", 100 * step.done // max(1, step.total))

        return await host.services.explainer.explain(
            host.app,
            document,
            span,
            size=size,
            model=arguments.model,
            progress=report,
            problems=problems,
            follow_up=_follow_up(arguments),
        )

    explained = await with_progress(ls, "Explain with ensemble", arguments.work_done_token, work)
    if arguments.show:
        await show_markdown(ls, explained.with_signature())
    return {
        "id": explained.id,
        "markdown": explained.markdown,
        "models": list(explained.models),
    }


def _follow_up(arguments: ExplainArguments) -> FollowUp | None:
    """Return the question that the arguments ask."""
    from ...explanation.explainer import FollowUp

    if not arguments.question:
        return None
    return FollowUp(arguments.question, arguments.previous or "")
