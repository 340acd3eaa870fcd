"""Open a report in the user's browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path


def open_page(page: Path | None, *, wanted: bool | None) -> None:
    """Open a page; if the user chose nothing, only where a person at a terminal has a graphical desktop."""
    if page is None or wanted is False:
        return
    if wanted or (sys.stdout.isatty() and _has_desktop()):
        # Without a browser there is nothing to open; the path has been printed.
        webbrowser.open(page.as_uri())


def _has_desktop() -> bool:
    remote = any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "CI"))
    if sys.platform in ("win32", "darwin"):
        return not remote
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
