"""The HTTP client: answers that inflate to more than an answer, and cookies."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from ensemble_lsp.models.http_transport import AnswerTooLongError, make_client
from ensemble_lsp.models.interface import Profile

PROFILE = Profile("a", "openai", "a", ("complete",), local=True)
MOST = 100_000


@contextlib.asynccontextmanager
async def saying(body: bytes, header: bytes, heard: list[bytes]) -> AsyncIterator[str]:
    """A server that answers each connection so; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n\r\n" % (len(body), header)
        writer.write(head + body)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def ask(body: bytes, header: bytes, times: int = 1) -> tuple[bytes, list[bytes]]:
    heard: list[bytes] = []
    client = await asyncio.to_thread(make_client, PROFILE, {}, MOST)
    async with saying(body, header, heard) as url, client:
        for _ in range(times):
            content = (await client.get(url)).content
    return content, heard


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", gzip.compress(b"hello")),
        (b"GZIP", gzip.compress(b"hello")),
        (b"deflate", zlib.compress(b"hello")),
        (b"identity", b"hello"),
    ],
    ids=["gzip", "capitals", "deflate", "identity"],
)
async def test_an_answer_compressed_without_being_asked_is_read(
    encoding: bytes, body: bytes
) -> None:
    assert (await ask(body, b"content-encoding: " + encoding))[0] == b"hello"


async def test_an_answer_that_inflates_past_the_limit_ends_there() -> None:
    with pytest.raises(AnswerTooLongError):
        await ask(gzip.compress(b"x" * 50_000_000), b"content-encoding: gzip")


async def test_what_is_not_what_it_says_is_an_error() -> None:
    with pytest.raises(httpx2.DecodingError):
        await ask(b"\x1f\x8b\x08garbage", b"content-encoding: gzip")


async def test_layers_of_compression_are_not_opened() -> None:
    twice = gzip.compress(gzip.compress(b"hello"))
    assert (await ask(twice, b"content-encoding: gzip, gzip"))[0] == twice


async def test_a_cookie_is_not_sent_back() -> None:
    _, heard = await ask(b"hello", b"set-cookie: who=you; Path=/", times=2)
    assert len(heard) == 2 and not any(b"cookie" in head.lower() for head in heard)
