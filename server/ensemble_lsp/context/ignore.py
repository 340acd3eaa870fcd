"""Gitignore rules: those of a repository's own files, and the user's patterns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_LARGEST = 256_000
_MOST_STARS = 12
"""A rule with more wildcards can take forever to match; a file with one hides all of its folder."""


@dataclass(frozen=True)
class Rules:
    """One file of rules, or the user's patterns; ``everything`` where they could not be used."""

    spec: GitIgnoreSpec | None
    everything: bool = False

    def verdict(self, path: str) -> bool | None:
        """Whether a relative path (a folder ends with ``/``) is ignored; None: not said."""
        if self.everything:
            return True
        return None if self.spec is None else self.spec.check_file(path).include


def compile_rules(lines: Iterable[str]) -> Rules:
    """Rules from lines of gitignore patterns."""
    from pathspec import GitIgnoreSpec

    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    if any(line.count("*") > _MOST_STARS or len(line) > 1000 for line in kept):
        return Rules(None, everything=True)
    try:
        return Rules(GitIgnoreSpec.from_lines(kept) if kept else None)
    except ValueError:
        return Rules(None, everything=True)


def read_rules(folder: Path) -> Rules:
    """The rules of a folder's ``.gitignore``; reads the disk. Unreadable rules hide everything."""
    path = folder / ".gitignore"
    try:
        if not path.is_file():
            return Rules(None)
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError:
        return Rules(None, everything=True)
    if len(data) > _LARGEST:
        return Rules(None, everything=True)
    return compile_rules(data.decode("utf-8", "replace").splitlines())


def ignored_by(chain: list[tuple[Path, Rules]], path: Path) -> Path | None:
    """The folder whose rules ignore a path, or ``None``.

    ``chain`` goes from the outermost folder to the path's own; the last word counts, except that
    nothing in an ignored folder can be taken back, as in git.
    """
    root = chain[0][0]
    parts = path.relative_to(root).parts
    for count in range(1, len(parts) + 1):
        step = root.joinpath(*parts[:count])
        said: tuple[bool, Path] | None = None
        for folder, rules in chain:
            if folder != step and folder in step.parents:
                name = step.relative_to(folder).as_posix() + ("/" if count < len(parts) else "")
                verdict = rules.verdict(name)
                said = said if verdict is None else (verdict, folder)
        if said is not None and said[0]:
            return said[1]
    return None
