"""The installed program as a person runs it: pipes, terminals, signals, sockets, and its log."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client as websocket
from websockets.exceptions import InvalidStatus

from tests.support.cli import PROGRAM, User
from tests.support.lsp_client import CAPABILITIES, LspClient
from tests.support.providers import Fault, LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = "def add(a, b):\n    \n"
COMMANDS = ["serve", "complete", "explain", "generate", "models", "history", "demo", "doctor"]
KEYS = {"ONE_KEY": "sk-distinctive-one-0123456789", "TWO_KEY": "sk-ant-distinctive-two-98765"}


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.file("app.py", CODE)
    return one


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with running(LoopbackProvider("return a + b")) as one:
        yield one


# -- the program -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(user: User, command: str) -> None:
    result = user.spawn(command, "--help")
    assert (result.code, result.err) == (0, "")
    for option in ("--config", "--data-dir", "--log-file"):
        assert option in result.out
    if command != "serve":
        assert "--json" in result.out


def test_the_program_explains_itself(user: User) -> None:
    result = user.spawn("--help")
    assert result.code == 0
    assert all(command in result.out for command in COMMANDS)
    assert re.fullmatch(r"ensemble-lsp \d+\.\d+\.\d+\S*\n", user.spawn("--version").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("bogus", "invalid choice: 'bogus'"),
        ("--bogus", "unrecognized arguments: --bogus"),
        ("models --bogus", "unrecognized arguments: --bogus"),
        ("serve --stdio --tcp 127.0.0.1:0", "not allowed with"),
        ("serve --tcp 0.0.0.0:7777", "must be a loopback address such as 127.0.0.1:7777"),
        ("serve --ws example.com:7777", "must be a loopback address such as 127.0.0.1:7777"),
        ("serve --tcp 127.0.0.1:99999", "must be a loopback address such as 127.0.0.1:7777"),
        ("models --log-level loud", "invalid choice: 'loud'"),
        ("models --log-file /dev/null", "is not a regular file"),
    ],
)
def test_wrong_usage_is_one_line(user: User, arguments: str, words: str) -> None:
    user.spawn(*arguments.split()).fails(2, words)


def test_without_arguments_it_is_the_server_and_no_client_is_a_failure(user: User) -> None:
    result = user.spawn()
    assert (result.code, result.out) == (1, "")


def test_a_reader_that_has_enough_gets_no_complaint(user: User) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "models", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=user.environment,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) in (0, 1)


def test_an_interrupt_ends_it_without_a_traceback(user: User) -> None:
    with running(LoopbackProvider(fault=Fault.never_answer())) as provider:
        user.model("slow", provider.base_url)
        process = subprocess.Popen(
            [*PROGRAM, "explain", str(user.work / "app.py")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=user.environment,
        )
        try:
            provider.wait_for(lambda p: p.requests, timeout=30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        provider.wait_for(lambda p: p.requests[0].closed)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_what_it_writes_is_for_its_user_alone(user: User, provider: LoopbackProvider) -> None:
    user.model("gpt", provider.base_url)
    user.config.chmod(0o600)
    log, out = user.home / "logs" / "a.log", user.home / "out.jsonl"
    before = os.umask(0o000)
    try:
        ran = user.spawn("complete", "app.py:2:5", "--log-level", "debug", "--log-file", str(log))
        exported = user.spawn("history", "export", "--out", str(out))
    finally:
        os.umask(before)
    assert (ran.code, exported.code) == (0, 0)
    assert log.stat().st_size and out.stat().st_size
    made = [log, out, *user.data.rglob("*")]
    loose = [str(p) for p in made if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert not loose


# -- on a terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["complete app.py:2:5", "explain app.py", "generate add"])
def test_an_answer_is_shown_on_a_terminal_while_it_comes(user: User, command: str) -> None:
    text = "value = 1\x1b]0;pwned\x07\x1b[31m\nother = 2"
    moments: list[tuple[str, bool]] = []
    # Slow enough to be drawn in between.
    with running(LoopbackProvider(text, delay_chunk=0.15)) as provider:
        user.model("gpt", provider.base_url)

        def look(shown: str) -> None:
            finished = bool(provider.requests) and provider.requests[0].finished_at is not None
            moments.append((shown, finished))

        result = user.on_terminal(*command.split(), seen=look)
    assert result.code == 0
    assert any("value" in shown and not finished for shown, finished in moments)
    assert "\x1b]" not in result.out and "\x07" not in result.out and "\x1b[31m" not in result.out
    # What stays is the answer and who wrote it.
    lines = result.out.rsplit("\x1b[2K", 1)[-1].replace("\r", "").splitlines()
    assert lines[-1] == "(gpt)"
    assert "value = 1" in lines[-3] + lines[-2]


def test_models_and_history_are_tables_on_a_terminal(
    user: User, provider: LoopbackProvider
) -> None:
    user.model("[red]gpt[/red]", provider.base_url)
    assert user.spawn("complete", "app.py:2:5").code == 0
    for command in ("models", "history"):
        shown = user.on_terminal(command).out
        assert "┃" in shown or "│" in shown
        assert "[red]gpt" in shown


@pytest.mark.parametrize(("answer", "left"), [("n\r", True), ("\r", True), ("y\r", False)])
def test_clear_asks_on_a_terminal(
    user: User, provider: LoopbackProvider, answer: str, left: bool
) -> None:
    user.model("gpt", provider.base_url)
    assert user.spawn("complete", "app.py:2:5").code == 0
    result = user.on_terminal("history", "clear", type_when=("[y/N]", answer))
    assert result.code == 0
    assert ("Nothing was deleted." in result.out) == left
    assert bool(user.spawn("history", "export").out) == left


# -- the log, and keys -------------------------------------------------------------------------


async def test_no_key_is_anywhere_after_a_noisy_session(user: User) -> None:
    """Every way to fail, at the most verbose level: the provider echoes the keys in its errors."""
    for name, key in KEYS.items():
        user.env[name] = key
    log = user.home / "debug.log"
    options = ("--log-level", "debug", "--log-file", str(log))
    said: list[str] = []
    async with (
        LoopbackProvider("return a + b", keys=["neither"]) as refusing,
        LoopbackProvider("return a + b", keys=list(KEYS.values())) as good,
    ):
        user.model("one", refusing.base_url, apiKeyEnv="ONE_KEY")
        user.model("two", refusing.origin, provider="anthropic", apiKeyEnv="TWO_KEY")
        user.model("three", good.base_url, apiKeyEnv="ONE_KEY")
        user.model("pasted", good.base_url, apiKeyEnv=KEYS["ONE_KEY"])
        user.table("history", keepText=True)
        for command in (
            "complete app.py:2:5 --model one",
            "complete app.py:2:5 --json",
            "explain app.py --ensemble 3",
            "generate add --json",
            "generate add --model two",
            "models test --json",
            "models",
            "doctor",
            "doctor --json",
            "doctor --show-prompt app.py:2:5",
            "history export",
        ):
            result = await asyncio.to_thread(user.spawn, *command.split(), *options)
            said += [result.out, result.err]
        echoed = [r for r in refusing.requests if any(k in str(r.headers) for k in KEYS.values())]
        assert len(echoed) > 3
        said.append(await _noisy_server(user, options))
    texts = "\n".join([*said, log.read_text(), *_everything_in(user.data)])
    assert "ONE_KEY" in texts
    assert "one: complete, AuthenticationError" in log.read_text()
    assert "DEBUG ensemble_lsp.cli.main: serve " in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    for key in KEYS.values():
        assert key not in texts


async def _noisy_server(user: User, options: tuple[str, ...]) -> str:
    """All that a server said to its client and on standard error."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=user.environment,
        limit=2**26,
    )
    client = LspClient(process, "neovim")
    said: list[str] = []
    try:
        bad = {"models": [{"name": "x", "provider": "openai", "apiKey": KEYS["ONE_KEY"]}]}
        await client.initialize(user.work, options=bad, trace="verbose")
        uri = client.open((user.work / "app.py").as_uri(), CODE)
        said.append(str(await client.inline(uri, len(CODE) - 1)))
        for name in ("ensemble.models", "ensemble.explain", "ensemble.generate"):
            place = client.range(CODE, 0, len(CODE) - 1)
            try:
                said.append(str(await client.command(name, {"uri": uri, "range": place})))
            except Exception as error:
                said.append(str(error))
        said.append(str(client.notifications))
        assert await client.shutdown() == 0
        assert process.stderr
        said.append((await process.stderr.read()).decode())
    finally:
        await client.close()
    return "\n".join(said)


