"""``completion``: print a script that lets bash, zsh or fish complete this program's arguments."""

from __future__ import annotations

import argparse

PROGRAM = "ensemble-lsp"


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell."""
    from argcomplete.shell_integration import shellcode

    print(shellcode([PROGRAM], shell=args.shell))
    return 0
