"""Next edits through the real server, asked for as each stock client does it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

import pytest

from ensemble_lsp.types import common_prefix_length
from tests.server.conftest import Home
from tests.support.lsp_client import CAPABILITIES, LspClient, LspError
from tests.support.providers import LoopbackProvider

pytestmark = pytest.mark.e2e

CODE = """\
def area(width, height):
    result = width * height
    print(result)
    return result


print(area(2, 3))
"""
REQUEST = "textDocument/copilotInlineEdit"


def params(client: LspClient, uri: str, offset: int, **more: Any) -> dict[str, Any]:
    """The parameters that every client sends."""
    at = client.at(uri, offset)
    at["textDocument"]["version"] = client.documents[uri][0]
    return {**at, **more}


async def edits(client: LspClient, uri: str, offset: int, **more: Any) -> list[dict[str, Any]]:
    """Ask for the next edit; the answer is always an object with a list."""
    answer = await client.request(REQUEST, params(client, uri, offset, **more))
    assert len(answer["edits"]) <= 1
    for edit in answer["edits"]:
        assert edit["textDocument"] == {"uri": uri, "version": client.documents[uri][0]}
    return answer["edits"]


def rename(client: LspClient, uri: str, old: str = "result", new: str = "total") -> int:
    """Rename the first occurrence of a name; the cursor's offset."""
    at = client.text(uri).index(old)
    client.insert(uri, at, new, delete=len(old))
    return at + len(new)


def changed(client: LspClient, uri: str, edit: dict[str, Any]) -> tuple[int, int, str]:
    """The smallest difference that an edit makes, as Neovim computes it for didChange."""
    text = client.text(uri)
    start = client.offset(text, edit["range"]["start"])
    end = client.offset(text, edit["range"]["end"])
    old, new = text[start:end], edit["text"]
    head = common_prefix_length(old, new)
    tail = common_prefix_length(old[head:][::-1], new[head:][::-1])
    return start + head, len(old) - head - tail, new[head : len(new) - tail]


def apply(client: LspClient, uri: str, edit: dict[str, Any]) -> None:
    """Apply an edit and send only the smallest difference."""
    at, delete, text = changed(client, uri, edit)
    client.insert(uri, at, text, delete)


def outcomes(home: Home) -> list[tuple[str, str, str]]:
    """Model, outcome and source of each edit in the history."""
    path = home.path / "data" / "history.sqlite3"
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT s.models, o.kind, o.source FROM suggestions s JOIN outcomes o ON o.n = s.n"
            " WHERE s.task = 'edit' ORDER BY s.n"
        ).fetchall()
    return [(json.loads(models)[0], kind, source) for models, kind, source in rows]


async def settled(home: Home, wanted: list[tuple[str, str, str]]) -> None:
    """Wait until the history has these outcomes."""
    for _ in range(100):
        if outcomes(home) == wanted:
            return
        await asyncio.sleep(0.1)
    assert outcomes(home) == wanted


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


# -- with models -----------------------------------------------------------------------------------

TYPED = "    total = 0\n"
START = """\
def add(items):
    for item in items:
        total += item.price
    return total
"""


def with_total(client: LspClient, uri: str) -> int:
    """Type a first line into the function; the cursor's offset."""
    at = client.text(uri).index("    for")
    client.insert(uri, at, TYPED)
    return at + len(TYPED) - 1


def rewritten(region: str) -> str:
    """A model's rewrite of a region."""
    return region.replace("total += item.price\n", "total += item.price * item.count\n")


def chat_reply(body: dict[str, Any]) -> str:
    """Rewrite the region of a prompt for a chat model."""
    user = body["messages"][-1]["content"]
    region = user.split("<region>\n")[1].split("\n</region>")[0].replace("<|cursor|>", "")
    return f"```python\n{rewritten(region)}\n```"


def no_change(body: dict[str, Any]) -> str:
    """Change nothing."""
    return "NO_CHANGE"


def zeta2_reply(body: dict[str, Any]) -> str:
    """Rewrite the region of a prompt for zeta-2."""
    region = body["prompt"].split("<<<<<<< CURRENT\n")[1].split("=======\n")[0]
    return rewritten(region.replace("<|user_cursor|>", "")) + ">>>>>>> UPDATED\n"


@pytest.mark.parametrize(
    ("model", "reply", "path"),
    [("gpt", chat_reply, "chat/completions"), ("zeta-2", zeta2_reply, "completions")],
)
async def test_a_model_of_each_form_predicts_an_edit(
    home: Home, uri: str, provider: LoopbackProvider, model: str, reply: Any, path: str
) -> None:
    home.model(model, provider.base_url)
    provider.reply = reply
    async with home.server() as client:
        client.open(uri, START)
        (edit,) = await edits(client, uri, with_total(client, uri))
        assert provider.requests[-1].path == f"/v1/{path}"
        assert "total = 0" in provider.requests[-1].text
        apply(client, uri, edit)
        assert "total += item.price * item.count" in client.text(uri)
        assert await edits(client, uri, 0) == []
        await settled(home, [(model, "accepted", "document")])


