"""textDocument/hover: an explanation of the enclosing symbol, or of the hovered call."""

from __future__ import annotations

from lsprotocol import types

from ...types import Document
from ..convert import from_span, to_position
from ..server import EnsembleServer
from .document_requests import document_request


def no_hover() -> types.Hover | None:
    """Return the empty answer."""
    return None


@document_request(no_hover)
async def hover(
    ls: EnsembleServer, document: Document, params: types.HoverParams
) -> types.Hover | None:
    """Explain the code under the cursor."""
    position = to_position(document, params.position, ls.encoding)
    host = await ls.host()
    if not host.app.settings.explain.hover:
        return None
    explained = await host.services.explainer.hover(host.app, document, position)
    if explained is None:
        return None
    kind = types.MarkupKind.Markdown if ls.client.markdown else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind, explained.with_signature()),
        range=from_span(document, explained.span, ls.encoding),
    )
