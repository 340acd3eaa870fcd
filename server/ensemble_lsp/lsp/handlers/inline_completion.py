"""textDocument/inlineCompletion: ghost text."""

from __future__ import annotations

from lsprotocol import types

from ...types import Suggestion
from ..convert import from_span, to_position, to_span
from ..error_responses import quiet_on_error
from ..server import EnsembleServer

ACCEPT = "ensemble.accept"


def nothing() -> types.InlineCompletionList:
    """The empty answer: never null, on which Neovim would keep old ghost text."""
    return types.InlineCompletionList(items=[])


def accept_command(suggestion: Suggestion) -> types.Command:
    """What the editor runs after inserting a suggestion."""
    return types.Command(title="Accept", command=ACCEPT, arguments=[{"id": suggestion.id}])


@quiet_on_error(nothing)
async def inline_completion(
    ls: EnsembleServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    """Suggestions at the cursor; one for an automatic request, several for an invoked one."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return nothing()
    position = to_position(document, params.position, ls.encoding)
    selected = params.context.selected_completion_info
    span = to_span(document, selected.range, ls.encoding) if selected else None
    invoked = params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked

    from ...completion import CompletionRequest, SelectedItem

    host = await ls.host()
    request = CompletionRequest(
        document=document,
        position=position,
        trigger="invoked" if invoked else "automatic",
        selected=SelectedItem(span, selected.text) if selected and span else None,
    )
    suggestions = await host.tools.completer.complete(host.app, request)
    current = ls.documents.get(document.uri)
    if current is None or current.version != document.version:
        host.app.suggestions.withdrawn(suggestions)
        return nothing()
    return types.InlineCompletionList(
        items=[
            types.InlineCompletionItem(
                insert_text=suggestion.text,
                range=from_span(document, suggestion.span, ls.encoding),
                command=accept_command(suggestion),
            )
            for suggestion in suggestions
        ]
    )
