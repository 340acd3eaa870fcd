"""Client for a provider's files and fine-tuning jobs, on OpenAI's SDK; each error is one sentence.

Nothing is retried here, nor by the SDK: a create request whose answer was lost may have started a job
that costs money, so ``job_runner`` searches for it before repeating the request.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from ..context.secret_rules import across_lines, within_line
from ..errors import AuthenticationError, FineTuningError
from ..models.api_keys import Key, missing_key
from ..models.error_mapping import Source, translate
from ..models.error_words import words_of
from ..models.interface import Profile
from ..models.profiles import base_url
from ..settings import ModelSettings
from .from_file import redacted_rows

R = TypeVar("R")

logger = logging.getLogger(__name__)

_REFUSED_STATUSES = (400, 403, 404, 405, 409, 413, 415, 422)
_STEPS = re.compile(r"\b[Ss]tep (\d+)\s*/\s*(\d+)")
_MAX_PAGES = 50
_TIMEOUT = 60.0
"""Seconds for one request."""
_UPLOAD_TIMEOUT = 1800.0


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """The provider's view of a job."""

    id: str
    status: str
    name: str = ""
    """Our name, from the job's metadata."""
    model: str = ""
    tuned: str = ""
    error: str = ""
    """The provider's reason for a failure."""
    trained_tokens: int | None = None
    training_file: str = ""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event of a job."""

    id: str
    at: float
    """Unix seconds."""
    level: str
    message: str
    step: int = 0
    steps: int = 0


class FineTuningClient:
    """Client for one model's provider. ``key`` may be empty for a server that needs none."""

    def __init__(self, settings: ModelSettings, profile: Profile, key: Key) -> None:
        self._settings = settings
        self._profile = replace(profile, timeout=_TIMEOUT)
        self._key = key
        url = base_url(settings)
        key_label = f"the key ({key.source})" if key else ""
        self._source = Source(
            profile.name, settings.model, url, key_label, key.reveal(), profile.local
        )
        self._client: Any = None

    async def __aenter__(self) -> FineTuningClient:
        if not self._key and (remedy := missing_key(self._settings)):
            raise AuthenticationError(self._settings.name, f"{self._settings.name}: {remedy}.")
        self._client = await asyncio.to_thread(self._connect)
        return self

    async def __aexit__(self, *_: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def host(self) -> str:
        """Return the provider's host and port."""
        return self._source.place

    def _connect(self) -> Any:
        import openai

        from ..models.http_transport import make_client, quiet

        quiet(openai.__name__, "httpx2")
        key = self._key.reveal()
        auth = {"authorization": f"Bearer {key}"} if key else {}
        client = openai.AsyncOpenAI(
            # Without a key the SDK would use one from the environment, meant for another host.
            api_key=key or "none",
            base_url=base_url(self._settings),
            max_retries=0,
            timeout=_TIMEOUT,
            http_client=make_client(self._profile, auth),
        )
        # The resources import their modules on first access: do that here, in the thread.
        _ = client.files.create, client.fine_tuning.jobs.create
        return client

    # -- files ---------------------------------------------------------------------------------

    async def upload(self, path: Path, name: str) -> str:
        """Upload a file under a name and return its id. Raises ``FineTuningError`` if it is refused.

        The only place where training data leaves this machine: whatever made the file, secrets are
        replaced here.
        """
        data, count = await asyncio.to_thread(_read_redacted, path)
        if count:
            logger.warning("%s: %d secrets were replaced before the upload", path.name, count)
        file = await self._call(
            f"the file {path.name}",
            self._client.files.create(
                file=(name, data, "application/jsonl"),
                purpose="fine-tune",
                timeout=_UPLOAD_TIMEOUT,
            ),
        )
        if getattr(file, "status", "") == "error":
            reason = self._clean(str(getattr(file, "status_details", None) or "no reason given"))
            raise FineTuningError(f"{self.host} refuses the file {path.name}: {reason}.")
        return str(file.id)

    async def find_file(self, name: str) -> str:
        """Return the id of a file uploaded under this name; empty without one."""
        files = await self._page(self._client.files.list(purpose="fine-tune", limit=100))
        return next((str(f.id) for f in files if f.filename == name), "")

    async def delete_file(self, file_id: str) -> None:
        """Delete a file from the provider."""
        await self._call("to delete a file", self._client.files.delete(file_id))

    # -- jobs ----------------------------------------------------------------------------------

    async def create(self, name: str, model: str, training: str, **options: Any) -> RemoteJob:
        """Create a job; ``options`` are the API's: validation_file, method, suffix, seed."""
        parameters = {k: v for k, v in options.items() if v not in (None, "")}
        job = await self._call(
            f"a fine-tuning job on {model}",
            self._client.fine_tuning.jobs.create(
                model=model, training_file=training, metadata={"ensemble_lsp": name}, **parameters
            ),
        )
        return self._remote_job(job)

    async def find(self, name: str, training: str) -> RemoteJob | None:
        """Return the job with this name or, if the provider keeps no metadata, this training file."""
        for job in await self.jobs():
            if job.name == name or (not job.name and job.training_file == training):
                return job
        return None

    async def get(self, job_id: str) -> RemoteJob:
        """Return the present state of a job."""
        return self._remote_job(
            await self._call("the job", self._client.fine_tuning.jobs.retrieve(job_id))
        )

    async def jobs(self) -> list[RemoteJob]:
        """Return the latest jobs of the account, newest first."""
        page = await self._page(self._client.fine_tuning.jobs.list(limit=100))
        return [self._remote_job(job) for job in page]

    async def events(self, job_id: str, after: str) -> list[JobEvent]:
        """Return the events after an event id (empty: all), oldest first."""
        new: list[JobEvent] = []
        paging: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            listing = self._client.fine_tuning.jobs.list_events(job_id, limit=100, **paging)
            page = await self._call("the job's events", listing)
            events = _items(page)
            for event in events:
                if event.id == after:
                    return new[::-1]
                new.append(self._event(event))
            if not events or not getattr(page, "has_more", False):
                break
            paging = {"after": str(events[-1].id)}
        return new[::-1]

    async def cancel(self, job_id: str) -> RemoteJob:
        """Cancel a job; the training so far may be billed."""
        return self._remote_job(
            await self._call("to cancel the job", self._client.fine_tuning.jobs.cancel(job_id))
        )

    async def delete_model(self, model: str) -> None:
        """Delete a tuned model from the provider for good."""
        await self._call("to delete the model", self._client.models.delete(model))

    # -- responses -----------------------------------------------------------------------------

    async def _page(self, listing: Awaitable[Any]) -> list[Any]:
        return _items(await self._call("a list", listing))

    async def _call(self, purpose: str, call: Awaitable[R]) -> R:
        try:
            answer = await call
        except Exception as error:
            # The SDK's exception holds the request with the key, so do not chain it.
            raise self._error(error, purpose) from None
        if isinstance(answer, str):
            text = f"{self._settings.name}: {self.host} does not speak the fine-tuning API; check baseUrl."
            raise FineTuningError(text)
        return answer

    def _error(self, error: Exception, purpose: str) -> Exception:
        status = getattr(error, "status_code", None)
        if status not in _REFUSED_STATUSES:
            return translate(error, self._source)
        body: Any = getattr(error, "body", None)
        table = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        message = table.get("message")
        reason = (
            self._clean(message if isinstance(message, str) else words_of(body))
            or f"status {status}"
        )
        return FineTuningError(f"{self._settings.name}: {self.host} refuses {purpose}: {reason}.")

    def _clean(self, text: str) -> str:
        """Return the provider's message on one line, without keys."""
        if "<html" in text.lower() or "<!doctype" in text.lower():
            return ""
        key = self._key.reveal()
        text, _ = across_lines(text.replace(key, "…") if key else text)
        text, _ = within_line(text)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return (text[:600] + "…" if len(text) > 600 else text).rstrip(".")

    def _remote_job(self, job: Any) -> RemoteJob:
        if not getattr(job, "id", None) or not getattr(job, "status", None):
            text = f"{self._settings.name}: {self.host} does not speak the fine-tuning API; check baseUrl."
            raise FineTuningError(text)
        metadata: Any = getattr(job, "metadata", None) or {}
        error = getattr(job, "error", None)
        parts = [getattr(error, "message", None), getattr(error, "code", None)]
        reason = next((str(p) for p in parts if p), "")
        if reason and (param := getattr(error, "param", None)):
            reason += f" ({param})"
        tokens = getattr(job, "trained_tokens", None)
        return RemoteJob(
            id=str(job.id),
            status=str(job.status),
            name=str(metadata.get("ensemble_lsp", "")) if isinstance(metadata, dict) else "",
            model=str(getattr(job, "model", "") or ""),
            tuned=str(getattr(job, "fine_tuned_model", None) or ""),
            error=self._clean(reason),
            trained_tokens=tokens if isinstance(tokens, int) else None,
            training_file=str(getattr(job, "training_file", "") or ""),
        )

    def _event(self, event: Any) -> JobEvent:
        message = self._clean(str(getattr(event, "message", "") or ""))
        data: Any = getattr(event, "data", None)
        table = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        step, steps = table.get("step"), table.get("total_steps")
        match = _STEPS.search(message)
        if match and not (isinstance(step, int) and isinstance(steps, int)):
            step, steps = int(match[1]), int(match[2])
        return JobEvent(
            id=str(event.id),
            at=float(getattr(event, "created_at", 0) or 0),
            level=str(getattr(event, "level", "info")),
            message=message,
            step=step if isinstance(step, int) else 0,
            steps=steps if isinstance(steps, int) else 0,
        )


def _read_redacted(path: Path) -> tuple[bytes, int]:
    return redacted_rows(path.read_bytes())


def _items(page: Any) -> list[Any]:
    return [item for item in getattr(page, "data", None) or [] if getattr(item, "id", None)]
