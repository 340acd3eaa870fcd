"""Shared by the subcommands: the context of a command, and positions in files."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from ..app import AppContext, open_app
from ..context.documents import read
from ..context.repository import repository_root
from ..errors import DocumentError, HistoryError, SettingsError
from ..history import History
from ..settings import default_config_path, default_data_dir
from ..types import Document, Position
from ..wording import plural
from .console import print_json, safe, show_cursor, warn

__all__ = [
    "app_of",
    "file_line_column",
    "line_end",
    "line_start",
    "numbers",
    "open_file",
    "place_in",
    "print_json",
    "project_of",
    "require_file",
    "run_async",
    "safe",
]  # fmt: skip

R = TypeVar("R")

_WORKER = "command-worker"
_WRITING_SECONDS = 1.0
"""After Ctrl-C: longer than a file takes to be written and renamed."""
_PATIENCE_SECONDS = 3.0
"""After Ctrl-C: until then, another Ctrl-C must not lose a file."""


@asynccontextmanager
async def app_of(
    args: argparse.Namespace, file: Path | None = None, *, lenient: bool = False
) -> AsyncGenerator[AppContext]:
    """Open the context of a command, in the project of ``file``.

    Wrong settings are reported on standard error, and the rest applies. A config that cannot be read raises
    ``SettingsError`` unless ``lenient``: the models found without it might send code to a provider that the
    user did not choose. With ``lenient`` the caller reports wrong settings itself.
    """
    config = args.config or default_config_path()
    if not lenient:
        _require_config(args.config)
    app = await open_app(
        config_path=config,
        data_dir=args.data_dir or default_data_dir(),
        folders=[project_of(file) if file is not None else Path.cwd()],
        redact=args.redact,
    )
    shown: set[str] = set()
    try:
        if not lenient:
            _reject_unreadable(app)
            _warn_once([*app.issues, *app.registry.faults], shown)
        yield app
        # Only now: a command that needs the history reports its problem as an error.
        if not lenient:
            _warn_once(app.notices(), shown)
    finally:
        await app.close()


def _require_config(given: Path | None) -> None:
    if given and not os.path.lexists(given):
        raise SettingsError(f"{given} does not exist; check --config.")


def _reject_unreadable(app: AppContext) -> None:
    for issue in app.issues:
        if issue.source == "config" and issue.path == str(app.config_path):
            raise SettingsError(f"{issue.path}: {issue.problem}; until then no model is asked.")


def _warn_once(notices: Iterable[object], shown: set[str]) -> None:
    for notice in map(str, notices):
        if notice not in shown:
            shown.add(notice)
            warn(notice)


def require_file(history: History) -> None:
    """Raise for a history in memory: a change would be lost when the command ends, and no record is no answer.

    A file that can only be read is in memory too, with its records.
    """
    if history.in_memory:
        raise HistoryError(
            " ".join(history.notices) or f"{history.path} cannot be written; check its permissions."
        )


def project_of(file: Path) -> Path:
    """The git repository of a file, else its folder."""
    return repository_root(file.resolve().parent)


def run_async(work: Callable[[], Awaitable[R]]) -> R:
    """Run a coroutine function and return its result. After Ctrl-C or SIGTERM, close everything and end the process.

    asyncio would wait for its threads, which may compute for minutes. One that writes a file gets the time for it.
    """

    async def run() -> R:
        executor = ThreadPoolExecutor(thread_name_prefix=_WORKER)
        asyncio.get_running_loop().set_default_executor(executor)
        with _cancelled_by_signals() as received:
            try:
                return await work()
            except (asyncio.CancelledError, KeyboardInterrupt) as stop:
                executor.shutdown(wait=False, cancel_futures=True)
                end = time.monotonic() + _WRITING_SECONDS
                while _working() and time.monotonic() < end:
                    await asyncio.sleep(0.02)
                if _working() or not isinstance(stop, KeyboardInterrupt):
                    _leave(128 + (received[0] if received else signal.SIGINT))
                raise

    return asyncio.run(run())


@contextmanager
def _cancelled_by_signals() -> Generator[list[int]]:
    """Cancel this task at Ctrl-C or SIGTERM; yield the list of the signals received.

    People press Ctrl-C twice, while files are being closed: only after a time does another signal end the process
    without that. asyncio's own handler would close the loop under the threads that still use it.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    loop, task, patient_until = asyncio.get_running_loop(), asyncio.current_task(), 0.0
    assert task is not None

    def on_signal(number: int, _frame: object) -> None:
        nonlocal patient_until
        if not received:
            patient_until = time.monotonic() + _PATIENCE_SECONDS
            loop.call_soon_threadsafe(task.cancel)
        elif time.monotonic() > patient_until:
            _leave(128 + number)
        received.append(number)

    before = {n: signal.signal(n, on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(code: int) -> None:
    """End the process without waiting for its threads."""
    logging.shutdown()
    show_cursor()  # the terminal drops at Ctrl-C what it has not drawn yet: a progress bar's own sequence, too
    sys.stderr.flush()
    os._exit(code)  # without the standard output, whose reader may be gone or asleep


def _working() -> bool:
    return any(thread.name.startswith(_WORKER) for thread in threading.enumerate())


def numbers(text: str, count: int) -> tuple[Path, list[int]]:
    """Split ``FILE:LINE:COL`` into a path and at most ``count`` numbers, counted from 1."""
    found: list[int] = []
    while len(found) < count:
        head, colon, tail = text.rpartition(":")
        if not colon or not (tail.isascii() and tail.isdigit()) or not head:
            break
        text, found = head, [int(tail[:18]), *found]
    if any(n < 1 for n in found):
        raise SettingsError("lines and columns are counted from 1.")
    return Path(text), found


def file_line_column(text: str, message: str = "") -> tuple[Path, tuple[int, int]]:
    """Split ``FILE:LINE:COL``; raise ``SettingsError`` with the message if the line or the column is missing."""
    path, found = numbers(text, 2)
    if len(found) != 2:
        raise SettingsError(message or f"{text!r} must be FILE:LINE:COL, counted from 1.")
    return path, (found[0], found[1])


async def open_file(app: AppContext, path: Path) -> Document:
    """Read a file and open it in the context; raise ``SettingsError`` if it cannot be read."""
    try:
        document = await read(path)
    except DocumentError as error:
        raise SettingsError(str(error)) from error
    return app.workspace.documents.open(
        document.uri, document.version, document.language, document.text
    )


def place_in(document: Document, line: int, column: int) -> Position:
    """Return a position counted from 1, at most one column after the line's last character.

    Raises ``SettingsError`` for a line or column that does not exist.
    """
    start = line_start(document, line)
    width = len(document.line(start.line)) + 1
    if column > width:
        count = plural(width, "column")
        raise SettingsError(f"line {line} of {document.name} has {count}, not {column}.")
    return Position(start.line, column - 1)


def line_start(document: Document, line: int) -> Position:
    """Return the start of a line counted from 1; raise ``SettingsError`` if it does not exist."""
    if line > len(document.lines):
        count = plural(len(document.lines), "line")
        raise SettingsError(f"{document.name} has {count}, not {line}.")
    return Position(line - 1, 0)


def line_end(document: Document, line: int) -> Position:
    """Return the end of a line counted from 1; raise ``SettingsError`` if it does not exist."""
    start = line_start(document, line)
    return Position(start.line, len(document.line(start.line)))
