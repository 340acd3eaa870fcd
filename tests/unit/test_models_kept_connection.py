"""A connection that is open before a request needs it, over TLS with a certificate of our own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from ensemble_lsp.models.http_transport import LIMITS, make_client
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.kept_connection import KeptConnection, kept_connection
from tests.support.tls import certificate
from tests.support.waiting import until

PROFILE = Profile("a", "openai", "a", ("complete",))
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class Server:
    """Counts its connections and keeps all that is sent on them."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.heard: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(REPLY)

    @property
    def connections(self) -> int:
        return len(self.writers)

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    made = Server()
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    yield made
    made.hang_up()
    listener.close()
    for writer in made.writers:
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class Clock:
    def __init__(self) -> None:
        self.time = time.time()

    def __call__(self) -> float:
        return self.time


@contextlib.asynccontextmanager
async def connected(
    url: str, now: Callable[[], float] = time.time
) -> AsyncGenerator[tuple[KeptConnection, httpx2.AsyncClient]]:
    kept = await asyncio.to_thread(KeptConnection, url, LIMITS, now)
    client = await asyncio.to_thread(make_client, PROFILE, {"authorization": "Bearer k"}, kept=kept)
    async with client:
        yield kept, client


async def test_the_request_finds_a_connection_on_which_nothing_was_sent(server: Server) -> None:
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        await until(lambda: server.connections == 1)
        assert server.heard == []
        assert (await client.get(server.url)).text == "hello"
        assert (await client.get(server.url)).text == "hello"
    assert server.connections == 1 and len(server.heard) == 2


async def test_a_request_waits_for_the_connection_that_is_being_opened(server: Server) -> None:
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        assert (await client.get(server.url)).text == "hello"
    assert server.connections == 1


async def test_of_two_requests_at_once_one_opens_its_own(server: Server) -> None:
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        answers = await asyncio.gather(*(client.get(server.url) for _ in range(2)))
    assert [answer.text for answer in answers] == ["hello", "hello"]
    assert server.connections == 2


async def test_signs_without_number_open_one_connection(server: Server) -> None:
    async with connected(server.url) as (kept, _):
        for _ in range(200):
            kept.expect_request()
            await asyncio.sleep(0)
        await until(lambda: server.connections == 1)
        await asyncio.sleep(0.2)
        assert server.connections == 1


async def test_a_connection_that_the_server_closed_is_replaced_while_the_user_works(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble_lsp.models.kept_connection.CHECK_SECONDS", 0.05)
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        assert (await client.get(server.url)).text == "hello"
        server.hang_up()  # also what an idle connection comes to
        await until(lambda: server.connections == 2)
        assert (await client.get(server.url)).text == "hello"
        assert server.connections == 2


async def test_a_spare_connection_that_was_closed_is_not_used(server: Server) -> None:
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        await until(lambda: server.connections == 1)
        server.hang_up()
        await asyncio.sleep(0.1)
        assert (await client.get(server.url)).text == "hello"


async def test_the_connection_closes_when_the_user_has_gone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble_lsp.models.kept_connection.CHECK_SECONDS", 0.05)
    clock = Clock()
    async with connected(server.url, clock) as (kept, _):
        kept.expect_request()
        await until(lambda: server.connections == 1)
        clock.time += 10_000
        await until(lambda: server.writers[-1].transport.is_closing())
        opened = server.connections
        await asyncio.sleep(0.3)
        assert server.connections == opened


async def test_after_sleep_no_old_connection_is_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with connected(server.url, clock) as (kept, client):
        kept.expect_request()
        await client.get(server.url)
        clock.time += 300
        kept.expect_request()
        await client.get(server.url)
        assert server.connections == 2


async def test_a_server_that_refuses_is_not_tried_at_each_keystroke(tmp_path: Path) -> None:
    tried: list[int] = []

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(1)
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    clock = Clock()
    async with connected(url, clock) as (kept, client):
        for _ in range(20):
            clock.time += 1.1
            kept.expect_request()
            await asyncio.sleep(0.02)
        assert 1 <= len(tried) <= 2
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)
    listener.close()


async def test_an_answer_shows_that_a_server_which_closed_early_accepts_connections_again(
    server: Server,
) -> None:
    clock = Clock()
    async with connected(server.url, clock) as (kept, client):
        kept.expect_request()
        await until(lambda: server.connections == 1)
        server.hang_up()  # as a server that restarts
        await until(lambda: not kept._backend.has_spare)
        await client.get(server.url)
        clock.time += 1.1
        kept.expect_request()
        server.hang_up()
        for _ in range(5):
            clock.time += 1.1
            await asyncio.sleep(0.05)
            kept.expect_request()
        await until(lambda: server.connections == 3)


async def test_a_certificate_that_nobody_vouches_for_gets_no_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with connected(server.url) as (kept, client):
        kept.expect_request()
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await client.get(server.url)
    assert server.heard == []


@pytest.mark.parametrize(
    ("profile", "variable"),
    [
        (Profile("a", "openai", "a", ("complete",), local=True), ""),
        (PROFILE, "HTTPS_PROXY"),
    ],
    ids=["local", "proxy"],
)
def test_nothing_is_kept_open(
    profile: Profile, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    if variable:
        monkeypatch.setenv(variable, "http://127.0.0.1:3128")
    assert kept_connection(profile, "https://example.com/v1", LIMITS) is None
