"""Notebooks: each cell is a separate document, and prompts show it with the other cells around it.

The cells are joined as a script in the percent format of Jupytext and VS Code, which models know: a line
``# %%`` begins a cell, and Markdown is commented out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..languages import comment, language_info, same_language
from ..types import Document, Position, Span

_MAX_MARKDOWN_LINES = 30
_MAX_COMMENT = 200
"""Characters of a line of Markdown; a picture in one is far longer."""
_MARK = "%%"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook; its document has the text."""

    uri: str
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class CellInNotebook:
    """A script of all cells, and where one cell is in it."""

    script: Document
    first_line: int

    @property
    def mark(self) -> str:
        """The line that begins a cell; a model writes it when it begins another one."""
        return comment(self.script.language, _MARK)

    def position(self, position: Position) -> Position:
        """Return where a position of the cell is in the script."""
        return Position(position.line + self.first_line, position.column)

    def span(self, span: Span) -> Span:
        """Return where a span of the cell is in the script."""
        return Span(self.position(span.start), self.position(span.end))


class Notebooks:
    """The open notebooks, each with the order of its cells."""

    def __init__(self) -> None:
        self._cells: dict[str, list[Cell]] = {}
        self._notebook_of: dict[str, str] = {}
        self._scripts: dict[str, tuple[tuple[Document | Cell, ...], Document, dict[str, int]]] = {}
        """The latest script of each notebook and language, with what it was made of."""

    def open(self, uri: str, cells: Sequence[Cell]) -> None:
        """Add a notebook, or replace it."""
        self.close(uri)
        self._cells[uri] = []
        self.splice(uri, 0, 0, cells)

    def splice(self, uri: str, start: int, delete_count: int, cells: Sequence[Cell]) -> None:
        """Replace some cells of a notebook by others; a cell may be moved by two such changes."""
        known = self._cells.get(uri)
        if known is None:
            return
        for removed in known[start : start + delete_count]:
            self._notebook_of.pop(removed.uri, None)
        known[start : start + delete_count] = cells
        for cell in cells:
            self._notebook_of[cell.uri] = uri

    def update(self, uri: str, cell: Cell) -> None:
        """Set the kind of a cell."""
        known = self._cells.get(uri, [])
        known[:] = [cell if each.uri == cell.uri else each for each in known]

    def close(self, uri: str) -> tuple[Cell, ...]:
        """Remove a notebook and return its cells."""
        cells = tuple(self._cells.pop(uri, ()))
        for cell in cells:
            self._notebook_of.pop(cell.uri, None)
        for key in [key for key in self._scripts if key.startswith(f"{uri}.")]:
            del self._scripts[key]
        return cells

    def cells(self, uri: str) -> tuple[Cell, ...]:
        """Return the cells of a notebook in their order."""
        return tuple(self._cells.get(uri, ()))

    def addresses(self, uri: str) -> tuple[str, ...]:
        """Return the addresses that decide whether a document may be sent: its own, and its notebook's."""
        notebook = self._notebook_of.get(uri)
        return (uri,) if notebook is None else (uri, notebook)

    def __contains__(self, uri: str) -> bool:
        """Return whether a document is a cell."""
        return uri in self._notebook_of

    def script(
        self, cell: Document, find: Callable[[str], Document | None]
    ) -> CellInNotebook | None:
        """Return the script around a cell; ``None`` for a document that is not a cell.

        ``find`` returns the document of a URI.
        """
        notebook = self._notebook_of.get(cell.uri)
        if notebook is None:
            return None
        extensions = language_info(cell.language).extensions
        uri = f"{notebook}.{extensions[0] if extensions else 'txt'}"
        parts: list[tuple[Cell, Document]] = []
        for each in self._cells[notebook]:
            document = cell if each.uri == cell.uri else find(each.uri)
            if document is not None:
                parts.append((each, document))
        made_of = tuple(part for pair in parts for part in pair)
        kept = self._scripts.get(uri)
        # Lines of code are the same objects as in the cells, so that comparing is quick.
        if kept is None or kept[0] != made_of:
            script, starts = _joined(uri, cell, parts)
            kept = self._scripts[uri] = made_of, script, starts
        return CellInNotebook(replace(kept[1], version=cell.version), kept[2][cell.uri])


def _joined(
    uri: str, cell: Document, parts: Sequence[tuple[Cell, Document]]
) -> tuple[Document, dict[str, int]]:
    """Return the script of some cells in a cell's language, and the line at which each begins."""
    lines: list[str] = []
    starts: dict[str, int] = {}
    mark = comment(cell.language, _MARK)
    for each, document in parts:
        is_code = each.uri == cell.uri or (
            each.is_code and same_language(document.language, cell.language)
        )
        if is_code:
            lines.append(f"{mark}\n")
            starts[each.uri] = len(lines)
            lines += document.lines[:-1]
            lines.append(document.lines[-1] + "\n")
        else:
            name = document.language or "markdown"
            lines.append(comment(cell.language, f"{_MARK} [{name}]") + "\n")
            lines += _commented(document, cell.language)
    return Document(uri, cell.version, cell.language, (*lines, "")), starts


def _commented(document: Document, language: str) -> list[str]:
    texts = [line.strip()[:_MAX_COMMENT] for line in document.lines if line.strip()]
    return [comment(language, text) + "\n" for text in texts[:_MAX_MARKDOWN_LINES]]
