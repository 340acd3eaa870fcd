"""Content exclusion: which files may be sent to remote models.

Ignore rules, the user's patterns and well-known names of secret files exclude a file. A repository
can only exclude more: its ``!pattern`` cannot override the user's patterns or the secret names.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from .ignore import Rules, compile_rules, ignored_by, read_rules
from .repository import repository_root
from .secret_redaction import Redactor

SECRET_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ovpn",
    "*.ppk",
    "*.tfstate",
    "*.tfvars",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".htpasswd",
    ".git-credentials",
    ".vault-token",
    "**/.aws/credentials",
    "**/.docker/config.json",
    "**/.kube/config",
    "**/.ssh/**",
    "**/.gnupg/**",
    "**/.config/gcloud/**",
    "**/.azure/**",
    "credentials.json",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
)
"""Never sent to a remote model, whatever the settings. As in ``.gitignore``, a pattern with a slash is
relative to the workspace folder, unless it begins with ``**/``."""

_FRESH_SECONDS = 5.0
"""Seconds until a verdict is checked again on disk."""
_MAX_ENTRIES = 5000


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
        self._user = compile_rules(patterns)
        self._secret = compile_rules(SECRET_NAMES)
        self._verdicts: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._rules: dict[Path, tuple[float, Rules]] = {}
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
        name = _relative(Path(path), self.folders)
        if self._secret.verdict(name.lower()):
            return "files with this name usually hold secrets"
        return "it matches privacy.exclude" if self._user.verdict(name) else None

    async def prepare(self, path: str | Path) -> None:
        """Check a file on disk, off the loop, unless its verdict is fresh."""
        kept = self._verdicts.get(str(path))
        if kept is None or time.monotonic() - kept[0] > _FRESH_SECONDS:
            await asyncio.to_thread(self.check, path)

    def check(self, path: str | Path) -> str | None:
        """Return the verdict now, as ``exclusion_reason`` does; reads the disk."""
        verdict = self._check_on_disk(Path(path))
        self._verdicts[str(path)] = (time.monotonic(), verdict)
        while len(self._verdicts) > _MAX_ENTRIES:
            self._verdicts.popitem(last=False)
        return verdict

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

    def redact_seam(self, before: str, after: str) -> tuple[str, str]:
        """Redact a secret that spans the end of one text and the start of the next."""
        return self.redactor.seam(before, after)[:2] if self.redactor else (before, after)

    def _check_on_disk(self, path: Path) -> str | None:
        reason = self.by_name(path)
        if reason is not None:
            return reason
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):
            return "its path cannot be read"
        for each in {path, real}:
            reason = self.by_name(each) or self._by_gitignore(each)
            if reason is not None:
                return reason
        return None

    def _by_gitignore(self, path: Path) -> str | None:
        folders = {*self.folders, *self._real_folders()}
        containing = [f for f in folders if f == path.parent or f in path.parents]
        if not containing:
            return None
        top = repository_root(min(containing, key=lambda f: len(f.parts)))
        between = [f for f in reversed(path.parents) if f == top or top in f.parents]
        chain = [(folder, self._rules_of(folder)) for folder in between]
        source = ignored_by(chain, path)
        return None if source is None else f"{source / '.gitignore'} ignores it"

    def _rules_of(self, folder: Path) -> Rules:
        kept = self._rules.get(folder)
        if kept is not None and time.monotonic() - kept[0] < _FRESH_SECONDS:
            return kept[1]
        if len(self._rules) > _MAX_ENTRIES:
            self._rules.clear()
        rules = read_rules(folder)
        self._rules[folder] = (time.monotonic(), rules)
        return rules

    def _real_folders(self) -> tuple[Path, ...]:
        if self._real is None:
            self._real = tuple(Path(os.path.realpath(folder)) for folder in self.folders)
        return self._real


def _relative(path: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        if folder in path.parents:
            return path.relative_to(folder).as_posix()
    # Outside the workspace: enough of the path for patterns such as ``.aws/credentials``.
    return "/".join(path.parts[-3:]).lstrip("/") or path.name or "untitled"


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
