"""What the subcommands print: tables and progress for people, plain text for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ..postprocess.characters import strip_hidden_characters

NOTHING = "–"


def print_json(value: Any) -> None:
    """Plain JSON on standard output; in ASCII, so that no terminal obeys what a model wrote."""
    print(json.dumps(value, indent=2, default=str))


def safe(text: str) -> str:
    """Without escape sequences and hidden characters: a model or a provider may have written it."""
    return "".join(c for c in strip_hidden_characters(text) if c in "\n\t" or c.isprintable())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a terminal; for a pipe a line a row, with tabs between the cells."""
    cells = [[safe(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(columns), *cells]:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in cells:
        # As text, not as markup: a name may hold brackets.
        table.add_row(*(Text(cell) for cell in row))
    Console(stderr=False).print(table)


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash where there is none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def warn(sentence: str) -> None:
    """One line on standard error, in the program's name."""
    line = " ".join(safe(sentence).split())
    print(f"ensemble-lsp: {line}", file=sys.stderr)
