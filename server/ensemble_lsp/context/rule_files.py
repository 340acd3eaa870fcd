"""Small files with rules, read once and again when they change: ignore rules and Git's configuration."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, cast

from ..settings.regular_files import read_regular

MAX_BYTES = 256_000
_MAX_FILES = 20_000
_Stamp = tuple[int, ...] | None
_T = TypeVar("_T")


class UnreadableRulesError(OSError):
    """A file that exists but cannot be used: too large, or not readable."""


class RuleFiles:
    """Remembers every file that was requested, including those that do not exist."""

    def __init__(self) -> None:
        self._stamps: dict[Path, _Stamp] = {}
        self._parsed: dict[tuple[Path, object], object] = {}
        self._lock = threading.RLock()

    def changed(self) -> bool:
        """Look at all files again; return whether one of them has changed, appeared or gone."""
        with self._lock:
            changed = [path for path, old in self._stamps.items() if _stamp(path) != old]
            if changed:
                self._stamps.clear()
                self._parsed.clear()
            return bool(changed)

    def kind(self, path: Path) -> Literal["file", "folder", ""]:
        """Return whether a path is a regular file, a folder, or neither."""
        stamp = self._look(path)
        if stamp is None or not stamp:
            return ""
        return "folder" if len(stamp) == 1 else "file"

    def read(self, path: Path) -> bytes | None:
        """Return the content of a regular file; ``None`` without one.

        Raises ``UnreadableRulesError``.
        """
        if self.kind(path) != "file":
            return None
        try:
            return read_regular(path, MAX_BYTES)
        except OSError as error:
            raise UnreadableRulesError(str(path)) from error

    def parsed(self, path: Path, parse: Callable[[Path, RuleFiles], _T]) -> _T:
        """Return ``parse(path, self)``, which reads that file only; again when a file has changed."""
        key = (path, parse)
        with self._lock:
            if key not in self._parsed:
                self._look(path)
                self._parsed[key] = parse(path, self)
            return cast("_T", self._parsed[key])

    def _look(self, path: Path) -> _Stamp:
        with self._lock:
            if path not in self._stamps:
                if len(self._stamps) >= _MAX_FILES:
                    self._stamps.clear()
                    self._parsed.clear()
                self._stamps[path] = _stamp(path)
            return self._stamps[path]


def _stamp(path: Path) -> _Stamp:
    """Return what changes with a file's content; of a folder only that it is one."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return (1,)
    if not stat.S_ISREG(status.st_mode):
        return ()
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
