"""The program ``ensemble-lsp``: alone, the language server on standard input and output."""

from __future__ import annotations

import sys

from . import process_tuning


def main() -> None:
    """Run a subcommand and exit with its code."""
    process_tuning.open_standard_streams()
    process_tuning.leave_on_interrupt()
    process_tuning.pause_collector()  # ``cli.main`` resumes it
    process_tuning.make_files_private()
    try:
        from .cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        process_tuning.ignore_interrupts()
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
