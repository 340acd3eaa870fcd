"""Content exclusion: which files may be sent to remote models.

Ignore rules, the user's patterns and well-known names of secret files exclude a file. A repository
can only exclude more: its ``!pattern`` cannot override the user's patterns or the secret names.

The ignore rules of a file come from the repository that contains it, as git reads them, and of repositories
around it within the workspace. Outside of any repository, each ``.gitignore`` above the file counts.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeVar

from .git_config import excludes_files, ignores_case
from .ignore import Rules, RuleSource, compile_rules, ignored_by, matches_inside, read_rules
from .repository import Repository, repository_of
from .rule_files import RuleFiles
from .secret_files import SECRET_FILE_PATTERNS
from .secret_redaction import Redactor

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_Path = TypeVar("_Path", bound=PurePath)

_FRESH_SECONDS = 5.0
"""Seconds until symbolic links are followed again; changed rules count at once."""
_RECHECK_SECONDS = 0.5
"""Seconds between two looks at the rules' files where many paths are checked one by one."""
_MAX_ENTRIES = 5000
_BACKUP = re.compile(
    r"\.?#?(?P<name>.+?)(?:\.~\d{1,3}~|~|#|\.(?:bak|old|orig|save|backup|copy|rej|tmp|sw[a-p]|\d{1,3}))+|\.#(?P<lock>.+)"
)
"""Names of copies that editors, merges and people keep beside a file."""
_COPY = re.compile(
    r"(?:copy of )?(?P<name>.+?)"
    r"(?: (?:- )?copy| \((?:(?:another |\d{1,2}(?:st|nd|rd|th) )?copy|\d{1,3})\))?(?: \(?\d{1,3}\)?)?(?P<ending>\.[^ ]*)?",
    re.IGNORECASE,
)
"""Names of copies that file managers make: ``.env copy``, ``secrets (copy).json``, ``.env - Copy (2)``."""


