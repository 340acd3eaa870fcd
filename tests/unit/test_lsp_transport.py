"""Message framing: what a client may send, and what it should not."""

from __future__ import annotations

import io
import threading

from ensemble_lsp.lsp.transport import FileConnection, Garbage, WriterThread, read_messages


def frames(data: bytes) -> list[bytes | str]:
    found = read_messages(io.BytesIO(data))
    return ["garbage" if isinstance(m, Garbage) else m for m in found]


def message(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_messages_come_one_by_one() -> None:
    assert frames(message(b"{}") + message(b"[1]")) == [b"{}", b"[1]"]


def test_other_headers_any_case_and_bare_line_feeds_are_taken() -> None:
    data = b"Content-Type: application/x\r\ncontent-length: 2\n\n{}"
    assert frames(data) == [b"{}"]


def test_bytes_before_a_header_are_skipped_and_told() -> None:
    assert frames(b"noise\r\n\r\n" + message(b"{}")) == ["garbage", b"{}"]


def test_a_length_that_is_too_short_costs_one_message_not_the_connection() -> None:
    short = b"Content-Length: 2\r\n\r\n{}tail" + message(b"[1]") + message(b"[2]")
    assert frames(short)[-1] == b"[2]"


def test_an_absurd_length_is_garbage() -> None:
    data = b"Content-Length: 99999999999\r\n\r\n" + message(b"{}")
    assert frames(data) == ["garbage", b"{}"]


def test_an_input_that_ends_in_a_message_gives_nothing() -> None:
    assert frames(b"Content-Length: 10\r\n\r\n{}") == []


def test_a_connection_writes_what_it_reads() -> None:
    out = io.BytesIO()
    FileConnection(io.BytesIO(), out).send(b'{"a": 1}')
    assert frames(out.getvalue()) == [b'{"a": 1}']


class SlowConnection:
    """A client that reads nothing until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.sent: list[bytes] = []
        self.closed = False

    def messages(self) -> list[bytes]:
        return []

    def send(self, body: bytes) -> None:
        self.let.wait(5)
        self.sent.append(body)

    def close(self) -> None:
        self.closed = True


def test_writing_to_a_client_that_does_not_read_does_not_wait() -> None:
    connection = SlowConnection()
    writer = WriterThread(connection)
    for number in range(100):
        writer.write(b"%d" % number)
    assert connection.sent == []
    connection.let.set()
    writer.close()
    assert len(connection.sent) == 100
    assert connection.closed
