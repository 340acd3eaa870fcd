"""initialize, shutdown, exit, and messages that are none: section 4's promises for every method."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient, LspError

pytestmark = pytest.mark.e2e


async def test_it_announces_exactly_what_it_serves(home: Home, editor: str) -> None:
    async with home.server(editor) as client:
        caps = client.capabilities
        assert caps["inlineCompletionProvider"] is not None
        assert "completionProvider" not in caps
        assert "hoverProvider" in caps
        assert caps["codeActionProvider"]["resolveProvider"] is True
        assert "refactor.rewrite.ensemble" in caps["codeActionProvider"]["codeActionKinds"]
        assert "ensemble.accept" in caps["executeCommandProvider"]["commands"]
        assert caps["textDocumentSync"]["change"] == 2
        assert caps["textDocumentSync"]["save"]


async def test_a_client_without_inline_completion_gets_completion(home: Home) -> None:
    async with home.server("plain") as client:
        assert "inlineCompletionProvider" not in client.capabilities
        assert client.capabilities["completionProvider"]["resolveProvider"] is True


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_the_position_encoding_is_negotiated(home: Home, encoding: str) -> None:
    caps = {**CAPABILITIES["neovim"], "general": {"positionEncodings": [encoding]}}
    async with home.server(initialize=False) as client:
        result = await client.initialize(home.workspace, capabilities=caps)
        assert result["positionEncoding"] == encoding


async def test_shutdown_and_exit_leave_with_code_0(home: Home) -> None:
    async with home.server() as client:
        assert await client.shutdown() == 0


async def test_exit_alone_leaves_with_code_1(home: Home) -> None:
    async with home.server() as client:
        client.notify("exit")
        assert await asyncio.wait_for(client.process.wait(), 10) == 1


async def test_a_client_that_closes_the_pipe_ends_the_server(home: Home) -> None:
    async with home.server() as client:
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert await asyncio.wait_for(client.process.wait(), 10) == 1


async def test_a_request_before_initialize_is_refused(home: Home) -> None:
    async with home.server(initialize=False) as client:
        with pytest.raises(LspError) as caught:
            await client.request("textDocument/hover", {})
        assert caught.value.code == -32002


async def test_a_second_initialize_and_requests_after_shutdown_are_refused(home: Home) -> None:
    async with home.server() as client:
        with pytest.raises(LspError) as caught:
            await client.request("initialize", {"capabilities": {}, "processId": None})
        assert caught.value.code == -32600
        await client.request("shutdown")
        with pytest.raises(LspError) as caught:
            await client.request("textDocument/hover", {})
        assert caught.value.code == -32600


@pytest.mark.parametrize(
    "method",
    [
        "textDocument/inlineCompletion",
        "textDocument/hover",
        "textDocument/codeAction",
        "codeAction/resolve",
        "workspace/executeCommand",
    ],
)
async def test_params_that_cannot_be_decoded_are_answered(home: Home, method: str) -> None:
    async with home.server() as client:
        with pytest.raises(LspError) as caught:
            await client.request(method, {"textDocument": 7, "range": "x"})
        assert caught.value.code == -32602
        assert caught.value.data is None


async def test_an_unknown_method_and_an_unknown_command_are_named(home: Home) -> None:
    async with home.server() as client:
        with pytest.raises(LspError) as caught:
            await client.request("textDocument/nonsense", {})
        assert caught.value.code == -32601
        with pytest.raises(LspError) as caught:
            await client.command("ensemble.nonsense")
        assert "ensemble.nonsense" in caught.value.message


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b"null", b"\xff\xfe", b'{"jsonrpc": "2.0"}'])
async def test_garbage_is_refused_and_the_server_goes_on(home: Home, body: bytes) -> None:
    async with home.server() as client:
        client.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert await client.command("ensemble.models") is not None
        assert None in client.answers


async def test_messages_may_come_byte_by_byte_and_all_at_once(home: Home) -> None:
    async with home.server() as client:
        _, future = client.start("workspace/executeCommand", {"command": "ensemble.models"})
        await future
        answered = client.expect("x", "shutdown")
        message = {"jsonrpc": "2.0", "id": "x", "method": "shutdown"}
        body = json.dumps(message).encode()
        data = b"Content-Length: %d\r\n\r\n" % len(body) + body
        for index in range(len(data)):
            client.send_raw(data[index : index + 1])
            await asyncio.sleep(0)
        assert await asyncio.wait_for(answered, 10) is None


async def test_unknown_notifications_are_ignored(home: Home) -> None:
    async with home.server() as client:
        client.notify("$/nonsense", {"a": 1})
        client.notify("ensemble/nonsense", None)
        client.notify("textDocument/didChange", {"wrong": True})
        assert await client.command("ensemble.models") is not None


async def test_a_client_that_never_answers_is_served(home: Home, uri: str) -> None:
    async with home.server("vscode", initialize=False) as client:
        client.mute = True
        await client.initialize(home.workspace)
        client.open(uri, "x = 1\n")
        assert isinstance(await client.command("ensemble.models", timeout=30), list)


async def test_the_server_leaves_when_its_editor_dies(home: Home) -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "60")
    async with home.server(initialize=False) as client:
        await client.initialize(home.workspace, processId=editor.pid)
        assert isinstance(await client.command("ensemble.models"), list)
        editor.kill()
        await editor.wait()
        assert await asyncio.wait_for(client.process.wait(), 10) == 1


async def test_the_providers_are_listed(home: Home) -> None:
    async with home.server() as client:
        listed = {p["name"]: p for p in await client.command("ensemble.providers")}
        assert {"openai", "anthropic", "llamacpp", "recall"} <= set(listed)
        assert listed["openai"]["keyEnv"] == "OPENAI_API_KEY" and listed["openai"]["fineTuning"]
        assert listed["recall"]["local"] and not listed["recall"]["needsKey"]


async def test_trace_can_be_set(home: Home) -> None:
    async with home.server() as client:
        client.notify("$/setTrace", {"value": "verbose"})
        assert isinstance(await client.command("ensemble.models"), list)


def test_a_client_is_told_apart_by_its_capabilities() -> None:
    assert set(CAPABILITIES) == {"neovim", "vscode", "plain"}
    assert LspClient is not None
