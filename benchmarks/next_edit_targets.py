"""Targets for next-edit prediction made from changes of real files: earlier hunks are the history.

A change is one commit of a git repository, or the step from one released version of a package to the next
(wheels of pure Python carry the source). Hunks are replayed through the real document store, one edit a
hunk, in the order of the file; files changed beside it come first.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from ensemble_lsp.evaluation.git_history import FileChange, FileHunk, hunks_of
from ensemble_lsp.languages import language_of
from ensemble_lsp.next_edit.locator.search import is_import_line
from ensemble_lsp.syntax.trees import grammar_of

TOKEN = re.compile(r"[^\W\d]\w*|\d+|\s+|.", re.DOTALL)
_MAX_LINES = 3000
_MAX_HUNK_LINES = 20
_MAX_FILES = 12

PACKAGES: dict[str, tuple[str, ...]] = {
    "flask": ("2.2.5", "2.3.3", "3.0.3", "3.1.0"),
    "httpx": ("0.23.3", "0.24.1", "0.25.2", "0.26.0", "0.27.2", "0.28.1"),
    "rich": ("12.6.0", "13.0.1", "13.3.5", "13.5.3", "13.7.1", "13.9.4"),
}
"""Packages, and the released versions that serve as commits."""


@dataclass
class Change:
    """The files of one commit or release."""

    name: str
    files: list[FileChange] = field(default_factory=list)
    others: Callable[[], dict[str, str]] = dict
    """Reads the files of the project before the change, by path."""


def tokens_of(hunk: FileHunk) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that only the old, and only the new lines of a hunk have."""
    old, new = _names(hunk.old), _names(hunk.lines)
    return old - new, new - old


def file_change(path: str, old: str, new: str) -> FileChange | None:
    """Return the change of a file; ``None`` if it is too long or has one hunk alone."""
    if grammar_of(language_of(path)) is None or max(old.count("\n"), new.count("\n")) > _MAX_LINES:
        return None
    hunks = hunks_of(old, new)
    if not hunks or len(hunks) > 60:
        return None
    return FileChange(path, old, new, hunks)


def commits(repository: Path, limit: int = 2000) -> Iterator[Change]:
    """Yield the commits of a repository, the oldest first, without merges."""
    log = _git(repository, "log", "--no-merges", "--reverse", "--format=%H", f"-{limit}")
    for commit in log.split():
        change = Change(commit[:10], others=partial(_tree, repository, f"{commit}^"))
        raw = _git(repository, "diff-tree", "-r", "-m", "-M", "--root", "--diff-filter=MR", commit)
        for line in raw.splitlines()[1:]:
            status, _, paths = line.partition("\t")
            _, _, old, new, _ = status.split()
            path = paths.split("\t")[-1]
            if grammar_of(language_of(path)) is None or len(change.files) >= _MAX_FILES:
                continue
            one = file_change(path, _blob(repository, old), _blob(repository, new))
            if one is not None:
                change.files.append(one)
        if change.files:
            yield change


def releases(name: str, folder: Path) -> Iterator[Change]:
    """Yield the steps between the released versions of a package; each file is a separate change."""
    sources = [_wheel(name, version, folder) for version in PACKAGES[name]]
    for (version, old), (_, new) in pairwise(zip(PACKAGES[name][1:], sources, strict=False)):
        yield from _release(f"{name} {version}", old, new)


def _release(name: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    for path, text in sorted(old.items()):
        if path in new and new[path] != text:
            one = file_change(path, text, new[path])
            if one is not None:
                yield Change(f"{name} {path}", [one], lambda: old)


def _wheel(name: str, version: str, folder: Path) -> dict[str, str]:
    place = folder / f"{name}-{version}"
    if not list(place.glob("*.whl")):
        place.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "-d", str(place), f"{name}=={version}"], check=True)
    with zipfile.ZipFile(next(iter(place.glob("*.whl")))) as wheel:
        names = [n for n in wheel.namelist() if n.endswith(".py")]
        return {n: wheel.read(n).decode("utf-8") for n in names}


def related(target: FileHunk, before: Sequence[FileHunk]) -> bool:
    """Return whether the target adds or removes a name that a hunk before it added or removed."""
    removed, added = tokens_of(target)
    for hunk in before:
        gone, came = tokens_of(hunk)
        if removed & gone or added & came:
            return True
    return False


def small(hunk: FileHunk) -> bool:
    """Return whether a hunk is of a size that a next edit may have."""
    return len(hunk.old) <= _MAX_HUNK_LINES and len(hunk.lines) <= _MAX_HUNK_LINES


def _names(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d]\w*", "".join(lines)))


def only_imports(hunk: FileHunk) -> bool:
    """Return whether a hunk changes imports alone."""
    lines = [line for line in (*hunk.old, *hunk.lines) if line.strip()]
    return bool(lines) and all(is_import_line(line) for line in lines)


def _tree(repository: Path, commit: str) -> dict[str, str]:
    command = ["git", "-C", str(repository), "archive", "--format=tar", commit]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return {}
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith((".py", ".ts", ".rs")):
                file = archive.extractfile(member)
                assert file is not None
                found[member.name] = file.read().decode("utf-8", "replace")
    return found


def _blob(repository: Path, sha: str) -> str:
    try:
        return _git(repository, "cat-file", "blob", sha)
    except UnicodeDecodeError:
        return ""


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True
    )
    return done.stdout.decode("utf-8")
