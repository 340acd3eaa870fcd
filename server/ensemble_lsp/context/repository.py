"""The Git repository that a file belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .rule_files import RuleFiles, UnreadableRulesError


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree, and where Git keeps its data."""

    root: Path
    git_folder: Path
    """``.git``, or the folder that a file ``.git`` names (work trees and submodules)."""
    common_folder: Path
    """The folder that all work trees of the repository share."""


def repository_root(folder: Path) -> Path:
    """Return the nearest folder with ``.git``, upwards from ``folder``; else ``folder``."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)


def repository_of(files: RuleFiles, folder: Path) -> Repository | None:
    """Return the repository whose work tree holds a folder; ``None`` outside of any.

    As to Git, a ``.git`` without ``HEAD`` makes no repository.
    """
    for root in (folder, *folder.parents):
        git = _git_folder(files, root)
        if git is not None:
            return Repository(root, git, _common_folder(files, git))
    return None


def _git_folder(files: RuleFiles, root: Path) -> Path | None:
    dot = root / ".git"
    kind = files.kind(dot)
    git = dot if kind == "folder" else None
    if kind == "file" and (line := _line(files, dot)).startswith("gitdir:"):
        named = line.removeprefix("gitdir:").strip()
        git = None if _is_remote(named) else root / named
    return git if git is not None and files.kind(git / "HEAD") == "file" else None


def _common_folder(files: RuleFiles, git: Path) -> Path:
    named = _line(files, git / "commondir")
    return git if not named or _is_remote(named) else git / named


def _line(files: RuleFiles, path: Path) -> str:
    try:
        data = files.read(path) or b""
    except UnreadableRulesError:
        return ""
    return data[:4096].decode("utf-8", "surrogateescape").strip().replace("\0", "")


def _is_remote(name: str) -> bool:
    """Return whether a name leads to another machine, which must not learn that it was read."""
    return name.startswith(("\\\\", "//"))
