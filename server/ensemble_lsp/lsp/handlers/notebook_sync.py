"""notebookDocument/didOpen, didChange, didSave, didClose: each cell is a document. Never waits."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from ...context.notebooks import Cell
from ..server import EnsembleServer
from .text_sync import apply_changes, closed, saved


def did_open(ls: EnsembleServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """Store a notebook and the documents of its cells."""
    notebook = params.notebook_document
    ls.documents.notebooks.open(notebook.uri, _cells(notebook.cells))
    _open(ls, params.cell_text_documents)


def did_change(ls: EnsembleServer, params: types.DidChangeNotebookDocumentParams) -> None:
    """Apply the changes of a notebook: first its cells, then their texts."""
    uri, changes = params.notebook_document.uri, params.change.cells
    if changes is None:
        return
    notebooks = ls.documents.notebooks
    if (structure := changes.structure) is not None:
        array = structure.array
        notebooks.splice(uri, array.start, array.delete_count, _cells(array.cells))
        for document in structure.did_close or ():
            closed(ls, document.uri)
        _open(ls, structure.did_open)
    for cell in _cells(changes.data):
        notebooks.update(uri, cell)
    for text in changes.text_content or ():
        apply_changes(ls, text.document.uri, text.document.version, text.changes)


def did_save(ls: EnsembleServer, params: types.DidSaveNotebookDocumentParams) -> None:
    """Measure how much of the accepted suggestions is left in each cell."""
    for cell in ls.documents.notebooks.cells(params.notebook_document.uri):
        saved(ls, cell.uri)


def did_close(ls: EnsembleServer, params: types.DidCloseNotebookDocumentParams) -> None:
    """Close a notebook and the documents of its cells."""
    cells = ls.documents.notebooks.cells(params.notebook_document.uri)
    named = [document.uri for document in params.cell_text_documents]
    for uri in dict.fromkeys([*named, *(cell.uri for cell in cells)]):
        closed(ls, uri)
    ls.documents.notebooks.close(params.notebook_document.uri)


def _cells(cells: Sequence[types.NotebookCell] | None) -> list[Cell]:
    return [Cell(each.document, each.kind == types.NotebookCellKind.Code) for each in cells or ()]


def _open(ls: EnsembleServer, documents: Sequence[types.TextDocumentItem] | None) -> None:
    for item in documents or ():
        ls.documents.open(item.uri, item.version, str(item.language_id), item.text)
