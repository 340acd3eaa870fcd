"""workspace/executeCommand: the commands of our own. Each takes one object and returns plain JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ...errors import SettingsError
from ...types import TASKS, Document, Span, Task
from ..candidate_picker import ask_which
from ..convert import code_points, to_span
from ..error_responses import raise_to_user
from ..server import EnsembleServer
from ..show_document import show_markdown
from ..work_done_progress import Progress, with_progress
from .code_action import consensus_edit, generate_with_progress, place_of
from .report_commands import compare, report

if TYPE_CHECKING:
    from ...app import AppContext

APPLYING = 10.0
"""Seconds that a client has to say whether it applied an edit."""

Arguments = dict[str, Any]
Command = Callable[[EnsembleServer, Arguments], Awaitable[Any]]


def _text(arguments: Arguments, key: str) -> str:
    value = arguments.get(key)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"The argument {key!r} is missing; give it as a text.")
    return value


def _integer(arguments: Arguments, key: str) -> int | None:
    value = arguments.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"The argument {key!r} must be a whole number from 0.")
    return value


def _place(ls: EnsembleServer, arguments: Arguments) -> tuple[Document, Span]:
    document = ls.document(_text(arguments, "uri"))
    try:
        raw = arguments["range"]
        start, end = (
            types.Position(int(raw[k]["line"]), int(raw[k]["character"])) for k in ("start", "end")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError("The argument 'range' must be an LSP range.") from error
    return document, to_span(document, types.Range(start, end), ls.encoding)


def _task(arguments: Arguments) -> Task:
    task = _text(arguments, "task")
    if task not in TASKS:
        raise SettingsError(f"The task {task!r} is not known; use {', '.join(TASKS)}.")
    return task


@raise_to_user
async def accept(ls: EnsembleServer, arguments: Arguments) -> None:
    """A suggestion was accepted, whole or (``length``, UTF-16 units) in part."""
    suggestions = (await ls.app()).suggestions
    id_, length = _text(arguments, "id"), _integer(arguments, "length")
    if length is not None:
        suggestion = suggestions.find(id_)
        length = code_points(suggestion.text, length) if suggestion else length
    await suggestions.accepted(id_, length)


@raise_to_user
async def reject(ls: EnsembleServer, arguments: Arguments) -> None:
    """A suggestion, or all candidates of an ensemble, were refused."""
    host = await ls.host()
    id_ = _text(arguments, "id")
    for one in host.tools.generator.discard(id_) or [id_]:
        await host.app.suggestions.rejected(one)


@raise_to_user
async def choose(ls: EnsembleServer, arguments: Arguments) -> None:
    """Apply one candidate of an ensemble; with the ensemble's own id, ask the user which."""
    host = await ls.host()
    id_ = _text(arguments, "id")
    if (undecided := host.tools.generator.find(id_)) is not None:
        ls.background(ask_which(ls, undecided))
        return
    generation, candidate = host.tools.generator.candidate(id_)
    document = ls.document(generation.uri)
    from ..convert import workspace_edit

    edit = workspace_edit(
        document, generation.span, candidate.text, ls.encoding, versioned=ls.client.versioned_edits
    )
    await _apply(ls, "Use answer", edit)
    await host.app.suggestions.accepted(candidate.id, None)


async def _apply(ls: EnsembleServer, label: str, edit: types.WorkspaceEdit) -> bool:
    params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
    try:
        result = await asyncio.wait_for(ls.workspace_apply_edit_async(params), APPLYING)
    except asyncio.TimeoutError:
        return False
    return bool(result.applied)


