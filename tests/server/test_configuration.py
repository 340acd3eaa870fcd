"""Settings: where they come from, what is said of wrong ones, changes without a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


async def names(client: LspClient) -> list[str]:
    return [m["name"] for m in await client.command("ensemble.models")]


def model(name: str, provider: LoopbackProvider) -> dict[str, Any]:
    return {"name": name, "provider": "openai", "model": name, "baseUrl": provider.base_url}


async def test_later_layers_win(home: Home, provider: LoopbackProvider, editor: str) -> None:
    home.model("config", provider.base_url)
    async with home.server(editor, initialize=False) as client:
        await client.initialize(home.workspace)
        assert await names(client) == ["config"]
    async with home.server(editor, initialize=False) as client:
        await client.initialize(home.workspace, {"models": [model("options", provider)]})
        assert await names(client) == ["options"]
    async with home.server(editor, initialize=False) as client:
        client.settings = {"models": [model("settings", provider)]}
        await client.initialize(home.workspace, {"models": [model("options", provider)]})
        assert await names(client) == ["settings"]


async def test_settings_change_without_a_restart(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        client.settings = {"models": [model("new", provider)], "explain": {"hover": False}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        assert await client.request("textDocument/hover", client.at(uri, 5)) is None
        assert await names(client) == ["new"]


async def test_a_client_without_configuration_sends_its_settings(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("plain") as client:
        settings = {"ensemble": {"models": [model("sent", provider)]}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert await names(client) == ["sent"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"complete": {"debonceMs": 3}}, "debounceMs"),
        ({"complete": {"budgetMs": "soon"}}, "complete.budgetMs"),
        ({"compleet": {}}, "complete"),
        ({"models": [{"name": "x", "provider": "opnai"}]}, "models[0].provider"),
        ({"selector": {"strategy": "best"}}, "selector.strategy"),
        ({"history": 3}, "history"),
    ],
)
async def test_a_wrong_setting_is_named_and_the_rest_applies(
    home: Home, provider: LoopbackProvider, uri: str, settings: dict[str, Any], said: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server(initialize=False) as client:
        client.settings = {**settings, "explain": {"hover": False}}
        await client.initialize(home.workspace)
        message = await client.until(lambda: " ".join(client.messages()))
        assert said in message
        client.open(uri, CODE)
        assert await client.request("textDocument/hover", client.at(uri, 5)) is None


async def test_a_broken_config_file_is_named_and_the_server_goes_on(home: Home) -> None:
    async with home.server(initialize=False) as client:
        (home.path / "config.toml").write_text("[complete\nbudgetMs = ")
        await client.initialize(home.workspace)
        message = await client.until(lambda: " ".join(client.messages()))
        assert "config.toml" in message
        assert "recall" in await names(client)


async def test_no_file_of_the_workspace_sets_anything(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    text = f'[[models]]\nname = "evil"\nprovider = "openai"\nbaseUrl = "{provider.base_url}"\n'
    for name in ("config.toml", "ensemble-lsp.toml", ".ensemble-lsp.toml", "pyproject.toml"):
        (home.workspace / name).write_text(text)
    async with home.server() as client:
        client.open(uri, CODE)
        assert "evil" not in await names(client)


async def test_an_untrusted_workspace_cannot_redirect_traffic_by_settings(
    home: Home, provider: LoopbackProvider
) -> None:
    async with home.server("vscode", initialize=False) as client:
        client.settings = {"models": [model("evil", provider)], "complete": {"budgetMs": 900}}
        await client.initialize(home.workspace, {"workspaceTrusted": False})
        message = await client.until(lambda: " ".join(client.messages()))
        assert "models" in message
        assert "evil" not in await names(client)


async def test_with_nothing_configured_the_embedded_models_are_found(home: Home) -> None:
    async with home.server() as client:
        listed = {m["name"]: m for m in await client.command("ensemble.models")}
        assert listed["recall"]["available"] is True
        assert listed["recall"]["tasks"] == ["complete"]


async def test_a_key_in_the_environment_is_found_and_never_shown(home: Home) -> None:
    home.env["OPENAI_API_KEY"] = "sk-very-secret-0123456789"
    async with home.server() as client:
        client.notify("$/setTrace", {"value": "verbose"})
        models = await client.command("ensemble.models")
        found = next(m for m in models if m["provider"] == "openai")
        assert "OPENAI_API_KEY" in found["keySource"]
        assert "very-secret" not in str(models)
        await client.shutdown()
    assert "very-secret" not in home.log()


async def test_a_model_without_its_key_says_how_to_give_one(home: Home) -> None:
    home.models.append({"name": "claude", "provider": "anthropic", "model": "claude-haiku-4-5"})
    async with home.server() as client:
        (entry,) = await client.command("ensemble.models")
        assert entry["available"] is False
        assert "ANTHROPIC_API_KEY" in entry["reason"]


async def answers_from(client: LspClient, uri: str) -> list[str]:
    item = (await client.inline(uri, kind=2))[0]
    why = await client.command("ensemble.why", {"id": item["command"]["arguments"][0]["id"]})
    return why["models"]


@pytest.mark.parametrize(
    "changed",
    [
        {"complete": {"debounceMs": 10}},
        {"selector": {"costWeight": 0.5}},
        {"selector": {"strategy": "seed"}},
        {"models": ["gpt", "more"]},
        {"history": {"retentionDays": 30}, "privacy": {"exclude": ["*.secret"]}},
    ],
    ids=["complete", "cost", "strategy", "models", "history"],
)
async def test_a_pin_and_an_added_model_outlive_a_change_of_another_setting(
    home: Home, provider: LoopbackProvider, uri: str, changed: dict[str, Any]
) -> None:
    home.tables["selector"] = {"strategy": "fixed"}
    home.model("gpt", provider.base_url)
    if "models" in changed:
        changed = {"models": [model(name, provider) for name in changed["models"]]}
    async with home.server() as client:
        client.open(uri, CODE)
        await client.command("ensemble.addModel", model("mine", provider))
        await client.command("ensemble.pin", {"task": "complete", "name": "mine"})
        assert await answers_from(client, uri) == ["mine"]
        client.settings = changed
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        assert "mine" in await names(client)
        assert ("more" in await names(client)) == ("models" in changed)
        client.append(uri, "1 + ")
        assert await answers_from(client, uri) == ["mine"]
        await client.command("ensemble.pin", {"task": "complete", "name": None})
        client.append(uri, "2 + ")
        assert (await answers_from(client, uri))[0] != "mine"


async def test_a_changed_pin_in_the_settings_replaces_the_pin_of_the_command(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    for name in ("one", "two"):
        home.model(name, provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        await client.command("ensemble.pin", {"task": "complete", "name": "two"})
        assert await answers_from(client, uri) == ["two"]
        client.settings = {"selector": {"pin": {"complete": "one"}}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        client.append(uri, "1 + ")
        assert await answers_from(client, uri) == ["one"]


async def test_changes_at_once_are_all_made(home: Home, provider: LoopbackProvider) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        added = [client.command("ensemble.addModel", model(f"m{n}", provider)) for n in range(5)]
        client.settings = {"complete": {"debounceMs": 10}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        await asyncio.gather(*added, client.command("ensemble.removeModel", {"name": "gpt"}))
        assert sorted(await names(client)) == [f"m{n}" for n in range(5)]
