"""A small language server that answers a hover at once: the other server in an editor's tests."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("quick", "1")


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(params: types.HoverParams) -> types.Hover:
    """Answer without any work."""
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "area: a function"))


if __name__ == "__main__":
    server.start_io()
