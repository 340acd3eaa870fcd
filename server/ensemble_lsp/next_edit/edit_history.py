"""The edits just made, as hunks across files: merged while the user types, bounded, in memory only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from ..context.known_secrets import KnownSecrets, replaced_texts
from ..types import Document, Edit, common_prefix_length, split_lines
from .changed_lines import ChangedLines, changed_lines

CONTEXT_LINES = 3
"""Unchanged lines that a hunk shows on each side."""
_REDACTION_LINES = 60
"""Lines kept on each side: a secret of several lines may begin far above the hunk."""
_MAX_HUNKS = 60
_MAX_CHARACTERS = 40_000
"""Characters of the changed lines of all hunks together."""
_MAX_UNDONE = 20
_MAX_AGE = 1800.0
"""Seconds."""
_MAX_LINES = 60
"""Changed lines of one hunk; a longer change is a reload, a format run, or a large paste."""
_MAX_PLACES = 12
"""Places that one change may touch: multiple cursors touch fewer, a format run more."""
_PAUSE = 60.0
"""Seconds within which an edit at the place of the latest hunk belongs to it."""
_SHORT_PAUSE = 3.0
"""The same for an older hunk: with multiple cursors several hunks grow at once."""


_Step = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The address of a document, and lines of one change before and after it."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Adjacent changed lines of one file. Lines keep their ends."""

    uri: str
    language: str
    line: int
    """The first changed line, from 0: where it is now, else where it was when last known."""
    removed: tuple[str, ...]
    added: tuple[str, ...]
    above: tuple[str, ...] = ()
    """Unchanged lines above; more than are shown."""
    below: tuple[str, ...] = ()
    tracked: bool = True
    """Whether ``line`` is where the added lines are now."""
    order: int = 0
    """Counts up with every hunk that is begun."""

    @property
    def before(self) -> tuple[str, ...]:
        """The unchanged lines above that are shown."""
        return self.above[-CONTEXT_LINES:]

    @property
    def after(self) -> tuple[str, ...]:
        """The unchanged lines below that are shown."""
        return self.below[:CONTEXT_LINES]

    @property
    def original(self) -> str:
        r"""The lines before the change, with those around them; line ends are ``\n``."""
        return _joined((*self.before, *self.removed, *self.after))

    @property
    def updated(self) -> str:
        r"""The lines after the change, with those around them; line ends are ``\n``."""
        return _joined((*self.before, *self.added, *self.after))

    @property
    def unified(self) -> str:
        """The hunk of a unified diff, without the lines that name the file."""
        first = self.line - len(self.before) + 1
        around = len(self.before) + len(self.after)
        marked = (
            *((" ", line) for line in self.before),
            *(("-", line) for line in self.removed),
            *(("+", line) for line in self.added),
            *((" ", line) for line in self.after),
        )
        head = f"@@ -{first},{around + len(self.removed)} +{first},{around + len(self.added)} @@\n"
        return head + "".join(f"{sign}{_bare(line)}\n" for sign, line in marked)

    def redacted(self, redact: Callable[[str], tuple[str, int]]) -> Hunk:
        """Return the hunk without secrets, in the removed lines too.

        A secret that one version of the lines shows is one in the other: an edit may change only its name.
        """
        size = len(self.above), len(self.removed), len(self.below)
        above, removed, below = _redacted(self.above, self.removed, self.below, redact)
        above_now, added, below_now = _redacted(self.above, self.added, self.below, redact)
        if (len(above), len(removed), len(below)) != size or len(added) != len(self.added):
            return replace(self, above=(), removed=(), added=(), below=())
        known = KnownSecrets()
        known.use(
            secret
            for raw, clean in ((self.removed, removed), (self.added, added))
            for one, other in zip(raw, clean, strict=True)
            for secret in replaced_texts(_bare(one), _bare(other))
        )
        return replace(
            self,
            above=_without(known, _safer(self.above, above, above_now)),
            removed=_without(known, removed),
            added=_without(known, added),
            below=_without(known, _safer(self.below, below, below_now)),
        )


