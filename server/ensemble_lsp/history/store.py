"""The database of suggestions, outcomes, calls and choices.

One thread owns the connection (``worker``); everything else puts jobs in its queue, so the event
loop never waits for a disk. Jobs that wait together are committed together. Where the file cannot
be used (read-only, full, locked for long, from a newer program), the thread goes on in memory, says
so in ``notices``, and tries the file again later; what was written meanwhile follows then. A team may
keep its history in PostgreSQL instead (``places``, ``team``).
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
)

Result = TypeVar("Result")

_PAGE = 500
_GATHERED = 0.02
"""Seconds in which writes are gathered before the thread is woken: it would take the interpreter from
the answer that is being sent just then."""


class History:
    """The history of one user, shared by all servers that run for them. Made by ``open``."""

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
        """Sentences for the user; appended to as things happen."""
        self.on_notice: Callable[[], None] | None = None
        """Called when there is a new one, on the history's own thread."""
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

        ``url``: of a team's PostgreSQL, instead of the file; what waits while it cannot be reached lies
        beside the file.
        ``busy_seconds``: how long another process's lock is waited for. ``retry_seconds``: how
        often an unusable file is tried again.
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
        """Take other settings: another place is opened, and the one before closed when it is done."""
        self._keep_text = keep_text
        if self._options == (url, retention_days):
            return
        self._submit_gathered()
        before, self._options = self._thread, (url, retention_days)
        self._thread = self._start_thread(url, retention_days)
        before.stop()

    @property
    def keeps_text(self) -> bool:
        """Whether text and context of a suggestion are stored; else they are dropped."""
        return self._keep_text

    @property
    def in_memory(self) -> bool:
        """Whether the file or the database cannot be used at present, and something stands in."""
        return self._thread.in_memory

    @property
    def location(self) -> str:
        """The file, or the database's address without its password."""
        return self._thread.name

    @property
    def uses_local_fallback(self) -> bool:
        """Whether a file on this machine stands in for the team's database."""
        return self._thread.in_memory and bool(self._options[0])

    # Writing. Each returns at once; the future is done when the row is committed, and tells whether
    # it is on the disk (False: in memory, or there was nothing to change).

    def add_suggestion(self, rec: SuggestionRecord) -> Future[bool]:
        """Note what was offered."""
        kept = self._with_allowed_text(rec)
        return self._write(lambda db: writes.add_suggestion(db, kept))

    def add_outcome(self, outcome: Outcome, time: float | None = None) -> Future[bool]:
        """Note what became of a suggestion.

        The first outcome stands, unless a later one tells that more was taken (partial → accepted;
        superseded, ignored, cancelled → accepted, partial or typed).
        """
        when = self._clock() if time is None else time
        return self._write(lambda db: writes.add_outcome(db, outcome, when))

    def revise_outcome(self, outcome: Outcome, time: float | None = None) -> Future[bool]:
        """Replace an outcome: more was accepted, it was undone, or its survival was measured."""
        when = self._clock() if time is None else time
        return self._write(lambda db: writes.add_outcome(db, outcome, when, revise=True))

    def add_call(self, call: CallRecord) -> Future[bool]:
        """Note a question to a model."""
        return self._write(lambda db: writes.add_call(db, call))

    def add_preference(
        self,
        group: str,
        chosen: Sequence[str],
        others: Sequence[Sequence[str]],
        shown_at: int,
        time: float | None = None,
    ) -> Future[bool]:
        """Note that one answer's models were preferred to the other answers' models."""
        when = self._clock() if time is None else time
        rec = PreferenceRecord(when, group, tuple(chosen), tuple(map(tuple, others)), shown_at)
        return self._write(lambda db: writes.add_preference(db, rec))

    async def clear(self, before: float | None = None) -> int:
        """Remove what is older than a time (all without one) and give the disk its space back.

        The sums that ``stats`` shows go by whole days (UTC). Returns how many rows went.
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

    # Asking.

    async def ready(self) -> None:
        """Wait until the file is open and all that was written so far is committed."""
        await self._run(lambda db: None)

    async def stats(self, task: Task | None = None, since: float | None = None) -> list[StatsRow]:
        """Each model at each task; ``since`` counts from the beginning of its day (UTC)."""
        return await self._run(lambda db: queries.stats(db, task, since))

    async def latencies(
        self, model: str, task: Task | None = None, since: float | None = None
    ) -> Latencies:
        """Percentiles of a model's answers, from kept histograms."""
        return await self._run(lambda db: queries.latencies(db, model, task, since))

    async def rewards_by_model(
        self, task: Task | None = None, limit: int = 2000
    ) -> list[RewardRow]:
        """The latest judged suggestions of each task, oldest first, to warm a selector with."""
        return await self._run(lambda db: queries.rewards(db, task, limit))

    async def preferences(self, limit: int = 2000) -> list[PreferenceRecord]:
        """The latest choices between models, oldest first."""
        return await self._run(lambda db: queries.preferences(db, limit))

    async def spent_since(self, unix: float) -> float:
        """US dollars."""
        return await self._run(lambda db: queries.spent_since(db, unix))

    async def changes_after(self, number: int, limit: int = _PAGE) -> change_log.Changes:
        """What any server learned after a change's number, oldest first."""
        return await self._run(lambda db: change_log.changes_after(db, number, limit))

    async def load_learned(self, strategy: str) -> change_log.LearnedState:
        """A selector's state as it was kept."""
        return await self._run(lambda db: change_log.load(db, strategy))

    async def save_learned(
        self, strategy: str, epoch: str, upto: int, parts: Mapping[str, Any]
    ) -> bool:
        """Keep parts of a selector's state; whether they were kept (no later state was there)."""
        return await self._run(
            lambda db: change_log.save(db, strategy, epoch, upto, parts), writes=True
        )

    async def reserve(
        self, id: str, since: float, cost: float, budget: float
    ) -> tuple[bool, float]:
        """Reserve US dollars of a budget that counts from a time; whether, and what is left."""
        now = self._clock()
        return await self._run(
            lambda db: change_log.reserve(db, id, now, since, cost, budget), writes=True
        )

    def release(self, id: str) -> Future[bool]:
        """Give a reservation back, after the call it was for was noted."""
        return self._write(lambda db: change_log.release(db, id))

    async def used_since(self, unix: float) -> float:
        """US dollars spent and reserved."""
        return await self._run(lambda db: change_log.used_since(db, unix))

    async def get(self, id: str) -> StoredSuggestion | None:
        """One suggestion with its outcome."""
        return await self._run(lambda db: queries.get(db, id))

    async def suggestions(self) -> AsyncIterator[StoredSuggestion]:
        """All suggestions in the order they were offered, read page by page."""
        async for stored in self._pages(queries.stored_after):
            yield stored

    async def export(self, *, text: bool = True) -> AsyncIterator[Line]:
        """Everything as plain JSON objects, one a line; ``text=False`` leaves kept code out."""
        async for stored in self._pages(queries.stored_after):
            yield as_line(stored if text else _without_text(stored))
        async for call in self._pages(queries.calls_after):
            yield as_line(call)
        async for preference in self._pages(queries.preferences_after):
            yield as_line(preference)

    async def import_(self, lines: Iterable[str | Line]) -> ImportReport:
        """Add exported lines; what is already here is left as it is, so an import may be repeated.

        Lines that cannot be read are named in the report and left out.
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
        """Commit what waits and close the file."""
        self._submit_gathered()
        await asyncio.wrap_future(self._thread.stop())

    def _add_notice(self, notice: str) -> None:
        self.notices.append(notice)
        if self.on_notice is not None:
            with contextlib.suppress(RuntimeError):  # whoever listened has ended
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
        """Queue a job behind all that was to be written before it."""
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
    """Text as SQLite takes it: no lone surrogates."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _without_text(stored: StoredSuggestion) -> StoredSuggestion:
    return replace(stored, record=replace(stored.record, text=None, context=None))
