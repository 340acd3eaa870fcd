"""Providers on 127.0.0.1: real HTTP servers with OpenAI's and Anthropic's wire formats, scripted.

In an async test::

    async with LoopbackProvider("x = 1") as provider:
        ...  # provider.base_url; provider.requests; await provider.until(lambda p: p.requests)

From a synchronous test, or where the caller's loop must not serve::

    with running(LoopbackProvider("x = 1")) as provider:
        provider.wait_for(lambda p: p.requests[0].closed, timeout=5)

By hand: ``python -m tests.support.providers --help``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web

from .provider_faults import Fault, break_stream, drop_connection, faulty_answer
from .serving import HttpServer
from .wire_formats import Answer, Api, error_body, events, prompt_text, tokens, whole

__all__ = ["Fault", "LoopbackProvider", "Recorded", "Reply", "rules", "running"]

Reply = str | Callable[[dict[str, Any]], str]
"""The text to answer, or how a request's body makes it."""


@dataclass
class Recorded:
    """One request as it came, and what became of its connection. Times are ``time.monotonic()``."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    at: float
    sent: int = 0
    """Events written so far."""
    finished_at: float | None = None
    """When the whole answer was written."""
    closed_at: float | None = None
    """When the client was seen to have gone before that."""

    @property
    def closed(self) -> bool:
        """Whether the client closed the connection before the answer's end."""
        return self.closed_at is not None

    @property
    def text(self) -> str:
        """All text of the request that a model would read."""
        return prompt_text(self.body)


