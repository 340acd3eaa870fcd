"""Next edits: ``textDocument/copilotInlineEdit`` and its notifications, ``ensemble.nextEdit``, inline completions."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ...errors import DocumentError, EnsembleError
from ...types import LOCATOR, Document, Position, Suggestion
from ..candidate_picker import apply_edit
from ..convert import from_span, to_position
from ..server import EnsembleServer, Host
from .document_requests import accept_command

if TYPE_CHECKING:
    from ...next_edit.model_prompt import EditQuery
    from ...next_edit.predictor import KeptPrediction
    from ..inline_edit_params import InlineEditParams
    from ..suggestion_schemas import NextEditArguments

logger = logging.getLogger(__name__)

NEXT_EDIT_KIND = "refactor.rewrite.ensemble.next"
NEXT_EDIT = "ensemble.nextEdit"
_TITLE = "Apply the next edit"
NOTHING = "No next edit is predicted here."


async def inline_edit(ls: EnsembleServer, params: Any) -> dict[str, Any]:
    """Return at most one edit; never an error, which some clients show, not even if it is cancelled."""
    suggestion = None
    ls.asks_for_edits = True
    try:
        suggestion = await _predicted(ls, params)
    except asyncio.CancelledError:
        logger.debug("a request for the next edit was cancelled")
    except EnsembleError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("the prediction of the next edit failed")
    document = ls.documents.get(suggestion.uri) if suggestion is not None else None
    if suggestion is None or document is None or document.version != suggestion.version:
        return {"edits": []}
    return {"edits": [_on_the_wire(ls, document, suggestion)]}


async def _predicted(ls: EnsembleServer, params: Any) -> Suggestion | None:
    before = _open_document(ls, params)
    await ls.packages_imported()
    from ..inline_edit_params import parse_params

    host, parsed = await ls.host(), parse_params(params)
    if before is None or parsed is None or not ls.is_current(before.uri, before.version):
        return None
    if parsed.text_document.version not in (None, before.version):
        return None
    return await host.services.predictor.predict(host.app, _query(ls, before, parsed))


def _open_document(ls: EnsembleServer, params: Any) -> Document | None:
    """Return the document as it is when the request arrives."""
    try:
        return ls.documents.get(params["textDocument"]["uri"])
    except (KeyError, TypeError):
        return None


def _query(ls: EnsembleServer, document: Document, params: InlineEditParams) -> EditQuery:
    from ...next_edit.model_prompt import EditQuery
    from ...next_edit.prompting import EditDiagnostic

    position = types.Position(params.position.line, params.position.character)
    diagnostics = tuple(
        EditDiagnostic(d.range.start.line, d.severity_name, d.message, d.source or "")
        for d in params.known_diagnostics
    )
    return EditQuery(
        document, to_position(document, position, ls.encoding), params.trigger, diagnostics
    )


def _on_the_wire(ls: EnsembleServer, document: Document, suggestion: Suggestion) -> dict[str, Any]:
    range_ = from_span(document, suggestion.span, ls.encoding)
    start, end = range_.start, range_.end
    command = accept_command(suggestion)
    return {
        "text": suggestion.text,
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "textDocument": {"uri": document.uri, "version": document.version},
        "command": {
            "title": "Accept inline edit",
            "command": command.command,
            "arguments": [{"id": suggestion.id}],
        },
    }


def did_show_item(ls: EnsembleServer, params: Any) -> None:
    """Record that an edit or a completion is on the screen, as Copilot's clients report it."""
    if host := ls.host_if_ready():
        from ..inline_edit_params import accepted_id

        if id_ := accepted_id(params):
            host.app.suggestions.shown(id_)


def did_focus(ls: EnsembleServer, params: Any) -> None:
    """Check the focused document against the ignore rules ahead of its first prompt."""
    host, document = ls.host_if_ready(), _open_document(ls, params)
    if host is not None and document is not None:
        ls.background(host.app.workspace.context.prepare(document))


# -- in every editor -------------------------------------------------------------------------------


def insertion_at(ls: EnsembleServer, document: Document, cursor: Position) -> Suggestion | None:
    """Return an edit that only adds at the cursor, if one is there without asking a model.

    A client that asks for next edits itself shows it already.
    """
    host = ls.host_if_ready()
    if host is None or ls.asks_for_edits or not ls.is_current(document.uri, document.version):
        return None
    query, found = _instant(host, document, cursor)
    shown = found.edit.as_insertion(document, cursor) if found is not None else None
    if found is None or shown is None:
        return None
    return host.services.predictor.offer(host.app, query, found, shown)


def next_edit_actions(
    ls: EnsembleServer, document: Document, cursor: Position
) -> list[types.CodeAction]:
    """Offer the next edit if one is there without asking a model."""
    host = ls.host_if_ready()
    if host is None:
        return []
    _, found = _instant(host, document, cursor)
    if found is None:
        return []
    place = {"uri": document.uri, "line": cursor.line, "column": cursor.column}
    at = from_span(document, found.edit.span, ls.encoding).start
    arguments = {
        "uri": document.uri,
        "position": {"line": at.line, "character": at.character},
    }
    resolved = ls.client.code_action_literals and ls.client.resolves_edit
    title = f"{_TITLE} (line {at.line + 1})"
    command = types.Command(title=title, command=NEXT_EDIT, arguments=[arguments])
    action = types.CodeAction(
        title=title,
        kind=NEXT_EDIT_KIND,
        command=None if resolved else command,
        data={"task": "edit", "version": document.version, **place} if resolved else None,
    )
    if found.edit.model == LOCATOR:
        action.tags = []  # no model wrote it
    return [action]


def _instant(
    host: Host, document: Document, cursor: Position
) -> tuple[EditQuery, KeptPrediction | None]:
    """Return an edit that is there without asking a model; completions do not depend on it."""
    from ...next_edit.model_prompt import EditQuery

    query = EditQuery(document, cursor)
    try:
        return query, host.services.predictor.instant(host.app, query)
    except Exception:
        logger.exception("the prediction of the next edit failed")
        return query, None


async def resolved_edit(
    ls: EnsembleServer, document: Document, cursor: Position
) -> tuple[types.WorkspaceEdit, Suggestion]:
    """Return the next edit that the user asked for, as an edit and as a suggestion."""
    from ...next_edit.model_prompt import EditQuery

    host = await ls.host()
    query = EditQuery(document, cursor, "invoked")
    suggestion = await host.services.predictor.predict(host.app, query)
    if suggestion is None:
        raise DocumentError(NOTHING)
    edit = ls.replacement(document, suggestion.span, suggestion.text)
    return edit, suggestion


async def next_edit(ls: EnsembleServer, arguments: NextEditArguments) -> dict[str, Any]:
    """Predict the next edit at a position and apply it."""
    document = ls.document(arguments.uri)
    position = types.Position(arguments.position.line, arguments.position.character)
    edit, suggestion = await resolved_edit(
        ls, document, to_position(document, position, ls.encoding)
    )
    applied = await apply_edit(ls, _TITLE, edit)
    if applied:
        await (await ls.app()).suggestions.accepted(suggestion.id, None)
    return {"id": suggestion.id, "applied": applied}
