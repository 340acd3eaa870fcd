"""Where models agree too little the user chooses; the prompt's own examples may decide; a judge may."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = '''def area(width, height):
    return width * height


def perimeter(width, height):
    """The way round.

    >>> perimeter(2, 3)
    10
    """
    pass
'''
RIGHT = "def perimeter(width, height):\n    return 2 * (width + height)"
WRONG = ["def perimeter(width, height):\n    return width + height",
         "def perimeter(width, height):\n    return width * height"]  # fmt: skip


@pytest.fixture
def differing(home: Home) -> Iterator[list[LoopbackProvider]]:
    """Three models, none of which says what another does; the last one is right."""
    with ExitStack() as stack:
        replies = [*WRONG, RIGHT]
        providers = [stack.enter_context(running(LoopbackProvider(reply=r))) for r in replies]
        for name, provider in zip(("one", "two", "three"), providers, strict=True):
            home.model(name, provider.base_url)
        yield providers


def place(client: LspClient, uri: str) -> dict[str, Any]:
    start = CODE.index("pass")
    return {"uri": uri, "range": client.range(client.text(uri), start, start)}


async def resolved(client: LspClient, uri: str) -> dict[str, Any]:
    params = {
        "textDocument": {"uri": uri},
        "range": place(client, uri)["range"],
        "context": {"diagnostics": []},
    }
    offered = await client.request("textDocument/codeAction", params)
    action = next(a for a in offered if a["title"] == "Generate with ensemble")
    return await client.request("codeAction/resolve", action, 30)


async def test_below_the_threshold_the_user_is_asked_and_the_choice_goes_in(
    home: Home, differing: list[LoopbackProvider], uri: str
) -> None:
    home.tables["ensemble"] = {"threshold": 1.0}
    async with home.server() as client:
        client.open(uri, CODE)
        asked: list[dict[str, Any]] = []

        def choose(params: dict[str, Any]) -> dict[str, Any]:
            asked.append(params)
            return next(a for a in params["actions"] if a["title"].endswith("'s answer"))

        client.answer["window/showMessageRequest"] = choose
        action = await resolved(client, uri)
        assert action.get("edit") is None
        assert action["command"]["command"] == "ensemble.choose"
        await client.command(action["command"]["command"], action["command"]["arguments"][0])
        await client.until(lambda: asked and client.text(uri) != CODE)
        titles = [a["title"] for a in asked[0]["actions"]]
        assert len(titles) == 3
        assert sum(bool(re.match(r"Use consensus \(1 of 3", t)) for t in titles) == 1
        taken = next(t for t in titles if t.endswith("'s answer"))
        name = taken.removeprefix("Use ").removesuffix("'s answer")
        written = dict(zip(("one", "two", "three"), [*WRONG, RIGHT], strict=True))[name]
        assert written.split("return")[1].strip() in client.text(uri)


async def test_the_command_asks_too_and_applies_nothing_by_itself(
    home: Home, differing: list[LoopbackProvider], uri: str
) -> None:
    home.tables["ensemble"] = {"threshold": 1.0}
    async with home.server() as client:
        client.open(uri, CODE)
        client.answer["window/showMessageRequest"] = lambda _: None
        result = await client.command("ensemble.generate", place(client, uri))
        assert result["settled"] is False
        assert len(result["candidates"]) == 3
        assert client.text(uri) == CODE


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
async def test_the_examples_in_the_docstring_decide_where_they_are_run(
    home: Home, differing: list[LoopbackProvider], uri: str
) -> None:
    home.tables["ensemble"] = {"runExamples": True, "threshold": 0.0}
    async with home.server() as client:
        client.open(uri, CODE)
        result = await client.command("ensemble.generate", place(client, uri))
        assert result["candidates"][0]["models"] == ["three"]
        assert "return 2 * (width + height)" in client.text(uri)


async def test_a_judge_picks_where_nobody_agrees(
    home: Home, differing: list[LoopbackProvider], uri: str
) -> None:
    def reply(body: dict[str, Any]) -> str:
        shown = str(body["messages"][-1]["content"])
        found = re.search(r"candidate ([A-C]) ===\n[^=]*2 \* \(width", shown)
        return found[1] if found else WRONG[0]

    differing[0].reply = reply
    home.tables["ensemble"] = {"judge": "one", "threshold": 1.0}
    async with home.server() as client:
        client.open(uri, CODE)
        result = await client.command("ensemble.generate", place(client, uri))
        assert result["settled"] is True
        assert result["candidates"][0]["models"] == ["three"]
        assert "return 2 * (width + height)" in client.text(uri)
