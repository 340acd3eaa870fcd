"""textDocument/codeAction and codeAction/resolve: generate, explain, use a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
from lsprotocol import types

from ...errors import DocumentError
from ...types import Document, Position, Span
from ..candidate_picker import CHOOSE, choose_command
from ..convert import range_arguments as plain_arguments
from ..convert import to_span
from ..error_responses import failure, raise_to_user
from ..server import EnsembleServer
from ..work_done_progress import WorkDoneProgress, with_progress
from .document_requests import accept_command, document_request
from .inline_edit import next_edit_actions, resolved_edit
from .preset_actions import definition_actions, preset_generation, problem_actions

if TYPE_CHECKING:
    from ...generation.generator import Generation

GENERATE_KIND = "refactor.rewrite.ensemble"
EXPLAIN_KIND = "refactor.explain.ensemble"
Action = types.CodeAction | types.Command


def no_actions() -> list[Action]:
    """Return the empty answer."""
    return []


@document_request(no_actions)
async def code_action(
    ls: EnsembleServer, document: Document, params: types.CodeActionParams
) -> list[Action]:
    """List the actions for a range, without asking a model or waiting for anything."""
    from ...context.generation_intent import generation_intent_near

    span = to_span(document, params.range, ls.encoding)
    actions = _candidate_actions(ls, document, span)
    host = ls.host_if_ready()
    trees = host.app.workspace.context.trees if host is not None else None
    if not span.empty or generation_intent_near(document, span, trees) is not None:
        actions.append(_generate_action(ls, document, span))
    if document.slice(span).strip() or document.line(span.start.line).strip():
        actions.append(_explain_action(ls, document, span))
    actions += definition_actions(ls, document, params)
    actions = next_edit_actions(ls, document, span.start) + actions
    actions = problem_actions(ls, document, params) + actions
    actions = [a for a in actions if _is_requested(a, params.context.only)]
    if ls.client.code_action_literals:
        return [_tagged(ls, action) for action in actions]
    return [a.command for a in actions if a.command is not None]


def _tagged(ls: EnsembleServer, action: types.CodeAction) -> types.CodeAction:
    """Mark an action as a model's work, for clients that show it."""
    is_model = action.tags is None
    tags = [types.CodeActionTag.LlmGenerated] if ls.client.code_action_tags and is_model else None
    return attrs.evolve(action, tags=tags)


def _is_requested(action: types.CodeAction, only: Any) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    prefixes = [str(getattr(k, "value", k)) for k in only or [""]]
    return any(not p or kind == p or kind.startswith(p + ".") for p in prefixes)


def range_arguments(ls: EnsembleServer, document: Document, span: Span) -> dict[str, Any]:
    """Return a span as the ``{uri, range}`` of a command's arguments."""
    return plain_arguments(document, span, ls.encoding)


def _generate_action(ls: EnsembleServer, document: Document, span: Span) -> types.CodeAction:
    title = "Generate with ensemble"
    arguments = range_arguments(ls, document, span)
    literal = ls.client.code_action_literals and ls.client.resolves_edit
    command = types.Command(title=title, command="ensemble.generate", arguments=[arguments])
    data = {"task": "generate", "version": document.version, **_span_data(span)}
    return types.CodeAction(
        title=title,
        kind=GENERATE_KIND,
        command=None if literal else command,
        data={**data, "uri": document.uri} if literal else None,
    )


def _span_data(span: Span) -> dict[str, list[int]]:
    return {
        "start": [span.start.line, span.start.column],
        "end": [span.end.line, span.end.column],
    }


def _explain_action(ls: EnsembleServer, document: Document, span: Span) -> types.CodeAction:
    title = "Explain with ensemble"
    arguments = {**range_arguments(ls, document, span), "show": True}
    command = types.Command(title=title, command="ensemble.explain", arguments=[arguments])
    return types.CodeAction(title=title, kind=EXPLAIN_KIND, command=command)


