"""The way this copy of the package was installed, and the command that adds to it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def install_command(requirement: str) -> str:
    """Return the shell command that installs a requirement where this program runs.

    A plain ``pip`` would fill another environment, or find no package, if pipx, ``uv tool`` or an editor made
    this one.
    """
    wanted = f'"{requirement}"' if "[" in requirement else requirement
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx runpip {prefix.name} install {wanted}"
    # An environment that uv made lacks pip.
    if (prefix / "uv-receipt.toml").is_file() or importlib.util.find_spec("pip") is None:
        return f"uv pip install --python {_quoted(sys.executable)} {wanted}"
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent == Path(sys.executable).parent:
        return f"pip install {wanted}"
    return f"{_quoted(sys.executable)} -m pip install {wanted}"


def extra_command(extra: str) -> str:
    """Return the shell command that adds an extra of this package."""
    return install_command(f"ensemble-lsp[{extra}]")


def _quoted(path: str) -> str:
    return subprocess.list2cmdline([path]) if os.name == "nt" else shlex.quote(path)
