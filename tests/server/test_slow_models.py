"""Slow models over the wire: partial answers at the budget, their continuation, and requests by hand."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from ensemble_lsp.cli.demo_tour import parses
from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CODE = "def area(width, height):\n    "
BODY = (
    "if width < 0 or height < 0:\n"
    '        raise ValueError("negative")\n'
    "    total = width * height\n"
    "    return total"
)


async def first_text(client: LspClient, uri: str) -> str:
    """The first suggestion of automatic requests, asked for until there is one."""
    for _ in range(60):
        if items := await client.inline(uri, kind=2):
            return items[0]["insertText"]
        await asyncio.sleep(0.1)
    return ""


@pytest.fixture
def slow(home: Home) -> Any:
    with running(LoopbackProvider(BODY, delay_chunk=0.15)) as provider:
        home.model("slow", provider.base_url)
        home.tables["complete"] = {"budgetMs": 2500, "debounceMs": 0}
        yield provider


async def test_complete_lines_are_shown_at_the_budget_and_the_rest_follows_without_a_new_request(
    home: Home, slow: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        partial = await first_text(client, uri)
        asked = len(slow.requests)
        assert partial and BODY.startswith(partial) and len(partial) < len(BODY)
        assert parses(CODE + partial)[0], partial  # never half a line
        for _ in range(100):
            (item, *_) = await client.inline(uri, kind=2)
            if item["insertText"] == BODY:
                break
            await asyncio.sleep(0.1)
        assert item["insertText"] == BODY
        assert len(slow.requests) == asked


async def test_typing_along_a_partial_answer_asks_nothing_anew(
    home: Home, slow: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        partial = await first_text(client, uri)
        asked = len(slow.requests)  # on a slow machine the first answer may have needed two
        for number in range(1, 7):
            client.append(uri, partial[number - 1])
            rest = await first_text(client, uri)
            assert rest and BODY[number:].startswith(rest)
        assert len(slow.requests) == asked


async def test_typing_something_else_ends_the_answer_that_was_still_being_written(
    home: Home, slow: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        assert await first_text(client, uri)
        client.append(uri, "pass  # nothing alike")
        client.start_inline(uri, kind=2)
        await slow.until(lambda p: p.requests[-1].closed)
        assert slow.requests[-1].sent < len(BODY)


async def test_closing_the_document_ends_the_answer_in_the_background(
    home: Home, slow: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        assert await first_text(client, uri)
        client.close_document(uri)
        await slow.until(lambda p: p.requests[-1].closed)


async def test_a_request_by_hand_does_not_wait_for_the_slowest_of_its_models(
    home: Home, uri: str
) -> None:
    release = threading.Event()

    def when_released(_: dict[str, Any]) -> str:
        release.wait(60)
        return "height * width"

    with running(LoopbackProvider("width * height")) as fast:
        with running(LoopbackProvider(when_released)) as late:
            home.model("fast", fast.base_url)
            home.model("late", late.base_url)
            home.tables["complete"] = {"budgetMs": 30_000}
            home.tables["selector"] = {"strategy": "fixed"}
            async with home.server() as client:
                client.open(uri, CODE + "return ")
                texts = [item["insertText"] for item in await client.inline(uri)]
                assert texts == ["width * height"]
                _, again = client.start_inline(uri)
                await client.command("ensemble.models", {})  # the request before it waits by now
                release.set()
                texts = [
                    item["insertText"] for item in (await asyncio.wait_for(again, 60))["items"]
                ]
                assert sorted(texts) == ["height * width", "width * height"]
                assert len(late.requests) == 1  # it was not asked anew meanwhile
