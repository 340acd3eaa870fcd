"""Settings of the whole process: the garbage collector, thread switches and the mode of new files.

Only the program's entry points and ``bootstrap`` call these; a library must not.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

SWITCH_SECONDS = 0.001
"""Complexity, the history and SDKs work in threads: a keystroke gets the interpreter back after 1 ms,
not after Python's 5 ms."""
FREEZE_SECONDS = 0.15
"""While a large file is indexed, its index is exempted from collections this often. An index has no cycles.
Indexing 20,000 lines, five full collections held the loop for up to 0.5 s each; with this, no collection runs."""


def make_files_private() -> None:
    """Let new files (history, weights, reports, logs) be readable by their user alone."""
    os.umask(0o077)


def open_standard_streams() -> None:
    """Open the null device where the parent closed a standard stream.

    Otherwise the next file, such as the history, gets its descriptor, and output is written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # so is Windows' without a console
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if number == 0 else "w", encoding="utf-8"))


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process at once, until a command has something to close.

    ``KeyboardInterrupt`` may be raised in a callback of an import, where the interpreter ignores it.
    """
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(130))


def ignore_interrupts() -> None:
    """Ignore a second Ctrl-C while the process ends: the interpreter would print a traceback for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def pause_collector() -> None:
    """Stop collecting while modules are imported: imported objects stay, and the start is faster."""
    gc.disable()


def resume_collector() -> None:
    """Collect again, but leave out everything imported so far."""
    gc.freeze()
    gc.enable()


def exempt_live_objects() -> None:
    """Leave the objects of this moment out of later collections, because they stay.

    Models, SDKs and indexes live as long as the server. Full collections over them, a few for each
    request, took a tenth of a request's time. The collector's thresholds stay as they are: with
    higher ones memory grew by more than a tenth.
    """
    gc.freeze()


def switch_threads_quickly() -> None:
    """Shorten the time for which a background thread keeps the interpreter."""
    sys.setswitchinterval(SWITCH_SECONDS)
