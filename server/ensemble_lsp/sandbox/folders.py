"""Folders that untested code has written to: measure and remove them, however deep or large they are."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

_BY_DESCRIPTOR = os.unlink in os.supports_dir_fd and os.scandir in os.supports_fd


@dataclass(frozen=True, slots=True)
class DiskUse:
    """The space that the files below a folder use."""

    size: int = 0
    files: int = 0

    def exceeds(self, other: DiskUse) -> bool:
        """Return whether it is larger in size or in number."""
        return self.size > other.size or self.files > other.files

    def plus(self, other: DiskUse) -> DiskUse:
        """Return the sum."""
        return DiskUse(self.size + other.size, self.files + other.files)


def disk_use(folder: Path, limit: DiskUse | None = None) -> DiskUse:
    """Return the space used below a folder. Stops counting above ``limit``."""
    size = files = 0
    top = os.path.realpath(folder)
    waiting = [top]
    while waiting:
        path = waiting.pop()
        try:
            for entry in _entries(path, top):
                files += 1
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    size += getattr(found, "st_blocks", 0) * 512 or found.st_size
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                if limit is not None and DiskUse(size, files).exceeds(limit):
                    return DiskUse(size, files)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG and limit is not None:
                return DiskUse(limit.size + 1, limit.files + 1)  # deep enough to hide anything
    return DiskUse(size, files)


def _entries(path: str, top: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except PermissionError:
        _make_readable(path, top)
        with os.scandir(path) as entries:
            return list(entries)


def _make_readable(path: str, top: str) -> None:
    """Give the owner all rights to a folder below ``top``, but to no other.

    Code that still runs may replace the folder by a link at any time. The descriptor stays with what was opened, and
    the system says its real place (Linux only; elsewhere no untested code runs).
    """
    if sys.platform != "linux":
        return
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        handle = f"/proc/self/fd/{fd}"
        if os.path.commonpath([top, os.readlink(handle)]) == top:  # noqa: PTH115
            os.chmod(handle, stat.S_IRWXU)  # noqa: PTH101
    finally:
        os.close(fd)


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything below it; what cannot be removed stays.

    It walks with one descriptor, so that depth needs neither a deep stack nor a long path. No process may still
    move folders below it.
    """
    if not _BY_DESCRIPTOR:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        _empty(_opened(str(folder)))
    with contextlib.suppress(OSError):
        folder.rmdir()


def _empty(fd: int) -> None:
    """Remove everything below an open folder, and close it."""
    names: list[str] = []
    waiting = [_folders_left(fd)]
    try:
        while True:
            if waiting[-1]:
                name = waiting[-1].pop()
                try:
                    inner = _opened(name, fd)
                except OSError:
                    continue
                os.close(fd)
                fd = inner
                names.append(name)
                waiting.append(_folders_left(fd))
            elif names:
                outer = os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = outer
                waiting.pop()
                with contextlib.suppress(OSError):
                    os.rmdir(names.pop(), dir_fd=fd)
            else:
                return
    finally:
        os.close(fd)


def _folders_left(fd: int) -> list[str]:
    """Remove an open folder's entries except folders; return the names of those."""
    folders: list[str] = []
    for name in os.listdir(fd):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                folders.append(name)
            else:
                os.unlink(name, dir_fd=fd)
    return folders


def _opened(name: str, parent: int | None = None) -> int:
    """Open a folder by its name, even if its owner has no permissions."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    os.close(fd)  # it is a folder and no link: its mode may be changed
    os.chmod(name, stat.S_IRWXU, dir_fd=parent)
    return os.open(name, flags, dir_fd=parent)


_REMOVALS: set[asyncio.Future[None]] = set()


async def discard(folder: Path) -> None:
    """Remove a folder. If that takes longer than two seconds, it continues in the background."""
    removal = asyncio.ensure_future(asyncio.to_thread(remove_tree, folder))
    _REMOVALS.add(removal)
    removal.add_done_callback(_REMOVALS.discard)
    await asyncio.wait({removal}, timeout=2.0)
