"""Bytes in and out: message framing over a pair of binary files. ``sockets`` has TCP and WebSocket.

Reading and writing have a daemon thread each, so a client that reads slowly never stops the event
loop, and a thread that waits for input never stops the process from leaving. One hop to the loop for
each message (pygls' own reader takes three).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

logger = logging.getLogger(__name__)

MAX_MESSAGE = 256 * 1024 * 1024
"""Bytes; a longer Content-Length is taken for garbage."""

_LENGTH = re.compile(rb"content-length\s*:\s*(\d+)\s*", re.IGNORECASE)


class Garbage(Exception):  # noqa: N818 - what came in, not a fault of ours
    """What came in is no message; reading goes on at the next header."""


def read_messages(stream: BinaryIO) -> Iterator[bytes | Garbage]:
    """The bodies of the messages on a stream, until its end.

    Tolerates header lines it does not know and bare line feeds. After a length that is missing or
    absurd it looks for the next ``Content-Length`` and yields one ``Garbage`` for what it skipped.
    """
    length: int | None = None
    skipped = False
    while line := stream.readline(65536):
        header = line.strip()
        if match := _LENGTH.search(header):
            # A body that was shorter than its length ends in the next message's header.
            length = int(match.group(1))
            if length > MAX_MESSAGE:
                length, skipped = None, True
        elif header and b":" not in header:
            skipped = True
        elif not header and length is not None:
            body = stream.read(length)
            if len(body) < length:
                return
            if skipped:
                yield Garbage("bytes before a header were skipped")
            yield body
            length, skipped = None, False
    if skipped:
        yield Garbage("the input ended in bytes that are no message")


class Connection(Protocol):
    """A way to a client: messages in, messages out."""

    def messages(self) -> Iterator[bytes | Garbage]:
        """Bodies as they come; blocks; ends when the client is gone."""
        ...

    def send(self, body: bytes) -> None:
        """Put a body on its way; may block."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class FileConnection:
    """Messages with ``Content-Length`` headers over two binary files (stdio, or a socket's)."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, sock: socket.socket | None = None):
        self._reader = reader
        self._writer = writer
        self._socket = sock

    def messages(self) -> Iterator[bytes | Garbage]:
        """Bodies as they come."""
        with contextlib.suppress(OSError, ValueError):
            yield from read_messages(self._reader)

    def send(self, body: bytes) -> None:
        """Write one message."""
        self._writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._writer.flush()

    def close(self) -> None:
        """Close the writing side."""
        with contextlib.suppress(OSError, ValueError):
            self._writer.close()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()


class WriterThread:
    """pygls' writer: queues what is written and sends it from a thread of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="lsp-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue one message's body."""
        self._queue.put(data)

    def close(self) -> None:
        """Send what is queued, then close; a client that does not read is not waited for."""
        self._queue.put(None)
        self._thread.join(0.8)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                self._connection.send(data)
            except (OSError, ValueError) as error:
                logger.warning("the client is gone: %s", error)
                return
        self._connection.close()


def read_in_thread(
    connection: Connection, receive: Callable[[bytes | Garbage | None], None]
) -> None:
    """Call ``receive`` (thread-safe, from a daemon thread) for each message, and with None at the end."""

    def run() -> None:
        try:
            for message in connection.messages():
                receive(message)
        finally:
            receive(None)

    threading.Thread(target=run, name="lsp-reader", daemon=True).start()


def stdio_connection() -> FileConnection:
    """The process' own standard input and output; ``print`` goes to standard error from here on."""
    writer = sys.stdout.buffer
    sys.stdout = sys.stderr
    return FileConnection(sys.stdin.buffer, writer)