async def test_a_model_that_predicts_only_edits_does_nothing_else(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("zeta-2", provider.base_url)
    home.model("fills", provider.base_url, api="completions", fim="starcoder")
    async with home.server() as client:
        models = {m["name"]: m["tasks"] for m in await client.command("ensemble.models")}
        assert models == {"zeta-2": ["edit"], "fills": ["complete", "explain", "generate"]}


async def test_no_change_is_no_edit_and_is_not_asked_again(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    provider.reply = "NO_CHANGE"
    async with home.server() as client:
        client.open(uri, START)
        cursor = with_total(client, uri)
        assert await edits(client, uri, cursor) == []
        assert await edits(client, uri, cursor) == []
        assert len(provider.requests) == 1


async def test_a_failing_model_is_no_error(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", "http://127.0.0.1:9/v1")
    home.model("other", provider.base_url)
    provider.reply = chat_reply
    async with home.server() as client:
        client.open(uri, START)
        assert len(await edits(client, uri, with_total(client, uri))) == 1


async def test_nothing_is_asked_before_the_first_edit(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, START)
        assert await edits(client, uri, 5) == []
        assert not provider.requests


async def test_cancelled_and_superseded_requests_have_no_edit_and_no_error(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    home.tables["nextEdit"] = {"debounceMs": 0, "budgetMs": 30000}
    provider.reply, provider.delay_first = chat_reply, 30.0
    async with home.server() as client:
        client.open(uri, START)
        cursor = with_total(client, uri)
        _, first = client.start(REQUEST, params(client, uri, cursor))
        await provider.until(lambda p: len(p.requests) == 1)
        id_, second = client.start(REQUEST, params(client, uri, cursor))
        assert await asyncio.wait_for(first, 10) == {"edits": []}
        await provider.until(lambda p: p.requests[0].closed and len(p.requests) == 2)
        client.cancel(id_)
        assert await asyncio.wait_for(second, 10) == {"edits": []}
        await provider.until(lambda p: p.requests[1].closed)


async def test_an_edit_is_rebased_over_what_was_typed_meanwhile(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    home.tables["nextEdit"] = {"debounceMs": 0, "budgetMs": 30000}
    provider.reply, provider.delay_chunk = chat_reply, 0.02
    async with home.server() as client:
        client.open(uri, START)
        cursor = with_total(client, uri)
        _, first = client.start(REQUEST, params(client, uri, cursor))
        await provider.until(lambda p: p.requests and p.requests[0].sent > 3)
        client.insert(uri, cursor, ".0")
        (edit,) = await edits(client, uri, cursor + 2)
        assert await asyncio.wait_for(first, 10) == {"edits": []}
        apply(client, uri, edit)
        assert "total = 0.0\n" in client.text(uri)
        assert "item.price * item.count" in client.text(uri)
        assert len(provider.requests) == 1


async def test_only_an_edit_that_two_models_agree_on_is_shown(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("one", provider.base_url)
    home.model("two", provider.base_url)
    home.tables["nextEdit"] = {"ensemble": 2, "budgetMs": 20000}
    answers = {"one": chat_reply, "two": no_change}

    def reply(body: dict[str, Any]) -> str:
        return answers[body["model"]](body)

    provider.reply = reply
    async with home.server() as client:
        client.open(uri, START)
        cursor = with_total(client, uri)
        assert await edits(client, uri, cursor) == []
        answers["two"] = chat_reply
        client.insert(uri, len(client.text(uri)), "\n")
        assert len(await edits(client, uri, cursor)) == 1


async def test_a_remote_model_sees_no_secret_and_no_excluded_file(
    home: Home, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url, local=False)
    provider.reply = chat_reply
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    env = (home.workspace / ".env").as_uri()
    async with home.server() as client:
        client.open(env, "NAME=shop\n", "plaintext")
        client.insert(env, 0, "HIDDEN_WORD=tulip\n")
        client.open(uri, f'KEY = "{secret}"\n' + START)
        at = client.text(uri).index(secret)
        client.insert(uri, at, "", delete=len(secret))
        client.insert(uri, at, "environment")
        (_,) = await edits(client, uri, with_total(client, uri))
        assert provider.requests
        for request in provider.requests:
            sent = json.dumps(request.body)
            assert secret not in sent and "tulip" not in sent
            assert "environment" in sent
        count = len(provider.requests)
        client.insert(env, 0, "OTHER=1\n")
        assert await edits(client, env, 3) == []
        assert len(provider.requests) == count


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
