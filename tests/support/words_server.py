"""A small language server that completes words at once: the other server in an editor's tests of completion menus."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("words", "1")
KINDS = {
    "width": types.CompletionItemKind.Variable,
    "with": types.CompletionItemKind.Keyword,
    "widgets": types.CompletionItemKind.Function,
}


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", " "])
)
def completion(params: types.CompletionParams) -> list[types.CompletionItem]:
    """Answer without any work."""
    return [
        types.CompletionItem(label=word, kind=kind, sort_text=f"09.{word}")
        for word, kind in KINDS.items()
    ]


if __name__ == "__main__":
    server.start_io()
