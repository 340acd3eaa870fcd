"""The program ``ensemble-lsp``: alone, the language server on standard input and output."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run a subcommand and leave with its exit code."""
    # What is imported stays: to look for garbage among it, again and again, only delays the start. The
    # collector is on again once the command's modules are there.
    gc.disable()
    # What the program writes (history, weights, reports, logs) is for its user alone.
    os.umask(0o077)
    from .cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
