"""Starts, follows and cancels a provider's job; survives restarts and lost connections.

Every step is saved before and after it is taken. If an answer was lost, the provider is queried before
the step is repeated, so nothing is paid for twice.
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
from .from_file import read_file
from .jobs import JobStore, TuningJob, Upload
from .openai_jobs import FineTuningClient, JobEvent, RemoteJob

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class PollingSchedule:
    """Polling intervals in seconds, and the retries if the provider cannot be reached."""

    first: float = 1.0
    max_wait: float = 20.0
    growth: float = 1.5
    max_failures: int = 12
    """Failures in a row; with waits that double up to ``max_wait``, about three minutes."""


class JobObserver:
    """Observes a job; the base class does nothing."""

    def changed(self, job: TuningJob, events: Sequence[JobEvent]) -> None:
        """Handle a new state of the job; ``events`` are new."""

    def waiting(self, job: TuningJob, error: ProviderError, seconds: float) -> None:
        """Handle a failed request that will be retried after ``seconds``."""


class JobRunner:
    """Runs jobs at one provider. Every method returns the updated job, already saved."""

    def __init__(
        self,
        service: FineTuningClient,
        store: JobStore,
        watcher: JobObserver | None = None,
        pace: PollingSchedule | None = None,
    ) -> None:
        self._client = service
        self._store = store
        self._observer = watcher or JobObserver()
        self._schedule = pace or PollingSchedule()

    async def run(self, job: TuningJob) -> TuningJob:
        """Take the job from its present state to its end."""
        if not job.ended:
            job = await self.start(job)
            job = await self.follow(job)
        return job

    # -- starting ------------------------------------------------------------------------------

    async def start(self, job: TuningJob) -> TuningJob:
        """Upload the files and create the job, unless that is already done."""
        if job.job_id:
            return job
        job = replace(job, training=await self._upload(job, "training"))
        job = await self._save(job)
        if job.validation is not None:
            job = replace(job, validation=await self._upload(job, "validation"))
        job = await self._save(replace(job, state="uploaded"))
        self._observer.changed(job, ())
        return await self._create(job)

    async def _upload(self, job: TuningJob, part: str) -> Upload:
        upload = job.training if part == "training" else job.validation
        assert upload is not None
        if upload.file_id:
            return upload
        path = Path(upload.path)
        name = _upload_name(job, upload, part)
        await asyncio.to_thread(check_unchanged, path, upload)
        tried = job.tried
        await self._save(replace(job, tried=True))

        async def send() -> str:
            nonlocal tried
            found = await self._client.find_file(name) if tried else ""
            tried = True
            return found or await self._client.upload(path, name)

        return replace(upload, file_id=await self._with_retries(job, send))

    async def _create(self, job: TuningJob) -> TuningJob:
        tried = job.tried
        job = await self._save(replace(job, tried=True))

        async def create() -> RemoteJob:
            nonlocal tried
            found = await self._client.find(job.name, job.training.file_id) if tried else None
            tried = True
            if found is not None:
                return found
            parameters = job.hyperparameters
            return await self._client.create(
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

        remote = await self._with_retries(job, create)
        job = await self._save(_updated(replace(job, job_id=remote.id, tried=False), remote, ()))
        self._observer.changed(job, ())
        return job

    async def _with_retries(self, job: TuningJob, work: Callable[[], Awaitable[R]]) -> R:
        """Return the result of idempotent work, retrying while the provider cannot be reached."""
        failures = 0
        while True:
            try:
                return await work()
            except FineTuningError as error:
                raise _interrupted(job, error) from None
            except ProviderError as error:
                failures += 1
                if not error.temporary or failures > self._schedule.max_failures:
                    raise _interrupted(job, error) from None
                await self._wait(job, error, failures)

    # -- following -----------------------------------------------------------------------------

    async def follow(self, job: TuningJob) -> TuningJob:
        """Poll until the job has ended, then delete its uploaded files from the provider."""
        wait, failures = self._schedule.first, 0
        while not job.ended:
            try:
                job, news = await self._poll(job)
            except ProviderError as error:
                failures += 1
                if not error.temporary or failures > self._schedule.max_failures:
                    raise _interrupted(job, error) from None
                await self._wait(job, error, failures)
                continue
            failures = 0
            if not job.ended:
                wait = (
                    self._schedule.first
                    if news
                    else min(wait * self._schedule.growth, self._schedule.max_wait)
                )
                await asyncio.sleep(wait)
        return await self._remove_uploads(job)

    async def refresh(self, job: TuningJob) -> TuningJob:
        """Poll once; delete the uploaded files if the job has ended."""
        if job.ended or not job.job_id:
            return job
        job, _ = await self._poll(job)
        return await self._remove_uploads(job) if job.ended else job

    async def _poll(self, job: TuningJob) -> tuple[TuningJob, bool]:
        # Get the state first, so that the events include everything that led to it.
        remote = await self._client.get(job.job_id)
        events = await self._client.events(job.job_id, job.last_event)
        after = _updated(job, remote, events)
        news = bool(events) or after.state != job.state
        if news:
            after = await self._save(after)
            self._observer.changed(after, events)
        return after, news

    async def _wait(self, job: TuningJob, error: ProviderError, failures: int) -> None:
        seconds = min(self._schedule.first * 2.0 ** (failures - 1), self._schedule.max_wait)
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            seconds = max(seconds, min(error.retry_after, 120.0))
        self._observer.waiting(job, error, seconds)
        await asyncio.sleep(seconds)

    # -- ending --------------------------------------------------------------------------------

    async def cancel(self, job: TuningJob) -> TuningJob:
        """Cancel a job, even if it is unknown whether the provider has created it.

        Of a job that has ended, the uploaded files that are still with the provider are deleted.
        """
        if job.ended:
            if job.uploads:
                return await self._remove_uploads(job)
            raise FineTuningError(f"{job.name} has already ended ({job.state}).")
        job = await self._find_uploads(job)
        if not job.job_id and job.tried and job.training.file_id:
            found = await self._client.find(job.name, job.training.file_id)
            if found is not None:
                job = await self._save(replace(job, job_id=found.id, tried=False))
        if not job.job_id:
            return await self._remove_uploads(await self._save(replace(job, state="cancelled")))
        try:
            remote = await self._client.cancel(job.job_id)
        except FineTuningError:
            # The job may have ended in the meantime.
            job = await self.refresh(job)
            if not job.ended:
                raise
            return job
        job = await self._save(_updated(job, remote, ()))
        return await self._remove_uploads(job) if job.ended else job

    async def _find_uploads(self, job: TuningJob) -> TuningJob:
        """Find the uploaded files if the answer to an upload may have been lost."""
        if not job.tried or job.job_id:
            return job
        found: dict[str, Upload] = {}
        for part, upload in (("training", job.training), ("validation", job.validation)):
            if upload is not None and not upload.file_id:
                file_id = await self._client.find_file(_upload_name(job, upload, part))
                found[part] = replace(upload, file_id=file_id)
        return replace(job, **found) if found else job

    async def _remove_uploads(self, job: TuningJob) -> TuningJob:
        """Delete the uploaded files, so that the user's code does not stay there. Tried once."""
        uploads = [job.training, job.validation]
        after: list[Upload | None] = []
        for upload in uploads:
            updated = upload
            if upload is not None and upload.file_id and not upload.deleted:
                with suppress(EnsembleError):
                    await self._client.delete_file(upload.file_id)
                    updated = replace(upload, deleted=True)
            after.append(updated)
        training, validation = after
        assert training is not None
        if after == uploads:
            return job
        return await self._save(replace(job, training=training, validation=validation))

    async def _save(self, job: TuningJob) -> TuningJob:
        return await asyncio.to_thread(self._store.save, job)


