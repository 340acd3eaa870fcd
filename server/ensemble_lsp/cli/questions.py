"""Questions to the person at the terminal. Ctrl-C ends a question at once, also inside an event loop."""

from __future__ import annotations

import getpass
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager


def ask(prompt: str, default: str = "") -> str:
    """Return the answer to a question on standard error; ``default`` for an empty one.

    Raises ``EOFError`` at the end of the input.
    """
    sys.stdout.flush()
    print(prompt, end="", file=sys.stderr, flush=True)
    with _interruptible():
        line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise EOFError
    return line.strip() or default


def confirmed(question: str) -> bool:
    """Ask a question whose default answer is no."""
    try:
        return ask(f"{question} [y/N] ").lower() in ("y", "yes")
    except EOFError:
        return False


def ask_hidden(prompt: str) -> str:
    """Return the answer to a question without showing it; raises ``EOFError`` at the end of the input."""
    with _interruptible():
        return getpass.getpass(prompt).strip()


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C raise ``KeyboardInterrupt``.

    asyncio's own handler only cancels the task, which a blocking read would never notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
