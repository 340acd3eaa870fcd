"""textDocument/completion: the same suggestions, for clients without inline completion."""

from __future__ import annotations

import re
from typing import Any, cast

from lsprotocol import types

from ...types import Document, Position, Suggestion
from ..convert import from_span, to_position
from ..error_responses import quiet_on_error
from ..server import EnsembleServer
from .inline_completion import accept_command

NEOVIM = "Neovim"
"""Its built-in client puts only the first word of a plain edit in (0.11 and 0.12), but whole snippets."""


def nothing() -> types.CompletionList:
    """The empty answer; incomplete, so that the client asks again at the next keystroke."""
    return types.CompletionList(is_incomplete=True, items=[])


@quiet_on_error(nothing)
async def completion(ls: EnsembleServer, params: types.CompletionParams) -> types.CompletionList:
    """Suggestions as completion items."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return nothing()
    position = to_position(document, params.position, ls.encoding)
    context = params.context
    invoked = context is not None and context.trigger_kind is types.CompletionTriggerKind.Invoked

    from ...completion import CompletionRequest

    host = await ls.host()
    # Clients report "invoked" for plain typing too; it is debounced like any automatic request.
    request = CompletionRequest(document, position, "automatic", several=invoked)
    suggestions = await host.tools.completer.complete(host.app, request)
    current = ls.documents.get(document.uri)
    if current is None or current.version != document.version:
        host.app.suggestions.withdrawn(suggestions)
        return nothing()
    return types.CompletionList(
        is_incomplete=True,
        items=[_item(ls, document, position, s, n) for n, s in enumerate(suggestions)],
    )


def _item(
    ls: EnsembleServer, document: Document, position: Position, suggestion: Suggestion, place: int
) -> types.CompletionItem:
    before = document.line(position.line)[: suggestion.span.start.column]
    typed = document.line(position.line)[suggestion.span.start.column : position.column]
    first = suggestion.text.split("\n", 1)[0]
    # A client filters by the word before the cursor; the item must begin with it to be shown.
    word = len(before) - len(before.rstrip("_")) if not before else _word_start(before)
    head = before[word:]
    text, form = suggestion.text, types.InsertTextFormat.PlainText
    if ls.client.name == NEOVIM:
        text, form = _snippet(text, document.line(position.line)), types.InsertTextFormat.Snippet
    return types.CompletionItem(
        label=(head + typed + first).strip()[:80] or first[:80],
        label_details=types.CompletionItemLabelDetails(description=", ".join(suggestion.models)),
        kind=types.CompletionItemKind.Snippet,
        sort_text=f"\u0021{place:03}",
        filter_text=head + first,
        insert_text_format=form,
        text_edit=types.TextEdit(from_span(document, suggestion.span, ls.encoding), text),
        preselect=False,
        command=accept_command(suggestion),
        data={"id": suggestion.id, "language": document.language, "text": suggestion.text}
        | {"models": list(suggestion.models)},
    )


def _snippet(text: str, line: str) -> str:
    """The text as a snippet, whose further lines a client indents as the line it goes to.

    A line that is indented less than that, and what follows it, cannot be said so and is left out.
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
    """Add the documentation: the whole text, and who wrote it."""
    data = cast("dict[str, Any]", item.data) if isinstance(item.data, dict) else {}
    if text := str(data.get("text", "")):
        models = ", ".join(str(name) for name in data.get("models", []))
        from ...postprocess import escape_markdown

        # Longer than any in the text, which else could end the fence and go on as Markdown.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        item.detail = f"ensemble-lsp: {models}"
        item.documentation = types.MarkupContent(
            types.MarkupKind.Markdown,
            f"{fence}{data.get('language', '')}\n{text}\n{fence}\n\nWritten by {escape_markdown(models)}.",
        )
    return item
