"""``ensemble.snooze`` over the wire: automatic requests are quiet, invoked ones are not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.next_edit_client import CODE, edits, rename
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import LoopbackProvider

pytestmark = pytest.mark.e2e

SNOOZE = "ensemble.snooze"


def last_status(client: LspClient) -> dict[str, Any]:
    """The last status that the server sent."""
    sent = [params for method, params in client.notifications if method == "ensemble/status"]
    return sent[-1] if sent else {}


async def an_edit(client: LspClient, uri: str, cursor: int, **more: Any) -> bool:
    """Ask for the next edit until there is one: on a crowded machine the locator may run out of time."""
    for _ in range(100):
        if await edits(client, uri, cursor, **more):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_completions_are_quiet_until_they_are_asked_for(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, "total = ")
        assert await client.command(SNOOZE, {}) == {"snoozed": False, "until": None}
        state = await client.command(SNOOZE, {"minutes": 5})
        assert state["snoozed"] and 0 < state["until"] / 1e3 - time.time() <= 300
        await client.until(lambda: last_status(client).get("snoozed"), 40)
        assert last_status(client)["snoozedUntil"] == state["until"]
        assert await client.command(SNOOZE, {}) == state
        assert await client.inline(uri, kind=2) == []
        assert provider.requests == []
        assert len(await client.inline(uri, kind=1)) == 1
        assert await client.command(SNOOZE, {"minutes": 0}) == {"snoozed": False, "until": None}
        await client.until(lambda: "snoozed" not in last_status(client), 40)
        assert len(await client.inline(uri, kind=2)) == 1


async def test_a_popup_is_quiet_too(home: Home, provider: LoopbackProvider, uri: str) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("plain") as client:
        client.open(uri, "total = ")
        at = client.at(uri)
        assert (await client.request("textDocument/completion", at))["items"]
        await client.command(SNOOZE, {"untilRestart": True})
        assert (await client.request("textDocument/completion", at))["items"] == []


async def test_next_edits_are_quiet_until_they_are_asked_for(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        cursor = rename(client, uri)
        state = await client.command(SNOOZE, {"untilRestart": True})
        assert state == {"snoozed": True, "until": None}
        assert await edits(client, uri, cursor) == []
        assert await an_edit(client, uri, cursor, context={"triggerKind": 1})
        await client.command(SNOOZE, {"minutes": 0})
        assert await an_edit(client, uri, cursor)


async def test_a_client_learns_when_it_is_over(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        await client.command(SNOOZE, {"minutes": 30})
        state = await client.command(SNOOZE, {"minutes": 0.05})
        await client.until(lambda: last_status(client).get("snoozedUntil") == state["until"], 40)
        await client.until(lambda: "snoozed" not in last_status(client), 40)
        assert await an_edit(client, uri, rename(client, uri))


@pytest.mark.parametrize("minutes", [-1, "five", 1e9])
async def test_wrong_minutes_get_one_sentence(home: Home, minutes: Any) -> None:
    async with home.server() as client:
        with pytest.raises(LspError) as caught:
            await client.command(SNOOZE, {"minutes": minutes})
        assert "'minutes' must be" in str(caught.value)
