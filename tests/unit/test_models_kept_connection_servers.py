"""Connections ahead to unusual servers: client certificates, IPv6, no answer, proxies of the environment."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ensemble_lsp.models.http_transport import LIMITS, make_client
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.kept_connection import KeptConnection, kept_connection
from tests.support.tls import certificate
from tests.support.waiting import until

PROFILE = Profile("a", "openai", "a", ("complete",))
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class Clock:
    def __init__(self) -> None:
        self.time = time.time()

    def __call__(self) -> float:
        return self.time


async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(REPLY)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context with a certificate that clients trust."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.load_verify_locations(path)
    return context


@contextlib.asynccontextmanager
async def kept_open(url: str, clock: Clock | None = None) -> AsyncGenerator[KeptConnection]:
    kept = await asyncio.to_thread(KeptConnection, url, LIMITS, clock or Clock())
    try:
        yield kept
    finally:
        await kept.aclose()


async def test_a_server_that_wants_a_client_certificate_is_not_tried_at_each_keystroke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = trusted(tmp_path, monkeypatch)
    context.verify_mode = ssl.CERT_REQUIRED
    tried: list[int] = []

    class Counted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            pass  # never: the handshake fails

    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(listener)
            tried.append(1)
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(Counted, connection, ssl=context)

    accepting = asyncio.ensure_future(accept())
    clock = Clock()
    async with kept_open(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", clock) as kept:
        for _ in range(20):
            clock.time += 1.1
            kept.expect_request()
            await asyncio.sleep(0.05)
        assert 1 <= len(tried) <= 2
    accepting.cancel()
    listener.close()


async def test_a_server_that_closes_every_connection_is_not_tried_at_each_keystroke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(1)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    context = trusted(tmp_path, monkeypatch)
    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    clock = Clock()
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with kept_open(url, clock) as kept:
        for _ in range(20):
            clock.time += 1.1
            kept.expect_request()
            await asyncio.sleep(0.05)
        assert 1 <= len(tried) <= 2
    server.close()


async def test_a_connection_to_an_ipv6_address_is_used_by_the_request() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    opened: list[int] = []
    ended: list[int] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        await reply(reader, writer)
        ended.append(1)

    try:
        server = await asyncio.start_server(count, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6 address")
    url = f"http://[::1]:{server.sockets[0].getsockname()[1]}/v1"
    async with kept_open(url) as kept:
        client = await asyncio.to_thread(make_client, PROFILE, {}, kept=kept)
        kept.expect_request()
        await until(lambda: len(opened) == 1)
        async with client:
            assert (await client.get(url)).text == "hello"
        assert len(opened) == 1
    server.close()
    await until(lambda: ended == [1])


async def test_closing_does_not_wait_for_a_server_that_never_answers() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
    async with kept_open(url) as kept:
        kept.expect_request()
        await asyncio.sleep(0.2)  # the handshake has begun and gets no answer
        began = time.monotonic()
    assert time.monotonic() - began < 2.0
    silent.close()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://llm.corp.example/v1", True),
        ("https://corp.example:8443/v1", True),
        ("https://10.1.2.3/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://notcorp.example/v1", False),
    ],
)
def test_an_address_without_the_environments_proxy_has_a_connection_ahead(
    url: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "corp.example,10.1.2.3")
    assert (kept_connection(PROFILE, url, LIMITS) is not None) == kept
