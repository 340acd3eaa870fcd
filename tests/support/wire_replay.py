"""Recorded and scripted exchanges with providers, played byte for byte on 127.0.0.1.

``tests/data/wires/README.md`` describes the cases. In an async test::

    [case] = [c for c in load_cases(WIRES) if c.id == "groq-think-low"]
    async with WireReplay(case) as replay:
        ...  # replay.settings(); replay.requests; replay.problems()

By hand: ``python -m tests.support.wire_replay --help``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from .wire_cases import Pause, Reply, Step, WireCase, load_cases
from .wire_predicates import Seen

__all__ = ["WIRES", "WireCase", "WireReplay", "load_cases"]

WIRES = Path(__file__).parents[1] / "data" / "wires"
_LARGEST_HEAD = 256 * 1024


class _GoneError(Exception):
    """The client closed the connection."""


@dataclass
class Recorded(Seen):
    """One request as it came, and the step that answered it."""

    step: int | None = None
    """Index into the case's exchange; None where no step matched."""
    at: float = field(default_factory=time.monotonic)
    finished: bool = False
    """The whole reply was written."""


class WireReplay:
    """An HTTP/1.1 server that plays one case. Connections are kept alive, as services do."""

    def __init__(self, case: WireCase, port: int = 0) -> None:
        self.case = case
        self.requests: list[Recorded] = []
        """Every request, look-ups (``GET``) included."""
        self.unexpected: list[str] = []
        """Requests that no step answers, and steps whose ``expect`` does not hold."""
        self._port = port
        self._played = [0] * len(case.exchange)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The value of ``baseUrl`` in the model's settings."""
        return self.origin + self.case.base_path

    def settings(self, name: str = "wire") -> dict[str, Any]:
        """One entry of ``models`` for the server under test."""
        return {"name": name, **self.case.model, "baseUrl": self.base_url}

    def problems(self) -> list[str]:
        """Everything about the requests that the case does not allow, in words."""
        found = list(self.unexpected)
        for number, step in enumerate(self.case.exchange):
            if step.required and not self._played[number]:
                found.append(f"step {number} was never asked for: {step.when}")
        posts = [r for r in self.requests if r.method == "POST"]
        for predicate in self.case.sent:
            if not any(predicate.matches(r) for r in posts):
                found.append(f"no request matches {predicate}")
        for predicate in self.case.never:
            if any(predicate.matches(r) for r in posts):
                found.append(f"a request matches {predicate}")
        return found

    async def until(self, predicate: Callable[[WireReplay], Any], timeout: float = 10.0) -> None:
        """Wait until ``predicate(self)`` holds; ``TimeoutError`` if it never does."""
        end = time.monotonic() + timeout
        while not predicate(self):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), end - time.monotonic())
            except asyncio.TimeoutError:
                seen = [(r.method, r.path, r.step, r.finished) for r in self.requests]
                raise TimeoutError(f"{self.case.id}: the replay saw only {seen}") from None

    async def __aenter__(self) -> WireReplay:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the running loop."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, limit=_LARGEST_HEAD
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except (asyncio.CancelledError, _GoneError, ConnectionError, asyncio.IncompleteReadError):
            pass  # stopped, or the client closed the connection
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Reply; whether the connection stays open."""
        self.requests.append(request)
        reply = self._reply(request)
        self._changed.set()
        stays = await _send(reply, request, reader, writer)
        request.finished = True
        self._changed.set()
        return stays and request.headers.get("connection", "").lower() != "close"

    def _reply(self, request: Recorded) -> Reply:
        step = self._choose(request)
        if step is not None:
            return step.reply
        # Look-ups of a client that finds out what a server offers are no fault.
        if request.method == "POST":
            text = request.body.decode(errors="replace")[:2000]
            self.unexpected.append(f"no step answers {request.method} {request.target}: {text}")
        body = b'{"error":{"message":"Not Found","type":"invalid_request_error","code":null}}'
        return Reply(404, {"content-type": "application/json"}, (body,), "length")

    def _choose(self, request: Recorded) -> Step | None:
        for number, step in enumerate(self.case.exchange):
            if step.times is not None and self._played[number] >= step.times:
                continue
            if not step.when.matches(request):
                continue
            self._played[number] += 1
            request.step = number
            for failure in step.expect.failures(request):
                self.unexpected.append(f"step {number}: {failure}")
            return step
        return None


async def _read(reader: asyncio.StreamReader) -> Recorded | None:
    """Read one request; None where the client closed the connection between two."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Recorded(method, target, parts.path, query, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _send(
    reply: Reply,
    request: Recorded,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """Write a reply as its case has it; whether the connection can serve another request."""
    writer.write(_head(reply))
    await writer.drain()
    for piece in reply.pieces:
        if isinstance(piece, Pause):
            await asyncio.sleep(piece.seconds)
            if reader.at_eof():
                raise _GoneError
            continue
        chunked = reply.framing == "chunked"
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        await asyncio.sleep(0)
    if reply.end == "hang":
        await reader.read(1)
        raise _GoneError
    if reply.end == "reset":
        writer.transport.abort()
        return False
    if reply.end == "clean" and reply.framing == "chunked":
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return reply.end == "clean" and reply.framing != "close"