class PrivacyFilter:
    """Decides whether files may be read and sent, for one set of folders and patterns.

    A verdict needs the disk: ``await prepare(path)`` gets it off the loop; ``allowed`` only looks it up,
    and is ``False`` for a path that was never prepared.
    """

    def __init__(
        self,
        folders: Sequence[Path] = (),
        patterns: Sequence[str] = (),
        *,
        redact_secrets: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        self.folders = tuple(Path(folder) for folder in folders)
        self.redactor = (redactor or Redactor()) if redact_secrets else None
        """``None`` if redaction is switched off."""
        self._names = NameRules(self.folders, patterns)
        self._verdicts: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._files = RuleFiles()
        self._looked = 0.0
        self._checking = threading.RLock()
        self._real: tuple[Path, ...] | None = None

    def allowed(self, path: str | Path) -> bool:
        """Return whether a prepared file may be sent; reads no disk."""
        return self.exclusion_reason(path) is None

    def exclusion_reason(self, path: str | Path) -> str | None:
        """Return why a file may not be sent, naming the rule; ``None`` if it may."""
        kept = self._verdicts.get(str(path))
        if kept is not None:
            return kept[1]
        return self.by_name(path) or "it has not been checked against the ignore rules yet"

    def by_name(self, path: str | Path) -> str | None:
        """Return the reason that follows from the path alone: a secret name or the user's patterns."""
        return self._names.reason(Path(path))

    async def prepare(self, *paths: str | Path) -> None:
        """Check files on disk, off the loop; a rule that has changed holds for every file at once."""
        await asyncio.to_thread(self._refresh, paths)

    def check(self, path: str | Path) -> str | None:
        """Return the verdict now, as ``exclusion_reason`` does; reads the disk."""
        with self._checking:
            if time.monotonic() - self._looked > _RECHECK_SECONDS:
                self._refresh(())
            return self._check(path)

    def readable(self, path: Path) -> Path | None:
        """Return the real path of a regular file in the workspace that may be sent, else ``None``.

        Follows symbolic links, but not out of the workspace. Reads the disk.
        """
        try:
            real = path.resolve(strict=True)
            inside = real.is_file() and any(_within(real, f) for f in self._real_folders())
        except (OSError, ValueError, RuntimeError):
            return None
        return real if inside and self.check(path) is None else None

    async def ready(self) -> None:
        """Wait, off the loop, until the redaction rules are loaded."""
        if self.redactor is not None:
            await self.redactor.ready()

    def redact(self, text: str) -> tuple[str, int]:
        """Return the redacted text and the number of secrets; unchanged if redaction is switched off."""
        return self.redactor.redact(text) if self.redactor else (text, 0)

    def _refresh(self, paths: Sequence[str | Path]) -> None:
        with self._checking:
            if self._files.changed():
                for known in tuple(self._verdicts):
                    self._check(known)
            now = self._looked = time.monotonic()
            for path in paths:
                kept = self._verdicts.get(str(path))
                if kept is None or now - kept[0] > _FRESH_SECONDS:
                    self._check(path)

    def _check(self, path: str | Path) -> str | None:
        verdict = self._check_on_disk(Path(path))
        self._verdicts[str(path)] = (time.monotonic(), verdict)
        while len(self._verdicts) > _MAX_ENTRIES:
            self._verdicts.popitem(last=False)
        return verdict

    def _check_on_disk(self, path: Path) -> str | None:
        reason = self.by_name(path)
        if reason is not None:
            return reason
        try:
            named, real = Path(os.path.normpath(path)), Path(os.path.realpath(path))
        except (OSError, ValueError):
            return "its path cannot be read"
        for each in dict.fromkeys((*_originals(named), *_originals(real))):
            reason = self.by_name(each) or self._by_gitignore(each)
            if reason is not None:
                return reason
        return None

    def _by_gitignore(self, path: Path) -> str | None:
        repository = repository_of(self._files, path.parent)
        source = ignored_by(self._sources(path, repository), path)
        while source is None and repository is not None:
            # The workspace's own repository may ignore a folder that is another repository.
            repository = repository_of(self._files, repository.root.parent)
            if repository is None or not self._in_workspace(repository.root):
                break
            source = ignored_by(self._sources(path, repository), path)
        return None if source is None else f"{source.file} ignores it"

    def _sources(self, path: Path, repository: Repository | None) -> Iterator[RuleSource]:
        """Yield the rules that git asks about a path, in ascending precedence."""
        ignore_case = ignores_case(self._files, repository)
        top = repository.root if repository is not None else Path(path.anchor)
        shared = excludes_files(self._files, repository)
        if repository is not None:
            shared.append(repository.common_folder / "info" / "exclude")
        for file in shared:
            yield RuleSource(top, self._rules(file, ignore_case), file)
        for folder in reversed(path.parents):
            if folder == top or top in folder.parents:
                file = folder / ".gitignore"
                yield RuleSource(folder, self._rules(file, ignore_case), file)

    def _rules(self, file: Path, ignore_case: bool) -> Rules:
        return self._files.parsed(file, _PARSERS[ignore_case])

    def _in_workspace(self, folder: Path) -> bool:
        return any(_within(folder, each) for each in (*self.folders, *self._real_folders()))

    def _real_folders(self) -> tuple[Path, ...]:
        if self._real is None:
            self._real = tuple(Path(os.path.realpath(folder)) for folder in self.folders)
        return self._real


class NameRules:
    """The rules for a path alone, on any platform: names of secret files, and the user's patterns."""

    def __init__(self, folders: Sequence[PurePath], patterns: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._user = compile_rules(patterns)

    def reason(self, path: PurePath) -> str | None:
        """Return why a file with this path may not be sent; ``None`` if its path gives no reason."""
        return next(filter(None, map(self._reason, _originals(path))), None)

    def _reason(self, path: PurePath) -> str | None:
        folder = next((each for each in self._folders if each in path.parents), None)
        inside = path if folder is None else path.relative_to(folder)
        whole = "/".join(_names(path))
        for name in {whole, "/".join(_names(inside))}:
            if _secret_names().match_file(name.lower()):
                return "files with this name usually hold secrets"
        # Outside of the workspace a pattern may begin at any folder.
        names = _names(inside)
        tails = [names] if folder is not None else [names[at:] for at in range(len(names))]
        if any(matches_inside(self._user, "/".join(tail)) for tail in tails if tail):
            return "it matches privacy.exclude"
        return None


@lru_cache(maxsize=1)
def _secret_names() -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(SECRET_FILE_PATTERNS)


def _originals(path: _Path) -> Iterator[_Path]:
    """Yield a path, and that of the file that it is a backup or an editor's working copy of."""
    yield path
    if " " in path.name and (found := _COPY.fullmatch(path.name)):
        yield path.with_name(found["name"] + (found["ending"] or ""))
    if found := _BACKUP.fullmatch(path.name):
        name = found["name"] or found["lock"]
        # Vim puts a dot in front of a swap file's name: which dot is the name's own is not known.
        for each in (name, f".{name}") if path.name.startswith(".") else (name,):
            if each.strip("."):
                yield path.with_name(each)


def _names(path: PurePath) -> tuple[str, ...]:
    return path.parts[1:] if path.anchor else path.parts


def _within(path: PurePath, folder: PurePath) -> bool:
    return path == folder or folder in path.parents


def _exact_rules(path: Path, files: RuleFiles) -> Rules:
    return read_rules(files, path)


def _caseless_rules(path: Path, files: RuleFiles) -> Rules:
    return read_rules(files, path, ignore_case=True)


_PARSERS = (_exact_rules, _caseless_rules)
