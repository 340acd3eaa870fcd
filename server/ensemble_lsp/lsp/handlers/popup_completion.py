"""textDocument/completion: the same suggestions, for clients without inline completion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ...types import Document, Position, Span, Suggestion
from ..convert import from_span, to_position
from ..server import ClientFeatures, EnsembleServer
from .document_requests import accept_command, document_request, suggestions_for

if TYPE_CHECKING:
    from ...completion import CompletionRequest


def is_offered(client: ClientFeatures) -> bool:
    """Return whether completions are announced: Neovim announces ghost text even where it is off."""
    return client.neovim or not client.inline_completion


def no_completions() -> types.CompletionList:
    """Return the empty answer; incomplete, so that the client asks again at the next keystroke."""
    return types.CompletionList(is_incomplete=True, items=[])


def shown_inline() -> types.CompletionList:
    """Return the answer for a client that shows the suggestions as ghost text."""
    return types.CompletionList(is_incomplete=False, items=[])


@document_request(no_completions, drop_outdated=False)
async def completion(
    ls: EnsembleServer, document: Document, params: types.CompletionParams
) -> types.CompletionList:
    """Return suggestions as completion items."""
    from ...completion import CompletionRequest

    ls.inline_use.popup_requested()
    if ls.inline_use.active:
        return shown_inline()
    position = to_position(document, params.position, ls.encoding)
    context = params.context
    invoked = context is not None and context.trigger_kind is types.CompletionTriggerKind.Invoked
    # Clients report "invoked" for plain typing too, so it is debounced like an automatic request.
    request = CompletionRequest(document, position, "automatic", several=invoked)
    suggestions = await suggestions_for(ls, request)
    while not ls.is_current(document.uri, request.document.version):
        later = _typed_on(ls, request)
        if later is None:
            return no_completions()
        request = later
        suggestions = await suggestions_for(ls, request)
    if ls.inline_use.active:
        (await ls.app()).suggestions.withdrawn(suggestions)
        return shown_inline()
    items = [
        _item(ls, document, position, request, suggestion, index)
        for index, suggestion in enumerate(suggestions)
    ]
    return types.CompletionList(is_incomplete=True, items=items)


def _typed_on(ls: EnsembleServer, request: CompletionRequest) -> CompletionRequest | None:
    """Return the request after more of the word was typed; None after any other change.

    nvim-cmp waits for its first request while a word is typed, and filters the answer by the whole word.
    """
    before, at = request.document, request.position
    now = ls.documents.get(before.uri)
    if now is None or not ls.client.edits_whole_text or len(now.lines) != len(before.lines):
        return None
    others = slice(0, at.line), slice(at.line + 1, None)
    if any(now.lines[part] != before.lines[part] for part in others):
        return None
    old, new = before.line(at.line), now.line(at.line)
    head, tail = old[: at.column], old[at.column :]
    typed = new[at.column : len(new) - len(tail)]
    if new != head + typed + tail or not typed or _word_start(typed):
        return None
    return replace(request, document=now, position=Position(at.line, at.column + len(typed)))


def _item(
    ls: EnsembleServer,
    asked: Document,
    position: Position,
    request: CompletionRequest,
    suggestion: Suggestion,
    index: int,
) -> types.CompletionItem:
    """Return an item for the document that the client asked about; the suggestion may be for a later one."""
    document = request.document
    before = document.line(position.line)[: suggestion.span.start.column]
    first = suggestion.text.split("\n", 1)[0]
    # Clients filter by the word before the cursor, so the item must begin with it.
    word = _word_start(before)
    head = before[word:]
    text, span, form = suggestion.text, suggestion.span, types.InsertTextFormat.PlainText
    if ls.client.edits_whole_text:
        # nvim-cmp can replace the word before the cursor, whatever the range.
        typed = request.position.column - position.column
        end = Position(span.end.line, span.end.column - typed)
        text, span = head + text, Span(Position(span.start.line, word), end)
    elif ls.client.neovim:
        # The built-in client inserts only the first word of a plain edit, but whole snippets. It replaces the
        # word before the cursor if the items of several servers begin at different places.
        text, span = _inserted(document, position, suggestion)
        text, span = head + text, Span(Position(span.start.line, word), span.end)
        text, form = _snippet(text, document.line(position.line)), types.InsertTextFormat.Snippet
    # No kind of LSP means the text of a model. blink.cmp ranks snippets low, nvim-cmp ranks them first.
    low = ls.client.ranks_snippets_low
    mark = _mark(suggestion.models)
    return types.CompletionItem(
        label=(head + first).strip()[:80] or first[:80],
        label_details=types.CompletionItemLabelDetails(description=mark),
        detail=mark,
        kind=types.CompletionItemKind.Event if low else types.CompletionItemKind.Snippet,
        sort_text=f"\u0021{index:03}",
        filter_text=head + first,
        insert_text_format=form,
        text_edit=types.TextEdit(from_span(asked, span, ls.encoding), text),
        preselect=False,
        command=accept_command(suggestion),
        data={"id": suggestion.id, "language": document.language, "text": head + suggestion.text}
        | {"models": list(suggestion.models)},
    )


def _mark(models: Iterable[str]) -> str:
    """Return the mark in the menu: other servers' items are there too."""
    return f"ensemble: {', '.join(models)}"


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

    A snippet cannot express a line with less indentation, so the text ends before the first one. It ends with
    its tab stop: mini.completion inserts a snippet without one as it is, with the backslashes.
    """
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = text.split("\n")
    lines = [first]
    for one in rest:
        if one.strip() and not one.startswith(indent):
            break
        lines.append(one.removeprefix(indent) if one.strip() else "")
    kept = "\n".join(lines).rstrip("\n") or text
    return re.sub(r"([\\$}])", r"\\\1", kept) + "$0"


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
        if not ls.client.markdown_documentation:
            plain = f"{text}\n\nWritten by {models}."
            item.documentation = types.MarkupContent(types.MarkupKind.PlainText, plain)
            return item
        from ...postprocess import escape_markdown

        # Longer than any fence in the text, so that the text cannot end it.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        item.documentation = types.MarkupContent(
            types.MarkupKind.Markdown,
            f"{fence}{data.get('language', '')}\n{text}\n{fence}\n\nWritten by {escape_markdown(models)}.",
        )
    return item
