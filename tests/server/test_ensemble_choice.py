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
        assert all(re.fullmatch(r"Use (one|two|three)'s answer", t) for t in titles)
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
        # The pick has its own agreement, that of one model against two others.
        assert result["agreement"] < 0.5


SHOP = '''def price(amount):
    return amount * 2


def total(amounts):
    """Add up the prices."""
    pass
'''
TESTS = """import shop


def test_price():
    assert shop.price(2) == 4


def test_total_of_several():
    assert shop.total([1, 2]) == 6


def test_total_of_nothing():
    assert shop.total([]) == 0
"""
ADDS = "def total(amounts):\n    return sum(price(a) for a in amounts)"
FORGETS = "def total(amounts):\n    return sum(amounts)"


@pytest.fixture
def shop(home: Home) -> Iterator[str]:
    """A small repository with tests, in which two of three models agree on what is wrong."""
    tests = home.workspace / "tests"
    tests.mkdir()
    (home.workspace / "app.py").write_text("def main():\n    pass\n")
    (home.workspace / "shop.py").write_text(SHOP)
    (tests / "test_shop.py").write_text(TESTS)
    (tests / "test_other.py").write_text(
        "def test_other():\n    raise SystemExit('not asked for')\n"
    )
    with ExitStack() as stack:
        for name, reply in (("one", FORGETS), ("two", FORGETS), ("three", ADDS)):
            home.model(name, stack.enter_context(running(LoopbackProvider(reply=reply))).base_url)
        yield (home.workspace / "shop.py").as_uri()


async def generated(client: LspClient, uri: str) -> dict[str, Any]:
    start = SHOP.index("pass")
    where = {"uri": uri, "range": client.range(client.text(uri), start, start)}
    result: dict[str, Any] = await client.command("ensemble.generate", where, timeout=60)
    return result


RUN_TESTS = f"{sys.executable} -m pytest -q"
linux = pytest.mark.skipif(sys.platform != "linux", reason="tests are walled in on Linux only")


@linux
async def test_the_repositorys_own_tests_decide_where_they_are_wished(
    home: Home, shop: str
) -> None:
    home.tables["ensemble"] = {"runTests": RUN_TESTS, "threshold": 0.0}
    async with home.server() as client:
        client.open(shop, SHOP)
        result = await generated(client, shop)
        assert result["candidates"][0]["models"] == ["three"]
        assert "price(a)" in client.text(shop)
        why = await client.command("ensemble.why", {"id": result["candidates"][0]["id"]})
        assert "3 of 3 tests pass" in why["why"]
        told = [p["value"].get("message", "") for m, p in client.notifications if m == "$/progress"]
        assert any("tests/test_shop.py" in m and "test_other" not in m for m in told)
    assert (home.workspace / "shop.py").read_text() == SHOP
    assert not list((home.workspace / "tests").glob("__pycache__"))


@linux
async def test_each_candidate_says_how_many_tests_it_passes(home: Home, shop: str) -> None:
    home.tables["ensemble"] = {"runTests": RUN_TESTS, "threshold": 0.0}
    async with home.server() as client:
        client.open(shop, SHOP)
        start = SHOP.index("pass")
        where = {"uri": shop, "range": client.range(SHOP, start, start), "apply": False}
        await client.command("ensemble.generate", where, timeout=60)
        params = {
            "textDocument": {"uri": shop},
            "range": where["range"],
            "context": {"diagnostics": []},
        }
        titles = [a["title"] for a in await client.request("textDocument/codeAction", params)]
        assert re.fullmatch(r"Use \w+'s answer · 3 of 3 tests pass", titles[0])
        assert any(t.startswith("Use ") and t.endswith("· 2 of 3 tests pass") for t in titles)


async def test_an_untrusted_workspace_runs_no_test(home: Home, shop: str) -> None:
    ran = home.path / "ran"
    (home.workspace / "tests" / "test_shop.py").write_text(
        f"import shop, pathlib\nshop.total\npathlib.Path({str(ran)!r}).touch()\n"
    )
    home.tables["ensemble"] = {"runTests": RUN_TESTS, "threshold": 0.0}
    options = {"workspaceTrusted": False, "ensemble": {"runTests": "touch ran"}}
    async with home.server(options=options) as client:
        client.open(shop, SHOP)
        result = await generated(client, shop)
        why = await client.command("ensemble.why", {"id": result["candidates"][0]["id"]})
        assert "The tests were not run: the workspace is not trusted." in why["why"]
        assert set(result["candidates"][0]["models"]) == {"one", "two"}
    assert not ran.exists()
