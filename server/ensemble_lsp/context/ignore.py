"""Gitignore rules: those of a repository's files, and the user's patterns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MAX_BYTES = 256_000
_MAX_WILDCARDS = 12
"""A pattern with more wildcards can take exponential time; a file with one excludes its whole folder."""


@dataclass(frozen=True)
class Rules:
    """The rules of one file or setting; ``everything`` if they cannot be used safely."""

    spec: GitIgnoreSpec | None
    everything: bool = False

    def verdict(self, path: str) -> bool | None:
        """Return whether a relative path (folders end with ``/``) is ignored; ``None`` without a match."""
        if self.everything:
            return True
        return None if self.spec is None else self.spec.check_file(path).include


def compile_rules(lines: Iterable[str]) -> Rules:
    """Compile lines of gitignore patterns."""
    from pathspec import GitIgnoreSpec

    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    if any(line.count("*") > _MAX_WILDCARDS or len(line) > 1000 for line in kept):
        return Rules(None, everything=True)
    try:
        return Rules(GitIgnoreSpec.from_lines(kept) if kept else None)
    except ValueError:
        return Rules(None, everything=True)


def read_rules(folder: Path) -> Rules:
    """Read the rules of a folder's ``.gitignore``; unreadable rules exclude everything."""
    path = folder / ".gitignore"
    try:
        if not path.is_file():
            return Rules(None)
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        return Rules(None, everything=True)
    if len(data) > _MAX_BYTES:
        return Rules(None, everything=True)
    return compile_rules(data.decode("utf-8", "replace").splitlines())


def ignored_by(chain: list[tuple[Path, Rules]], path: Path) -> Path | None:
    """Return the folder whose rules ignore a path, or ``None``.

    ``chain`` runs from the outermost folder to the path's own. The last match wins, but nothing in an
    ignored folder can be re-included, as in git.
    """
    root = chain[0][0]
    parts = path.relative_to(root).parts
    for count in range(1, len(parts) + 1):
        step = root.joinpath(*parts[:count])
        match: tuple[bool, Path] | None = None
        for folder, rules in chain:
            if folder != step and folder in step.parents:
                name = step.relative_to(folder).as_posix() + ("/" if count < len(parts) else "")
                verdict = rules.verdict(name)
                match = match if verdict is None else (verdict, folder)
        if match is not None and match[0]:
            return match[1]
    return None
