"""Where the server listens, before anybody has connected."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import threading
import time
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from ensemble_lsp import bootstrap
from ensemble_lsp.cli import main
from ensemble_lsp.lsp import sockets
from ensemble_lsp.lsp.sockets import accept_tcp

TOKEN = "a-token-for-this-test"


@pytest.mark.parametrize(
    "place",
    [
        "0.0.0.0:7777",
        "192.0.2.1:7777",
        "example.com:7777",
        "[::]:7777",
        "127.0.0.1",
        "x",
        ":-1",
        "127.0.0.1:65536",
        "127.0.0.1:٣",
        "127.0.0.1.example.com:1",
    ],
)
def test_other_places_than_loopback_are_refused_in_one_sentence(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for way in ("--tcp", "--ws"):
        assert main.run(["serve", way, place]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "127.0.0.1:7777" in err


def test_without_its_package_websocket_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> ModuleType:
        if name.startswith("websockets"):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    assert main.run(["serve", "--ws", "127.0.0.1:0"]) == 2
    assert 'pip install "ensemble-lsp[ws]"' in capsys.readouterr().err


def test_the_token_does_not_reach_the_server_behind_it() -> None:
    body = {"id": 1, "method": "initialize"}
    body["params"] = {"initializationOptions": {"token": TOKEN, "explain": {"hover": False}}}
    seen = _first_message(_framed(body))
    assert TOKEN.encode() not in seen
    assert json.loads(seen)["params"]["initializationOptions"] == {"explain": {"hover": False}}


def test_a_client_that_sends_too_slowly_is_cut_and_another_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "AUTHENTICATION_TIMEOUT", 0.2)
    slow: list[bytes] = []

    def wait(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"Content-Length: 100\r\n")
            client.settimeout(10)
            slow.append(client.recv(1000))

    seen = _first_message(b"Authorization: Bearer %b\r\n" % TOKEN.encode() + _framed({}), wait)
    assert seen == b"{}"
    # Cut without an answer: nothing had been asked.
    assert slow == [b""]


@pytest.mark.parametrize("noise", [b"", b"\r\n", b"\0" * 100_000, b"Content-Length: x\r\n\r\n"])
def test_noise_keeps_nobody_out(noise: bytes) -> None:
    def wait(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            try:
                client.sendall(noise)
                client.shutdown(socket.SHUT_WR)
            except OSError:  # closed before all of it was sent
                return

    header = b"Authorization: Bearer %b\r\n" % TOKEN.encode()
    assert _first_message(header + _framed({}), wait) == b"{}"


def _framed(message: object) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def _first_message(data: bytes, before: object = None) -> bytes:
    """What the server is given of a client's first bytes; ``before(port)`` runs before it connects."""
    clients: list[socket.socket] = []

    def connect(port: int) -> None:
        if callable(before):
            before(port)
        client = socket.create_connection(("127.0.0.1", port))
        clients.append(client)
        client.sendall(data)

    threads: list[threading.Thread] = []

    def announce(_: str, port: int) -> None:
        threads.append(threading.Thread(target=connect, args=(port,)))
        threads[0].start()

    connection = accept_tcp("127.0.0.1", 0, TOKEN, announce)
    try:
        first = next(iter(connection.messages()))
        assert isinstance(first, bytes)
        return first
    finally:
        threads[0].join(10)
        connection.close()
        for client in clients:
            client.close()


@pytest.mark.timeout(30)
def test_the_end_does_not_wait_for_a_thread_that_reads_a_stalled_disk() -> None:
    started, released = threading.Event(), threading.Event()

    def stall() -> None:
        started.set()
        released.wait(25)

    class Server:
        protocol = MagicMock()

        def request_exit(self, code: int) -> None:
            self.code = code

        async def run_until_exit(self) -> int:
            self.stalled = asyncio.ensure_future(asyncio.to_thread(stall))
            while not started.is_set():
                await asyncio.sleep(0.01)
            return 7

    begin = time.monotonic()
    try:
        assert bootstrap.serve(Server(), MagicMock) == 7
        assert time.monotonic() - begin < 15
    finally:
        released.set()
