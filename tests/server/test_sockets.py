"""The server over TCP and WebSocket serves only the client with the token."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets.sync.client as websocket
from websockets.exceptions import InvalidStatus

from tests.support.cli import PROGRAM, User
from tests.support.client_capabilities import CAPABILITIES
from tests.support.command_line_user import user

__all__ = ["user"]  # a fixture
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


@asynccontextmanager
async def listening(user: User, *arguments: str) -> AsyncIterator[tuple[Any, int, str]]:
    """A server that waits for a client: the process, its port, its token."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "serve", *arguments, stderr=asyncio.subprocess.PIPE, env=user.environment
    )
    try:
        assert process.stderr
        line = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
        found = re.fullmatch(r"listening on (?:\[::1\]|127\.0\.0\.1):(\d+), token: (.+)\n", line)
        assert found, line
        yield process, int(found[1]), found[2]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def initialize(token: str | None = None) -> dict[str, Any]:
    options = {"token": token} if token else None
    params = {"processId": None, "rootUri": None, "initializationOptions": options}
    params["capabilities"] = CAPABILITIES["neovim"]
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


class Tcp:
    """A client over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Tcp:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, message: dict[str, Any], header: str = "") -> None:
        body = json.dumps(message).encode()
        self._writer.write(f"{header}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def receive(self) -> dict[str, Any] | None:
        """The next answer; None where the server closed the connection."""
        while header := await asyncio.wait_for(self._reader.readline(), 20):
            await self._reader.readline()
            body = await self._reader.readexactly(int(header.partition(b":")[2]))
            message = json.loads(body)
            if "id" in message and "method" not in message:
                return message
        return None

    async def leave(self) -> None:
        self.send({"jsonrpc": "2.0", "id": 2, "method": "shutdown"})
        assert await self.receive() == {"jsonrpc": "2.0", "id": 2, "result": None}
        self.send({"jsonrpc": "2.0", "method": "exit"})

    async def close(self) -> None:
        self._writer.close()


@pytest.mark.parametrize("how", ["header", "options"])
async def test_over_tcp_the_client_with_the_token_is_served(user: User, how: str) -> None:
    async with listening(user, "--tcp", "127.0.0.1:0") as (process, port, token):
        assert len(token) > 30
        client = await Tcp.to(port)
        if how == "header":
            client.send(initialize(), f"Authorization: Bearer {token}\r\n")
        else:
            client.send(initialize(token))
        answer = await client.receive()
        assert answer and answer["result"]["serverInfo"]["name"] == "ensemble-lsp"
        await client.leave()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert token not in (await process.stderr.read()).decode()
        await client.close()


async def test_over_tcp_nobody_else_is_served_or_in_the_way(user: User) -> None:
    async with listening(user, "--tcp", "127.0.0.1:0") as (process, port, token):
        idle = [await Tcp.to(port) for _ in range(3)]
        for message, header in (
            (initialize(), ""),
            (initialize("guessed"), ""),
            (initialize(), "Authorization: Bearer guessed\r\n"),
            ({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}, ""),
        ):
            stranger = await Tcp.to(port)
            stranger.send(message, header)
            answer = await stranger.receive()
            assert answer and answer["error"]["code"] == -32600
            assert "token" in answer["error"]["message"]
            assert await stranger.receive() is None
            await stranger.close()
        browser = await Tcp.to(port)
        browser._writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{}")
        assert await browser.receive() is None
        await browser.close()
        client = await Tcp.to(port)
        client.send(initialize(token))
        assert await client.receive()
        with pytest.raises(OSError):
            await Tcp.to(port)
        await client.leave()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        for one in [*idle, client]:
            await one.close()


async def test_a_token_may_be_given(user: User) -> None:
    user.env["ENSEMBLE_LSP_TOKEN"] = "a-token-of-my-own-choice"
    async with listening(user, "--tcp", "[::1]:0") as (_, port, told):
        assert told == "the value of ENSEMBLE_LSP_TOKEN"
        client = Tcp(*await asyncio.open_connection("::1", port))
        client.send(initialize("a-token-of-my-own-choice"))
        assert await client.receive()
        await client.close()
    user.env["ENSEMBLE_LSP_TOKEN"] = "short"
    result = await asyncio.to_thread(user.spawn, "serve", "--tcp", "127.0.0.1:0")
    result.fails(2, "ENSEMBLE_LSP_TOKEN", "at least 16")


@pytest.mark.parametrize("how", ["header", "query"])
async def test_over_websocket_the_client_with_the_token_is_served(user: User, how: str) -> None:
    async with listening(user, "--ws", "127.0.0.1:0") as (process, port, token):
        address = f"ws://127.0.0.1:{port}/"

        def talk() -> Any:
            for wrong in ("", "?token=guessed"):
                with pytest.raises(InvalidStatus) as refused:
                    websocket.connect(address + wrong).close()
                assert refused.value.response.status_code == 401
            headers = {"Authorization": f"Bearer {token}"} if how == "header" else {}
            query = f"?token={token}" if how == "query" else ""
            with websocket.connect(address + query, additional_headers=headers) as client:
                client.send(json.dumps(initialize()))
                answer = json.loads(client.recv(20))
                # A message beyond what the package takes by default.
                opened = {"uri": "file:///a.py", "languageId": "python", "version": 1}
                opened["text"] = "x = 1\n" * 400_000
                note = {"method": "textDocument/didOpen", "params": {"textDocument": opened}}
                client.send(json.dumps({"jsonrpc": "2.0", **note}))
                client.send(json.dumps({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}))
                while (ended := json.loads(client.recv(20))).get("id") != 2:
                    pass
                client.send(json.dumps({"jsonrpc": "2.0", "method": "exit"}))
            return answer, ended

        answer, ended = await asyncio.to_thread(talk)
        assert answer["result"]["serverInfo"]["name"] == "ensemble-lsp"
        assert ended["result"] is None
        assert await asyncio.wait_for(process.wait(), 20) == 0


def test_a_port_that_is_taken_is_named(user: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        for way in ("--tcp", "--ws"):
            user.spawn("serve", way, place).fails(2, place, "choose another port")


async def test_waiting_for_a_client_ends_with_an_interrupt(user: User) -> None:
    async with listening(user, "--tcp", "127.0.0.1:0") as (process, _, _):
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 130
        assert (await process.stderr.read()) == b""
