"""textDocument/hover: an explanation of the enclosing symbol, or of the hovered call."""

from __future__ import annotations

from lsprotocol import types

from ..convert import from_span, to_position
from ..error_responses import quiet_on_error
from ..server import EnsembleServer


def nothing() -> types.Hover | None:
    """No hover."""
    return None


@quiet_on_error(nothing)
async def hover(ls: EnsembleServer, params: types.HoverParams) -> types.Hover | None:
    """Explain what is under the cursor."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    position = to_position(document, params.position, ls.encoding)
    host = await ls.host()
    if not host.app.settings.explain.hover:
        return None
    explained = await host.tools.explainer.hover(host.app, document, position)
    current = ls.documents.get(document.uri)
    if explained is None or current is None or current.version != document.version:
        return None
    kind = types.MarkupKind.Markdown if ls.client.markdown else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind, explained.with_signature()),
        range=from_span(document, explained.span, ls.encoding),
    )
