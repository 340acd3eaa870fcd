"""didOpen, didChange, didSave, didClose: from the protocol to our own store. Never waits."""

from __future__ import annotations

import logging
from functools import partial

from lsprotocol import types

from ..convert import to_edit
from ..server import EnsembleServer

logger = logging.getLogger(__name__)


def did_open(ls: EnsembleServer, params: types.DidOpenTextDocumentParams) -> None:
    """A document is opened (again: its text is replaced)."""
    item = params.text_document
    ls.documents.open(item.uri, item.version, str(item.language_id), item.text)


def did_change(ls: EnsembleServer, params: types.DidChangeTextDocumentParams) -> None:
    """A document's text changes; a document that was never opened is left alone."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        logger.warning("didChange for a document that is not open: ignored")
        return
    edits = [partial(to_edit, change=each, encoding=ls.encoding) for each in params.content_changes]
    ls.documents.change(document.uri, params.text_document.version, edits)


def did_save(ls: EnsembleServer, params: types.DidSaveTextDocumentParams) -> None:
    """What was accepted is looked at again."""
    document = ls.documents.get(params.text_document.uri)
    host = ls.opened()
    if document is not None and host is not None:
        host.app.suggestions.saved(document)


def did_close(ls: EnsembleServer, params: types.DidCloseTextDocumentParams) -> None:
    """A document is closed: running requests for it end, live suggestions are settled."""
    uri = params.text_document.uri
    if host := ls.opened():
        host.tools.completer.closed(uri)
    ls.documents.close(uri)
