"""The thread that owns the history's connection, and falls back when its storage fails."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..errors import HistoryError
from . import database, queries, writes
from .backends import StorageBackend
from .connection import Database

_BATCH = 500
_BACKLOG = 50_000
_DAY_SECONDS = 86400.0


@dataclass(slots=True)
class DatabaseJob:
    """A unit of work; ``future`` is done when it is committed."""

    run: Callable[[Database], Any]
    writes: bool
    alone: bool = False
    """Whether it runs outside a transaction."""
    future: Future[Any] = field(default_factory=Future[Any])

    def __post_init__(self) -> None:
        """Mark the future as running: cancelling the waiter does not cancel the write."""
        self.future.set_running_or_notify_cancel()


class DatabaseThread:
    """The thread that owns the connection. Only the thread uses its fields, except the queue."""

    def __init__(
        self,
        place: StorageBackend,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float],
        retention_days: int,
        busy_seconds: float,
        retry_seconds: float,
    ) -> None:
        self.name = place.name
        self.in_memory = False
        """Whether the fallback is in use."""
        self.fallback_persists = False
        """Whether the fallback outlives this process."""
        self._backend = place
        self._notify = say
        self._clock = clock
        self._retention = retention_days * queries.DAY
        self._busy = busy_seconds
        self._retry = retry_seconds
        self._queue: queue.SimpleQueue[DatabaseJob | None] = queue.SimpleQueue()
        self._stopping = False
        self._done: Future[None] = Future()
        self._done.set_running_or_notify_cancel()  # cancelling a waiter does not cancel the thread
        self._backlog: list[Callable[[Database], Any]] = []
        self._identity: tuple[int, int] | None = None
        self._next_try = 0.0
        self._next_prune = 0.0
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def put(self, job: DatabaseJob) -> Future[Any]:
        """Queue a job; once stopped, its future fails at once."""
        if self._stopping:
            job.future.set_exception(HistoryError("the history is closed"))
        else:
            self._queue.put(job)
        return job.future

    def stop(self) -> Future[None]:
        """Finish what is queued, then end; may be called twice."""
        if not self._stopping:
            self._stopping = True
            self._queue.put(None)
        return self._done

    def shrink(self, db: Database) -> None:
        """Return the space of removed rows to the disk; outside a transaction."""
        if not self.in_memory:
            self._backend.shrink(db)

    def _run(self) -> None:
        db: Database | None = None
        try:
            db = self._open()
            going = True
            while going:
                batch, going = self._take()
                db = self._recover(db)
                for part in _split(batch):
                    db = self._commit(db, part)
                if going and self._queue.empty():
                    db = self._prune(db)
            if self.in_memory and self._backlog:
                self._busy = min(self._busy, 0.5)
                db = self._return_from_fallback(db)
        finally:
            if db is not None:
                with contextlib.suppress(sqlite3.Error, OSError):
                    db.close()
            self._fail_the_rest()
            self._done.set_result(None)

    def _take(self) -> tuple[list[DatabaseJob], bool]:
        """Return the waiting jobs, at least one unless other work is due, and whether to continue."""
        jobs: list[DatabaseJob] = []
        due = min(self._next_prune, self._next_try if self.in_memory else float("inf"))
        timeout = max(0.0, due - time.monotonic())
        try:
            job = self._queue.get(timeout=timeout)
            while job is not None:
                jobs.append(job)
                if len(jobs) == _BATCH:
                    return jobs, True
                job = self._queue.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _fail_the_rest(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None:
                    job.future.set_exception(HistoryError("the history is closed"))

    # -- the storage ---------------------------------------------------------------------------

    def _open(self) -> Database:
        for _ in range(3):
            seen = self._backend.identity()
            try:
                db = self._backend.connect(self._busy)
            except Exception as error:
                problem = database.problem_of(error) or "unusable"
                if problem != "damaged" or not self._backend.set_aside(seen):
                    return self._fall_back(problem, error)
            else:
                self._identity = self._backend.identity()
                try:
                    self._on_open(db)
                except OSError as error:
                    db.close()
                    return self._fall_back("unusable", error)
                return db
        return self._fall_back("damaged", None)

    def _on_open(self, db: Database) -> None:
        if notice := self._backend.on_open(db):
            self._notify(notice)

    def _fall_back(self, problem: database.Problem, error: BaseException | None) -> Database:
        if not self.in_memory:
            self._notify(self._backend.fallback_notice(problem, error))
        self.in_memory = True
        self._next_try = time.monotonic() + (self._retry if problem != "newer" else 3600.0)
        db, self.fallback_persists = self._backend.fallback(problem, self._busy)
        if not self.fallback_persists:
            self._replay(db)
        return db

    def _recover(self, db: Database) -> Database:
        """Return from the fallback when a retry is due; reopen a file that was replaced."""
        if self.in_memory:
            if time.monotonic() < self._next_try:
                return db
            return self._return_from_fallback(db)
        if self._backend.identity() == self._identity:
            return db
        self._notify(
            f"The history {self.name} was removed while it was in use; a new one was created."
        )
        db.close()
        return self._open()

    def _return_from_fallback(self, db: Database) -> Database:
        self._next_try = time.monotonic() + self._retry
        try:
            fresh = self._backend.connect(self._busy)
        except Exception as error:
            if database.problem_of(error) == "damaged":
                self._backend.set_aside(self._backend.identity())
            return db
        try:
            # First the records of the local fallback: later ones refer to them.
            self._on_open(fresh)
            with database.transaction(fresh, writes=True):
                self._replay(fresh)
        except Exception:
            fresh.close()
            return db
        db.close()
        self._backlog.clear()
        self.in_memory = self.fallback_persists = False
        self._identity = self._backend.identity()
        self._notify(f"The history {self.name} is written to again.")
        return fresh

    def _replay(self, db: Database) -> None:
        for run in self._backlog:
            database.isolated(db, run)

    # -- jobs ----------------------------------------------------------------------------------

    def _commit(self, db: Database, batch: list[DatabaseJob]) -> Database:
        for attempt in range(3):
            try:
                results = self._attempt(db, batch)
            except Exception as error:
                db = self._after_failure(db, error, first=attempt == 0)
                continue
            self._settle(batch, results)
            return db
        failure = HistoryError("the history cannot be used; see its notices")
        self._settle(batch, [failure] * len(batch))
        return db

    def _attempt(self, db: Database, batch: list[DatabaseJob]) -> list[Any]:
        if batch[0].alone:
            return [batch[0].run(db)]
        with database.transaction(db, writes=any(job.writes for job in batch)):
            return [database.isolated(db, job.run) for job in batch]

    def _after_failure(self, db: Database, error: Exception, *, first: bool = True) -> Database:
        problem = database.problem_of(error) or "unusable"
        db.close()
        if self.in_memory:
            return self._fall_back("unusable", error)
        if problem == "damaged":
            # If it cannot be renamed, opening it fails for the same reason and ends in memory.
            self._backend.set_aside(self._identity)
            return self._open()
        if first and self._backend.remote:
            return self._open()  # an idle connection was cut, or the server was restarted
        return self._fall_back(problem, error)

    def _settle(self, batch: list[DatabaseJob], results: list[Any]) -> None:
        for job, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
                continue
            on_disk = not (job.writes and self.in_memory and not self.fallback_persists)
            # A persistent fallback moves its own records later; a write that failed there (its record is
            # in the storage) is replayed.
            follows = not self.in_memory or (self.fallback_persists and result is True)
            if job.writes and not follows and len(self._backlog) < _BACKLOG:
                self._backlog.append(job.run)
            job.future.set_result(result and on_disk if isinstance(result, bool) else result)

    def _prune(self, db: Database) -> Database:
        """Remove a few rows that are past the retention, when the thread is idle."""
        if self.in_memory:
            self._next_prune = self._next_try
        if time.monotonic() < self._next_prune:
            return db
        try:
            with database.transaction(db, writes=True):
                # A clock that jumps years ahead must not empty the history.
                now = min(self._clock(), queries.believed_time(db) or 0.0)
                before = queries.day_of(now - self._retention) * queries.DAY
                removed = writes.remove_before(db, before, _BATCH)
            if removed:
                self._backend.shrink(db, pages=200)
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            self._next_prune = time.monotonic() + _DAY_SECONDS
            if database.problem_of(error) == "locked":
                return db
            return self._after_failure(db, error)
        if not removed:
            self._next_prune = time.monotonic() + _DAY_SECONDS
        return db


def _split(batch: list[DatabaseJob]) -> list[list[DatabaseJob]]:
    """Split a batch so that each job that must run alone is in a part by itself."""
    parts: list[list[DatabaseJob]] = []
    for job in batch:
        if parts and not job.alone and not parts[-1][0].alone:
            parts[-1].append(job)
        else:
            parts.append([job])
    return parts
