"""textDocument/completion: the same suggestions, for clients without inline completion."""

from __future__ import annotations

import re
from typing import Any, cast

from lsprotocol import types

from ...types import Document, Position, Span, Suggestion
from ..convert import from_span, to_position
from ..server import EnsembleServer
from .document_requests import accept_command, document_request, suggestions_for

NEOVIM = "Neovim"
"""Its built-in client inserts only the first word of a plain edit (0.11 and 0.12), but whole snippets."""


def no_completions() -> types.CompletionList:
    """Return the empty answer; incomplete, so that the client asks again at the next keystroke."""
    return types.CompletionList(is_incomplete=True, items=[])


@document_request(no_completions)
async def completion(
    ls: EnsembleServer, document: Document, params: types.CompletionParams
) -> types.CompletionList:
    """Return suggestions as completion items."""
    from ...completion import CompletionRequest

    position = to_position(document, params.position, ls.encoding)
    context = params.context
    invoked = context is not None and context.trigger_kind is types.CompletionTriggerKind.Invoked
    # Clients report "invoked" for plain typing too, so it is debounced like an automatic request.
    request = CompletionRequest(document, position, "automatic", several=invoked)
    suggestions = await suggestions_for(ls, request)
    return types.CompletionList(
        is_incomplete=True,
        items=[_item(ls, document, position, s, n) for n, s in enumerate(suggestions)],
    )


def _item(
    ls: EnsembleServer, document: Document, position: Position, suggestion: Suggestion, index: int
) -> types.CompletionItem:
    before = document.line(position.line)[: suggestion.span.start.column]
    typed = document.line(position.line)[suggestion.span.start.column : position.column]
    first = suggestion.text.split("\n", 1)[0]
    # Clients filter by the word before the cursor, so the item must begin with it.
    word = len(before) - len(before.rstrip("_")) if not before else _word_start(before)
    head = before[word:]
    text, span, form = suggestion.text, suggestion.span, types.InsertTextFormat.PlainText
    if ls.client.name == NEOVIM:
        text, span = _inserted(document, position, suggestion)
        text, form = _snippet(text, document.line(position.line)), types.InsertTextFormat.Snippet
    return types.CompletionItem(
        label=(head + typed + first).strip()[:80] or first[:80],
        label_details=types.CompletionItemLabelDetails(description=", ".join(suggestion.models)),
        kind=types.CompletionItemKind.Snippet,
        sort_text=f"\u0021{index:03}",
        filter_text=head + first,
        insert_text_format=form,
        text_edit=types.TextEdit(from_span(document, span, ls.encoding), text),
        preselect=False,
        command=accept_command(suggestion),
        data={"id": suggestion.id, "language": document.language, "text": suggestion.text}
        | {"models": list(suggestion.models)},
    )


def _inserted(document: Document, position: Position, suggestion: Suggestion) -> tuple[str, Span]:
    """Return the text and span without what is replaced behind the cursor.

    Neovim inserts the rest of the line again behind a snippet, so the text ends before the part that
    it has in common with the rest.
    """
    span = suggestion.span
    if span.end <= position:
        return suggestion.text, span
    from ...postprocess.rest_of_line import fit_rest_of_line

    line = document.line(position.line)
    fitted = fit_rest_of_line(
        suggestion.text,
        prefix=line[: span.start.column],
        suffix=line[position.column :],
        language=document.language,
    )
    return fitted.text[: fitted.own], Span(span.start, position)


def _snippet(text: str, line: str) -> str:
    """Return the text as a snippet; clients indent its further lines like the line it is inserted in.

    A snippet cannot express a line with less indentation, so the text ends before the first one.
    """
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = text.split("\n")
    lines = [first]
    for one in rest:
        if one.strip() and not one.startswith(indent):
            break
        lines.append(one.removeprefix(indent) if one.strip() else "")
    return re.sub(r"([\\$}])", r"\\\1", "\n".join(lines).rstrip("\n") or text)


def _word_start(text: str) -> int:
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return start


async def resolve_completion(
    ls: EnsembleServer, item: types.CompletionItem
) -> types.CompletionItem:
    """Add the documentation: the whole text and the models that wrote it."""
    data = cast("dict[str, Any]", item.data) if isinstance(item.data, dict) else {}
    if text := str(data.get("text", "")):
        models = ", ".join(str(name) for name in data.get("models", []))
        from ...postprocess import escape_markdown

        # Longer than any fence in the text, so that the text cannot end it.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        item.detail = f"ensemble-lsp: {models}"
        item.documentation = types.MarkupContent(
            types.MarkupKind.Markdown,
            f"{fence}{data.get('language', '')}\n{text}\n{fence}\n\nWritten by {escape_markdown(models)}.",
        )
    return item
