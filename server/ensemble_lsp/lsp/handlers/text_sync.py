"""didOpen, didChange, didSave, didClose: keep the document store in step with the editor. Never waits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from lsprotocol import types

from ..convert import to_edit
from ..server import EnsembleServer

logger = logging.getLogger(__name__)


def did_open(ls: EnsembleServer, params: types.DidOpenTextDocumentParams) -> None:
    """Store a document; replace it if it is already open."""
    item = params.text_document
    ls.documents.open(item.uri, item.version, str(item.language_id), item.text)


def did_change(ls: EnsembleServer, params: types.DidChangeTextDocumentParams) -> None:
    """Apply the changes of an open document."""
    identifier = params.text_document
    apply_changes(ls, identifier.uri, identifier.version, params.content_changes)


def apply_changes(
    ls: EnsembleServer,
    uri: str,
    version: int,
    changes: Sequence[types.TextDocumentContentChangeEvent],
) -> None:
    """Apply changes to an open document."""
    if ls.documents.get(uri) is None:
        logger.warning("ignored a change of a document that is not open")
        return
    edits = [partial(to_edit, change=each, encoding=ls.encoding) for each in changes]
    ls.documents.change(uri, version, edits)


def did_save(ls: EnsembleServer, params: types.DidSaveTextDocumentParams) -> None:
    """Measure how much of the accepted suggestions is left, and keep the text for recall."""
    saved(ls, params.text_document.uri)


def saved(ls: EnsembleServer, uri: str) -> None:
    """Measure the suggestions of a document that was saved."""
    document = ls.documents.get(uri)
    host = ls.host_if_ready()
    if document is not None and host is not None:
        host.app.suggestions.saved(document)
        host.app.workspace.saved(document)
        host.services.predictor.saved(document)


def did_close(ls: EnsembleServer, params: types.DidCloseTextDocumentParams) -> None:
    """Cancel the document's requests and settle its suggestions."""
    closed(ls, params.text_document.uri)


def closed(ls: EnsembleServer, uri: str) -> None:
    """Close a document."""
    if host := ls.host_if_ready():
        host.services.completer.closed(uri)
    ls.documents.close(uri)