def _upload_name(job: TuningJob, upload: Upload, part: str) -> str:
    """Return the name of a file at the provider, by which a lost upload is found."""
    return f"ensemble-{job.name}-{upload.sha256[:12]}-{part}.jsonl"


def fingerprint(path: Path, examples: int) -> Upload:
    """Return a file's path and digest as they are now; raises ``FineTuningError``."""
    return Upload(str(path.resolve()), hashlib.sha256(read_file(path)).hexdigest(), examples)


def check_unchanged(path: Path, upload: Upload) -> None:
    """Raise ``FineTuningError`` if a file has changed since the job began."""
    if hashlib.sha256(read_file(path)).hexdigest() != upload.sha256:
        raise FineTuningError(
            f"{path} has changed since the job began; cancel the job and start a new one."
        )


def _updated(job: TuningJob, remote: RemoteJob, events: Sequence[JobEvent]) -> TuningJob:
    """Return a job with the provider's state and new events."""
    state = remote.status
    if state == "succeeded" and not remote.tuned:
        state = "running"  # the model has no name yet
    stepped = [event for event in events if event.steps]
    job = replace(
        job,
        state=state,
        tuned=remote.tuned or job.tuned,
        trained_tokens=remote.trained_tokens or job.trained_tokens,
        last_event=events[-1].id if events else job.last_event,
        message=events[-1].message if events else job.message,
        step=stepped[-1].step if stepped else job.step,
        steps=stepped[-1].steps if stepped else job.steps,
    )
    if state == "failed":
        errors = [event.message for event in events if event.level == "error"]
        job = replace(job, message=remote.error or (errors or ["the provider gave no reason"])[-1])
    return job


def _interrupted(job: TuningJob, error: EnsembleError) -> FineTuningError:
    message = str(error).rstrip(".")
    advice = f"Continue with `ensemble-lsp finetune status {job.name} --follow`"
    if job.uploads and not job.job_id:
        advice += f", or delete the uploaded files with `ensemble-lsp finetune cancel {job.name}`"
    return FineTuningError(f"{message}. {advice}.")
