"""Which of a repository's tests reach a piece of code: by the names they write and what they import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

MAX_TEST_FILES = 12
"""Files of tests that are run; of more, those that name the code most."""
_MOST_LOOKED_AT, _LARGEST = 20_000, 1_000_000
_TEST = re.compile(
    r"""(?:^|/)(?:test_[^/]+|[^/]+_(?:test|spec)|[^/]+\.(?:test|spec)|[^/]+Tests?)\.\w+$
    |(?:^|/)(?:tests?|__tests__|spec)/(?:.*/)?[^/]+\.\w+$""",
    re.VERBOSE,
)
_NO_TEST = re.compile(
    r"(?:^|/)(?:conftest\.py|__init__\.py)$|\.(?:json|md|txt|ya?ml|toml|lock|csv)$"
)
_SKIPPED = frozenset({"node_modules", "venv", "__pycache__", "build", "dist", "target"})
_TAKES_FILES = frozenset({"pytest", "py.test", "jest", "vitest", "mocha", "rspec"})
"""Runners that run just the files they are given."""
FILES = "{files}"
"""In a command: where the files of tests go."""


def find_tests(tree: Path, file: Path, names: Sequence[str]) -> list[Path]:
    """Files of tests that reach code in ``file``, relative to ``tree`` as ``file`` is, best first.

    ``names``: of the function, and of the class it is in. Where tests write a name and the file's own,
    only those; else those that write a name; else those that write the file's own. Reads the disk.
    """
    wanted = [_word(n) for n in names if n and not re.fullmatch(r"__\w+__", n)]
    module = _word(file.parent.name if file.stem in ("__init__", "index", "mod") else file.stem)
    ranked: dict[int, list[tuple[int, str]]] = {3: [], 2: [], 1: []}
    for path in _test_files(tree):
        if path == file:
            continue
        text = _text(tree / path)
        counts = [len(pattern.findall(text)) for pattern in wanted]
        imports = bool(module.search(text))
        tier = (2 + imports) if counts and any(counts) else int(imports)
        if tier:
            rank = (-sum(bool(c) for c in counts), path.as_posix())
            ranked[tier].append(rank)
    best = next((found for found in ranked.values() if found), [])
    return [Path(path) for _, path in sorted(best)[:MAX_TEST_FILES]]


def command_with(command: Sequence[str], files: Sequence[Path]) -> list[str]:
    """A command that runs just some files where it can be told to; else the command as it is."""
    paths = [path.as_posix() for path in files]
    if FILES in command:
        place = list(command).index(FILES)
        return [*command[:place], *paths, *command[place + 1 :]]
    return [*command, *paths] if runner_name(command) in _TAKES_FILES else list(command)


def runner_name(command: Sequence[str]) -> str:
    """The known test-runner a command starts, itself or through another program; else empty."""
    names = [re.split(r"[/\\]", word)[-1] for word in command]
    return next((name for name in names if name in _TAKES_FILES), "")


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")


def _test_files(tree: Path) -> Iterator[Path]:
    looked_at = 0
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(names):
            looked_at += 1
            path = (Path(folder) / name).relative_to(tree)
            if _TEST.search(path.as_posix()) and not _NO_TEST.search(path.as_posix()):
                yield path
        if looked_at > _MOST_LOOKED_AT:
            return


def _text(path: Path) -> str:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
