"""Clients that break the protocol: each request is still answered, the server continues, the process leaves."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import psutil
import pytest

from tests.faults.answering_server import PLACE, alive, shown
from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import Fault, LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

REQUESTS = (
    "textDocument/inlineCompletion",
    "textDocument/hover",
    "textDocument/codeAction",
    "codeAction/resolve",
    "workspace/executeCommand",
)
NOTIFICATIONS = (
    "initialized",
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWorkspaceFolders",
    "$/cancelRequest",
    "$/setTrace",
    "window/workDoneProgress/cancel",
    "ensemble/didShow",
    "ensemble/didPartiallyAccept",
    "ensemble/didEnd",
)
WRONG: tuple[Any, ...] = (
    None, [], {}, 7, "x", True, {"textDocument": None}, {"textDocument": {"uri": 5}, "position": 3},
    {"textDocument": {"uri": "file:///a"}, "contentChanges": [{"range": []}]}, {"id": {}},
    {"command": 5}, {"command": "ensemble.accept", "arguments": 3},
    {"command": "ensemble.generate", "arguments": [None]}, {"length": -1, "id": []},
    {"a": [[[[[]]]]]},
)  # fmt: skip


def frame(message: Any) -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


async def test_messages_may_be_split_at_every_byte(home: Home) -> None:
    async with home.server() as client:
        await alive(client)
        command = {"command": "ensemble.nonsense", "arguments": []}
        message = {"jsonrpc": "2.0", "method": "workspace/executeCommand", "params": command}
        assert client.process.stdin is not None
        for cut in range(1, len(frame({**message, "id": "cut000"}))):
            id_ = f"cut{cut:03}"
            answered = client.expect(id_, "workspace/executeCommand")
            data = frame({**message, "id": id_})
            client.send_raw(data[:cut])
            await client.process.stdin.drain()
            await asyncio.sleep(0.001)  # so that the pipe hands over the parts one by one
            client.send_raw(data[cut:])
            with pytest.raises(LspError):
                await asyncio.wait_for(answered, 10)


async def test_a_thousand_messages_at_once_are_each_answered(home: Home, uri: str) -> None:
    async with home.server() as client:
        await alive(client)
        client.open(uri, "")
        parts, answers = [], []
        for number in range(1000):
            edit = {"range": {"start": PLACE, "end": PLACE}, "text": f"{number}\n"}
            identifier = {"uri": uri, "version": number + 2}
            change = {"textDocument": identifier, "contentChanges": [edit]}
            parts.append({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": change})
            method = REQUESTS[number % 3]
            at = {"textDocument": {"uri": uri}, "position": PLACE}
            at |= {"range": edit["range"], "context": {"triggerKind": 2, "diagnostics": []}}
            parts.append({"jsonrpc": "2.0", "id": f"n{number}", "method": method, "params": at})
            answers.append(client.expect(f"n{number}", method))
        client.send_raw(b"".join(map(frame, parts)))
        done = await asyncio.wait_for(asyncio.gather(*answers), 50)
        assert len(done) == 1000
        assert await shown(client, uri) == "1000:0"


async def test_a_batch_as_json_rpc_knows_it_is_refused_and_costs_nothing_else(home: Home) -> None:
    async with home.server() as client:
        one = {"jsonrpc": "2.0", "id": 1, "method": "shutdown"}
        client.send_raw(frame([one] * 1000))
        await alive(client)
        assert client.answers.count(None) == 1


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 5\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: -3\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Content-Length:\r\n\r\n",
        b"Content-Type: x\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: 400\r\n\r\n",
    ],
)
async def test_a_wrong_header_costs_a_message_or_two_not_the_connection(
    home: Home, header: bytes
) -> None:
    async with home.server() as client:
        await alive(client)
        body = json.dumps({"jsonrpc": "2.0", "method": "$/x", "params": {"text": "x" * 20}})
        client.send_raw(header + body.encode())
        for _ in range(4):  # a length that is too long takes in the messages that follow
            client.notify("$/filling", {"text": "y" * 300})
        await alive(client)


@pytest.mark.parametrize("kind", ["requests", "notifications"])
async def test_params_of_any_shape_are_answered_or_ignored(home: Home, kind: str) -> None:
    async with home.server() as client:
        await alive(client)
        uri = client.open("file:///w/a.py", CODE)
        if kind == "notifications":
            for method in NOTIFICATIONS:
                for params in WRONG:
                    client.notify(method, params)
        else:
            for method in REQUESTS:
                for params in WRONG:
                    try:
                        await client.request(method, params)
                    except LspError as error:
                        assert error.code in {-32602, -32803}, (method, params, error)
                        assert error.data is None
        assert await shown(client, uri) == "1:11"
        assert "Traceback" not in home.log(), home.log()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "shutdown"}',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "x"}',
        b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "x"}',
        b'{"jsonrpc": "2.0", "id": 1e999, "method": "x"}',
        b'{"jsonrpc": "2.0", "id": true, "method": 5}',
        b'{"jsonrpc": "2.0", "id": "never asked", "result": {"a": 1}}',
        b'{"jsonrpc": "2.0", "id": 77, "error": "no object"}',
        b'{"jsonrpc": "2.0", "id": 78, "error": {"code": "x"}, "result": 1}',
        '{"jsonrpc": "2.0", "method": "$/x"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"jsonrpc": "2.0", "method": "$/x"}',
        b"\xc3\x28",
    ],
)
async def test_bodies_that_are_no_message_are_survived(home: Home, body: bytes) -> None:
    async with home.server() as client:
        client.send_raw(frame(body))
        await alive(client)
        assert "Traceback" not in home.log(), home.log()
        client.invalid.clear()  # an answer to an id that no request of ours had


async def test_everything_is_refused_before_initialize_and_after_shutdown(home: Home) -> None:
    async with home.server(initialize=False) as client:
        client.open("file:///w/early.py", CODE)  # a notification out of turn: dropped
        for method in (*REQUESTS, "shutdown", "x/unknown"):
            with pytest.raises(LspError) as caught:
                await client.request(method, {})
            assert caught.value.code == -32002
        await client.initialize(home.workspace)
        await alive(client)
        assert await client.request("textDocument/hover", client.at("file:///w/early.py")) is None
        await client.request("shutdown")
        for method in (*REQUESTS, "initialize", "shutdown", "x/unknown"):
            with pytest.raises(LspError) as caught:
                await client.request(method, {})
            assert caught.value.code == -32600
        client.notify("exit")
        assert await asyncio.wait_for(client.process.wait(), 10) == 0


async def test_exit_before_initialize_leaves(home: Home) -> None:
    async with home.server(initialize=False) as client:
        client.notify("exit")
        assert await asyncio.wait_for(client.process.wait(), 5) == 1


async def test_a_client_that_answers_nothing_gets_its_own_answers(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "def area(radius):\n    return 3.14 * radius * radius\n"
    home.model("gpt", provider.base_url)
    async with home.server("vscode", initialize=False) as client:
        client.mute = True
        await client.initialize(home.workspace)
        client.open(uri, "# Return the area of a circle\n")
        range_ = client.range(client.text(uri), 0, 0)
        arguments = {"uri": uri, "range": range_}
        try:
            # The edit is not known to be applied: an answer or one sentence, not silence.
            await client.command("ensemble.generate", arguments, timeout=40)
        except LspError as error:
            assert "\n" not in error.message and error.code == -32803
        assert "workspace/applyEdit" in [method for method, _ in client.requests]
        await alive(client)


async def leaves(client: LspClient, seconds: float = 5.0) -> int:
    start = time.monotonic()
    # asyncio's own waiting ends only when the pipes are read to their end as well.
    process = psutil.Process(client.process.pid)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.02)
        took = time.monotonic() - start
        assert took < seconds, f"the server has not left after {took:.1f} s"
    assert client.process.stdout is not None
    client.process.stdout._transport.resume_reading()
    return await asyncio.wait_for(client.process.wait(), 10)


@pytest.mark.parametrize("state", ["idle", "starting", "asking", "not reading"])
async def test_a_client_that_dies_without_exit_takes_the_server_with_it(
    home: Home, provider: LoopbackProvider, uri: str, state: str
) -> None:
    provider.fault = Fault.never_answer()
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 60000}
    async with home.server(initialize=False) as client:
        if state != "starting":
            await client.initialize(home.workspace)
            client.open(uri, CODE)
            await alive(client)
        if state == "asking":
            client.start_inline(uri)
            await provider.until(lambda p: p.requests)
        if state == "not reading":
            assert client.process.stdout is not None
            # The pipe and the reader's buffer fill up: the server's writer waits.
            client.process.stdout._transport.pause_reading()
            for number in range(3000):
                client.send({"jsonrpc": "2.0", "id": f"w{number}", "method": "x" * 200})
            assert client.process.stdin is not None
            await asyncio.wait_for(client.process.stdin.drain(), 20)
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert await leaves(client) == 1
        client.invalid.clear()


async def test_an_editor_that_is_killed_takes_the_server_with_it(home: Home) -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "60")
    async with home.server(initialize=False) as client:
        await client.initialize(home.workspace, processId=editor.pid)
        await alive(client)
        editor.kill()
        await editor.wait()
        assert await leaves(client) == 1


async def test_random_bytes_between_messages_do_no_harm(home: Home) -> None:
    rng = random.Random(5)
    async with home.server() as client:
        for _ in range(200):
            client.send_raw(rng.randbytes(rng.randrange(1, 200)) + b"\r\n\r\n")
            client.notify("$/x", {})
        await alive(client)
        assert "Traceback" not in home.log(), home.log()


async def test_capabilities_of_any_shape_are_taken_or_refused_in_one_answer(home: Home) -> None:
    base = {"processId": None, "rootUri": None}
    for wrong in ({}, {"textDocument": None}, {"general": {"positionEncodings": ["latin-1"]}}):
        async with home.server(initialize=False) as client:
            result = await client.request("initialize", {**base, "capabilities": wrong})
            assert result["capabilities"]["positionEncoding"] == "utf-16"
    async with home.server(initialize=False) as client:
        with pytest.raises(LspError) as caught:
            await client.request("initialize", {**base, "capabilities": 5})
        assert caught.value.code == -32602
        # Refused is not initialized: a client may mend its request.
        again = {**base, "capabilities": CAPABILITIES["neovim"]}
        assert "capabilities" in await client.request("initialize", again)
