"""textDocument/hover: an explanation of the enclosing symbol, or of the hovered call."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

from lsprotocol import types

from ...types import Document
from ..convert import from_span, to_position
from ..server import EnsembleServer
from .document_requests import document_request

WAIT_MS = 200
"""Milliseconds that an editor waits which shows no hover until every server has answered."""
COMING = "ensemble-lsp is explaining this code: hover again."


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
    wait = host.app.settings.explain.hover_wait_ms
    if wait is None and ls.client.hover_waits_for_all:
        wait = WAIT_MS
    try:
        explained = await host.services.explainer.hover(
            host.app, document, position, None if wait is None else wait / 1000
        )
    except asyncio.TimeoutError:
        kind = types.MarkupKind.PlainText
        return types.Hover(contents=types.MarkupContent(kind, COMING))
    if explained is None:
        return None
    text = explained.with_signature()
    if ls.client.judges_explanations:
        text += _judgement_links(explained.id)
    return types.Hover(
        contents=_contents(text, ls.client.markdown),
        range=from_span(document, explained.span, ls.encoding),
    )


def _contents(text: str, markdown: bool) -> types.MarkupContent:
    """Return Markdown as the client shows it."""
    if markdown:
        return types.MarkupContent(types.MarkupKind.Markdown, text)
    from ...postprocess.plain_text import plain_text

    return types.MarkupContent(types.MarkupKind.PlainText, plain_text(text))


def _judgement_links(id_: str) -> str:
    """Return links to the client's commands that say whether the explanation was helpful."""
    argument = quote(json.dumps([id_]))
    links = (("Helpful", "explanationHelpful"), ("Not helpful", "explanationNotHelpful"))
    return "\n\n" + " · ".join(
        f"[{title}](command:ensemble.{name}?{argument})" for title, name in links
    )