def _everything_in(folder: Path) -> list[str]:
    """All files as they lie, and the database's rows."""
    found = [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
    with sqlite3.connect(folder / "history.sqlite3") as db:
        found.append("\n".join(db.iterdump()))
    db.close()
    return found


def test_the_log_goes_to_the_file_and_is_added_to(user: User, provider: LoopbackProvider) -> None:
    log = user.home / "a.log"
    log.write_text("before\n")
    user.model("gpt", provider.base_url)
    for _ in range(2):
        options = ("--log-file", str(log), "--log-level", "debug")
        assert user.spawn(*options, "complete", "app.py:2:5").err == "(gpt)\n"
    lines = log.read_text().splitlines()
    assert lines[0] == "before"
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in lines[1:2])


def test_a_log_that_cannot_be_written_is_wrong_usage(user: User) -> None:
    place = user.file("plain", "") / "a.log"
    user.spawn("models", "--log-file", str(place)).fails(2, "--log-file", "cannot be written")


# -- sockets -----------------------------------------------------------------------------------


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


# -- the demo ----------------------------------------------------------------------------------


def test_the_demo_plays_without_weights(user: User) -> None:
    result = user.spawn("demo", "--json")
    assert result.code == 0, result
    played = result.json
    assert played["ok"]
    steps = {step["step"]: step for step in played["steps"]}
    renamed = steps["You rename a parameter, and the next edits are offered"]
    assert renamed["ok"] and "2 applied" in renamed["told"]
    # recall may be silent: the tour says this, and does not fail for it.
    assert steps["What the server has learned about its models"]["told"]
