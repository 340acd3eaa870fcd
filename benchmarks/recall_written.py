"""Code that is being written: the added lines of later commits and releases, with the earlier tree as the workspace.

The lines of a change are written from the top of the file to its end. At each of them the index contains the
project's files as they were before the change, and the open file with the lines above as they are after it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.next_edit_targets import Change, FileChange, commits, releases
from benchmarks.recall_quality import code_lines, index_of, predicted
from benchmarks.recall_results import Result
from ensemble_lsp.providers.recall.token_index import RecallIndex
from ensemble_lsp.types import Document, Position

MOST_LINES = 20_000
"""Lines of the project's other files: those nearest to the changed file first."""
PACKAGES = {"dev": ("rich",), "test": ("flask", "httpx")}
"""Packages of each half. Commits of a repository alternate."""


def projects(
    half: str, repository: Path | None, folder: Path | None
) -> Iterator[tuple[str, list[Change]]]:
    """Yield the names and the changes of the projects of one half."""
    if folder is not None:
        for name in PACKAGES[half]:
            yield name, list(releases(name, folder))
    if repository is not None:
        yield repository.resolve().name, list(commits(repository))[half == "test" :: 2]


def measure_written(name: str, changes: Sequence[Change], count: int) -> Iterator[Result]:
    """Write some added lines of each of some changes."""
    choice = random.Random(1)
    python = [
        (change, one) for change in changes for one in change.files if one.path.endswith(".py")
    ]
    per_file = 4
    for change, one in choice.sample(python, min(len(python), count // per_file)):
        yield from _written(name, change, one, per_file, choice)


def _written(
    name: str, change: Change, one: FileChange, count: int, choice: random.Random
) -> Iterator[Result]:
    codes = set(code_lines(one.new))
    new = one.new.split("\n")
    places: list[tuple[int, int]] = []
    """Numbers of added lines in the new text, and of the old line that follows them."""
    shift = 0
    for hunk in one.hunks:
        first = hunk.start + shift
        old = {line.strip() for line in hunk.old}
        places += [
            (first + i, hunk.end)
            for i in range(len(hunk.lines))
            if first + i in codes and new[first + i].strip() not in old
        ]
        shift += len(hunk.lines) - (hunk.end - hunk.start)
    if not places:
        return
    others = _others(change, one.path)
    index = index_of({f"file:///{path}": text for path, text in others.items()})
    below = one.old.split("\n")
    for number, follows in choice.sample(places, min(count, len(places))):
        line = new[number].rstrip()
        column = choice.randint(len(line) - len(line.lstrip()), len(line) - 3)
        text = "\n".join([*new[:number], line[:column], *below[follows:]])
        yield _result(
            name, index, f"file:///{one.path}", text, Position(number, column), line, others
        )


def _result(
    name: str,
    index: RecallIndex,
    uri: str,
    text: str,
    at: Position,
    line: str,
    others: dict[str, str],
) -> Result:
    document = Document.from_text(uri, 1, "python", text)
    started = time.thread_time()
    index.open(document)
    while index.work():
        pass
    change_ms = (time.thread_time() - started) * 1e3
    result = predicted(name, index, document, at, line, "\n".join(others.values()), change_ms)
    index.close(uri)
    return result


def _others(change: Change, path: str) -> dict[str, str]:
    """Return the project's other Python files before the change, as many as ``MOST_LINES`` allow."""
    here = Path(path).parts

    def distance(other: str) -> int:
        shared = 0
        for a, b in zip(here, Path(other).parts, strict=False):
            if a != b:
                break
            shared += 1
        return -shared

    kept: dict[str, str] = {}
    total = 0
    for other, text in sorted(change.others().items(), key=lambda item: distance(item[0])):
        lines = text.count("\n")
        if other != path and other.endswith(".py") and total + lines <= MOST_LINES:
            kept[other] = text
            total += lines
    return kept
