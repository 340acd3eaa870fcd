"""The paths that the repository's tests may read: the system's folders and the programs' installations."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/nix", "/snap"),
    *("/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/var/lib/gems", "/var/lib/ghc"),
)
_SHARED = {"/etc": 6, "/opt": 2}
"""Folders that also hold files that only root may read, with the number of levels to check."""
_MAX_ENTRIES = 20_000
_READABLE_PARTS: Mapping[str, tuple[str, ...]] = {".local": ("lib",), ".cargo": ("registry", "git")}
"""Folders in a home directory that hold more than programs, with their readable parts besides ``bin``."""


def readable_paths(
    command: Sequence[str], env: Mapping[str, str], extra: Sequence[Path]
) -> tuple[str, ...]:
    """Return the folders a command needs: the system's, those on the path, its program's installation."""
    folders: dict[str, None] = dict.fromkeys((*_SYSTEM, *_shared_with_everyone()))
    folders |= dict.fromkeys(str(path) for path in extra)
    on_path = [Path(p) for p in env.get("PATH", "").split(os.pathsep) if p.startswith("/")]
    for folder in (*on_path, Path(sys.executable).parent):
        folders |= dict.fromkeys(installation(folder))
    program = shutil.which(command[0], path=env.get("PATH")) or command[0]
    for executable in (program, sys.executable):
        with contextlib.suppress(OSError, RuntimeError):
            folders |= dict.fromkeys(installation(Path(executable).resolve().parent))
    return tuple(folders)


@lru_cache(maxsize=1)
def _shared_with_everyone() -> tuple[str, ...]:
    """Return the parts of ``_SHARED`` that every user may read.

    The program may run as root, or in a group that may read more, such as ``/etc/shadow``.
    """
    paths: list[str] = []
    for folder, levels in _SHARED.items():
        whole, parts = _readable_by_everyone(Path(folder), levels, [_MAX_ENTRIES])
        paths += [folder] if whole else parts
    return tuple(paths)


def _readable_by_everyone(path: Path, levels: int, left: list[int]) -> tuple[bool, list[str]]:
    """Return whether every user may read a path and everything below it; if not, the parts that they may read too."""
    left[0] -= 1
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return bool(mode & stat.S_IROTH), []
        if path.is_symlink() or not stat.S_ISDIR(mode) or left[0] < 0:
            return False, []
        if mode & (stat.S_IROTH | stat.S_IXOTH) != stat.S_IROTH | stat.S_IXOTH:
            return False, []
        children = sorted(path.iterdir()) if levels else []
    except OSError:
        return False, []
    whole, parts = True, list[str]()
    for child in children:
        if child.is_symlink() and not child.is_file():
            continue  # its target is checked under its own path
        child_whole, child_parts = _readable_by_everyone(child, levels - 1, left)
        whole &= child_whole
        parts += [str(child)] if child_whole else child_parts
    return whole, parts


def installation(folder: Path) -> list[str]:
    """Return a folder of programs and the installation around it; never a whole home directory."""
    whole = folder.parent if folder.name in ("bin", "shims", "Scripts") else folder
    homes = (Path.home(), Path.home().parent, Path("/"))
    if folder in homes:
        return []
    if whole in homes:
        return [str(folder)]
    if whole.name in _READABLE_PARTS:
        return [str(folder), *(str(whole / part) for part in _READABLE_PARTS[whole.name])]
    folders = [str(whole)]
    for name in ("python", "python3"):
        with contextlib.suppress(OSError, RuntimeError):
            # The interpreter of a virtual environment is outside of it.
            real = (folder / name).resolve(strict=True).parent
            if real.name == "bin" and real.parent not in homes:
                folders.append(str(real.parent))
    return folders
