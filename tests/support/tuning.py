"""OpenAI's files and fine-tuning jobs on 127.0.0.1: a real HTTP server, scripted.

    with running(TuningProvider()) as provider:  # of providers.py
        ...  # provider.base_url; provider.files; provider.jobs; provider.wait_for(...)

A job goes through its ``script``, a step each time its state is asked for, so that tests need no
clock. ``lose(method, path)`` does what is asked and cuts the connection before the answer;
``refuse(...)`` answers with a status. Files are checked as the provider checks them: when the
job validates them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .serving import HttpServer

Step = tuple[str, list[str]]
"""A status, and the messages of the events that come with it."""

SUCCESS: tuple[Step, ...] = (
    ("validating_files", ["Validating training file"]),
    ("queued", ["Files validated, moving job to queued state"]),
    ("running", ["Fine-tuning job started"]),
    ("running", ["Step 1/3: training loss=1.20", "Step 2/3: training loss=0.80"]),
    ("running", ["Step 3/3: training loss=0.50"]),
    ("succeeded", ["New fine-tuned model created", "The job has successfully completed"]),
)


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class File:
    """An uploaded file."""

    id: str
    name: str
    data: bytes
    deleted: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "object": "file", "bytes": len(self.data), "created_at": 1,
            "filename": self.name, "purpose": "fine-tune", "status": "processed",
        }  # fmt: skip


@dataclass
class Job:
    """A job and the events it has so far, oldest first."""

    id: str
    asked: dict[str, Any]
    script: list[Step]
    status: str = "validating_files"
    tuned: str | None = None
    error: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self, keep_metadata: bool) -> dict[str, Any]:
        return {
            "id": self.id, "object": "fine_tuning.job", "created_at": 1, "status": self.status,
            "model": self.asked["model"], "fine_tuned_model": self.tuned, "error": self.error,
            "organization_id": "org-1", "result_files": [], "seed": self.asked.get("seed") or 1,
            "hyperparameters": {}, "method": self.asked.get("method"),
            "training_file": self.asked["training_file"],
            "validation_file": self.asked.get("validation_file"),
            "trained_tokens": 4242 if self.status == "succeeded" else None,
            "metadata": self.asked.get("metadata") if keep_metadata else None,
        }  # fmt: skip


class TuningProvider:
    """The scripted provider. Its attributes may be changed while it runs."""

    def __init__(self, script: Sequence[Step] = SUCCESS, *, keys: Sequence[str] = ()) -> None:
        self.script = list(script)
        self.keys = list(keys)
        self.files: list[File] = []
        self.jobs: list[Job] = []
        self.deleted_models: list[str] = []
        self.requests: list[Seen] = []
        self.keep_metadata = True
        self.hold_at: str | None = None
        """A status that jobs do not go beyond."""
        self.delay = 0.0
        """Seconds before every answer."""
        self.page = 100
        self._faults: list[tuple[str, re.Pattern[str], Any]] = []
        self._changed = threading.Condition()
        self._ids = itertools.count(1)
        self._server: HttpServer | None = None
        self._port = 0

    @property
    def base_url(self) -> str:
        """What ``baseUrl`` is set to."""
        return f"http://127.0.0.1:{self._port}/v1"

    # -- faults --------------------------------------------------------------------------------

    def lose(self, method: str, path: str, times: int = 1) -> None:
        """Do what the next matching requests ask, and cut their connections before the answer."""
        self._faults += [(method, re.compile(path), "lose")] * times

    def drop(self, method: str, path: str, times: int = 1) -> None:
        """Cut the connections of the next matching requests without doing anything."""
        self._faults += [(method, re.compile(path), "drop")] * times

    def refuse(self, method: str, path: str, status: int, message: Any, times: int = 1) -> None:
        """Answer the next matching requests with an error (a text: a web page)."""
        self._faults += [(method, re.compile(path), (status, message))] * times

    def _fault(self, request: web.Request) -> Any:
        for index, (method, path, what) in enumerate(self._faults):
            if method == request.method and path.search(request.path):
                del self._faults[index]
                return what
        return None

    # -- waiting -------------------------------------------------------------------------------

    def wait_for(self, predicate: Callable[[TuningProvider], Any], timeout: float = 20.0) -> None:
        """Block until ``predicate(self)`` holds; ``TimeoutError`` if it never does."""
        with self._changed:
            if not self._changed.wait_for(lambda: predicate(self), timeout):
                raise TimeoutError(
                    f"the provider saw only {[(r.method, r.path) for r in self.requests]}"
                )

    def count(self, method: str, path: str) -> int:
        """How many requests matched."""
        return sum(
            r.method == method and re.search(path, r.path) is not None for r in self.requests
        )

    # -- serving -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, on the running loop."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for method, path, handler in (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files", self._list_files),
            ("DELETE", "/v1/files/{id}", self._delete_file),
            ("POST", "/v1/fine_tuning/jobs", self._create),
            ("GET", "/v1/fine_tuning/jobs", self._list_jobs),
            ("GET", "/v1/fine_tuning/jobs/{id}", self._get_job),
            ("GET", "/v1/fine_tuning/jobs/{id}/events", self._events),
            ("POST", "/v1/fine_tuning/jobs/{id}/cancel", self._cancel),
            ("DELETE", "/v1/models/{id:.+}", self._delete_model),
        ):
            app.router.add_route(method, path, self._handling(handler))
        self._server = HttpServer(app)
        await self._server.start()
        self._port = self._server.port

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            await self._server.stop()

    def _handling(self, handler: Callable[[web.Request, Any], Any]) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await _body(request)
            headers = {k.lower(): v for k, v in request.headers.items()}
            fault = self._fault(request)
            await asyncio.sleep(self.delay)
            if fault == "drop":
                answer: web.Response = web.Response()
            elif isinstance(fault, tuple):
                answer = _error(*fault)
            elif self.keys and headers.get("authorization", "")[7:] not in self.keys:
                answer = _error(401, f"Incorrect API key provided: {headers.get('authorization')}")
            else:
                answer = handler(request, body)
            with self._changed:
                self.requests.append(Seen(request.method, request.path, headers, body))
                self._changed.notify_all()
            if fault in ("drop", "lose") and request.transport is not None:
                request.transport.close()
            return answer

        return handle

    def _upload(self, request: web.Request, body: Any) -> web.Response:
        if body.get("purpose") != "fine-tune":
            return _error(400, "Invalid purpose")
        file = File(f"file-{next(self._ids)}", body["filename"], body["data"])
        self.files.append(file)
        return web.json_response(file.to_json())

    def _list_files(self, request: web.Request, body: Any) -> web.Response:
        return _page([f.to_json() for f in reversed(self.files) if not f.deleted])

    def _delete_file(self, request: web.Request, body: Any) -> web.Response:
        for file in self.files:
            if file.id == request.match_info["id"] and not file.deleted:
                file.deleted = True
                return web.json_response({"id": file.id, "object": "file", "deleted": True})
        return _error(404, "No such File object")

    def _create(self, request: web.Request, body: Any) -> web.Response:
        for name in ("training_file", "validation_file"):
            if body.get(name) and not any(f.id == body[name] and not f.deleted for f in self.files):
                return _error(400, f"invalid {name}: {body[name]}")
        job = Job(f"ftjob-{next(self._ids)}", body, list(self.script))
        self.jobs.append(job)
        return web.json_response(job.to_json(self.keep_metadata))

    def _list_jobs(self, request: web.Request, body: Any) -> web.Response:
        return _page([j.to_json(self.keep_metadata) for j in reversed(self.jobs)])

    def _get_job(self, request: web.Request, body: Any) -> web.Response:
        job = self._job(request)
        if job is None:
            return _error(404, f"Could not find fine tune: {request.match_info['id']}")
        self._advance(job)
        return web.json_response(job.to_json(self.keep_metadata))

    def _job(self, request: web.Request) -> Job | None:
        return next((j for j in self.jobs if j.id == request.match_info["id"]), None)

    def _advance(self, job: Job) -> None:
        if not job.script or job.status == "cancelled":
            return
        if (
            self.hold_at is not None
            and job.status == self.hold_at
            and job.script[0][0] != self.hold_at
        ):
            return
        training = next(f for f in self.files if f.id == job.asked["training_file"])
        if job.status == "validating_files" and (fault := _bad_line(training.data)):
            job.script = []
            job.status = "failed"
            job.error = {
                "code": "invalid_training_file",
                "param": "training_file",
                "message": fault,
            }
            self._happened(job, fault, "error")
            return
        job.status, messages = job.script.pop(0)
        for message in messages:
            self._happened(job, message, "error" if job.status == "failed" else "info")
        if job.status == "succeeded":
            suffix = job.asked.get("suffix") or ""
            job.tuned = f"ft:{job.asked['model']}:org:{suffix}:{job.id[6:]}"
        if job.status == "failed":
            job.error = {"code": "exceeded_quota", "param": None, "message": messages[-1]}

    def _happened(self, job: Job, message: str, level: str) -> None:
        step = re.search(r"Step (\d+)/(\d+)", message)
        data = {"step": int(step[1]), "total_steps": int(step[2])} if step else None
        job.events.append(
            {
                "id": f"ftevent-{next(self._ids)}", "object": "fine_tuning.job.event",
                "created_at": int(time.time()), "level": level, "message": message,
                "type": "metrics" if step else "message", "data": data,
            }
        )  # fmt: skip

    def _events(self, request: web.Request, body: Any) -> web.Response:
        job = self._job(request)
        if job is None:
            return _error(404, "Could not find fine tune")
        newest = job.events[::-1]
        if after := request.query.get("after"):
            ids = [event["id"] for event in newest]
            newest = newest[ids.index(after) + 1 :]
        limit = min(int(request.query.get("limit", 20)), self.page)
        return _page(newest[:limit], has_more=len(newest) > limit)

    def _cancel(self, request: web.Request, body: Any) -> web.Response:
        job = self._job(request)
        if job is None or job.status in ("succeeded", "failed", "cancelled"):
            return _error(400, "Job has already completed")
        job.status = "cancelled"
        return web.json_response(job.to_json(self.keep_metadata))

    def _delete_model(self, request: web.Request, body: Any) -> web.Response:
        name = request.match_info["id"]
        self.deleted_models.append(name)
        return web.json_response({"id": name, "object": "model", "deleted": True})


async def _body(request: web.Request) -> Any:
    if request.content_type == "application/json":
        return json.loads(await request.read() or b"null")
    if not request.content_type.startswith("multipart/"):
        return None
    fields: dict[str, Any] = {}
    async for part in await request.multipart():
        data = await part.read()
        if part.filename:
            fields |= {"filename": part.filename, "data": bytes(data)}
        else:
            fields[str(part.name)] = data.decode()
    return fields


def _bad_line(data: bytes) -> str | None:
    """What the provider's validation finds, in the provider's words."""
    lines = data.decode().splitlines()
    if len(lines) < 10:
        return f"Training file has {len(lines)} example(s), but must have at least 10 examples"
    for number, line in enumerate(lines, 1):
        if "REFUSE-ME" in line:
            return f"Invalid file format. Line {number}, message 2 is not allowed"
        table = json.loads(line)
        if not {"messages", "prompt", "input"} & table.keys():
            return f"Invalid file format. Line {number} is missing key messages"
    return None


def _page(data: list[Any], has_more: bool = False) -> web.Response:
    return web.json_response({"object": "list", "data": data, "has_more": has_more})


def _error(status: int, message: Any) -> web.Response:
    if isinstance(message, str) and message.startswith("<"):
        return web.Response(status=status, text=message, content_type="text/html")
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": body}, status=status)