class LoopbackProvider:
    """A scripted provider. Its attributes may be changed while it runs."""

    def __init__(
        self,
        reply: Reply = "pass",
        *,
        delay_first: float = 0.0,
        delay_chunk: float = 0.0,
        fault: Fault | Callable[[Recorded], Fault | None] | None = None,
        models: Sequence[str] = ("loopback",),
        keys: Sequence[str] = (),
        refuse: Sequence[str] = (),
        cached_tokens: int = 0,
        logprob: float = -0.1,
        port: int = 0,
    ) -> None:
        """``delay_*`` are seconds; ``keys``: only these are accepted; ``refuse``: parameters to
        answer with 400.
        """
        self.reply = reply
        self.delay_first = delay_first
        self.delay_chunk = delay_chunk
        self.fault = fault
        self.models = list(models)
        self.keys = list(keys)
        self.refuse = list(refuse)
        self.cached_tokens = cached_tokens
        self.logprob = logprob
        self.requests: list[Recorded] = []
        """Requests for answers, in the order they came."""
        self.looked_up: list[str] = []
        """Paths of other requests (models, health)."""
        self._port = port
        self._changed = threading.Condition()
        self._server: HttpServer | None = None

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """What ``baseUrl`` is set to: with ``/v1``, good for both protocols."""
        return f"{self.origin}/v1"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def wait_for(self, predicate: Callable[[LoopbackProvider], Any], timeout: float = 30.0) -> None:
        """Block until ``predicate(self)`` holds; ``TimeoutError`` if it never does."""
        with self._changed:
            if not self._changed.wait_for(lambda: predicate(self), timeout):
                seen = [(r.path, r.sent, r.closed) for r in self.requests]
                raise TimeoutError(f"the provider saw only {seen}")

    async def until(
        self, predicate: Callable[[LoopbackProvider], Any], timeout: float = 30.0
    ) -> None:
        """As ``wait_for``, in a coroutine."""
        await asyncio.to_thread(self.wait_for, predicate, timeout)

    async def __aenter__(self) -> LoopbackProvider:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the running loop."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        apis: dict[str, Api] = {
            "/chat/completions": "chat",
            "/completions": "completions",
            "/responses": "responses",
            "/messages": "messages",
        }
        for path, api in apis.items():
            app.router.add_post(f"/v1{path}", self._answering(api))
        for path, handler in {
            "/v1/models": self._list_models,
            "/api/tags": self._list_tags,
            "/api/version": self._version,
            "/health": self._health,
        }.items():
            app.router.add_get(path, handler)
        # A client that goes is seen by the handler's cancellation.
        self._server = HttpServer(app, self._port, handler_cancellation=True)
        await self._server.start()
        self._port = self._server.port

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _answering(self, api: Api) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            headers = {k.lower(): v for k, v in request.headers.items()}
            body = await request.json()
            seen = Recorded(request.path, headers, body, time.monotonic())
            self._note(lambda: self.requests.append(seen))
            try:
                response = await self._answer(api, request, seen)
            except (asyncio.CancelledError, ConnectionError) as gone:
                self._note(lambda: setattr(seen, "closed_at", time.monotonic()))
                if isinstance(gone, asyncio.CancelledError):
                    raise
                return web.Response()  # to nobody; raised, it would be logged as an error of ours
            self._note(lambda: setattr(seen, "finished_at", time.monotonic()))
            return response

        return handle

    async def _answer(self, api: Api, request: web.Request, seen: Recorded) -> web.StreamResponse:
        fault = self.fault(seen) if callable(self.fault) else self.fault
        if fault and fault.kind == "never_answer":
            await asyncio.Event().wait()
        if fault and fault.kind == "disconnect":
            drop_connection(request)
            return web.Response()
        await asyncio.sleep(self.delay_first)
        if (early := self._before_the_stream(api, fault, seen)) is not None:
            return early
        answer = self._script(fault, seen)
        if not seen.body.get("stream"):
            return web.json_response(whole(api, answer))
        return await self._stream(api, fault, answer, request, seen)

    def _before_the_stream(
        self, api: Api, fault: Fault | None, seen: Recorded
    ) -> web.Response | None:
        key = seen.headers.get("x-api-key") or seen.headers.get("authorization", "")[7:]
        if self.keys and key not in self.keys:
            said = f"Incorrect API key provided: {key}."
            body = error_body(api, said, "authentication_error", code="invalid_api_key")
            return web.json_response(body, status=401)
        if bad := next((p for p in self.refuse if p in seen.body), None):
            said = f"Unsupported parameter: '{bad}' is not supported with this model."
            return web.json_response(error_body(api, said, param=bad), status=400)
        if fault and fault.kind == "status":
            body = fault.body
            if body is None:
                body = error_body(api, f"status {fault.code}")
            if isinstance(body, str):
                return web.Response(text=body, status=fault.code, headers=fault.headers)
            return web.json_response(body, status=fault.code, headers=fault.headers)
        if fault and fault.kind == "body":
            raw = str(fault.body).encode()
            return web.Response(body=raw, status=fault.code, headers=fault.headers)
        return None

    def _script(self, fault: Fault | None, seen: Recorded) -> Answer:
        body = seen.body
        text = self.reply(body) if callable(self.reply) else self.reply
        stops = body.get("stop") or body.get("stop_sequences") or []
        for stop in [stops] if isinstance(stops, str) else stops:
            text = text.split(stop)[0]
        pieces = tokens(text)
        limits = ("max_tokens", "max_completion_tokens", "max_output_tokens")
        limit = next((body[k] for k in limits if k in body), None)
        finish = "stop"
        if limit is not None and len(pieces) > limit:
            pieces, finish = pieces[:limit], "length"
        options = body.get("stream_options") or {}
        answer = Answer(
            pieces=pieces,
            finish=finish,
            model=str(body.get("model", "")),
            input_tokens=len(tokens(prompt_text(body))),
            output_tokens=len(pieces),
            cached_tokens=self.cached_tokens,
            include_usage=bool(options.get("include_usage")),
            logprob=self.logprob if body.get("logprobs") else None,
        )
        return faulty_answer(answer, fault) if fault else answer

    async def _stream(
        self,
        api: Api,
        fault: Fault | None,
        answer: Answer,
        request: web.Request,
        seen: Recorded,
    ) -> web.StreamResponse:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        response = web.StreamResponse(headers={**headers, **(fault.headers if fault else {})})
        await response.prepare(request)
        kind = fault.kind if fault else ""
        breaks = kind in ("cut", "stall", "ends_early", "raw", "empty")
        for event in events(api, answer):
            if breaks and fault and seen.sent >= fault.after:
                return await break_stream(fault, request, response)
            await response.write(event)
            self._note(lambda: setattr(seen, "sent", seen.sent + 1))
            await asyncio.sleep(self.delay_chunk)
        await response.write_eof()
        return response

    async def _list_models(self, request: web.Request) -> web.Response:
        self._note(lambda: self.looked_up.append(request.path))
        if "anthropic-version" in request.headers:
            made = "2026-01-01T00:00:00Z"
            data = [
                {"type": "model", "id": m, "display_name": m, "created_at": made}
                for m in self.models
            ]
            return web.json_response(
                {"data": data, "has_more": False, "first_id": None, "last_id": None}
            )
        data = [{"id": m, "object": "model", "created": 0, "owned_by": "me"} for m in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _list_tags(self, request: web.Request) -> web.Response:
        self._note(lambda: self.looked_up.append(request.path))
        models = [{"name": m, "model": m, "size": 1, "details": {}} for m in self.models]
        return web.json_response({"models": models})

    async def _version(self, request: web.Request) -> web.Response:
        self._note(lambda: self.looked_up.append(request.path))
        return web.json_response({"version": "0.0.0"})

    async def _health(self, request: web.Request) -> web.Response:
        self._note(lambda: self.looked_up.append(request.path))
        return web.json_response({"status": "ok"})


class _Served(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


S = TypeVar("S", bound=_Served)


@contextmanager
def running(provider: S) -> Iterator[S]:
    """Serve in a thread of its own, for synchronous tests and subprocesses."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="loopback-provider", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.start(), loop).result(10)
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def rules(path: Path, otherwise: str = "") -> Callable[[dict[str, Any]], str]:
    """Replies from a JSON file: ``[{"when": "part of the prompt", "reply": "text"}, …]``.

    The first rule that matches wins; the file is read anew for each request.
    """

    def reply(body: dict[str, Any]) -> str:
        text = prompt_text(body)
        for rule in json.loads(path.read_text(encoding="utf-8")):
            if rule.get("when", "") in text:
                return str(rule["reply"])
        return otherwise

    return reply


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.providers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--reply", default="pass", help="the text to answer")
    parser.add_argument("--rules", type=Path, help="a JSON file of rules: [{when, reply}]")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--delay-first", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--delay-chunk", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--model", action="append", help="an id to list (repeat)")
    given = parser.parse_args()
    provider = LoopbackProvider(
        rules(given.rules, given.reply) if given.rules else given.reply,
        delay_first=given.delay_first,
        delay_chunk=given.delay_chunk,
        models=given.model or ("loopback",),
        port=given.port,
    )

    async def serve() -> None:
        async with provider:
            print(provider.base_url, flush=True)
            for shown in itertools.count():
                while len(provider.requests) <= shown:
                    # Short waits: a thread that waits for ever would hold up the end.
                    with suppress(TimeoutError):
                        await provider.until(lambda p, n=shown: len(p.requests) > n, timeout=0.5)
                request = provider.requests[shown]
                print(request.path, json.dumps(request.text[-200:]), flush=True)

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
