"""textDocument/codeAction and codeAction/resolve: generate, explain, choose among candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ...errors import DocumentError
from ...types import Document, Position, Span
from ..candidate_picker import choose_command
from ..convert import from_span, to_span, workspace_edit
from ..error_responses import failure, quiet_on_error, raise_to_user
from ..server import EnsembleServer
from ..work_done_progress import Progress, with_progress
from .inline_completion import ACCEPT

if TYPE_CHECKING:
    from ...generation.generator import Generation

GENERATE_KIND = "refactor.rewrite.ensemble"
EXPLAIN_KIND = "refactor.explain.ensemble"
Action = types.CodeAction | types.Command


def nothing() -> list[Action]:
    """No actions."""
    return []


@quiet_on_error(nothing)
async def code_action(ls: EnsembleServer, params: types.CodeActionParams) -> list[Action]:
    """What can be done at a place. Asks no model and waits for nothing."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    from ...context.generation_intent import generation_intent_at

    span = to_span(document, params.range, ls.encoding)
    actions = _candidates(ls, document, span)
    host = ls.opened()
    trees = host.app.workspace.context.trees if host is not None else None
    if not span.empty or generation_intent_at(document, span, trees) is not None:
        actions.append(_generate(ls, document, span))
    if document.slice(span).strip() or document.line(span.start.line).strip():
        actions.append(_explain(ls, document, span))
    actions = [a for a in actions if _wanted(a, params.context.only)]
    if ls.client.code_action_literals:
        return list(actions)
    return [a.command for a in actions if a.command is not None]


def _wanted(action: types.CodeAction, only: Any) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    prefixes = [str(getattr(k, "value", k)) for k in only or [""]]
    return any(not p or kind == p or kind.startswith(p + ".") for p in prefixes)


def place_of(ls: EnsembleServer, document: Document, span: Span) -> dict[str, Any]:
    """A place as a command's arguments: ``{uri, range}``."""
    range_ = from_span(document, span, ls.encoding)
    start, end = range_.start, range_.end
    return {
        "uri": document.uri,
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
    }


def _generate(ls: EnsembleServer, document: Document, span: Span) -> types.CodeAction:
    title = "Generate with ensemble"
    arguments = place_of(ls, document, span)
    literal = ls.client.code_action_literals and ls.client.resolves_edit
    command = types.Command(title=title, command="ensemble.generate", arguments=[arguments])
    data = {"task": "generate", "version": document.version, **_plain(span)}
    return types.CodeAction(
        title=title,
        kind=GENERATE_KIND,
        command=None if literal else command,
        data={**data, "uri": document.uri} if literal else None,
    )


def _plain(span: Span) -> dict[str, list[int]]:
    return {
        "start": [span.start.line, span.start.column],
        "end": [span.end.line, span.end.column],
    }


def _explain(ls: EnsembleServer, document: Document, span: Span) -> types.CodeAction:
    title = "Explain with ensemble"
    arguments = {**place_of(ls, document, span), "show": True}
    command = types.Command(title=title, command="ensemble.explain", arguments=[arguments])
    return types.CodeAction(title=title, kind=EXPLAIN_KIND, command=command)


def _candidates(ls: EnsembleServer, document: Document, span: Span) -> list[types.CodeAction]:
    """One action a candidate of the ensemble that ran at this place, and one to discard them."""
    host = ls.opened()
    generation = host.tools.generator.at(document.uri, span) if host else None
    if generation is None:
        return []
    actions = [_use(ls, document, generation, index) for index in generation.shown]
    discard = types.Command(
        title="Discard ensemble answers",
        command="ensemble.reject",
        arguments=[{"id": generation.id}],
    )
    actions.append(types.CodeAction(title=discard.title, kind=GENERATE_KIND, command=discard))
    return actions


def _use(
    ls: EnsembleServer, document: Document, generation: Generation, index: int
) -> types.CodeAction:
    candidate = generation.candidates[index]
    title = generation.title(index)
    edit = workspace_edit(
        document,
        generation.span,
        candidate.text,
        ls.encoding,
        versioned=ls.client.versioned_edits,
    )
    command = types.Command(title=title, command=ACCEPT, arguments=[{"id": candidate.id}])
    if not ls.client.code_action_literals:
        command = types.Command(
            title=title, command="ensemble.choose", arguments=[{"id": candidate.id}]
        )
    return types.CodeAction(title=title, kind=GENERATE_KIND, edit=edit, command=command)


@raise_to_user
async def resolve_code_action(ls: EnsembleServer, action: types.CodeAction) -> types.CodeAction:
    """Run ``Generate with ensemble`` and put the consensus into the action as its edit."""
    data = cast("dict[str, Any]", action.data) if isinstance(action.data, dict) else {}
    if data.get("task") != "generate" or action.edit is not None:
        return action
    try:
        uri, version = str(data["uri"]), int(data["version"])
        span = Span(Position(*data["start"]), Position(*data["end"]))
    except (KeyError, TypeError, ValueError) as error:
        raise failure("This action is not one of ours; open the menu again.") from error
    document = ls.document(uri)
    if document.version != version:
        raise failure("The file has changed meanwhile; open the menu again.", -32801)
    generation = await generate_with_progress(ls, document, span)
    if not generation.decided:
        action.command = choose_command(generation)
        return action
    action.edit = consensus_edit(ls, generation)
    action.command = types.Command(
        title="Accept", command=ACCEPT, arguments=[{"id": generation.candidates[0].id}]
    )
    return action


async def generate_with_progress(
    ls: EnsembleServer,
    document: Document,
    span: Span,
    token: str | int | None = None,
    **options: Any,
) -> Generation:
    """Run the ensemble; the progress bar names each model as it answers."""
    host = await ls.host()

    def work(bar: Progress) -> Any:
        return host.tools.generator.generate(
            host.app, document, span, progress=bar.report, **options
        )

    return await with_progress(ls, "Generate with ensemble", token, work)


def consensus_edit(ls: EnsembleServer, generation: Generation) -> types.WorkspaceEdit:
    """The consensus as an edit; fails when the document changed while the models wrote."""
    current = ls.documents.get(generation.uri)
    if current is None or current.version != generation.version:
        raise DocumentError("The file has changed while the models wrote; ask again.")
    return workspace_edit(
        current,
        generation.span,
        generation.candidates[0].text,
        ls.encoding,
        versioned=ls.client.versioned_edits,
    )