@dataclass(slots=True, eq=False)
class _HunkRecord:
    """A hunk that may still grow, and the lines of its document that it covers now."""

    uri: str
    language: str
    order: int
    at: float
    removed: tuple[str, ...]
    added: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    start: int = 0
    count: int = 0
    tracked: bool = True
    revision: int = 0
    """The history's revision that changed it last."""

    @property
    def end(self) -> int:
        return self.start + self.count

    @property
    def size(self) -> int:
        return sum(map(len, self.removed)) + sum(map(len, self.added))

    def covers(self, lines: Sequence[str]) -> bool:
        """Return whether the original text is back in these lines."""
        return tuple(lines[self.start : self.end]) == self.removed

    def is_undone_by(self, change: ChangedLines, lines: Sequence[str]) -> bool:
        """Return whether a change puts the original text back, which has no time limit."""
        same_place = (self.start, self.end) == (change.old_start, change.old_end)
        return same_place and tuple(lines[change.new_start : change.new_end]) == self.removed

    def overlaps(self, other: _HunkRecord) -> bool:
        return self.start <= other.end and other.start <= self.end

    def hunk(self) -> Hunk:
        removed, added, above, below = self.removed, self.added, self.above, self.below
        head = common_prefix_length(removed, added)
        tail = common_prefix_length(removed[head:][::-1], added[head:][::-1])
        return Hunk(
            self.uri,
            self.language,
            self.start + head,
            removed[head : len(removed) - tail],
            added[head : len(added) - tail],
            above + added[:head],
            added[len(added) - tail :] + below,
            self.tracked,
            self.order,
        )


