"""The few values of Git's configuration that decide which files are ignored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from .repository import Repository
from .rule_files import RuleFiles, UnreadableRulesError

_SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_ENTRY = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}
_TRUE = frozenset(("true", "yes", "on", "1", ""))
_MAX_DEPTH = 5
_SYSTEM = ("/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig")

Entry = tuple[str, str]
"""``section.key`` in lower case, and the value."""


def excludes_files(files: RuleFiles, repository: Repository | None) -> list[Path]:
    """Return the files that ``core.excludesFile`` names, lowest precedence first.

    Git uses only the last value. Here each of them counts, so that a repository's own configuration
    cannot switch off the user's. Without any, it is Git's default file.
    """
    base = repository.root if repository else Path.home()
    own = list(_values(files, _own_files(repository), "core.excludesfile"))
    users = [*_values(files, _user_files(), "core.excludesfile"), *_of_environment()]
    paths = [_path(value, base) for value in (*own, *users)]
    found = [path for path in paths if path is not None]
    return found or [_config_home() / "git" / "ignore"]


def ignores_case(files: RuleFiles, repository: Repository | None) -> bool:
    """Return whether names that differ in case are the same to Git (``core.ignoreCase``)."""
    configs = [*_user_files(), *_own_files(repository)]
    values = list(_values(files, configs, "core.ignorecase"))
    return values[-1].lower() in _TRUE if values else False


def parse_config(text: str) -> Iterator[Entry]:
    """Yield the entries of a configuration file. Other lines are skipped."""
    section, lines = "", iter(text.removeprefix("\ufeff").splitlines())
    for line in lines:
        heading, start = _SECTION.match(line), 0
        if heading:
            section = heading[1].lower() if heading[2] is None else f"{heading[1].lower()}.*"
            start = heading.end()
        entry = _ENTRY.match(line, start)
        if entry is None or not section:
            continue
        value = entry[2]
        while value is not None and _continues(value):
            value = value[:-1] + next(lines, "")
        yield f"{section}.{entry[1].lower()}", "" if value is None else _unquoted(value)


def _values(files: RuleFiles, configs: list[Path], key: str, depth: int = 0) -> Iterator[str]:
    for config in configs:
        for name, value in files.parsed(config, _entries):
            if name == key:
                yield value
            elif name in ("include.path", "includeif.*.path") and depth < _MAX_DEPTH:
                # A condition is not examined: the values of every included file count.
                included = _path(value, config.parent)
                if included is not None:
                    yield from _values(files, [included], key, depth + 1)


def _of_environment() -> Iterator[str]:
    """Yield the values that the environment gives, as ``GIT_CONFIG_KEY_0`` and ``GIT_CONFIG_VALUE_0``."""
    env = os.environ
    count = env.get("GIT_CONFIG_COUNT", "")
    for number in range(int(count) if re.fullmatch(r"\d{1,3}", count) else 0):
        if env.get(f"GIT_CONFIG_KEY_{number}", "").lower() == "core.excludesfile":
            yield env.get(f"GIT_CONFIG_VALUE_{number}", "")


def _entries(path: Path, files: RuleFiles) -> list[Entry]:
    try:
        data = files.read(path)
    except UnreadableRulesError:
        return []
    return list(parse_config(data.decode("utf-8", "replace"))) if data else []


def _user_files() -> list[Path]:
    env = os.environ
    system = [] if env.get("GIT_CONFIG_NOSYSTEM") else [Path(name) for name in _SYSTEM]
    if named := env.get("GIT_CONFIG_SYSTEM"):
        system = [Path(named)]
    if named := env.get("GIT_CONFIG_GLOBAL"):
        return [*system, Path(named)]
    return [*system, _config_home() / "git" / "config", Path.home() / ".gitconfig"]


def _own_files(repository: Repository | None) -> list[Path]:
    if repository is None:
        return []
    return [repository.common_folder / "config", repository.git_folder / "config.worktree"]


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _path(value: str, base: Path) -> Path | None:
    """Return the path that a value names; ``None`` for one on another machine or without a name."""
    if not value or value.startswith(("\\\\", "//")) or "\0" in value:
        return None
    try:
        return base / Path(value).expanduser()
    except RuntimeError:
        return None


def _continues(value: str) -> bool:
    return (len(value) - len(value.rstrip("\\"))) % 2 == 1


def _unquoted(value: str) -> str:
    """Return a value without its quotes, escapes and comment."""
    kept: list[str] = []
    quoted, end = False, 0
    chars = iter(value)
    for char in chars:
        if char == '"':
            quoted = not quoted
            continue
        if char in "#;" and not quoted:
            break
        if char == "\\":
            following = next(chars, "")
            kept.append(_ESCAPES.get(following, following))
            end = len(kept)
            continue
        kept.append(char)
        if quoted or not char.isspace():
            end = len(kept)
    return "".join(kept[:end])