@raise_to_user
async def generate(ls: EnsembleServer, arguments: Arguments) -> dict[str, Any]:
    """Write code with several models; applies the consensus unless ``apply`` is false."""
    document, span = _place(ls, arguments)
    size, model = _integer(arguments, "size"), arguments.get("model")
    generation = await generate_with_progress(
        ls,
        document,
        span,
        arguments.get("workDoneToken"),
        instruction=str(arguments.get("instruction") or ""),
        size=size or None,
        model=str(model) if model else None,
    )
    if arguments.get("apply", True) and not generation.decided:
        ls.background(ask_which(ls, generation))
    elif arguments.get("apply", True):
        edit = consensus_edit(ls, generation)
        if await _apply(ls, "Generate with ensemble", edit):
            suggestions = (await ls.app()).suggestions
            await suggestions.accepted(generation.candidates[0].id, None)
    return {
        "id": generation.id,
        "text": generation.candidates[0].text,
        "agreement": generation.agreement,
        "settled": generation.decided,
        "candidates": [
            {"id": c.id, "models": list(c.models), "text": c.text} for c in generation.candidates
        ],
        "errors": generation.errors,
        **place_of(ls, document, generation.span),
    }


@raise_to_user
async def explain(ls: EnsembleServer, arguments: Arguments) -> dict[str, Any]:
    """Explain a range with several models, with a bar that names each; ``show`` opens it in the editor."""
    document, span = _place(ls, arguments)
    host = await ls.host()
    size = _integer(arguments, "size") or host.app.settings.ensemble.size

    async def work(bar: Progress) -> Any:
        def told(step: Any) -> None:
            bar.report(f"{step.model}: {step.state}", 100 * step.done // max(1, step.total))

        return await host.tools.explainer.explain(
            host.app, document, span, size=size, progress=told
        )

    token = arguments.get("workDoneToken")
    explained = await with_progress(ls, "Explain with ensemble", token, work)
    if arguments.get("show"):
        await show_markdown(ls, explained.with_signature())
    return {"markdown": explained.markdown, "models": list(explained.models)}


@raise_to_user
async def models(ls: EnsembleServer, arguments: Arguments) -> list[dict[str, Any]]:
    """All models: what they do, whether they can be asked, and how they did."""
    from ...app.model_admin import describe_models

    return await describe_models(await ls.app())


@raise_to_user
async def pin(ls: EnsembleServer, arguments: Arguments) -> None:
    """Use one model for a task from now on, or (null) let the selector choose again."""
    task, name = _task(arguments), arguments.get("name")
    if name is not None and not isinstance(name, str):
        raise SettingsError("The argument 'name' must be a model's name or null.")

    async def pinned(app: AppContext) -> AppContext:
        return app.with_pin(task, name)

    await ls.change(pinned)


@raise_to_user
async def add_model(ls: EnsembleServer, arguments: Arguments) -> None:
    """Add a model for this session; with ``save`` also to the user's config."""
    from ...app.model_admin import parse_model, save_model, with_model

    model = parse_model({k: v for k, v in arguments.items() if k != "save"})
    app = await ls.change(lambda app: with_model(app, model))
    if arguments.get("save"):
        await save_model(app, model)


@raise_to_user
async def remove_model(ls: EnsembleServer, arguments: Arguments) -> None:
    """Remove a model from this session; with ``save`` also from the user's config."""
    from ...app.model_admin import forget_model, without_model

    name = _text(arguments, "name")
    app = await ls.change(lambda app: without_model(app, name))
    if arguments.get("save"):
        await forget_model(app, name)


@raise_to_user
async def why(ls: EnsembleServer, arguments: Arguments) -> dict[str, Any]:
    """Why a suggestion came from that model; without ``id``, whom it would ask at a place now."""
    app = await ls.app()
    if "id" in arguments:
        return app.suggestions.why(_text(arguments, "id"))
    place = arguments.get("position")
    document, span = _place(ls, {**arguments, "range": {"start": place, "end": place}})
    return app.outlook(_task(arguments), document, span.start)


COMMANDS: dict[str, Command] = {
    "ensemble.accept": accept,
    "ensemble.reject": reject,
    "ensemble.choose": choose,
    "ensemble.generate": generate,
    "ensemble.explain": explain,
    "ensemble.models": models,
    "ensemble.pin": pin,
    "ensemble.addModel": add_model,
    "ensemble.removeModel": remove_model,
    "ensemble.why": why,
    "ensemble.report": report,
    "ensemble.compare": compare,
}
"""Every command, by the name the editor runs."""
