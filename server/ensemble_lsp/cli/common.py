"""What the subcommands share: the session, and places in files."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from ..app import AppContext, open_app
from ..context.documents import read
from ..context.repository import repository_root
from ..errors import DocumentError, SettingsError
from ..settings import default_config_path, default_data_dir
from ..types import Document, Position
from .console import print_json, safe, warn

__all__ = [
    "app_of",
    "line_end",
    "line_start",
    "numbers",
    "open_file",
    "place_in",
    "print_json",
    "project_of",
    "run_async",
    "safe",
]  # fmt: skip

R = TypeVar("R")


@asynccontextmanager
async def app_of(
    args: argparse.Namespace, file: Path | None = None, *, lenient: bool = False
) -> AsyncGenerator[AppContext]:
    """A session for a command, in the project of ``file``.

    A wrong setting is told on standard error, and the rest applies. A config that cannot be read
    at all raises ``SettingsError``, unless ``lenient``: without it the program would take whatever
    models it finds, and might send code where the user's own config would not.
    """
    config = args.config or default_config_path()
    if args.config and not args.config.exists() and not lenient:
        raise SettingsError(f"{args.config} does not exist; check --config.")
    app = await open_app(
        config_path=config,
        data_dir=args.data_dir or default_data_dir(),
        folders=[project_of(file) if file is not None else Path.cwd()],
        redact=args.redact,
    )
    told: list[str] = []
    try:
        if not lenient:
            _refuse_unreadable(app)
        told += _tell(app, told)
        yield app
        # The history's file is opened meanwhile, and may have had something to say.
        _tell(app, told)
    finally:
        await app.close()


def _refuse_unreadable(app: AppContext) -> None:
    for fault in app.issues:
        if fault.source == "config" and fault.path == str(app.config_path):
            raise SettingsError(f"{fault.path}: {fault.problem}.")


def _tell(app: AppContext, told: list[str]) -> list[str]:
    new = [notice for notice in app.notices() if notice not in told]
    for notice in new:
        warn(notice)
    return new


def project_of(file: Path) -> Path:
    """The git repository of a file, else its folder."""
    return repository_root(file.resolve().parent)


def run_async(work: Callable[[], Awaitable[R]]) -> R:
    """Run a coroutine function to its end."""

    async def run() -> R:
        return await work()

    return asyncio.run(run())


def numbers(text: str, count: int) -> tuple[Path, list[int]]:
    """``FILE:LINE:COL`` as a path and at most ``count`` numbers, counted from 1."""
    found: list[int] = []
    while len(found) < count:
        head, colon, tail = text.rpartition(":")
        if not colon or not (tail.isascii() and tail.isdigit()) or not head:
            break
        text, found = head, [int(tail[:18]), *found]
    if any(n < 1 for n in found):
        raise SettingsError("lines and columns count from 1.")
    return Path(text), found


async def open_file(app: AppContext, path: Path) -> Document:
    """Read a file and open it in the session; one that cannot be read is a wrong argument."""
    try:
        document = await read(path)
    except DocumentError as error:
        raise SettingsError(str(error)) from error
    return app.workspace.documents.open(
        document.uri, document.version, document.language, document.text
    )


def place_in(document: Document, line: int, column: int) -> Position:
    """A place counted from 1, the one after a line's last character included.

    Raises ``SettingsError`` for a line or a column that is not there.
    """
    start = line_start(document, line)
    width = len(document.line(start.line)) + 1
    if column > width:
        raise SettingsError(f"line {line} of {document.name} has {width} columns, not {column}.")
    return Position(start.line, column - 1)


def line_start(document: Document, line: int) -> Position:
    """The beginning of a line counted from 1; raises ``SettingsError`` where it is not there."""
    if line > len(document.lines):
        raise SettingsError(f"{document.name} has {len(document.lines)} lines, not {line}.")
    return Position(line - 1, 0)


def line_end(document: Document, line: int) -> Position:
    """The end of a line counted from 1; raises ``SettingsError`` where it is not there."""
    start = line_start(document, line)
    return Position(start.line, len(document.line(start.line)))
