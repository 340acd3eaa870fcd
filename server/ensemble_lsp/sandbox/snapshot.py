"""The original state of a copied tree, to restore it after a run: one answer must not spoil the next one's tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from pathlib import Path

_Signature = tuple[int, int, int, int]
"""Type and mode, inode, size, and the time of the last change, which untested code cannot set."""


class TreeSnapshot:
    """Knows every entry of a tree that was copied from ``source``.

    ``trash`` is a folder outside the sandbox's reach; the leftovers of a run are moved there, to be removed later.
    """

    def __init__(self, tree: Path, source: Path, trash: Path) -> None:
        self._tree = tree
        self._source = source
        self._trash = trash
        self._written: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._entries: dict[str, _Signature] = {}
        self._root = _signature(str(tree))
        _walk(tree, self._add)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the tree, as part of its original state."""
        name = self._name(path)
        folder = path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for parent in (folder, *folder.parents):
                if parent == self._tree:
                    break
                self._add(str(parent))
        self._replace(path, content)
        self._written[name] = content
        self._add(str(path))

    def restore(self) -> None:
        """Undo every change since the last call, except those by ``write``."""
        seen: set[str] = set()
        with contextlib.suppress(OSError):
            if _signature(str(self._tree)) != self._root:
                self._discard(self._tree)
        if not self._tree.is_dir():
            self._tree.mkdir()
            self._root = _signature(str(self._tree))

        def keep(path: str) -> bool:
            name = self._name(Path(path))
            if self._is_unchanged(name, path):
                seen.add(name)
                return True
            self._discard(Path(path))
            return False

        _walk(self._tree, keep)
        for name in sorted(self._entries.keys() - seen, key=lambda name: name.count(os.sep)):
            self._restore(name)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._tree))

    def _add(self, path: str) -> bool:
        with contextlib.suppress(OSError):
            name = self._name(Path(path))
            self._entries[name] = signature = _signature(path)
            if stat.S_ISLNK(signature[0]):
                self._links[name] = str(Path(path).readlink())
        return True

    def _is_unchanged(self, name: str, path: str) -> bool:
        known = self._entries.get(name)
        with contextlib.suppress(OSError):
            return known is not None and known == _signature(path)
        return False

    def _restore(self, name: str) -> None:
        path, mode = self._tree / name, self._entries[name][0]
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(mode):
                path.mkdir()
                path.chmod(stat.S_IMODE(mode))
            elif name in self._links:
                path.symlink_to(self._links[name])
            elif name in self._written:
                self._replace(path, self._written[name])
            else:
                shutil.copy2(self._source / name, path, follow_symlinks=False)
            self._add(str(path))

    def _replace(self, path: Path, content: bytes) -> None:
        """Write a new file. No process of the sandbox that could make it a link is still running."""
        if path.is_dir() and not path.is_symlink():
            self._discard(path)
        path.unlink(missing_ok=True)
        with path.open("xb") as out:
            out.write(content)

    def _discard(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
                return
            path.chmod(stat.S_IRWXU)  # moving a folder needs the right to write it
            path.rename(self._trash / uuid.uuid4().hex)


def _signature(path: str) -> _Signature:
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode):  # its size and times change with its entries
        return found.st_mode, found.st_ino, 0, 0
    return found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns


def _walk(tree: Path, visit: Callable[[str], bool]) -> None:
    """Visit all entries, each folder before its entries, which are left out unless the visitor returns True."""
    waiting = [str(tree)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        waiting += [path for path, is_folder in found if visit(path) and is_folder]
