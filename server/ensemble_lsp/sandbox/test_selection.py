"""Select the tests that reach a piece of code, by the names they mention and the modules they import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..settings.regular_files import read_regular

MAX_TEST_FILES = 12
"""Test files that are run; of more, those that mention most of the names."""
_MAX_FILES_VISITED, _MAX_BYTES = 20_000, 1_000_000
_TEST = re.compile(
    r"""(?:^|/)(?:test_[^/]+|[^/]+_(?:test|spec)|[^/]+\.(?:test|spec)|[^/]+Tests?)\.\w+$
    |(?:^|/)(?:tests?|__tests__|spec)/(?:.*/)?[^/]+\.\w+$""",
    re.VERBOSE,
)
_NOT_A_TEST = re.compile(
    r"(?:^|/)(?:conftest\.py|__init__\.py)$|\.(?:json|md|txt|ya?ml|toml|lock|csv)$"
)
_SKIPPED = frozenset({"node_modules", "venv", "__pycache__", "build", "dist", "target"})
_FILE_RUNNERS = frozenset({"pytest", "py.test", "jest", "vitest", "mocha", "rspec"})
"""Test runners that accept the files to run as arguments."""
FILES = "{files}"
"""Placeholder for the test files in a command."""


def find_tests(tree: Path, file: Path, names: Sequence[str]) -> list[Path]:
    """Find the test files that reach code in ``file``, best first; paths are relative to ``tree``.

    ``names`` are the function and its class. Tests that mention a name and the module come first and alone; else
    tests that mention a name; else tests that mention the module. Reads the disk.
    """
    patterns = [_word(n) for n in names if n and not re.fullmatch(r"__\w+__", n)]
    module = _word(file.parent.name if file.stem in ("__init__", "index", "mod") else file.stem)
    ranked: dict[int, list[tuple[int, str]]] = {3: [], 2: [], 1: []}
    for path in _test_files(tree):
        if path == file:
            continue
        text = _text(tree / path)
        counts = [len(pattern.findall(text)) for pattern in patterns]
        imports = bool(module.search(text))
        tier = (2 + imports) if counts and any(counts) else int(imports)
        if tier:
            rank = (-sum(bool(c) for c in counts), path.as_posix())
            ranked[tier].append(rank)
    best = next((files for files in ranked.values() if files), [])
    return [Path(path) for _, path in sorted(best)[:MAX_TEST_FILES]]


def command_with(command: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Add the files to a command that accepts them; return any other command unchanged."""
    paths = [path.as_posix() for path in files]
    if FILES in command:
        index = list(command).index(FILES)
        return [*command[:index], *paths, *command[index + 1 :]]
    return [*command, *paths] if runner_name(command) in _FILE_RUNNERS else list(command)


def runner_name(command: Sequence[str]) -> str:
    """Return the known test runner that a command starts, directly or through another program; else empty."""
    names = [re.split(r"[/\\]", word)[-1] for word in command]
    return next((name for name in names if name in _FILE_RUNNERS), "")


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")


def _test_files(tree: Path) -> Iterator[Path]:
    visited = 0
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(names):
            visited += 1
            path = (Path(folder) / name).relative_to(tree)
            if _TEST.search(path.as_posix()) and not _NOT_A_TEST.search(path.as_posix()):
                yield path
        if visited > _MAX_FILES_VISITED:
            return


def _text(path: Path) -> str:
    try:
        return (
            "" if path.is_symlink() else read_regular(path, _MAX_BYTES).decode("utf-8", "replace")
        )
    except OSError:
        return ""
