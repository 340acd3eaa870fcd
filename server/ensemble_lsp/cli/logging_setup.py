"""Where the log goes, and that no key goes with it."""

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

_LOUD = ("pygls", "httpx2", "httpcore2", "asyncio")
"""At the level DEBUG they log whole requests, the user's code in them, or every wake-up."""

logger = logging.getLogger(__name__)


@contextmanager
def logging_to(file: Path | None, level: int, redact: RedactKeys) -> Generator[None]:
    """Log to a file that only the user can read (0600, appended to), or to standard error.

    Every record goes through ``redact``, those of threads and finalizers that fail included. Raises
    ``SettingsError`` where the file cannot be written.
    """
    handler = logging.StreamHandler(_open(file) if file else sys.stderr)
    shape = "%(levelname)s %(name)s: %(message)s"
    handler.setFormatter(logging.Formatter(f"%(asctime)s {shape}" if file else shape))
    handler.addFilter(redact)
    root, before = logging.getLogger(), logging.getLogger().level
    hooks = threading.excepthook, sys.unraisablehook
    root.addHandler(handler)
    root.setLevel(level)
    for name in _LOUD:
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
        # A device or a pipe would take the log and never give the program back.
        if path.exists() and not path.is_file():
            raise SettingsError(f"--log-file {path} is not a plain file; name another.")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise SettingsError(f"--log-file {path} cannot be written ({error.strerror}).") from error
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _failed(args: threading.ExceptHookArgs) -> None:
    """A thread ended in an exception: that goes into the log, not past it."""
    name = args.thread.name if args.thread else "unknown"
    if args.exc_value is not None:
        logger.error("the thread %s failed", name, exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    """An exception that nobody can catch, of a finalizer as a rule: into the log, too."""
    if args.exc_value is not None:
        logger.error("%s", args.err_msg or "ignored", exc_info=args.exc_value)
