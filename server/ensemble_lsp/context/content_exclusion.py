"""What may leave the machine: ignore rules, the user's patterns, names that always hold secrets.

A repository can only make less leave, never more: the user's patterns and the secret names are
judged apart from the repository's own rules, so a ``!pattern`` of its cannot take them back.
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
"""Never sent to a remote model, whatever the settings say. As in ``.gitignore``, a pattern with a slash in it
counts from the top, unless ``**/`` says otherwise."""

_FRESH = 5.0
"""Seconds for which a verdict holds before the disk is looked at again."""
_MOST = 5000


class PrivacyFilter:
    """Whether files may be read and sent, for one set of folders and patterns.

    The verdicts need the disk: ``await prepare(path)`` takes them off the loop, ``allowed`` only
    looks them up, and refuses what was never prepared.
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
        self._redactor = (redactor or Redactor()) if redact_secrets else None
        self._user = compile_rules(patterns)
        self._secret = compile_rules(SECRET_NAMES)
        self._verdicts: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._rules: dict[Path, tuple[float, Rules]] = {}
        self._real: tuple[Path, ...] | None = None

    def allowed(self, path: str | Path) -> bool:
        """Whether a prepared file may be sent; quick, reads no disk, False for an unknown one."""
        return self.exclusion_reason(path) is None

    def exclusion_reason(self, path: str | Path) -> str | None:
        """Why a file may not be sent, naming the rule; ``None`` where it may."""
        kept = self._verdicts.get(str(path))
        if kept is not None:
            return kept[1]
        return self.by_name(path) or "it was not checked against the ignore rules yet"

    def by_name(self, path: str | Path) -> str | None:
        """The refusal that follows from a path alone: secret names and the user's patterns."""
        name = _relative(Path(path), self.folders)
        if self._secret.verdict(name.lower()):
            return "files of this name hold secrets"
        return "privacy.exclude says so" if self._user.verdict(name) else None

    async def prepare(self, path: str | Path) -> None:
        """Look at the disk for a file's verdict, off the loop; nothing to do for a fresh one."""
        kept = self._verdicts.get(str(path))
        if kept is None or time.monotonic() - kept[0] > _FRESH:
            await asyncio.to_thread(self.check, path)

    def check(self, path: str | Path) -> str | None:
        """The verdict now, as ``refusal`` gives it; reads the disk, so not for the event loop."""
        verdict = self._look(Path(path))
        self._verdicts[str(path)] = (time.monotonic(), verdict)
        while len(self._verdicts) > _MOST:
            self._verdicts.popitem(last=False)
        return verdict

    def readable(self, path: Path) -> Path | None:
        """The real path of a plain file inside the workspace that may be sent; ``None`` for others.

        Follows symbolic links and refuses those that lead out. Reads the disk.
        """
        try:
            real = path.resolve(strict=True)
            inside = real.is_file() and any(_within(real, f) for f in self._real_folders())
        except (OSError, ValueError, RuntimeError):
            return None
        return real if inside and self.check(path) is None else None

    async def ready(self) -> None:
        """Wait, off the loop, until ``redact`` has all its rules."""
        if self._redactor is not None:
            await self._redactor.ready()

    def redact(self, text: str) -> tuple[str, int]:
        """The text without secrets, and how many it had; as it is where the settings say so."""
        return self._redactor.redact(text) if self._redactor else (text, 0)

    def redact_seam(self, before: str, after: str) -> tuple[str, str]:
        """Two texts that meet in a line, without a secret that stretches over both."""
        return self._redactor.seam(before, after)[:2] if self._redactor else (before, after)

    def _look(self, path: Path) -> str | None:
        told = self.by_name(path)
        if told is not None:
            return told
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):
            return "its path cannot be read"
        for each in {path, real}:
            told = self.by_name(each) or self._by_gitignore(each)
            if told is not None:
                return told
        return None

    def _by_gitignore(self, path: Path) -> str | None:
        folders = {*self.folders, *self._real_folders()}
        homes = [f for f in folders if f == path.parent or f in path.parents]
        if not homes:
            return None
        top = repository_root(min(homes, key=lambda f: len(f.parts)))
        between = [f for f in reversed(path.parents) if f == top or top in f.parents]
        chain = [(folder, self._rules_of(folder)) for folder in between]
        source = ignored_by(chain, path)
        return None if source is None else f"{source / '.gitignore'} ignores it"

    def _rules_of(self, folder: Path) -> Rules:
        kept = self._rules.get(folder)
        if kept is not None and time.monotonic() - kept[0] < _FRESH:
            return kept[1]
        if len(self._rules) > _MOST:
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
    # Outside: enough of the path for rules such as ``.aws/credentials``.
    return "/".join(path.parts[-3:]).lstrip("/") or path.name or "untitled"


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
