"""The log's destination, and the removal of keys from it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import SettingsError
from ..models.log_redaction import RedactKeys

_VERBOSE = ("pygls", "httpx2", "httpcore2", "asyncio")
"""At the level DEBUG they log whole requests with the user's code, or every wake-up."""

logger = logging.getLogger(__name__)


@contextmanager
def logging_to(file: Path | None, level: int, redact: RedactKeys) -> Generator[None]:
    """Append to a file that only the user can read (0600), or log to standard error.

    Every record passes through ``redact``, including errors of threads and finalizers. Raises
    ``SettingsError`` if the file cannot be written.
    """
    handler = logging.StreamHandler(_open(file) if file else sys.stderr)
    layout = "%(levelname)s %(name)s: %(message)s"
    handler.setFormatter(logging.Formatter(f"%(asctime)s {layout}" if file else layout))
    handler.addFilter(redact)
    root, before = logging.getLogger(), logging.getLogger().level
    hooks = threading.excepthook, sys.unraisablehook
    root.addHandler(handler)
    root.setLevel(level)
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(logging.WARNING)
    threading.excepthook, sys.unraisablehook = _failed, _unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        root.removeHandler(handler)
        root.setLevel(before)
        handler.flush()
        if file:
            handler.stream.close()


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Writing to a device or a pipe could block the program.
        if path.exists() and not path.is_file():
            raise SettingsError(f"--log-file {path} is not a regular file; name another one.")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise SettingsError(
            f"--log-file {path} cannot be written ({error.strerror}); name another."
        ) from error
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _failed(args: threading.ExceptHookArgs) -> None:
    """Log the exception that ended a thread."""
    name = args.thread.name if args.thread else "unknown"
    if args.exc_value is not None:
        logger.error("the thread %s failed", name, exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    """Log an exception that cannot be caught, usually of a finalizer."""
    if args.exc_value is not None:
        logger.error("%s", args.err_msg or "ignored", exc_info=args.exc_value)
