"""Next edits through the real server, asked for as each stock client does it: the locator alone, without a model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.next_edit_client import (
    CODE,
    REQUEST,
    apply,
    edits,
    outcomes,
    params,
    rename,
    settled,
)
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspError

pytestmark = pytest.mark.e2e


# -- the locator alone: no key, no model -----------------------------------------------------------


async def test_sidekick_renames_every_place_without_a_model(home: Home, uri: str) -> None:
    async with home.server() as client:
        experimental = client.capabilities["experimental"]
        assert experimental["copilotInlineEditProvider"] is True
        assert "ensemble.accept" in client.capabilities["executeCommandProvider"]["commands"]
        client.open(uri, CODE, version=0)
        client.notify("textDocument/didFocus", {"textDocument": {"uri": uri}})
        client.notify("textDocument/didFocus", {})
        cursor, edit = rename(client, uri), {}
        for _ in range(2):
            (edit,) = await edits(client, uri, cursor, context={"triggerKind": 2})
            apply(client, uri, edit)
            await client.request(
                "workspace/executeCommand",
                {"command": edit["command"]["command"], "arguments": edit["command"]["arguments"]},
            )
        assert client.text(uri) == CODE.replace("result", "total")
        assert await edits(client, uri, cursor) == []
        await settled(home, [("locator", "accepted", "command")] * 2)
        why = await client.command("ensemble.why", edit["command"]["arguments"][0])
        assert "rename" in why["why"]


async def test_copilot_lsp_never_sends_the_command(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        cursor = rename(client, uri)
        (edit,) = await edits(client, uri, cursor)
        client.notify("textDocument/didShowInlineEdit", {"item": {"command": edit["command"]}})
        apply(client, uri, edit)
        (edit,) = await edits(client, uri, cursor)
        apply(client, uri, edit)
        assert await edits(client, uri, cursor) == []
        await settled(home, [("locator", "accepted", "document")] * 2)


async def test_copilot_el_sends_the_command_as_a_notification(home: Home, uri: str) -> None:
    async with home.server() as client:
        assert (await client.request("checkStatus", {}))["status"] == "OK"
        assert (await client.request("signInInitiate", {}))["status"] == "AlreadySignedIn"
        assert (await client.request("signInConfirm", {"userCode": "A-1"}))["status"] == (
            "AlreadySignedIn"
        )
        assert await client.request("setEditorInfo", {"editorInfo": {}}) == "OK"
        client.notify("workspace/didChangeConfiguration", {"settings": {"github": {}}})
        client.notify("textDocument/didFocus", {"textDocument": {"uri": uri}})
        client.open(uri, CODE, version=0)
        cursor = rename(client, uri)
        (edit,) = await edits(client, uri, cursor)
        client.notify("textDocument/didShowInlineEdit", {"item": {"command": edit["command"]}})
        client.notify("workspace/executeCommand", edit["command"])
        await settled(home, [("locator", "accepted", "command")])


async def test_what_is_refused_is_not_offered_again(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        cursor = rename(client, uri)
        (edit,) = await edits(client, uri, cursor)
        await client.command("ensemble.reject", edit["command"]["arguments"][0])
        again = await edits(client, uri, cursor)
        assert [e["range"] for e in again] != [edit["range"]]
        await client.until(lambda: outcomes(home)[:1] == [("locator", "rejected", "command")])


async def test_the_same_edit_is_one_suggestion(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        cursor = rename(client, uri)
        (one,) = await edits(client, uri, cursor)
        (other,) = await edits(client, uri, cursor)
        assert one["command"]["arguments"] == other["command"]["arguments"]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {"textDocument": {"uri": "file:///nowhere.py", "version": 1}, "position": {}},
        {"textDocument": {"uri": "untitled:x"}, "position": {"line": -1, "character": "a"}},
    ],
)
async def test_an_invalid_request_has_no_edit_and_no_error(home: Home, wrong: Any) -> None:
    async with home.server() as client:
        assert await client.request(REQUEST, wrong) == {"edits": []}


async def test_a_request_for_another_version_has_no_edit(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        asked = params(client, uri, rename(client, uri))
        asked["textDocument"]["version"] -= 1
        assert await client.request(REQUEST, asked) == {"edits": []}


async def test_nothing_is_predicted_where_it_is_switched_off(home: Home, uri: str) -> None:
    home.tables["nextEdit"] = {"enabled": False}
    async with home.server() as client:
        client.open(uri, CODE)
        assert await edits(client, uri, rename(client, uri)) == []


# -- in every editor -------------------------------------------------------------------------------


async def test_the_next_edit_is_a_code_action(home: Home, uri: str) -> None:
    capabilities = json.loads(json.dumps(CAPABILITIES["neovim"]))
    capabilities["textDocument"]["codeAction"]["tagSupport"] = {"valueSet": [1]}
    async with home.server(capabilities=capabilities) as client:
        client.open(uri, CODE)
        cursor = client.position(CODE, rename(client, uri))
        asked = {
            "textDocument": {"uri": uri},
            "range": {"start": cursor, "end": cursor},
            "context": {"diagnostics": []},
        }
        actions = await client.request("textDocument/codeAction", asked)
        (action,) = [a for a in actions if a["kind"] == "refactor.rewrite.ensemble.next"]
        assert action["title"] == "Apply the next edit (line 3)"
        assert "tags" not in action, "no model wrote it"
        assert all(a["tags"] == [1] for a in actions if a is not action)
        resolved = await client.request("codeAction/resolve", action)
        client.apply(resolved["edit"])
        assert "print(total)" in client.text(uri)
        await client.request("workspace/executeCommand", resolved["command"])
        await settled(home, [("locator", "accepted", "command")])


async def test_the_command_applies_the_next_edit(home: Home, uri: str) -> None:
    async with home.server("plain") as client:
        client.open(uri, CODE)
        place = client.position(client.text(uri), rename(client, uri))
        result = await client.command("ensemble.nextEdit", {"uri": uri, "position": place})
        assert result["applied"] is True
        assert "print(total)" in client.text(uri)


async def test_the_command_says_that_there_is_no_edit(home: Home, uri: str) -> None:
    async with home.server("plain") as client:
        client.open(uri, CODE)
        place = {"uri": uri, "position": {"line": 0, "character": 0}}
        with pytest.raises(LspError, match="No next edit"):
            await client.command("ensemble.nextEdit", place)


async def test_an_edit_that_only_adds_is_an_inline_completion(home: Home, uri: str) -> None:
    code = "send(a)\nsend(b)\nsend(c)\n"
    async with home.server() as client:
        client.open(uri, code)
        for line in ("send(a", "send(b"):
            client.insert(uri, client.text(uri).index(line) + len(line), ", retries=3")
        at = client.text(uri).index("send(c") + len("send(c")
        (item,) = await client.inline(uri, at, kind=2)
        client.accept(uri, item)
        assert client.text(uri).endswith("send(c, retries=3)\n")
        await client.command("ensemble.accept", item["command"]["arguments"][0])
        await settled(home, [("locator", "accepted", "command")])
