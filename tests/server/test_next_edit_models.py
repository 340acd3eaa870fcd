"""Next edits that models predict, through the real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.next_edit_client import REQUEST, apply, edits, params, settled
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider

pytestmark = pytest.mark.e2e

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