def _candidate_actions(
    ls: EnsembleServer, document: Document, span: Span
) -> list[types.CodeAction]:
    """Offer each candidate of a generation that ran at this span, and one action to discard them."""
    host = ls.host_if_ready()
    generation = host.services.generator.at(document.uri, span) if host else None
    if generation is None:
        return []
    actions = [_use_action(ls, document, generation, index) for index in generation.shown]
    discard = types.Command(
        title="Discard ensemble answers",
        command="ensemble.reject",
        arguments=[{"id": generation.id}],
    )
    actions.append(types.CodeAction(title=discard.title, kind=GENERATE_KIND, command=discard))
    return actions


def _use_action(
    ls: EnsembleServer, document: Document, generation: Generation, index: int
) -> types.CodeAction:
    candidate = generation.candidates[index]
    title = generation.title(index)
    edit = ls.replacement(document, generation.span, candidate.text)
    command = accept_command(candidate)
    if not ls.client.code_action_literals:
        command = types.Command(title=title, command=CHOOSE, arguments=[{"id": candidate.id}])
    return types.CodeAction(title=title, kind=GENERATE_KIND, edit=edit, command=command)


@raise_to_user
async def resolve_code_action(ls: EnsembleServer, action: types.CodeAction) -> types.CodeAction:
    """Ask the models for the code of an action, and return it with the first answer as its edit."""
    data = cast("dict[str, Any]", action.data) if isinstance(action.data, dict) else {}
    if data.get("task") == "edit" and action.edit is None:
        return await _resolve_edit(ls, action, data)
    if data.get("task") not in ("generate", "preset") or action.edit is not None:
        return action
    try:
        uri, version = str(data["uri"]), int(data["version"])
        preset = cast("dict[str, Any]", dict(data["arguments"])) if "arguments" in data else None
        span = Span(*(Position(*data.get(end, (0, 0))) for end in ("start", "end")))
    except (KeyError, TypeError, ValueError) as error:
        raise failure("This code action is not valid; open the menu again.") from error
    document = _unchanged(ls, uri, version)
    if preset is not None:
        generation = await preset_generation(ls, document, preset, generate_with_progress)
    else:
        generation = await generate_with_progress(ls, document, span)
    if not generation.decided:
        action.command = choose_command(generation)
        return action
    action.edit = first_edit(ls, generation)
    report_unanswered(ls, generation)
    action.command = accept_command(generation.candidates[0])
    return action


def _unchanged(ls: EnsembleServer, uri: str, version: int) -> Document:
    """Return the document of an action; fail if it has changed since the menu was opened."""
    document = ls.document(uri)
    if not ls.is_current(uri, version):
        message = "The file has changed; open the menu again."
        raise failure(message, types.LSPErrorCodes.ContentModified)
    return document


async def _resolve_edit(
    ls: EnsembleServer, action: types.CodeAction, data: dict[str, Any]
) -> types.CodeAction:
    """Return ``Apply the next edit`` with its edit."""
    try:
        uri, version = str(data["uri"]), int(data["version"])
        cursor = Position(int(data["line"]), int(data["column"]))
    except (KeyError, TypeError, ValueError) as error:
        raise failure("This code action is not valid; open the menu again.") from error
    document = _unchanged(ls, uri, version)
    action.edit, suggestion = await resolved_edit(ls, document, document.clamp(cursor))
    action.command = accept_command(suggestion)
    return action


async def generate_with_progress(
    ls: EnsembleServer,
    document: Document,
    span: Span,
    token: str | int | None = None,
    **options: Any,
) -> Generation:
    """Run an ensemble with a progress bar that names each model as it answers."""
    host = await ls.host()

    async def work(bar: WorkDoneProgress) -> Generation:
        return await host.services.generator.generate(
            host.app, document, span, progress=bar.report, **options
        )

    return await with_progress(ls, "Generate with ensemble", token, work)


def report_unanswered(ls: EnsembleServer, generation: Generation) -> None:
    """Tell the user which models did not answer; the reasons are in the log and in the command's result."""
    if generation.unanswered:
        ls.notify_user(generation.unanswered, types.MessageType.Info)


def first_edit(ls: EnsembleServer, generation: Generation) -> types.WorkspaceEdit:
    """Return the first answer as an edit; fail if the document has changed meanwhile."""
    if not ls.is_current(generation.uri, generation.version):
        raise DocumentError("The file changed while the models were writing; generate again.")
    return ls.replacement(
        ls.document(generation.uri), generation.span, generation.candidates[0].text
    )
