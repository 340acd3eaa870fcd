"""Reading and writing files that may have been replaced by a pipe, a device, a folder or something huge."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 64 << 20


def require_regular(path: Path) -> None:
    """Raise ``OSError`` if a path exists and is not a regular file; opening it might wait forever."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise _not_regular(path)


def read_regular(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file, or the null device. Raises ``OSError`` for anything else and for larger files."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode) and os.fspath(path) != os.devnull:
            raise _not_regular(path)
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {max_bytes} bytes", str(path))
    return content


def require_no_link(path: Path) -> None:
    """Raise ``OSError`` if a file that is about to be written is a symbolic link or not regular."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    require_regular(path)


def replace_file(path: Path, text: str) -> None:
    """Write a file that only the user can read, atomically, replacing whatever is there.

    A link is replaced, and its target stays as it is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file", str(path))
