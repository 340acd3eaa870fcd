"""Gitignore rules: those of a repository's files, the user's own, and the setting's patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from .rule_files import RuleFiles, UnreadableRulesError

_MAX_WILDCARDS = 12
"""A pattern with more wildcards can take exponential time; a file with one excludes its whole folder."""
_MAX_LENGTH = 1000


_CLASSES = {
    "[:alnum:]": "a-zA-Z0-9", "[:alpha:]": "a-zA-Z", "[:digit:]": "0-9", "[:lower:]": "a-z",
    "[:upper:]": "A-Z", "[:space:]": " \t\r\n\f\v", "[:blank:]": " \t", "[:xdigit:]": "0-9a-fA-F",
}  # fmt: skip
_CLASS = re.compile(r"\[:[a-z]+:\]")
_BRACKET_IN_CLASS = re.compile(r"(?<!\\)\[([!^]?)\\\]")


@dataclass(frozen=True, slots=True)
class _IgnorePattern:
    """One pattern. It is matched with a path itself, and not with what is below a matching folder."""

    regex: re.Pattern[str]
    ignores: bool
    """``False`` for ``!pattern``."""
    folders_only: bool
    slashes: int
    """The number of slashes in a matching path; -1 for any number, -2 to match the last name alone."""

    def matches(self, name: str) -> bool:
        """Return whether the pattern matches a relative path."""
        if self.slashes == _LAST_NAME:
            name = name[name.rfind("/") + 1 :]
        elif self.slashes not in (_ANY_DEPTH, name.count("/")):
            return False
        return self.regex.fullmatch(name) is not None


_ANY_DEPTH, _LAST_NAME = -1, -2


@dataclass(frozen=True)
class Rules:
    """The rules of one file or setting; ``everything`` if they cannot be used safely."""

    patterns: tuple[_IgnorePattern, ...] = ()
    everything: bool = False
    ignore_case: bool = False

    def verdict(self, path: str) -> bool | None:
        """Return whether one relative path (folders end with ``/``) is ignored; ``None`` without a match.

        The folders above it are not examined.
        """
        if self.everything:
            return True
        name, is_folder = path.rstrip("/"), path.endswith("/")
        name = name.lower() if self.ignore_case else name
        for pattern in reversed(self.patterns):
            if (is_folder or not pattern.folders_only) and pattern.matches(name):
                return pattern.ignores
        return None


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Rules, the folder they are relative to, and the file they come from."""

    base: PurePath
    rules: Rules
    file: PurePath


def compile_rules(lines: Iterable[str], *, ignore_case: bool = False) -> Rules:
    """Compile lines of gitignore patterns."""
    found: list[_IgnorePattern] = []
    for line in lines:
        if line.count("*") > _MAX_WILDCARDS or len(line) > _MAX_LENGTH:
            if not line.startswith("#"):
                return Rules(everything=True)
        elif (pattern := _compiled(line.lower() if ignore_case else line)) is not None:
            found.append(pattern)
    return Rules(tuple(found), ignore_case=ignore_case)


def read_rules(files: RuleFiles, path: Path, *, ignore_case: bool = False) -> Rules:
    """Read a file of rules; unreadable rules exclude everything."""
    try:
        data = files.read(path)
    except UnreadableRulesError:
        return Rules(everything=True)
    if not data:
        return Rules()
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16", "replace") if wide else data.decode("utf-8", "surrogateescape")
    lines = text.removeprefix("\ufeff").split("\n")
    return compile_rules((line.removesuffix("\r") for line in lines), ignore_case=ignore_case)


def ignored_by(sources: Iterable[RuleSource], path: PurePath) -> RuleSource | None:
    """Return the source of the rule that ignores a path, or ``None``.

    Sources come in ascending precedence, and within one the last match wins, but nothing in an ignored
    folder can be re-included, as in git.
    """
    sources = list(sources)
    if not sources:
        return None
    root = min((source.base for source in sources), key=lambda base: len(base.parts))
    parts = path.relative_to(root).parts
    for count in range(1, len(parts) + 1):
        step = root.joinpath(*parts[:count])
        match: tuple[bool, RuleSource] | None = None
        for source in sources:
            if source.base in step.parents:
                name = step.relative_to(source.base).as_posix() + (
                    "/" if count < len(parts) else ""
                )
                verdict = source.rules.verdict(name)
                match = match if verdict is None else (verdict, source)
        if match is not None and match[0]:
            return match[1]
    return None


def matches_inside(rules: Rules, name: str) -> bool:
    """Return whether rules ignore a relative path or a folder above it."""
    root = PurePosixPath("/")
    return ignored_by([RuleSource(root, rules, root)], root / name) is not None


def _compiled(line: str) -> _IgnorePattern | None:
    """Compile one line as git reads it; ``None`` for a comment and for what matches nothing."""
    if line.startswith("#"):
        return None
    body = _trimmed(line)
    ignores = not body.startswith("!")
    body = body if ignores else body[1:]
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    regex = _regex(body) if body.strip("/") else None
    if regex is None:
        return None
    return _IgnorePattern(regex, ignores, folders_only, _slashes(body))


def _slashes(body: str) -> int:
    if "/" not in body:
        return _LAST_NAME
    return _ANY_DEPTH if "**" in body else body.strip("/").count("/")


def _regex(body: str) -> re.Pattern[str] | None:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    if _STARS.fullmatch(body):
        return _EVERYTHING
    body = _CLASS.sub(lambda match: _CLASSES.get(match[0], ""), body)
    body = _BRACKET_IN_CLASS.sub(r"[\1]", body)
    try:
        # A leading sign has no meaning here: the caller has read it.
        text, _ = GitIgnoreSpecPattern.pattern_to_regex(f"\\{body}" if body[0] in "!#" else body)
        if text is None:
            return None
        # ``folder/**`` is translated to a beginning.
        return re.compile(f"{text}.+" if text.endswith("/") else text, re.DOTALL)
    except (ValueError, re.error):
        return None


_STARS = re.compile(r"/?(?:\*\*/)+\*+|\*+|/\*\*+")
_EVERYTHING = re.compile(".+", re.DOTALL)


def _trimmed(line: str) -> str:
    """Return a pattern without the spaces at its end that no backslash precedes."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept
