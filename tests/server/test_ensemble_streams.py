"""Ensembles over the wire: who is waited for, what several complete together, and what undoes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = "def perimeter(width, height):\n    pass\n"
RIGHT = "def perimeter(width, height):\n    return 2 * (width + height)"
OTHER = "def perimeter(width, height):\n    return width + height"
LINE = "def area(width, height):\n    return "
NAMES = ("one", "two", "three")


@contextmanager
def models(home: Home, replies: Sequence[str]) -> Iterator[list[LoopbackProvider]]:
    with ExitStack() as stack:
        providers = [stack.enter_context(running(LoopbackProvider(reply=r))) for r in replies]
        for name, provider in zip(NAMES, providers, strict=False):
            home.model(name, provider.base_url)
        yield providers


def place(client: LspClient, uri: str) -> dict[str, Any]:
    start = CODE.index("pass")
    return {"uri": uri, "range": client.range(client.text(uri), start, start)}


async def test_where_two_agree_the_third_is_closed_and_not_waited_for(home: Home, uri: str) -> None:
    with models(home, (RIGHT, RIGHT, OTHER)) as providers:
        providers[2].delay_chunk = 600.0
        home.tables["ensemble"] = {"budgetMs": 300_000}
        async with home.server() as client:
            client.open(uri, CODE)
            result = await client.command("ensemble.generate", place(client, uri))
            assert sorted(result["candidates"][0]["models"]) == ["one", "two"]
            assert "2 * (width + height)" in client.text(uri)
            await providers[2].until(lambda p: p.requests and p.requests[0].closed)


async def test_who_is_slower_than_the_budget_delays_no_answer(home: Home, uri: str) -> None:
    with models(home, (RIGHT, OTHER)) as providers:
        providers[1].delay_first = 600.0
        home.tables["ensemble"] = {"budgetMs": 8000}
        async with home.server() as client:
            client.open(uri, CODE)
            result = await client.command("ensemble.generate", place(client, uri))
            assert result["candidates"][0]["models"] == ["one"]
            await providers[1].until(lambda p: p.requests and p.requests[0].closed)


async def test_a_completion_that_two_agree_on_goes_before_the_best_alone(
    home: Home, uri: str
) -> None:
    home.tables["complete"] |= {"ensemble": 3, "threshold": 0.0}
    with models(home, ("width + height", "width * height", "width * height")):
        async with home.server() as client:
            client.open(uri, LINE)
            _, future = client.start_inline(uri, kind=2)
            items = (await future)["items"]
            assert [item["insertText"] for item in items] == ["width * height"]


async def test_too_little_agreement_shows_no_ghost_text_but_an_invoked_request_gives_all(
    home: Home, uri: str
) -> None:
    home.tables["complete"] |= {"ensemble": 2, "threshold": 0.9}
    with models(home, ("width + height", "height * width")):
        async with home.server() as client:
            client.open(uri, LINE)
            _, future = client.start_inline(uri, kind=2)
            assert (await future)["items"] == []
            texts = {item["insertText"] for item in await client.inline(uri)}
            assert texts == {"width + height", "height * width"}


async def test_where_completions_part_the_lines_they_share_are_offered(
    home: Home, uri: str
) -> None:
    shared = "    total = 0\n    for item in items:\n"
    code = "def total(items):\n    "
    home.tables["complete"] |= {"ensemble": 2, "threshold": 0.0, "maxLines": 10}
    replies = [(shared + f"        total {s}= item\n    return total").lstrip() for s in "+-"]
    with models(home, replies):
        async with home.server() as client:
            client.open(uri, code)
            _, future = client.start_inline(uri, kind=2)
            items = (await future)["items"]
            assert [i["insertText"].rstrip() for i in items] == [shared.strip()]


async def test_discarding_is_feedback_for_each_model(home: Home, uri: str) -> None:
    with models(home, (RIGHT, OTHER)):
        home.tables["ensemble"] = {"threshold": 1.0}
        async with home.server() as client:
            client.open(uri, CODE)
            client.answer["window/showMessageRequest"] = lambda _: None
            result = await client.command("ensemble.generate", place(client, uri))
            await client.command("ensemble.reject", {"id": result["id"]})
            listed = await client.command("ensemble.models")
            stats = {m["name"]: m["stats"].get("generate", {}) for m in listed}
            judged = {n: (s.get("shown"), s.get("accepted")) for n, s in stats.items()}
            assert judged == {"one": (1, 0), "two": (1, 0)}
            assert client.text(uri) == CODE
