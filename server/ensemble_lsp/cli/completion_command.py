"""``completion``: print a script that lets bash, zsh or fish complete this program's arguments."""

from __future__ import annotations

import argparse

from ..errors import SettingsError


PROGRAM = "ensemble-lsp"


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell."""
    try:
        from argcomplete import shellcode
    except ImportError as error:
        raise SettingsError("completion needs the package argcomplete; install it.") from error
    print(shellcode([PROGRAM], shell=args.shell))
    return 0
