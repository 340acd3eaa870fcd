"""The repository that a file belongs to."""

from __future__ import annotations

from pathlib import Path


def repository_root(folder: Path) -> Path:
    """Return the nearest folder with ``.git``, upwards from ``folder``; else ``folder``."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)
