"""What the subcommands share: the session, places in files, output."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..context.documents import read
from ..errors import SettingsError
from ..session import Session, open_session
from ..settings import default_config_path, default_data_dir
from ..types import Document, Position

R = TypeVar("R")


@asynccontextmanager
async def session_of(args: argparse.Namespace, file: Path | None = None) -> AsyncGenerator[Session]:
    """A session for a command; wrong settings are told on standard error, the rest applies."""
    folder = project_of(file) if file is not None else Path.cwd()
    session = await open_session(
        config_path=args.config or default_config_path(),
        data_dir=args.data_dir or default_data_dir(),
        folders=[folder],
    )
    try:
        for notice in session.notices():
            print(f"ensemble-lsp: {notice}", file=sys.stderr)
        yield session
    finally:
        await session.close()


def project_of(file: Path) -> Path:
    """The git repository of a file, else its folder."""
    folder = file.resolve().parent
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)


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
        if not colon or not tail.isdigit() or not head:
            break
        text, found = head, [int(tail), *found]
    if any(n < 1 for n in found):
        raise SettingsError("Lines and columns count from 1.")
    return Path(text), found


async def open_file(session: Session, path: Path) -> Document:
    """Read a file and open it in the session."""
    document = await read(path)
    return session.runtime.documents.open(
        document.uri, document.version, document.language, document.text
    )


def position_in(document: Document, line: int, column: int) -> Position:
    """A place counted from 1; raises for a line that is not there."""
    if line > len(document.lines):
        raise SettingsError(f"{document.name} has {len(document.lines)} lines, not {line}.")
    return document.clamp(Position(line - 1, column - 1))


def print_json(value: Any) -> None:
    """Plain JSON on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def safe(text: str) -> str:
    """Without the escape sequences that a model may have written."""
    return "".join(c for c in text if c in "\n\t" or (c.isprintable() and c != "\x1b"))
