"""The locator alone: on the recorded scenarios, and on targets made from the histories of repositories."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Indel

from benchmarks.common import percentile
from benchmarks.next_edit_scenarios import Scenario, opened
from benchmarks.next_edit_targets import (
    TOKEN,
    Change,
    FileChange,
    only_imports,
    related,
    small,
)
from ensemble_lsp.context.documents import Documents
from ensemble_lsp.languages import language_of
from ensemble_lsp.next_edit.edit import PredictedEdit
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.locator.import_index import ImportIndex
from ensemble_lsp.next_edit.locator.locate import Locator
from ensemble_lsp.types import Document, Edit, Position, Span, common_prefix_length, split_lines

FOLDER = "file:///workspace/"
_MAX_CHAIN = 12
_MAX_OTHERS = 4


@dataclass
class Figures:
    """Counts over the targets of one set."""

    targets: int = 0
    related: int = 0
    offered: int = 0
    right: int = 0
    chained: int = 0
    chained_right: int = 0
    solved: int = 0
    solved_related: int = 0
    seconds: list[float] = field(default_factory=list)
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def table(self) -> dict[str, Any]:
        """Return the figures as numbers."""
        times = [second * 1e3 for second in self.seconds] or [0.0]
        return {
            "targets": self.targets,
            "related": self.related,
            "offered": self.offered,
            "precision": self.right / max(1, self.offered),
            "precision of the chain": self.chained_right / max(1, self.chained),
            "target reached": self.solved,
            "recall of related": self.solved_related / max(1, self.related),
            "p50 ms": percentile(times, 0.5),
            "p99 ms": percentile(times, 0.99),
            "kinds": {kind: dict(count) for kind, count in sorted(self.kinds.items())},
        }


def measure(changes: Iterable[Change]) -> dict[str, Figures]:
    """Measure the locator on the last hunk of each changed file, and on hunks of imports alone.

    For the latter all other hunks are the history, and the files before the change are known.
    """
    figures = {"last hunk": Figures(), "imports": Figures()}
    for change in changes:
        index: ImportIndex | None = None
        for file in change.files:
            if len(file.hunks) < 2:
                continue
            if small(file.hunks[-1]):
                _measure_one(change, file, -1, ImportIndex(), figures["last hunk"])
            for number in [n for n, hunk in enumerate(file.hunks) if only_imports(hunk)][:1]:
                index = index or _index(change)
                _measure_one(change, file, number, index, figures["imports"])
    return figures


def _index(change: Change) -> ImportIndex:
    index = ImportIndex()
    for path, text in change.others().items():
        index.add_file(FOLDER + path, language_of(path), text)
    return index


def _measure_one(
    change: Change, file: FileChange, target: int, index: ImportIndex, figures: Figures
) -> None:
    target %= len(file.hunks)
    documents, history, cursor = replayed(change, file, target)
    uri = FOLDER + file.path
    figures.targets += 1
    others = [*file.hunks[:target], *file.hunks[target + 1 :]]
    is_related = related(file.hunks[target], others)
    figures.related += is_related
    locator = Locator(index, seconds=1.0)
    document = documents.get(uri)
    assert document is not None
    for step in range(_MAX_CHAIN):
        started = time.thread_time()
        found = locator.propose(history, document, cursor, limit=1)
        figures.seconds.append(time.thread_time() - started)
        if not found:
            break
        right = on_the_way(document, found[0], file.new)
        figures.chained += 1
        figures.chained_right += right
        if step == 0:
            figures.offered += 1
            figures.right += right
            figures.kinds[found[0].kind]["right" if right else "wrong"] += 1
        if not right:
            break
        cursor = found[0].span.end
        documents.change(uri, document.version + 1, [found[0].edit])
        document = documents.get(uri)
        assert document is not None
    solved = document.text == file.new
    figures.solved += solved
    figures.solved_related += solved and is_related


def replayed(
    change: Change, file: FileChange, target: int
) -> tuple[Documents, EditHistory, Position]:
    """Make all hunks of a change but one of the file's, five seconds apart; return the cursor too."""
    now = 0.0
    documents, history = Documents(), EditHistory(lambda: now)
    documents.subscribe(history)
    for other in [f for f in change.files if f is not file][:_MAX_OTHERS]:
        _open(documents, other)
        for hunk in reversed(other.hunks):
            now += 5
            _apply(documents, other, hunk.start, hunk.end, "".join(hunk.lines))
    _open(documents, file)
    shift = 0
    cursor = Position(0, 0)
    for hunk in (*file.hunks[:target], *file.hunks[target + 1 :]):
        now += 5
        _apply(documents, file, hunk.start + shift, hunk.end + shift, "".join(hunk.lines))
        last = max(0, hunk.start + shift + len(hunk.lines) - 1)
        shift += len(hunk.lines) - len(hunk.old)
        document = documents.get(FOLDER + file.path)
        assert document is not None
        cursor = Position(last, len(document.line(last)))
    return documents, history, cursor


