"""The config file changes while the server runs."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

BROKEN = "[complete\nmaxLines = 3\n"


async def models_are(client: LspClient, wanted: list[str]) -> None:
    """Wait until these models are in use."""

    async def listed() -> bool:
        await asyncio.sleep(0.05)
        return [m["name"] for m in await client.command("ensemble.models")] == wanted

    await until(listed)


def watching() -> dict[str, Any]:
    """The capabilities of VS Code, which watches files outside the workspace."""
    capabilities = copy.deepcopy(CAPABILITIES["vscode"])
    supported = {"dynamicRegistration": True, "relativePatternSupport": True}
    capabilities["workspace"]["didChangeWatchedFiles"] = supported
    return capabilities


@pytest.fixture
def config(home: Home, provider: LoopbackProvider) -> Path:
    """A config with one model."""
    home.model("gpt", provider.base_url)
    return home.path / "config.toml"


async def test_an_edit_applies_where_the_client_watches_nothing(
    home: Home, config: Path, editor: str
) -> None:
    async with home.server(editor) as client:
        await models_are(client, ["gpt"])
        config.write_text(config.read_text().replace('"gpt"', '"other"', 1))
        await models_are(client, ["other"])
        replaced = config.with_suffix(".new")  # as most editors save
        replaced.write_text(config.read_text().replace('"other"', '"third"', 1))
        replaced.replace(config)
        await models_are(client, ["third"])
        assert client.messages() == []
        assert not watchers(client)


async def test_a_file_that_comes_and_goes(home: Home, config: Path) -> None:
    text = ""
    async with home.server() as client:
        text = config.read_text()
        config.unlink()
        await models_are(client, ["recall"])
        config.write_text(text)
        await models_are(client, ["gpt"])
        assert client.messages() == []


async def test_the_target_of_a_link_counts(home: Home, config: Path) -> None:
    async with home.server() as client:
        await models_are(client, ["gpt"])
        target = home.path / "dotfiles.toml"
        target.write_text(config.read_text())
        config.unlink()
        config.symlink_to(target)
        target.write_text(config.read_text().replace('"gpt"', '"other"', 1))
        await models_are(client, ["other"])


async def test_a_broken_file_is_reported_once_and_a_mended_one_applies(
    home: Home, config: Path
) -> None:
    async with home.server() as client:
        await models_are(client, ["gpt"])
        good = config.read_text()
        config.write_text(BROKEN)
        (message,) = await client.until(client.messages)
        assert f"{config} is not valid TOML" in message and "last valid settings" in message
        await models_are(client, ["gpt"])
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        config.touch()
        await asyncio.sleep(3)  # longer than the server needs to look again
        await models_are(client, ["gpt"])
        assert len(client.messages()) == 1
        config.write_text(BROKEN + "more")
        await asyncio.sleep(3)
        assert len(client.messages()) == 1, "the same problem"
        config.write_text(good.replace('"gpt"', '"mended"', 1))
        await models_are(client, ["mended"])
        await client.until(lambda: len(client.messages()) == 2)
        assert "config.toml is valid again" in client.messages()[1]
        config.write_text(BROKEN)
        await client.until(lambda: len(client.messages()) == 3)


async def test_a_wrong_value_is_reported_and_the_rest_applies(home: Home, config: Path) -> None:
    async with home.server() as client:
        await models_are(client, ["gpt"])
        text = config.read_text().replace('"gpt"', '"new"', 1)
        config.write_text(text.replace("budgetMs = 10000", 'budgetMs = "soon"'))
        (message,) = await client.until(client.messages)
        assert "complete.budgetMs" in message
        await models_are(client, ["new"])


async def test_a_file_that_is_broken_at_the_start_is_mended(home: Home, config: Path) -> None:
    async with home.server(initialize=False) as client:
        good = config.read_text()
        config.write_text(BROKEN)
        await client.initialize(home.workspace)
        (message,) = await client.until(client.messages)
        assert "only recall is used" in message
        config.write_text(good)
        await models_are(client, ["gpt"])
        await client.until(lambda: len(client.messages()) == 2)


async def test_a_client_that_watches_is_asked_to_and_opens_the_file(
    home: Home, config: Path
) -> None:
    async with home.server("Visual Studio Code", capabilities=watching()) as client:
        client.answer["window/showMessageRequest"] = lambda params: params["actions"][0]
        registered = await client.until(lambda: watchers(client))
        pattern = {"baseUri": home.path.as_uri(), "pattern": "config.toml"}
        assert registered == [[{"globPattern": pattern}]]
        config.write_text(BROKEN)
        changes = {"changes": [{"uri": config.as_uri(), "type": 2}]}
        client.notify("workspace/didChangeWatchedFiles", changes)
        asked = await client.until(lambda: requests(client, "window/showMessageRequest"))
        assert asked[0]["message"].startswith("config.toml is not valid TOML")
        assert asked[0]["actions"] == [{"title": "Open config.toml"}]
        (opened,) = await client.until(lambda: requests(client, "window/showDocument"))
        assert opened["uri"] == config.as_uri() and opened["takeFocus"] is True
        assert opened["selection"]["start"] == {"line": 0, "character": 9}
        assert client.messages() == []


def requests(client: LspClient, method: str) -> list[Any]:
    return [params for name, params in client.requests if name == method]


def watchers(client: LspClient) -> list[Any]:
    """The files that the server has asked the client to watch."""
    return [
        one["registerOptions"]["watchers"]
        for params in requests(client, "client/registerCapability")
        for one in params["registrations"]
        if one["method"] == "workspace/didChangeWatchedFiles"
    ]
