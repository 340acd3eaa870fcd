"""``ensemble.status`` and the notification's fields: what a status bar needs to say what is true."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError, running_server
from tests.support.providers import Fault, LoopbackProvider

pytestmark = pytest.mark.e2e

CODE = "def area(width, height):\n    return "
QUOTA = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}


async def status_with(client: LspClient, **fields: Any) -> dict[str, Any]:
    """Wait for a status with these fields."""

    def last() -> dict[str, Any] | None:
        sent = [p for method, p in client.notifications if method == "ensemble/status"]
        found = sent[-1] if sent else {}
        return found if {k: found.get(k) for k in fields} == fields else None

    return await client.until(last, 40)


@pytest.mark.parametrize(
    ("fault", "problem", "advice"),
    [
        (Fault.status(401), "key", "Set a valid key"),
        (Fault.status(429), "limit", "Try again"),
        (Fault.status(429, QUOTA), "credit", "Add credit"),
        (Fault.status(404), "model", "Check model"),
        (Fault.disconnect(), "offline", "Start the server"),
        (Fault.status(500), "other", "Try again"),
    ],
    ids=["key", "limit", "credit", "model", "offline", "other"],
)
async def test_each_failure_says_its_kind_in_the_status_and_in_the_error(
    home: Home, provider: LoopbackProvider, uri: str, fault: Fault, problem: str, advice: str
) -> None:
    provider.fault = fault
    home.model("gpt", provider.base_url, apiKeyEnv="GPT_KEY")
    home.env["GPT_KEY"] = "sk-wrong"
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        status = await status_with(client, state="offline", problem=problem)
        assert status["message"].startswith(advice)
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        with pytest.raises(LspError) as caught:
            await client.command("ensemble.explain", {"uri": uri, "range": place})
        assert caught.value.data == (None if problem == "other" else {"problem": problem})
        assert caught.value.message.startswith(advice)
        (model,) = await client.command("ensemble.models", {})
        assert model["problem"] == problem


async def test_a_rejected_key_is_said_although_another_model_answers(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("broken", provider.base_url, apiKeyEnv="BROKEN_KEY")
    home.model("gpt", provider.base_url, apiKeyEnv="GPT_KEY")
    home.env = {"BROKEN_KEY": "sk-wrong", "GPT_KEY": "sk-right"}
    provider.keys = ["sk-right"]
    home.tables["selector"] = {"strategy": "fixed"}
    async with home.server() as client:
        client.open(uri, CODE)
        (item,) = await client.inline(uri)
        assert item["command"]["arguments"][0]["models"] == ["gpt"]
        status = await status_with(client, state="idle", model="gpt", problem="key")
        assert "broken" in status["message"]


async def test_pins_issues_and_usage(home: Home, provider: LoopbackProvider, uri: str) -> None:
    home.model("gpt", provider.base_url, inputPrice=1.0, outputPrice=2.0)
    home.tables["selector"] = {"dailyBudget": 0.5, "pin": {"explain": "gpt"}}
    async with home.server() as client:
        before = await client.command("ensemble.status", {})
        nothing = {"cost": 0, "inputTokens": 0, "outputTokens": 0, "models": []}
        assert before == {
            "pins": {"explain": "gpt"},
            "issues": [],
            "configPath": str(home.path / "config.toml"),
            "dailyBudget": 0.5,
            "today": nothing,
            "month": nothing,
        }
        client.open(uri, CODE)
        assert await client.inline(uri)
        await client.command("ensemble.pin", {"task": "complete", "name": "gpt"})
        after = await client.command("ensemble.status", {})
        while not after["today"]["outputTokens"]:  # a call is counted when its stream has ended
            await asyncio.sleep(0.02)
            after = await client.command("ensemble.status", {})
        assert after["pins"] == {"complete": "gpt", "explain": "gpt"}
        assert after["today"] == after["month"]
        (used,) = after["today"]["models"]
        assert used["model"] == "gpt" and used["calls"] > 0
        assert used["cost"] == after["today"]["cost"] > 0
        tokens = used["inputTokens"], used["outputTokens"]
        assert tokens == (after["today"]["inputTokens"], after["today"]["outputTokens"])
        assert min(tokens) > 0


async def test_faults_of_the_settings_are_there_until_they_are_mended(home: Home) -> None:
    config = home.path / "config.toml"
    config.write_text("[complete]\nbudgetMs = 'soon'\n")
    async with running_server(home.path, "neovim", env={}) as client:
        await client.initialize(home.workspace)
        (issue,) = (await client.command("ensemble.status", {}))["issues"]
        assert "complete.budgetMs" in issue
        config.write_text("[complete]\nbudgetMs = 900\n")
        client.notify("workspace/didChangeConfiguration", {"settings": {}})
        assert (await client.command("ensemble.status", {}))["issues"] == []


async def test_automatic_is_the_choice_without_the_pin(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    for name in ("one", "two"):
        home.model(name, provider.base_url)
    home.tables["selector"] = {"strategy": "fixed"}
    async with home.server() as client:
        client.open(uri, CODE)
        await client.command("ensemble.pin", {"task": "complete", "name": "two"})
        where = {**client.at(uri), "task": "complete"}
        query = {"uri": uri, "position": where["position"], "task": "complete"}
        assert (await client.command("ensemble.why", query))["models"] == ["two"]
        free = await client.command("ensemble.why", {**query, "unpinned": True})
        assert free["models"] == ["one"]
        assert (await client.command("ensemble.status", {}))["pins"] == {"complete": "two"}


async def test_a_pin_to_a_model_that_was_removed_is_not_reported(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    for name in ("one", "two"):
        home.model(name, provider.base_url)
    async with home.server() as client:
        for task in ("complete", "generate"):
            await client.command("ensemble.pin", {"task": task, "name": "two"})
        await client.command("ensemble.removeModel", {"name": "two"})
        assert (await client.command("ensemble.status", {}))["pins"] == {}


async def test_lsp_mode_gets_no_notification_that_it_would_warn_of(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("emacs", capabilities={"textDocument": {}}) as client:
        client.open(uri, CODE)
        assert await client.request("textDocument/completion", client.at(uri))
        assert await client.shutdown() == 0
        assert [m for m, _ in client.notifications if not m.startswith(("window/", "$/"))] == []


async def test_a_pause_says_what_failed_last_while_the_user_types(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    """A key that comes before the failure is reported cancels that request; the next one asks no model."""
    provider.fault = Fault.disconnect()
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        await client.inline(uri)
        for key in "wid":
            client.append(uri, key)
            await client.inline(uri)
        asked = len(provider.requests)

        def message() -> str:
            sent = [p for method, p in client.notifications if method == "ensemble/status"]
            return str(sent[-1].get("message", "")) if sent else ""

        await client.until(lambda: "(paused, tried again" in message())
        assert message().startswith("Start the server")
        client.append(uri, "t")
        await client.inline(uri)
        assert len(provider.requests) == asked
