"""The source files of the workspace on disk: found, checked and read in a thread, within fixed limits."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..languages import language_of
from ..settings.regular_files import read_regular
from .content_exclusion import PrivacyFilter

MAX_LINES = 20_000
"""Lines of all files that are read: some 30 MB of index."""
_MAX_ENTRIES = 20_000
"""Names that are looked at; a nearer folder comes before a deeper one."""
_MAX_BYTES = 100_000
"""A larger file is rarely written by hand."""
_LINE_BYTES = 80
"""A file counts as one line for at least each of these: a file may be a single line."""
_MAX_FILES = 2000
_MAX_SECONDS = 10.0
"""After that the files read so far are enough."""
_GENERATED = frozenset(
    {"node_modules", "vendor", "third_party", "site-packages", "venv", "env", "target", "dist",
     "build", "out", "obj", "__pycache__"}
)  # fmt: skip


class SourceFile(NamedTuple):
    """A file's text as it is on disk."""

    path: Path
    language: str
    text: str


def read_source_files(
    folders: Sequence[Path],
    privacy: PrivacyFilter,
    max_lines: int = MAX_LINES,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> list[SourceFile]:
    """Return the files that changed last, the oldest first, at most ``max_lines`` lines in all.

    Ignored, secret, generated and hidden files are left out. Reads the disk until it is ``stopped``.
    """
    found: list[SourceFile] = []
    left, end = max_lines, time.monotonic() + _MAX_SECONDS
    for path in sorted(_candidates(folders), key=_changed_at, reverse=True)[:_MAX_FILES]:
        if left <= 0 or stopped() or time.monotonic() > end:
            break
        real = privacy.readable(path)
        text = _text(real) if real is not None else ""
        lines = max(text.count("\n"), len(text) // _LINE_BYTES)
        if text and lines <= left:
            found.append(SourceFile(path, language_of(path), text))
            left -= lines
    return found[::-1]


def _candidates(folders: Sequence[Path]) -> Iterator[Path]:
    waiting = deque(folders)
    left = _MAX_ENTRIES
    while waiting and left > 0:
        try:
            with os.scandir(waiting.popleft()) as entries:
                for entry in entries:
                    left -= 1
                    if left <= 0:
                        return
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir():
                        if entry.name not in _GENERATED:
                            waiting.append(Path(entry.path))
                    elif language_of(entry.name) != "plaintext":
                        yield Path(entry.path)
        except OSError:
            continue  # a folder that may not be read, or is gone


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _text(path: Path) -> str:
    try:
        # A file may become a pipe or grow between two looks.
        return read_regular(path, _MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