def _head(reply: Reply) -> bytes:
    headers = {name: _dated(value) for name, value in reply.headers.items()}
    if reply.framing == "chunked":
        headers["transfer-encoding"] = "chunked"
    elif reply.framing == "length":
        size = sum(len(piece) for piece in reply.pieces if isinstance(piece, bytes))
        # A body that is cut promises more than comes.
        headers["content-length"] = str(size + (reply.end != "clean"))
    else:
        headers["connection"] = "close"
    reason = HTTPStatus(reply.status).phrase if reply.status in list(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _dated(value: str) -> str:
    """A header's value; ``@now+3`` becomes the HTTP date of three seconds later."""
    if not value.startswith("@now+"):
        return value
    return formatdate(time.time() + float(value[5:]), usegmt=True)


def _show(case: WireCase) -> None:
    print(f"{case.id}  [{case.service}, {case.kind}, {case.task}]  {case.where}")
    print(f"source: {case.source}\nmodel: {json.dumps(case.model)}")
    if case.note:
        print(f"note: {case.note}")
    print(f"--- document ({case.document.language})\n{case.document.marked}")
    for number, step in enumerate(case.exchange):
        print(f"--- step {number}: when {step.when}; expect {step.expect}; times {step.times}")
        print(f"{step.reply.status} {step.reply.headers} {step.reply.framing} {step.reply.end}")
        print(step.reply.body.decode(errors="backslashreplace"))
    print(f"--- expected\n{case.expected}")


async def _play(case: WireCase, port: int) -> None:
    async with WireReplay(case, port) as replay:
        print(json.dumps(replay.settings(), indent=2), flush=True)
        shown = 0
        while True:
            await replay.until(lambda r, shown=shown: len(r.requests) > shown, timeout=86400)
            request = replay.requests[shown]
            shown += 1
            print(f"{request.method} {request.target} -> step {request.step}", flush=True)
            print(request.body.decode(errors="replace"), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """List, show or play cases."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.wire_replay")
    parser.add_argument("--data", type=Path, default=WIRES, help="the folder of cases")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="one line for each case")
    commands.add_parser("show", help="a case, readable").add_argument("id")
    play = commands.add_parser("play", help="serve a case until interrupted")
    play.add_argument("id")
    play.add_argument("--port", type=int, default=0, help="0: any free one")
    options = parser.parse_args(arguments)
    cases = {case.id: case for case in load_cases(options.data)}
    if options.command == "list":
        for case in cases.values():
            print(f"{case.service:14} {case.kind:14} {case.task:9} {case.id}")
        return
    if options.id not in cases:
        parser.error(f"no case {options.id!r}")
    if options.command == "show":
        _show(cases[options.id])
    else:
        with suppress(KeyboardInterrupt):
            asyncio.run(_play(cases[options.id], options.port))


if __name__ == "__main__":
    main()
