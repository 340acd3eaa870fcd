"""Servers learn from one another, after a restart and while both run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


async def accepted(client: LspClient, uri: str) -> str:
    """Ask, accept by command and insert the text; return the suggestion's id."""
    client.open(uri, CODE)
    item = (await client.inline(uri, kind=2))[0]
    id_ = str(item["command"]["arguments"][0]["id"])
    client.append(uri, item["insertText"])
    await client.command("ensemble.accept", {"id": id_})
    return id_


async def score(client: LspClient, uri: str) -> dict[str, Any]:
    """Return the server's score of its model for a new place."""
    client.open(uri, CODE)
    item = (await client.inline(uri, kind=2))[0]
    why = await client.command("ensemble.why", {"id": item["command"]["arguments"][0]["id"]})
    assert why["context"]["task"] == "complete"
    row: dict[str, Any] = why["scores"][0]
    return row


async def test_what_was_learned_is_known_after_a_restart(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        before = await score(client, f"{uri}.0.py")
        await accepted(client, uri)
    async with home.server() as client:
        after = await score(client, f"{uri}.1.py")
    assert before["observations"] == 0
    # The first, unanswered one was ignored or superseded as its document was closed.
    assert 1 <= after["observations"] <= 2
    assert after["expected"] > before["expected"]
    assert after["latency_ms"] != before["latency_ms"], "what calls took is known too"


async def test_two_servers_learn_from_one_another(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server() as one, home.server() as two:
        await accepted(one, uri)
        # Each call of its own lets it learn, in the background, what is new.
        for number in range(50):
            if (await score(two, f"{uri}.{number}.py"))["observations"] >= 1:
                return
            await asyncio.sleep(0.1)
        pytest.fail("the other server's outcome was never learned")
