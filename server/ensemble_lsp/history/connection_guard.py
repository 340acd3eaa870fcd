"""A guard of a database connection: ends it if a statement takes too long or its answer is too large.

libpq has no time limit for an answer and reads all of it into memory, whatever the server sends.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Generator

_LOOK_SECONDS = 0.1
_BYTES_RECEIVED = 128
"""Offset of ``tcpi_bytes_received`` in Linux's ``struct tcp_info``, a 64-bit number."""


class ConnectionGuard:
    """Watches one socket from its own thread, which sleeps between statements."""

    def __init__(self, descriptor: int, *, seconds: float, max_bytes: int) -> None:
        self._socket = socket.socket(fileno=socket.dup(descriptor))
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._running = threading.Event()
        self._closed = threading.Event()
        self._deadline = float("inf")
        self._last_byte = 0
        threading.Thread(target=self._watch, name="history guard", daemon=True).start()

    @contextlib.contextmanager
    def statement(self, seconds: float | None = None) -> Generator[None]:
        """Limit what runs inside, by default to the guard's own number of seconds."""
        self._last_byte = self._received() + self._max_bytes
        self._deadline = time.monotonic() + (seconds or self._seconds)
        self._running.set()
        try:
            yield
        finally:
            self._deadline = float("inf")
            self._running.clear()

    def close(self) -> None:
        """End the thread; the connection itself stays open."""
        self._closed.set()
        self._running.set()

    def _watch(self) -> None:
        with self._socket:
            while not self._closed.is_set():
                self._running.wait()
                if time.monotonic() > self._deadline or self._too_large():
                    # The thread that waits for the answer sees the end of the connection.
                    with contextlib.suppress(OSError):
                        self._socket.shutdown(socket.SHUT_RDWR)
                    return
                self._closed.wait(_LOOK_SECONDS)

    def _too_large(self) -> bool:
        return self._deadline != float("inf") and self._received() > self._last_byte

    def _received(self) -> int:
        """Return the bytes received so far; 0 where the system does not count them."""
        option = getattr(socket, "TCP_INFO", None)
        if option is None:
            return 0
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, option, _BYTES_RECEIVED + 8)
        except OSError:  # not TCP, or closed
            return 0
        if len(info) < _BYTES_RECEIVED + 8:
            return 0
        return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0])
