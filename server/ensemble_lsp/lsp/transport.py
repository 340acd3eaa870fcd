"""Message framing over a pair of binary files; ``sockets`` has TCP and WebSocket.

Reading and writing have a daemon thread each: a slow client never blocks the event loop, and a blocked read
never keeps the process alive. Each message takes one hop to the loop (three with pygls' own reader).
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
"""Bytes; a longer Content-Length is treated as garbage."""

CLOSE_TIMEOUT = 0.8
"""Seconds to wait for queued messages to be sent when the connection is closed."""

_LENGTH = re.compile(rb"content-length\s*:\s*(\d+)\s*", re.IGNORECASE)


class Garbage(Exception):  # noqa: N818 - a kind of input, not an error of the program
    """The input was not a valid message; parsing resumes at the next header."""


def read_messages(stream: BinaryIO) -> Iterator[bytes | Garbage]:
    """Yield the bodies of the messages on a stream, until its end.

    Tolerates unknown header lines and bare line feeds. After a missing or absurd length it looks for the next
    ``Content-Length`` and yields one ``Garbage`` for the skipped bytes.
    """
    length: int | None = None
    skipped = False
    while line := stream.readline(65536):
        header = line.strip()
        if match := _LENGTH.search(header):
            # If a body is shorter than its length, the next header is inside it.
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
                yield Garbage("skipped bytes before a header")
            yield body
            length, skipped = None, False
    if skipped:
        yield Garbage("the input ended with bytes that are not a message")


class Connection(Protocol):
    """A connection to one client."""

    def messages(self) -> Iterator[bytes | Garbage]:
        """Yield message bodies, blocking between them, until the client disconnects."""
        ...

    def send(self, body: bytes) -> None:
        """Send a body; may block."""
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
        """Yield message bodies."""
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
    """A writer for pygls that queues messages and sends them from its thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="lsp-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue one message's body."""
        self._queue.put(data)

    def close(self) -> None:
        """Send the queued messages and close, without waiting long for a client that does not read."""
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                self._connection.send(data)
            except (OSError, ValueError) as error:
                logger.warning("the client has disconnected: %s", error)
                return
        self._connection.close()


def read_in_thread(
    connection: Connection, receive: Callable[[bytes | Garbage | None], None]
) -> None:
    """Call ``receive`` from a daemon thread for each message, and with None at the end."""

    def run() -> None:
        try:
            for message in connection.messages():
                receive(message)
        finally:
            receive(None)

    threading.Thread(target=run, name="lsp-reader", daemon=True).start()


def stdio_connection() -> FileConnection:
    """Return the process's standard input and output; from then on ``print`` writes to standard error."""
    writer = sys.stdout.buffer
    sys.stdout = sys.stderr
    return FileConnection(sys.stdin.buffer, writer)
