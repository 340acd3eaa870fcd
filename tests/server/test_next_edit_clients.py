"""Next edits for clients that send less, more or other parameters than the rest."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient

pytestmark = pytest.mark.e2e

REQUEST = "textDocument/copilotInlineEdit"
CODE = """\
def area(width, height):
    result = width * height  # 𝔸 étage
    print("𝔸é", result)
    return result
"""


async def ask(client: LspClient, uri: str, **more: Any) -> dict[str, Any]:
    """Ask for the next edit at the end of the renamed name."""
    at = client.at(uri, client.text(uri).index("total") + len("total"))
    at["textDocument"]["version"] = client.documents[uri][0]
    return await client.request(REQUEST, {**at, **more})


async def wait_for_edit(client: LspClient, uri: str, **more: Any) -> dict[str, Any]:
    """Ask until there is an edit: on a crowded machine the locator may run out of its few milliseconds."""
    for _ in range(100):
        if found := (await ask(client, uri, **more))["edits"]:
            return found[0]
        await asyncio.sleep(0.2)
    raise AssertionError("no edit is offered")


def rename(client: LspClient, uri: str) -> None:
    client.insert(uri, client.text(uri).index("result"), "total", delete=len("result"))


def apply(client: LspClient, uri: str, edit: dict[str, Any]) -> None:
    """Apply an edit as it is, without a command."""
    text = client.text(uri)
    start, end = (client.offset(text, edit["range"][key]) for key in ("start", "end"))
    client.insert(uri, start, edit["text"], end - start)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"context": None, "diagnostics": None},
        {"context": [], "diagnostics": {}},
        {"context": {"triggerKind": "x"}, "workDoneToken": "a", "unknown": {"deep": [1]}},
        {"diagnostics": [None, 1, {"message": "m"}, {"message": "m", "range": {}}]},
        {"position": {"line": 1.0, "character": 9.0}},
        {"position": {"line": 1, "character": 10_000}},
        {"position": {"line": 10_000, "character": 0}},
    ],
    ids=json.dumps,
)
async def test_the_edit_is_there_whatever_else_the_request_has(
    home: Home, uri: str, more: dict[str, Any]
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        rename(client, uri)
        edit = await wait_for_edit(client, uri, **more)
        assert edit["text"] == "total"


@pytest.mark.parametrize("version", [None, 2.0])
async def test_a_version_may_be_missing_or_a_float(home: Home, uri: str, version: Any) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        rename(client, uri)
        assert client.documents[uri][0] == 2
        asked = {"uri": uri, "version": version}
        edit = await wait_for_edit(client, uri, textDocument=asked)
        assert edit["textDocument"] == {"uri": uri, "version": 2}


@pytest.mark.parametrize("ahead", [-1, 1, 50])
async def test_another_version_has_no_edit_and_no_error(home: Home, uri: str, ahead: int) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        rename(client, uri)
        asked = {"uri": uri, "version": client.documents[uri][0] + ahead}
        assert await ask(client, uri, textDocument=asked) == {"edits": []}
        edit = await wait_for_edit(client, uri)
        assert edit["text"] == "total"


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_a_chain_is_right_in_each_encoding_and_with_each_line_end(
    home: Home, uri: str, encoding: str, newline: str
) -> None:
    capabilities = {**CAPABILITIES["neovim"], "general": {"positionEncodings": [encoding]}}
    async with home.server(capabilities=capabilities) as client:
        assert client.capabilities["positionEncoding"] == encoding
        code = CODE.replace("\n", newline)
        client.open(uri, code)
        rename(client, uri)
        for _ in range(2):
            edit = await wait_for_edit(client, uri)
            apply(client, uri, edit)
        assert client.text(uri) == code.replace("result", "total")
        assert await ask(client, uri) == {"edits": []}


async def test_an_empty_document_and_a_client_without_folders(home: Home) -> None:
    async with home.server(initialize=False) as client:
        await client.initialize(None, workspaceFolders=None, rootUri=None)
        client.open("untitled:new", "", language="python")
        asked = {
            "textDocument": {"uri": "untitled:new", "version": 1},
            "position": {"line": 3, "character": 7},
        }
        assert await client.request(REQUEST, asked) == {"edits": []}
        client.open("untitled:code", CODE)
        rename(client, "untitled:code")
        edit = await wait_for_edit(client, "untitled:code")
        assert edit["text"] == "total"


@pytest.mark.parametrize("argument", [None, "", 7, [], {}, {"id": 3}, {"id": "unknown"}])
async def test_an_accept_of_nothing_is_no_error_as_a_notification(
    home: Home, uri: str, argument: Any
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        rename(client, uri)
        edit = await wait_for_edit(client, uri)
        shown = {"item": {"command": {"arguments": [argument]}}}
        client.notify("textDocument/didShowInlineEdit", shown)
        command = {"command": edit["command"]["command"], "arguments": [argument]}
        client.notify("workspace/executeCommand", command)
        again = await wait_for_edit(client, uri)
        assert again["text"] == "total"
