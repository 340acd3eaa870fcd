"""The commits of a git repository as changes of files, read by git's plumbing alone.

The repository is not trusted: no command here runs what its configuration names (hooks, filters, textconv,
signature checks, file-system monitors), and nothing is fetched for a partial clone.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SettingsError
from ..types import split_lines

MAX_COMMITS = 2000
_MAX_FILES = 12
"""A commit with more files is a move, a merge or a format run."""
_MAX_HUNKS = 40
"""Hunks of one file."""
_MAX_LINES = 3000
_MAX_BYTES = 200_000
_CHUNK = 50
"""Commits that are read at a time."""
_TIMEOUT = 60.0
_QUIET = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_FILE_MODES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class FileHunk:
    """Lines ``start`` to ``end`` of the old text become ``lines``; ``old`` are those lines."""

    start: int
    end: int
    old: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def growth(self) -> int:
        """The number of lines that the text grows by."""
        return len(self.lines) - len(self.old)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after a commit."""

    path: str
    """Relative to the repository, with slashes."""
    old: str
    new: str
    hunks: tuple[FileHunk, ...]


@dataclass(slots=True)
class Commit:
    """The changed files of one commit."""

    id: str
    files: list[FileChange] = field(default_factory=list[FileChange])


def hunks_of(old: str, new: str) -> tuple[FileHunk, ...]:
    """Return the changed lines of two texts."""
    one, other = split_lines(old), split_lines(new)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return tuple(
        FileHunk(a, b, tuple(one[a:b]), tuple(other[c:d]))
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )


def file_change(path: str, old: str, new: str) -> FileChange | None:
    """Return the change of a file; ``None`` if it is too large."""
    if max(old.count("\n"), new.count("\n")) > _MAX_LINES:
        return None
    hunks = hunks_of(old, new)
    return FileChange(path, old, new, hunks) if 0 < len(hunks) <= _MAX_HUNKS else None


def commits(
    root: Path, paths: Collection[str], stopped: Callable[[], bool] = lambda: False
) -> Iterator[Commit]:
    """Yield the commits that changed some of these files, the newest first. Reads the disk.

    Raises ``SettingsError`` if the folder has no commits or git is missing.
    """
    known = set(paths)
    limit = f"--max-count={MAX_COMMITS}"
    ids = _git(root, "rev-list", "--no-merges", limit, "HEAD").decode().split()
    for start in range(0, len(ids), _CHUNK):
        if stopped():
            return
        yield from _commits(root, ids[start : start + _CHUNK], known)


def texts_at_head(root: Path, paths: Sequence[str]) -> dict[str, str]:
    """Return the committed texts of some files."""
    found = _blobs(root, [f"HEAD:{path}" for path in paths if "\n" not in path])
    return {path: found[f"HEAD:{path}"] for path in paths if f"HEAD:{path}" in found}


def _commits(root: Path, ids: Sequence[str], known: set[str]) -> Iterator[Commit]:
    listed = _git(
        root, "diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--no-abbrev",
        "--diff-filter=M", given="\n".join(ids) + "\n",
    )  # fmt: skip
    changed = [(id_, files) for id_, files in _raw_changes(listed, known) if files]
    blobs = _blobs(root, list({sha for _, files in changed for _, *pair in files for sha in pair}))
    for id_, files in changed:
        if len(files) > _MAX_FILES:
            continue
        found = (
            file_change(path, blobs[old], blobs[new])
            for path, old, new in files
            if old in blobs and new in blobs
        )
        yield Commit(id_, [change for change in found if change is not None])


def _raw_changes(
    listed: bytes, known: set[str]
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each commit with the path, the old and the new object of its changed files."""
    fields = iter(listed.decode("utf-8", "surrogateescape").split("\0"))
    id_, files = "", []
    for each in fields:
        if not each.startswith(":"):
            if id_:
                yield id_, files
            id_, files = each.strip(), []
            continue
        old_mode, new_mode, old, new, _ = each[1:].split(" ")
        path = next(fields, "")
        if path in known and old_mode in _FILE_MODES and new_mode in _FILE_MODES:
            files.append((path, old, new))
    if id_:
        yield id_, files


def _blobs(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the texts of objects; those that are large or not UTF-8 are left out."""
    if not names:
        return {}
    sizes = _git(root, "cat-file", "--batch-check=%(objecttype) %(objectsize)", given=_lines(names))
    small = [
        name
        for name, line in zip(names, sizes.decode("utf-8", "replace").splitlines(), strict=False)
        if line.startswith("blob ") and int(line.split()[1]) <= _MAX_BYTES
    ]
    if not small:
        return {}
    data = _git(root, "cat-file", "--batch=%(objectsize)", given=_lines(small))
    found: dict[str, str] = {}
    at = 0
    for name in small:
        end = data.index(b"\n", at)
        size = int(data[at:end])
        with contextlib.suppress(UnicodeDecodeError):
            found[name] = data[end + 1 : end + 1 + size].decode("utf-8")
        at = end + size + 2
    return found


def _lines(names: Sequence[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def _git(root: Path, *arguments: str, given: str = "") -> bytes:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never", "-C", str(root)]
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments of our own
            [*command, *arguments],
            input=given.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            env={**os.environ, **_QUIET},
        )
    except FileNotFoundError as error:
        raise SettingsError("git is not installed; the task edit reads its history.") from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"git did not answer within {_TIMEOUT:g} s in {root}.") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise SettingsError(f"{root} has no git history to read ({reason}).")
    return done.stdout
