"""Small requests to servers on this machine, over a plain socket.

A client library takes longer to import than such a request may take, and a proxy from the environment
must not be used.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 0.3
ANSWER_SECONDS = 0.5
"""Longer than a connection takes: the program is starting at the same time."""
_MAX_BYTES = 1 << 20
_MAX_ERROR = 2000


@dataclass(frozen=True, slots=True)
class LoopbackAnswer:
    """A server's answer."""

    status: int = 0
    """0 if its answer was no HTTP."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""
    body: Any = None
    """The JSON of a successful answer, else ``None``."""
    error: str = ""
    """The beginning of the text of an unsuccessful answer."""


async def get(url: str, *, key: str = "", seconds: float = ANSWER_SECONDS) -> LoopbackAnswer | None:
    """Return a server's answer, whatever it is; ``None`` if it cannot be reached in time."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "127.0.0.1", parts.port or (443 if secure else 80)
        connecting = asyncio.open_connection(
            host, port, limit=_MAX_BYTES, ssl=_unverified() if secure else None
        )
        reader, writer = await asyncio.wait_for(connecting, CONNECT_SECONDS)
    except (OSError, asyncio.TimeoutError, ValueError):
        return None
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {path or '/'} HTTP/1.0", f"Host: {parts.netloc}"]
        if key and not secure and key.isascii() and key.isprintable():
            lines.append(f"Authorization: Bearer {key}")
        writer.write("\r\n".join([*lines, "", ""]).encode())  # HTTP/1.0: the server closes
        return await asyncio.wait_for(_answer(reader), seconds)
    except (OSError, asyncio.TimeoutError, ValueError, RecursionError, EOFError):
        return LoopbackAnswer()
    finally:
        writer.close()


async def get_json(url: str) -> Any:
    """Return the JSON that a server answers in time; ``None`` for anything else."""
    answer = await get(url)
    return None if answer is None else answer.body


async def _answer(reader: asyncio.StreamReader) -> LoopbackAnswer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return LoopbackAnswer()
    first, *lines = head.decode("latin-1").split("\r\n")
    status = re.match(r"HTTP/\S+ (\d{3})", first)
    pairs = (line.partition(":") for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if status is None or status[1] != "200":
        text = (await _body(reader, headers))[:_MAX_ERROR].decode(errors="replace")
        return LoopbackAnswer(int(status[1]) if status else 0, headers, error=text)
    try:
        return LoopbackAnswer(200, headers, json.loads(await _body(reader, headers)))
    except (ValueError, RecursionError, EOFError):
        return LoopbackAnswer(200, headers)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """Return the body, cut where it is too long for a list of models."""
    length = headers.get("content-length", "")
    if re.fullmatch(r"\d{1,9}", length):
        return await reader.readexactly(min(int(length), _MAX_BYTES))
    body = b""
    while len(body) < _MAX_BYTES and (piece := await reader.read(_MAX_BYTES)):
        body += piece
    return body


def _unverified() -> ssl.SSLContext:
    """Return a context for a server on this machine, which rarely has a certificate of an authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
