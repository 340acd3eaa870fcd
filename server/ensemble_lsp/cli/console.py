"""Output of the subcommands: tables for terminals, plain text for pipes, JSON for programs."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from ..postprocess.characters import strip_hidden_characters
from .sentence_layout import can_encode, say

DASH = "–"


@contextmanager
def interruptible() -> Generator[None]:
    """Let Ctrl-C raise ``KeyboardInterrupt``, and SIGTERM end the process, while this thread reads or writes.

    The handlers of ``run_async`` only cancel the task, which a blocking call would never notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_cursor() -> None:
    """Show the terminal's cursor, which a progress bar hides."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        sys.stderr.write("\x1b[?25h")


def print_json(value: Any) -> None:
    """Print JSON in ASCII, so that model output cannot control the terminal."""
    text = json.dumps(value, indent=2, default=str)
    with interruptible():  # a pager may not read it all
        print(text, flush=True)


def safe(text: str) -> str:
    """Remove escape sequences and hidden characters, which model output may contain."""
    return "".join(c for c in strip_hidden_characters(text) if c in "\n\t" or c.isprintable())


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    optional: Sequence[str] = (),
    empty: str = "",
) -> None:
    """Print a table on a terminal; in a pipe, one line per row with tabs between the cells.

    On a narrow terminal, ``optional`` columns are left out, the first one first, and then each row becomes a
    block. ``empty`` is the sentence that a terminal shows instead of a table without rows.
    """
    dash = DASH if can_encode(DASH, sys.stdout) else "-"
    cells = [[safe(cell).replace(DASH, dash) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(columns), *cells]:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    if not cells and empty:
        say(empty)
        return
    from rich.console import Console

    from .table_layout import blocks, lay_out, table

    console = Console(stderr=False)
    layout = lay_out(columns, cells, console.width, optional=optional)
    if layout is None:
        console.print(blocks(columns, cells))
        return
    console.print(table(columns, cells, layout))
    hidden = [name for i, name in enumerate(columns) if name in optional and i not in layout.shown]
    hidden = [
        name for name in hidden if any(row[columns.index(name)] not in ("", dash) for row in cells)
    ]
    if hidden:
        say(f"A wider terminal or --json also shows: {', '.join(hidden)}.")


def number(value: float | None, digits: int = 2) -> str:
    """Format a number for a table; None becomes a dash."""
    return DASH if value is None else f"{value:.{digits}f}"


def warn(sentence: str) -> None:
    """Print one line on standard error, with the program's name."""
    line = " ".join(safe(sentence).split())
    say(f"ensemble-lsp: {line}", to_stderr=True)