class EditHistory:
    """Listens to the documents and keeps the latest edits as hunks. Nothing of it is written to disk."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: list[_HunkRecord] = []
        """The hunk changed last is the last."""
        self._undone: deque[Hunk] = deque(maxlen=_MAX_UNDONE)
        self._steps: deque[_Step] = deque(maxlen=_MAX_UNDONE)
        self._hunks_started = 0
        self.revision = 0
        """Counts up with every change of the history."""

    # -- document events -----------------------------------------------------------------------

    def opened(self, document: Document) -> None:
        """Keep the hunks of a document that was opened again, but not their places."""
        self._lose(document.uri)

    def closed(self, document: Document) -> None:
        """Keep the hunks of a closed document, but not their places."""
        self._lose(document.uri)

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Record a change: merge it into the hunk at its place, or begin one."""
        changes = changed_lines(before.lines, after.lines, edits)
        if not changes:
            return
        self.revision += 1
        self._notice_undo(before, after, changes)
        now = self._clock()
        self._records = [r for r in self._records if now - r.at <= _MAX_AGE]
        if len(changes) > _MAX_PLACES or any(c.size > _MAX_LINES for c in changes):
            self._move(after.uri, changes)
        else:
            for change in reversed(changes):  # from below: the places above stay where they are
                self._record(before, after, change, now)
        self._update(after)
        self._shrink()

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._undone.clear()
        self._steps.clear()
        self.revision += 1

    def add(self, uri: str, language: str, original: str, updated: str, line: int = 0) -> None:
        """Record a hunk from elsewhere, such as a patch, whose place in the file is not followed."""
        now = self._clock()
        self._hunks_started += 1
        record = _HunkRecord(uri, language, self._hunks_started, now, tuple(split_lines(original)))
        record.added = tuple(split_lines(updated))
        record.start, record.tracked = line, False
        self._records.append(record)
        self.revision += 1
        self._shrink()

    # -- the hunks -----------------------------------------------------------------------------

    def recent(self, limit: int = _MAX_HUNKS) -> tuple[Hunk, ...]:
        """Return the latest hunks of all files, the latest first."""
        now = self._clock()
        fresh = takewhile(lambda record: now - record.at <= _MAX_AGE, reversed(self._records))
        hunks = (record.hunk() for record in fresh)
        return tuple(islice((h for h in hunks if h.removed or h.added), limit))

    def undone(self) -> tuple[Hunk, ...]:
        """Return the latest hunks that the user undid."""
        return tuple(self._undone)

    def for_remote(
        self,
        allowed: Callable[[str], bool],
        redact: Callable[[str], tuple[str, int]],
        limit: int = _MAX_HUNKS,
    ) -> tuple[Hunk, ...]:
        """Return the latest hunks that may leave the machine: no excluded file, no secret."""
        visible = (hunk for hunk in self.recent() if allowed(hunk.uri))
        redacted = (hunk.redacted(redact) for _, hunk in zip(range(limit), visible, strict=False))
        return tuple(hunk for hunk in redacted if hunk.removed != hunk.added)

    def _notice_undo(
        self, before: Document, after: Document, changes: Sequence[ChangedLines]
    ) -> None:
        """Remember a change that takes back a recent one, even where its hunk keeps other lines."""
        for change in changes:
            if change.size > _MAX_LINES:
                continue
            old = before.lines[change.old_start : change.old_end]
            new = after.lines[change.new_start : change.new_end]
            if (before.uri, new, old) in self._steps:
                self._undone.append(Hunk(after.uri, after.language, change.new_start, new, old))
            self._steps.append((before.uri, old, new))

    # -- recording -----------------------------------------------------------------------------

    def _record(self, before: Document, after: Document, change: ChangedLines, now: float) -> None:
        latest = self._records[-1] if self._records else None
        here = [r for r in self._records if r.uri == before.uri and r.tracked]
        merged = [
            r
            for r in here
            if r.revision < self.revision
            and r.start <= change.old_end
            and change.old_start <= r.end
            and (
                now - r.at <= (_PAUSE if r is latest else _SHORT_PAUSE)
                or r.is_undone_by(change, after.lines)
            )
        ]
        merged.sort(key=lambda r: r.start)
        start = min([change.old_start, *(r.start for r in merged)])
        end = max([change.old_end, *(r.end for r in merged)])
        removed = _original(before.lines, start, end, merged)
        if merged and len(removed) + end - start + change.growth > 2 * _MAX_LINES:
            merged, start, end = [], change.old_start, change.old_end
            removed = before.lines[start:end]
        self._records = [r for r in self._records if r not in merged]
        self._move(before.uri, [change])
        order = merged[-1].order if merged else self._hunks_started + 1
        self._hunks_started = max(self._hunks_started, order)
        record = _HunkRecord(before.uri, before.language, order, now, removed)
        record.start, record.count = start, end - start + change.growth
        record.revision = self.revision
        self._records.append(record)

    def _move(self, uri: str, changes: Sequence[ChangedLines]) -> None:
        """Move the hunks of a document with changes that are not merged into them."""
        for change in reversed(changes):
            for record in self._records:
                if record.uri != uri or not record.tracked or change.old_start >= record.end:
                    continue
                if change.old_end <= record.start:
                    record.start += change.growth
                elif change.size > _MAX_LINES:
                    record.tracked = False
                else:
                    start = min(record.start, change.old_start)
                    end = max(record.end, change.old_end) + change.growth
                    record.start, record.count = start, end - start

    def _update(self, after: Document) -> None:
        """Read the new text of the hunks of this change; drop those that were undone."""
        here = [r for r in self._records if r.uri == after.uri and r.tracked]
        undone: set[int] = set()
        for record in here:
            if record.covers(after.lines):
                undone |= {r.order for r in here if r.order > record.order and r.overlaps(record)}
                undone.add(record.order)
            elif record.revision == self.revision:
                start, end = record.start, record.end
                record.added = after.lines[start:end]
                record.above = after.lines[max(0, start - _REDACTION_LINES) : start]
                record.below = after.lines[end : end + _REDACTION_LINES]
        if undone:
            self._undone += [r.hunk() for r in here if r.order in undone]
            self._records = [r for r in self._records if r.order not in undone]

    def _lose(self, uri: str) -> None:
        for record in self._records:
            if record.uri == uri:
                record.tracked = False

    def _shrink(self) -> None:
        del self._records[:-_MAX_HUNKS]
        size = sum(record.size for record in self._records)
        while size > _MAX_CHARACTERS and len(self._records) > 1:
            size -= self._records.pop(0).size


def _original(
    lines: Sequence[str], start: int, end: int, merged: Iterable[_HunkRecord]
) -> tuple[str, ...]:
    """Return the lines as they were before the merged hunks."""
    original: list[str] = []
    at = start
    for record in merged:
        original += lines[at : record.start]
        original += record.removed
        at = max(at, record.end)
    original += lines[at:end]
    return tuple(original)


def _redacted(
    above: Sequence[str],
    changed: Sequence[str],
    below: Sequence[str],
    redact: Callable[[str], tuple[str, int]],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    text, count = redact("\n".join(_bare(line) for line in (*above, *changed, *below)))
    if not count:
        return tuple(above), tuple(changed), tuple(below)
    lines = tuple(f"{line}\n" for line in text.split("\n"))
    first, last = len(above), len(above) + len(changed)
    return lines[:first], lines[first:last], lines[last:]


def _safer(raw: Sequence[str], one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Return each line as redacted as either text has it."""
    both = zip(raw, one, other, strict=True)
    return tuple(a if _bare(a) != _bare(line) else b for line, a, b in both)


def _without(known: KnownSecrets, lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(known.hide(line)[0] for line in lines) if known else lines


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{_bare(line)}\n" for line in lines)
