"""The history: suggestions, outcomes, calls and choices.

One thread owns the connection (``database_thread``); others put jobs in its queue, so the event loop never
waits for a disk. Waiting jobs are committed together. If the file cannot be used (read-only, full, locked
for long, from a newer program), the thread falls back to memory, adds a notice, retries, and replays its
writes on recovery. A team may keep its history in PostgreSQL instead (``backends``, ``postgres``).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..types import Outcome, Task
from . import change_log, queries, writes
from .backends import PostgresBackend, SqliteBackend
from .connection import Database
from .database_thread import DatabaseJob, DatabaseThread
from .jsonl import ImportReport, Line, Record, as_line, import_lines
from .records import (
    CallRecord,
    Latencies,
    PreferenceRecord,
    RewardRow,
    StatsRow,
    StoredSuggestion,
    SuggestionRecord,
    UsageRow,
)

Result = TypeVar("Result")

_PAGE = 500
_GATHERED = 0.02
"""Seconds in which writes are gathered before the thread wakes up: it would take the interpreter from
the answer that is just being sent."""


class History:
    """The history of one user, shared by all their servers. Created by ``open``."""

    def __init__(
        self,
        path: Path,
        url: str | None = None,
        *,
        retention_days: int,
        keep_text: bool,
        clock: Callable[[], float],
        busy_seconds: float,
        retry_seconds: float,
    ) -> None:
        self.path = path
        self.notices: list[str] = []
        """Messages for the user, as they occur."""
        self.on_notice: Callable[[], None] | None = None
        """Called for each new one, on the history's own thread."""
        self._keep_text = keep_text
        self._clock = clock
        self._gathered: list[DatabaseJob] = []
        self._busy = busy_seconds
        self._retry = retry_seconds
        self._options = (url, retention_days)
        self._thread = self._start_thread(url, retention_days)

    def _start_thread(self, url: str | None, retention_days: int) -> DatabaseThread:
        waiting = self.path.with_name(f"{self.path.stem}-waiting.sqlite3")
        return DatabaseThread(
            PostgresBackend(url, waiting) if url else SqliteBackend(self.path),
            self._add_notice,
            clock=self._clock,
            retention_days=retention_days,
            busy_seconds=self._busy,
            retry_seconds=self._retry,
        )

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        url: str | None = None,
        retention_days: int = 365,
        keep_text: bool = False,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 5.0,
        retry_seconds: float = 30.0,
    ) -> History:
        """Begin to open a file; returns at once and never raises (``ready`` waits for the opening).

        ``url``: of a team's PostgreSQL, used instead of the file; its fallback is beside the file.
        ``busy_seconds``: time to wait for another process's lock. ``retry_seconds``: interval at
        which an unusable file is tried again.
        """
        return cls(
            path,
            url,
            retention_days=retention_days,
            keep_text=keep_text,
            clock=clock,
            busy_seconds=busy_seconds,
            retry_seconds=retry_seconds,
        )

    def configure(self, *, url: str | None, retention_days: int, keep_text: bool) -> None:
        """Take new settings; if they name other storage, open that and close the old one when it is done."""
        self._keep_text = keep_text
        if self._options == (url, retention_days):
            return
        self._submit_gathered()
        before, self._options = self._thread, (url, retention_days)
        self._thread = self._start_thread(url, retention_days)
        before.stop()

    @property
    def keeps_text(self) -> bool:
        """Whether text and context of suggestions are stored."""
        return self._keep_text

    @property
    def in_memory(self) -> bool:
        """Whether the fallback is in use."""
        return self._thread.in_memory

    @property
    def location(self) -> str:
        """The file, or the database's address without its password."""
        return self._thread.name

    @property
    def uses_local_fallback(self) -> bool:
        """Whether a local file is used instead of the team's database."""
        return self._thread.in_memory and bool(self._options[0])

    # Writing. Each returns at once; the future is done when the row is committed. Its result is whether
    # the row is on the disk (False: in memory, or nothing changed).

    def add_suggestion(self, rec: SuggestionRecord) -> Future[bool]:
        """Add a suggestion that was offered."""
        kept = self._with_allowed_text(rec)
        return self._write(lambda db: writes.add_suggestion(db, kept))

    def add_outcome(self, outcome: Outcome, time: float | None = None) -> Future[bool]:
        """Add a suggestion's outcome.

        The first one stays, unless a later one says that more was accepted (partial → accepted;
        superseded, ignored, cancelled → accepted, partial or typed).
        """
        when = self._clock() if time is None else time
        return self._write(lambda db: writes.add_outcome(db, outcome, when))

    def revise_outcome(self, outcome: Outcome, time: float | None = None) -> Future[bool]:
        """Replace an outcome: more was accepted, it was undone, or its survival was measured."""
        when = self._clock() if time is None else time
        return self._write(lambda db: writes.add_outcome(db, outcome, when, revise=True))

    def add_call(self, call: CallRecord) -> Future[bool]:
        """Add a call to a model."""
        return self._write(lambda db: writes.add_call(db, call))

    def add_preference(
        self,
        group: str,
        chosen: Sequence[str],
        others: Sequence[Sequence[str]],
        shown_at: int,
        time: float | None = None,
    ) -> Future[bool]:
        """Add a choice: one answer's models were preferred to those of the other answers."""
        when = self._clock() if time is None else time
        rec = PreferenceRecord(when, group, tuple(chosen), tuple(map(tuple, others)), shown_at)
        return self._write(lambda db: writes.add_preference(db, rec))

    async def clear(self, before: float | None = None) -> int:
        """Remove rows older than a time (all without one) and free their space; return how many.

        The sums for ``stats`` are removed by whole days (UTC).
        """
        limit = 1e12 if before is None else before
        removed = 0
        while True:
            count = await self._run(lambda db: writes.remove_before(db, limit, _PAGE), writes=True)
            if not count:
                break
            removed += count
        if before is None:
            await self._run(change_log.forget, writes=True)
        await asyncio.wrap_future(
            self._submit(DatabaseJob(self._thread.shrink, writes=False, alone=True))
        )
        return removed

    # Reading.

    async def ready(self) -> None:
        """Wait until the file is open and all earlier writes are committed."""
        await self._run(lambda db: None)

    async def stats(self, task: Task | None = None, since: float | None = None) -> list[StatsRow]:
        """Return a row for each model and task; ``since`` counts from the beginning of its day (UTC)."""
        return await self._run(lambda db: queries.stats(db, task, since))

    async def latencies(
        self, model: str, task: Task | None = None, since: float | None = None
    ) -> Latencies:
        """Return a model's latency percentiles."""
        return await self._run(lambda db: queries.latencies(db, model, task, since))

    async def rewards_by_model(
        self, task: Task | None = None, limit: int = 2000
    ) -> list[RewardRow]:
        """Return the latest judged suggestions of each task, oldest first, to warm a selector."""
        return await self._run(lambda db: queries.rewards(db, task, limit))

    async def preferences(self, limit: int = 2000) -> list[PreferenceRecord]:
        """Return the latest choices between models, oldest first."""
        return await self._run(lambda db: queries.preferences(db, limit))

    async def spent_since(self, unix: float) -> float:
        """Return the US dollars spent since a time."""
        return await self._run(lambda db: queries.spent_since(db, unix))

    async def usage_since(self, unix: float) -> list[UsageRow]:
        """Return the calls, tokens and dollars of each model since a time."""
        return await self._run(lambda db: queries.usage_since(db, unix))

    async def changes_after(self, number: int, limit: int = _PAGE) -> change_log.Changes:
        """Return the changes after a number, by any server, oldest first."""
        return await self._run(lambda db: change_log.changes_after(db, number, limit))

    async def load_learned(self, strategy: str) -> change_log.LearnedState:
        """Return the stored state of a selector."""
        return await self._run(lambda db: change_log.load(db, strategy))

    async def save_learned(
        self, strategy: str, epoch: str, upto: int, parts: Mapping[str, Any]
    ) -> bool:
        """Store parts of a selector's state; return False if a later state is stored."""
        return await self._run(
            lambda db: change_log.save(db, strategy, epoch, upto, parts), writes=True
        )

    async def reserve(
        self, id: str, since: float, cost: float, budget: float
    ) -> tuple[bool, float]:
        """Reserve US dollars of a budget that starts at a time; return whether it sufficed, and the rest."""
        now = self._clock()
        return await self._run(
            lambda db: change_log.reserve(db, id, now, since, cost, budget), writes=True
        )

    def release(self, id: str) -> Future[bool]:
        """Remove a reservation, after its call was added."""
        return self._write(lambda db: change_log.release(db, id))

    async def used_since(self, unix: float) -> float:
        """Return the US dollars spent and reserved since a time."""
        return await self._run(lambda db: change_log.used_since(db, unix))

    async def get(self, id: str) -> StoredSuggestion | None:
        """Return one suggestion with its outcome."""
        return await self._run(lambda db: queries.get(db, id))

    async def suggestions(self) -> AsyncIterator[StoredSuggestion]:
        """Yield all suggestions in the order they were offered, read in pages."""
        async for stored in self._pages(queries.stored_after):
            yield stored

    async def export(self, *, text: bool = True) -> AsyncIterator[Line]:
        """Yield all records as JSON objects; ``text=False`` leaves stored code out."""
        async for stored in self._pages(queries.stored_after):
            yield as_line(stored if text else _without_text(stored))
        async for call in self._pages(queries.calls_after):
            yield as_line(call)
        async for preference in self._pages(queries.preferences_after):
            yield as_line(preference)

    async def import_(self, lines: Iterable[str | Line]) -> ImportReport:
        """Add exported lines; known ones are skipped, so an import may be repeated.

        Lines that cannot be read are named in the report and skipped.
        """
        report = ImportReport()
        batch: list[tuple[int, str | Line]] = []
        for numbered in enumerate(lines, 1):
            batch.append(numbered)
            if len(batch) == _PAGE:
                report.add(await self._import_batch(batch))
                batch = []
        report.add(await self._import_batch(batch))
        return report

    async def close(self) -> None:
        """Commit the waiting jobs and close the file."""
        self._submit_gathered()
        await asyncio.wrap_future(self._thread.stop())

    def _add_notice(self, notice: str) -> None:
        self.notices.append(notice)
        if self.on_notice is not None:
            with contextlib.suppress(RuntimeError):  # the listener's loop has ended
                self.on_notice()

    def _write(self, run: Callable[[Database], bool]) -> Future[bool]:
        job = DatabaseJob(run, writes=True)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._submit(job)
        self._gathered.append(job)
        if len(self._gathered) == 1:
            loop.call_later(_GATHERED, self._submit_gathered)
        return job.future

    def _submit(self, job: DatabaseJob) -> Future[Any]:
        """Queue a job after all earlier writes."""
        self._submit_gathered()
        return self._thread.put(job)

    def _submit_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        for job in gathered:
            self._thread.put(job)

    async def _run(self, run: Callable[[Database], Result], *, writes: bool = False) -> Result:
        return await asyncio.wrap_future(self._submit(DatabaseJob(run, writes)))

    async def _pages(
        self, page_of: Callable[[Database, int, int], list[tuple[int, Result]]]
    ) -> AsyncIterator[Result]:
        last = 0
        while True:
            after = last
            rows = await self._run(lambda db: page_of(db, after, _PAGE))  # noqa: B023 - awaited here
            for number, row in rows:
                last = number
                yield row
            if len(rows) < _PAGE:
                return

    async def _import_batch(self, batch: list[tuple[int, str | Line]]) -> ImportReport:
        def allowed(kept: Record) -> Record:
            if isinstance(kept, StoredSuggestion):
                return replace(kept, record=self._with_allowed_text(kept.record))
            return kept

        return await self._run(lambda db: import_lines(db, batch, allowed), writes=True)

    def _with_allowed_text(self, rec: SuggestionRecord) -> SuggestionRecord:
        if not self._keep_text:
            return replace(rec, text=None, context=None)
        return replace(rec, text=_storable(rec.text), context=_storable(rec.context))


def _storable(text: str | None) -> str | None:
    """Return text as SQLite accepts it: without lone surrogates."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _without_text(stored: StoredSuggestion) -> StoredSuggestion:
    return replace(stored, record=replace(stored.record, text=None, context=None))