def _open(documents: Documents, file: FileChange) -> None:
    documents.open(FOLDER + file.path, 1, language_of(file.path), file.old)


def _apply(documents: Documents, file: FileChange, start: int, end: int, text: str) -> None:
    document = documents.get(FOLDER + file.path)
    assert document is not None
    last = Position(end, 0) if end < len(document.lines) else document.end
    documents.change(
        document.uri, document.version + 1, [Edit(Span(Position(start, 0), last), text)]
    )


def on_the_way(document: Document, edit: PredictedEdit, final: str) -> bool:
    """Return whether an edit is on a shortest way, in tokens, from the document to its final text."""
    old, new = document.lines, edit.apply(document).lines
    end = tuple(split_lines(final))
    head = min(common_prefix_length(old, end), common_prefix_length(old, new))
    tail = min(_common_tail(old[head:], end[head:]), _common_tail(old[head:], new[head:]))
    one, two, three = (_tokens(lines[head : len(lines) - tail]) for lines in (old, new, end))
    return Indel.distance(one, two) + Indel.distance(two, three) == Indel.distance(one, three)


def _common_tail(one: Sequence[str], other: Sequence[str]) -> int:
    return common_prefix_length(one[::-1], other[::-1])


def _tokens(lines: Sequence[str]) -> list[str]:
    return TOKEN.findall("".join(lines))


# -- the recorded scenarios --------------------------------------------------------------------


def scenarios(all_scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, str | None, float]]:
    """Yield each scenario with the text after the chain of offers (``None`` if nothing was offered)."""
    for scenario in all_scenarios:
        documents, history, cursor = opened(scenario)
        locator = Locator(seconds=1.0)
        document = documents.get(scenario.uri)
        assert document is not None
        started = time.thread_time()
        for _ in range(_MAX_CHAIN):
            found = locator.propose(history, document, cursor, limit=1)
            if not found:
                break
            cursor = found[0].span.end
            documents.change(scenario.uri, document.version + 1, [found[0].edit])
            document = documents.get(scenario.uri)
            assert document is not None
        changed = document.text if document.text != scenario.buffer else None
        yield scenario, changed, time.thread_time() - started


# -- time --------------------------------------------------------------------------------------


def keystrokes(lines: int, count: int, source: Path) -> list[float]:
    """Return the seconds of an answer after each keystroke of a rename in a long document."""
    text = source.read_text(encoding="utf-8")
    size = text.count("\n") or 1
    long = "\n".join(text for _ in range(lines // size + 1)).split("\n")[:lines]
    now = 0.0
    documents, history, locator = Documents(), EditHistory(lambda: now), Locator()
    documents.subscribe(history)
    documents.open(FOLDER + "long.py", 1, "python", "\n".join(long))
    places = [n for n, line in enumerate(long) if line.startswith("    ") and "=" in line]
    seconds: list[float] = []
    for step in range(count):
        line = places[(step // 8 * 37) % len(places)]
        document = documents.get(FOLDER + "long.py")
        assert document is not None
        column = len(document.line(line)) - len(document.line(line).lstrip()) + step % 8
        now += 0.2
        span = Span(Position(line, column), Position(line, column))
        documents.change(document.uri, document.version + 1, [Edit(span, "x")])
        document = documents.get(document.uri)
        assert document is not None
        started = time.thread_time()
        locator.propose(history, document, Position(line, column + 1))
        seconds.append(time.thread_time() - started)
    return seconds
