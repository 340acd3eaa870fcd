"""Messages come through whole however the pipe parts them, and after whatever stood between them."""

from __future__ import annotations

import io
import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from ensemble_lsp.lsp.transport import Garbage, read_messages

bodies = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6)
lines = st.binary(min_size=1, max_size=30).filter(lambda b: b"ontent" not in b.lower())


class Pipe(io.RawIOBase):
    """A pipe that hands over its bytes in the pieces it was given."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._pieces:
            return 0
        piece, self._pieces[0] = self._pieces[0][: len(buffer)], self._pieces[0][len(buffer) :]
        if not self._pieces[0]:
            self._pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def read(pieces: list[bytes]) -> list[bytes]:
    stream = io.BufferedReader(Pipe([p for p in pieces if p]))
    return [m for m in read_messages(stream) if not isinstance(m, Garbage)]


def test_two_messages_parted_at_every_byte() -> None:
    data = frame(b'{"id": 1}') + frame(b'{"id": 2, "text": "\xc3\xa9"}')
    for cut in range(len(data)):
        assert read([data[:cut], data[cut:]]) == [b'{"id": 1}', b'{"id": 2, "text": "\xc3\xa9"}']
    assert len(read([bytes([byte]) for byte in data])) == 2


@given(bodies, st.lists(st.integers(0, 400), max_size=12))
def test_any_messages_in_any_pieces(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(frame, messages))
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    assert read(pieces) == messages


@given(bodies, lines)
@example([b"{}"], b":")
def test_what_stands_between_messages_costs_none_of_them(
    messages: list[bytes], junk: bytes
) -> None:
    between = junk.replace(b"\n", b" ") + b"\r\n\r\n"
    data = b"".join(frame(body) + between for body in messages)
    assert read([data]) == messages


@given(st.binary(max_size=300))
def test_any_bytes_end(data: bytes) -> None:
    assert len(read([data])) <= len(data)
