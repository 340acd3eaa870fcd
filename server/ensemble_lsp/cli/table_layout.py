"""Tables on a terminal of any width: cells wrap, then columns are left out, then each row becomes a block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

_BORDER = 3
"""Columns of the terminal that a border and its padding take, for each column of the table."""
_NARROW = 18
"""A cell of several words wraps, but not to less than this."""
_EMPTY = ("", "–")
_NUMBER = re.compile(r"[$<]?[\d.,]+( ms| s|%)?|–|")


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns that a table shows, by their indexes, with their widths."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]


def lay_out(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    optional: Sequence[str] = (),
) -> TableLayout | None:
    """Fit a table into a width; None if it does not fit.

    Columns without content are left out. If the rest is too wide even with wrapped cells, the ``optional``
    columns are left out one by one, the first one first.
    """
    shown = [i for i in range(len(columns)) if i == 0 or _has_content(rows, i)]
    for name in ("", *optional):
        shown = [i for i in shown if columns[i] != name]
        cells = [[columns[i], *(row[i] for row in rows)] for i in shown]
        if (widths := _widths(cells, width - 1 - _BORDER * len(shown))) is not None:
            return TableLayout(tuple(shown), tuple(widths))
    return None


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], layout: TableLayout
) -> RenderableType:
    """Render the rows as a table."""
    from rich.table import Table
    from rich.text import Text

    made = Table()
    for i, width in zip(layout.shown, layout.widths, strict=True):
        numbers = all(_NUMBER.fullmatch(row[i]) for row in rows)
        justify = "right" if numbers else "left"
        made.add_column(columns[i], width=width, overflow="fold", justify=justify)
    for row in rows:
        # As text, not as markup: a name may contain brackets.
        made.add_row(*(Text(row[i]) for i in layout.shown))
    return made


def blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Render each row as a block: its first cell as the title, then a line for each cell with content."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for row in rows:
        parts.append(Text(row[0], style="bold", overflow="fold"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, cell in zip(columns[1:], row[1:], strict=True):
            if cell not in _EMPTY:
                grid.add_row(Text(name, style="dim"), Text(cell))
        parts.append(Padding(grid, (0, 0, 0, 2)))
    return Group(*parts)


def _has_content(rows: Sequence[Sequence[str]], index: int) -> bool:
    return not rows or any(row[index] not in _EMPTY for row in rows)


def _widths(cells: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return a width for each column; None if the narrowest ones are too wide."""
    from rich.cells import cell_len

    natural = [
        max(cell_len(line) for cell in column for line in cell.split("\n")) for column in cells
    ]
    if sum(natural) <= room:
        return natural
    words = [
        max(cell_len(word) for cell in column for word in [*cell.split(), ""]) for column in cells
    ]
    widths = [min(n, max(w, _NARROW)) for n, w in zip(natural, words, strict=True)]
    spare = room - sum(widths)
    if spare < 0:
        return None
    for _ in range(spare):
        # One more for the column that wraps most.
        most = max(range(len(widths)), key=lambda i: natural[i] / widths[i])
        widths[most] += 1
    return widths
