"""Questions to the person at the terminal. Ctrl-C ends a question at once, also inside an event loop."""

from __future__ import annotations

import getpass
import sys

from .console import interruptible
from .sentence_layout import fitted


def ask(prompt: str, default: str = "") -> str:
    """Return the answer to a question on standard error; ``default`` for an empty one.

    Raises ``EOFError`` at the end of the input.
    """
    with interruptible():
        sys.stdout.flush()
        print(fitted(prompt), end="", file=sys.stderr, flush=True)
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
    with interruptible():
        return getpass.getpass(fitted(prompt)).strip()
