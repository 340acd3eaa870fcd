"""textDocument/inlineCompletion: ghost text."""

from __future__ import annotations

from lsprotocol import types

from ...types import Document, Suggestion
from ..convert import from_span, to_position, to_span
from ..formatting import InlineCompletionParams
from ..neovim import from_line_start
from ..server import EnsembleServer
from .document_requests import accept_command, document_request, suggestions_for
from .inline_edit import insertion_at


def no_inline_completions() -> types.InlineCompletionList:
    """Return the empty answer; not null, on which Neovim keeps the old ghost text."""
    return types.InlineCompletionList(items=[])


@document_request(no_inline_completions)
async def inline_completion(
    ls: EnsembleServer, document: Document, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    """Suggest one completion for an automatic request, several for an invoked one."""
    from ...completion import CompletionRequest, SelectedItem

    ls.inline_use.inline_requested()
    selected = params.context.selected_completion_info
    position = to_position(document, params.position, ls.encoding)
    invoked = params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked
    if selected is None and not invoked:
        edit = insertion_at(ls, document, position)
        if edit is not None:
            return types.InlineCompletionList(items=[_item(ls, document, edit)])
    request = CompletionRequest(
        document=document,
        position=position,
        trigger="invoked" if invoked else "automatic",
        selected=SelectedItem(to_span(document, selected.range, ls.encoding), selected.text)
        if selected
        else None,
        formatting=params.formatting if isinstance(params, InlineCompletionParams) else None,
    )
    return types.InlineCompletionList(
        items=[_item(ls, document, one) for one in await suggestions_for(ls, request)]
    )


def _item(
    ls: EnsembleServer, document: Document, suggestion: Suggestion
) -> types.InlineCompletionItem:
    text, span = suggestion.text, suggestion.span
    if ls.client.neovim:
        text, span = from_line_start(document, suggestion)
    return types.InlineCompletionItem(
        insert_text=text,
        range=from_span(document, span, ls.encoding),
        command=accept_command(suggestion),
    )
