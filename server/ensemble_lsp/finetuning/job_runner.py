"""Starting, following and ending a job, so that neither a restart nor a lost connection harms it.

Every step is written down before and after it is taken. Where an answer was lost, the provider is
asked what became of the step before it is taken again: nothing is paid for twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..errors import EnsembleError, FineTuningError, ProviderError, RateLimitedError
from .from_file import read
from .jobs import Job, JobStore, Upload
from .openai_jobs import Event, RemoteJob, Service

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look, in seconds, and how long to bear with a provider that cannot be reached."""

    first: float = 1.0
    longest: float = 20.0
    growth: float = 1.5
    tries: int = 12
    """Failures in a row; with waits that double up to ``longest`` about three minutes."""


class Watcher:
    """Who is told of what happens; the base class tells nobody."""

    def changed(self, job: Job, events: Sequence[Event]) -> None:
        """The job stands so now; ``events`` are new."""

    def waiting(self, job: Job, error: ProviderError, seconds: float) -> None:
        """The provider could not be reached and will be asked again."""


class Runner:
    """One provider's jobs. Every method gives the job as it then stands, saved."""

    def __init__(
        self,
        service: Service,
        store: JobStore,
        watcher: Watcher | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._service = service
        self._store = store
        self._watcher = watcher or Watcher()
        self._pace = pace or Pace()

    async def run(self, job: Job) -> Job:
        """From wherever it stands to its end."""
        if not job.ended:
            job = await self.begin(job)
            job = await self.follow(job)
        return job

    # -- beginning -----------------------------------------------------------------------------

    async def begin(self, job: Job) -> Job:
        """Upload what is not uploaded, and create the job where there is none."""
        if job.job_id:
            return job
        job = replace(job, training=await self._uploaded(job, "training"))
        job = await self._save(job)
        if job.validation is not None:
            job = replace(job, validation=await self._uploaded(job, "validation"))
        job = await self._save(replace(job, state="uploaded"))
        self._watcher.changed(job, ())
        return await self._created(job)

    async def _uploaded(self, job: Job, part: str) -> Upload:
        upload = job.training if part == "training" else job.validation
        assert upload is not None
        if upload.file_id:
            return upload
        path = Path(upload.path)
        name = f"ensemble-{job.name}-{upload.sha256[:12]}-{part}.jsonl"
        await asyncio.to_thread(unchanged, path, upload)
        tried = job.tried
        await self._save(replace(job, tried=True))

        async def send() -> str:
            nonlocal tried
            found = await self._service.find_file(name) if tried else ""
            tried = True
            return found or await self._service.upload(path, name)

        return replace(upload, file_id=await self._persistently(job, send))

    async def _created(self, job: Job) -> Job:
        tried = job.tried
        job = await self._save(replace(job, tried=True))

        async def create() -> RemoteJob:
            nonlocal tried
            found = await self._service.find(job.name, job.training.file_id) if tried else None
            tried = True
            if found is not None:
                return found
            parameters = job.hyperparameters
            return await self._service.create(
                job.name,
                job.model,
                job.training.file_id,
                validation_file=job.validation.file_id if job.validation else None,
                suffix=job.suffix,
                seed=job.seed,
                method={
                    "type": job.method,
                    job.method: {"hyperparameters": parameters} if parameters else {},
                },
            )

        seen = await self._persistently(job, create)
        job = await self._save(_stands(replace(job, job_id=seen.id, tried=False), seen, ()))
        self._watcher.changed(job, ())
        return job

    async def _persistently(self, job: Job, work: Callable[[], Awaitable[R]]) -> R:
        """The result of work that may be done again, once the provider can be reached."""
        failures = 0
        while True:
            try:
                return await work()
            except ProviderError as error:
                failures += 1
                if not error.temporary or failures > self._pace.tries:
                    raise _interrupted(job, error) from None
                await self._wait(job, error, failures)

    # -- following -----------------------------------------------------------------------------

    async def follow(self, job: Job) -> Job:
        """Look until the job has ended; then its uploaded files are removed from the provider."""
        wait, failures = self._pace.first, 0
        while not job.ended:
            try:
                job, news = await self._look(job)
            except ProviderError as error:
                failures += 1
                if not error.temporary or failures > self._pace.tries:
                    raise _interrupted(job, error) from None
                await self._wait(job, error, failures)
                continue
            failures = 0
            if not job.ended:
                wait = (
                    self._pace.first if news else min(wait * self._pace.growth, self._pace.longest)
                )
                await asyncio.sleep(wait)
        return await self._tidied(job)

    async def refresh(self, job: Job) -> Job:
        """Look once; a job that ended meanwhile is tidied up as well."""
        if job.ended or not job.job_id:
            return job
        job, _ = await self._look(job)
        return await self._tidied(job) if job.ended else job

    async def _look(self, job: Job) -> tuple[Job, bool]:
        # The state first: then the events hold all that led to it.
        seen = await self._service.get(job.job_id)
        events = await self._service.events(job.job_id, job.last_event)
        after = _stands(job, seen, events)
        news = bool(events) or after.state != job.state
        if news:
            after = await self._save(after)
            self._watcher.changed(after, events)
        return after, news

    async def _wait(self, job: Job, error: ProviderError, failures: int) -> None:
        seconds = min(self._pace.first * 2.0 ** (failures - 1), self._pace.longest)
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            seconds = max(seconds, min(error.retry_after, 120.0))
        self._watcher.waiting(job, error, seconds)
        await asyncio.sleep(seconds)

    # -- ending --------------------------------------------------------------------------------

    async def cancel(self, job: Job) -> Job:
        """End a job, also one of which it is not known whether the provider has made it."""
        if job.ended:
            raise FineTuningError(f"{job.name} has ended already ({job.state}).")
        if not job.job_id and job.tried and job.training.file_id:
            found = await self._service.find(job.name, job.training.file_id)
            if found is not None:
                job = await self._save(replace(job, job_id=found.id, tried=False))
        if not job.job_id:
            return await self._tidied(await self._save(replace(job, state="cancelled")))
        try:
            seen = await self._service.cancel(job.job_id)
        except FineTuningError:
            # It may have ended meanwhile: then that is the answer.
            job = await self.refresh(job)
            if not job.ended:
                raise
            return job
        job = await self._save(_stands(job, seen, ()))
        return await self._tidied(job) if job.ended else job

    async def _tidied(self, job: Job) -> Job:
        """Without the uploaded files: the user's code does not stay there. Tried once."""
        uploads = [job.training, job.validation]
        after: list[Upload | None] = []
        for upload in uploads:
            gone = upload
            if upload is not None and upload.file_id and not upload.deleted:
                with suppress(EnsembleError):
                    await self._service.delete_file(upload.file_id)
                    gone = replace(upload, deleted=True)
            after.append(gone)
        training, validation = after
        assert training is not None
        if after == uploads:
            return job
        return await self._save(replace(job, training=training, validation=validation))

    async def _save(self, job: Job) -> Job:
        return await asyncio.to_thread(self._store.save, job)


def fingerprint(path: Path, examples: int) -> Upload:
    """A file as it is now; raises ``FineTuningError``."""
    return Upload(str(path.resolve()), hashlib.sha256(read(path)).hexdigest(), examples)


def unchanged(path: Path, upload: Upload) -> None:
    """Raise ``FineTuningError`` where a file is not what it was when the job was begun."""
    if hashlib.sha256(read(path)).hexdigest() != upload.sha256:
        raise FineTuningError(
            f"{path} has changed since the job was begun; cancel it and start anew."
        )


def _stands(job: Job, seen: RemoteJob, events: Sequence[Event]) -> Job:
    """A job after a look at it."""
    state = seen.status
    if state == "succeeded" and not seen.tuned:
        state = "running"  # its model has no name yet
    stepped = [event for event in events if event.steps]
    job = replace(
        job,
        state=state,
        tuned=seen.tuned or job.tuned,
        trained_tokens=seen.trained_tokens or job.trained_tokens,
        last_event=events[-1].id if events else job.last_event,
        message=events[-1].message if events else job.message,
        step=stepped[-1].step if stepped else job.step,
        steps=stepped[-1].steps if stepped else job.steps,
    )
    if state == "failed":
        errors = [event.message for event in events if event.level == "error"]
        job = replace(job, message=seen.error or (errors or ["no reason was given"])[-1])
    return job


def _interrupted(job: Job, error: ProviderError) -> FineTuningError:
    told = str(error).rstrip(".")
    return FineTuningError(
        f"{told}. `ensemble-lsp finetune status {job.name} --follow` goes on from here."
    )
