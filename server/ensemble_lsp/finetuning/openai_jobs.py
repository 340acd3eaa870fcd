"""A provider's files and fine-tuning jobs, through OpenAI's SDK; each error in one sentence.

No call is repeated here, and the SDK is told not to either: a creation whose answer was lost may have
made a job that costs money, so ``running`` looks for it before it asks again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from ..context.secret_rules import across_lines, within_line
from ..errors import AuthenticationError, FineTuningError
from ..models.api_keys import Key, missing_key
from ..models.error_mapping import Source, translate, words_of
from ..models.interface import Profile
from ..models.profiles import base_url
from ..settings import ModelSettings

R = TypeVar("R")

_REFUSALS = (400, 403, 404, 405, 409, 413, 415, 422)
_STEPS = re.compile(r"\b[Ss]tep (\d+)\s*/\s*(\d+)")
_MOST_PAGES = 50
_PATIENCE = 60.0
"""Seconds for an answer."""
_UPLOAD_PATIENCE = 1800.0


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A provider's job as it stands."""

    id: str
    status: str
    name: str = ""
    """Ours, from the job's metadata."""
    model: str = ""
    tuned: str = ""
    error: str = ""
    """The provider's reason of a failure."""
    trained_tokens: int | None = None
    training_file: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job."""

    id: str
    at: float
    """Unix seconds."""
    level: str
    message: str
    step: int = 0
    steps: int = 0


class Service:
    """One model's provider. ``key`` may be empty for a server that wants none."""

    def __init__(self, settings: ModelSettings, profile: Profile, key: Key) -> None:
        self._settings = settings
        self._profile = replace(profile, timeout=_PATIENCE)
        self._key = key
        url = base_url(settings)
        said = f"the key ({key.source})" if key else ""
        self._source = Source(profile.name, settings.model, url, said, key.reveal(), profile.local)
        self._client: Any = None

    async def __aenter__(self) -> Service:
        if not self._key and (remedy := missing_key(self._settings)):
            raise AuthenticationError(self._settings.name, f"{self._settings.name}: {remedy}.")
        self._client = await asyncio.to_thread(self._connect)
        return self

    async def __aexit__(self, *_: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def place(self) -> str:
        """Who is asked: host and port."""
        return self._source.place

    def _connect(self) -> Any:
        import openai

        from ..models.http_transport import make_client, quiet

        quiet(openai.__name__, "httpx2")
        key = self._key.reveal()
        auth = {"authorization": f"Bearer {key}"} if key else {}
        client = openai.AsyncOpenAI(
            # Without a key the SDK takes one from the environment, meant for another host.
            api_key=key or "none",
            base_url=base_url(self._settings),
            max_retries=0,
            timeout=_PATIENCE,
            http_client=make_client(self._profile, auth),
        )
        # Resources import their modules when they are first touched: do it here, in the thread.
        _ = client.files.create, client.fine_tuning.jobs.create
        return client

    # -- files ---------------------------------------------------------------------------------

    async def upload(self, path: Path, name: str) -> str:
        """Send a file under a name; its id. Raises ``FineTuningError`` where it is refused."""
        data = await asyncio.to_thread(path.read_bytes)
        file = await self._ask(
            f"the file {path.name}",
            self._client.files.create(
                file=(name, data, "application/jsonl"),
                purpose="fine-tune",
                timeout=_UPLOAD_PATIENCE,
            ),
        )
        if getattr(file, "status", "") == "error":
            reason = self._clean(str(getattr(file, "status_details", None) or "no reason given"))
            raise FineTuningError(f"{self.place} refuses the file {path.name}: {reason}.")
        return str(file.id)

    async def find_file(self, name: str) -> str:
        """The id of a file that was sent under a name; empty where there is none."""
        files = await self._page(self._client.files.list(purpose="fine-tune", limit=100))
        return next((str(f.id) for f in files if f.filename == name), "")

    async def delete_file(self, file_id: str) -> None:
        """Remove a file from the provider."""
        await self._ask("to remove a file", self._client.files.delete(file_id))

    # -- jobs ----------------------------------------------------------------------------------

    async def create(self, name: str, model: str, training: str, **more: Any) -> RemoteJob:
        """Make a job; ``more``: validation_file, method, suffix, seed as the API has them."""
        given = {k: v for k, v in more.items() if v not in (None, "")}
        job = await self._ask(
            f"a fine-tuning job on {model}",
            self._client.fine_tuning.jobs.create(
                model=model, training_file=training, metadata={"ensemble_lsp": name}, **given
            ),
        )
        return self._seen(job)

    async def find(self, name: str, training: str) -> RemoteJob | None:
        """The job that was made under a name or, where metadata is not kept, with a file."""
        for job in await self.jobs():
            if job.name == name or (not job.name and job.training_file == training):
                return job
        return None

    async def get(self, job_id: str) -> RemoteJob:
        """A job as it stands now."""
        return self._seen(
            await self._ask("the job", self._client.fine_tuning.jobs.retrieve(job_id))
        )

    async def jobs(self) -> list[RemoteJob]:
        """The latest jobs of the account, newest first."""
        page = await self._page(self._client.fine_tuning.jobs.list(limit=100))
        return [self._seen(job) for job in page]

    async def events(self, job_id: str, after: str) -> list[Event]:
        """What happened since an event (its id; empty: from the beginning), oldest first."""
        found: list[Event] = []
        more: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            listing = self._client.fine_tuning.jobs.list_events(job_id, limit=100, **more)
            page = await self._ask("the job's events", listing)
            events = _items(page)
            for event in events:
                if event.id == after:
                    return found[::-1]
                found.append(self._event(event))
            if not events or not getattr(page, "has_more", False):
                break
            more = {"after": str(events[-1].id)}
        return found[::-1]

    async def cancel(self, job_id: str) -> RemoteJob:
        """End a job; what was trained so far may be billed."""
        return self._seen(
            await self._ask("to cancel the job", self._client.fine_tuning.jobs.cancel(job_id))
        )

    async def delete_model(self, model: str) -> None:
        """Remove a tuned model from the provider for good."""
        await self._ask("to remove the model", self._client.models.delete(model))

    # -- what comes back -----------------------------------------------------------------------

    async def _page(self, listing: Awaitable[Any]) -> list[Any]:
        return _items(await self._ask("a list", listing))

    async def _ask(self, what: str, call: Awaitable[R]) -> R:
        try:
            answer = await call
        except Exception as error:
            # The SDK's own exception holds the request, key included: it is not kept as the cause.
            raise self._error(error, what) from None
        if isinstance(answer, str):
            text = f"{self._settings.name}: {self.place} does not speak the fine-tuning API; check baseUrl."
            raise FineTuningError(text)
        return answer

    def _error(self, error: Exception, what: str) -> Exception:
        status = getattr(error, "status_code", None)
        if status not in _REFUSALS:
            return translate(error, self._source)
        body: Any = getattr(error, "body", None)
        table = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        said = table.get("message")
        reason = (
            self._clean(said if isinstance(said, str) else words_of(body)) or f"status {status}"
        )
        return FineTuningError(f"{self._settings.name}: {self.place} refuses {what}: {reason}.")

    def _clean(self, text: str) -> str:
        """The provider's own words on one line, without keys."""
        if "<html" in text.lower() or "<!doctype" in text.lower():
            return ""
        key = self._key.reveal()
        text, _ = across_lines(text.replace(key, "…") if key else text)
        text, _ = within_line(text)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return (text[:600] + "…" if len(text) > 600 else text).rstrip(".")

    def _seen(self, job: Any) -> RemoteJob:
        if not getattr(job, "id", None) or not getattr(job, "status", None):
            text = f"{self._settings.name}: {self.place} does not speak the fine-tuning API; check baseUrl."
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

    def _event(self, event: Any) -> Event:
        message = self._clean(str(getattr(event, "message", "") or ""))
        data: Any = getattr(event, "data", None)
        table = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        step, steps = table.get("step"), table.get("total_steps")
        told = _STEPS.search(message)
        if told and not (isinstance(step, int) and isinstance(steps, int)):
            step, steps = int(told[1]), int(told[2])
        return Event(
            id=str(event.id),
            at=float(getattr(event, "created_at", 0) or 0),
            level=str(getattr(event, "level", "info")),
            message=message,
            step=step if isinstance(step, int) else 0,
            steps=steps if isinstance(steps, int) else 0,
        )


def _items(page: Any) -> list[Any]:
    return [item for item in getattr(page, "data", None) or [] if getattr(item, "id", None)]
