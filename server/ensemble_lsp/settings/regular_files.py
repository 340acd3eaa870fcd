"""Reading files that may have been replaced by a pipe, a device, a folder or something huge."""

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


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file", str(path))
