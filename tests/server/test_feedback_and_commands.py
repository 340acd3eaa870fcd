"""Feedback from commands, notifications and the document; the commands about models."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import Fault, LoopbackProvider
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

START = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


async def one_item(client: LspClient, uri: str) -> dict[str, Any]:
    client.open(uri, CODE)
    items = await client.inline(uri)
    return items[0]


def id_of(item: dict[str, Any]) -> str:
    return item["command"]["arguments"][0]["id"]


async def stats(client: LspClient, model: str = "gpt", task: str = "complete") -> dict[str, Any]:
    models = await client.command("ensemble.models")
    return next(m for m in models if m["name"] == model)["stats"].get(task, {})


@pytest.fixture
def gpt(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """A model that suggests ``width * height``."""
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    home.tables["complete"] |= {"candidates": 1}
    return provider


async def test_an_accept_by_command_is_counted_once(
    home: Home, gpt: LoopbackProvider, editor: str, uri: str
) -> None:
    async with home.server(editor) as client:
        item = await one_item(client, uri)
        client.accept(uri, item)
        assert await client.command("ensemble.accept", {"id": id_of(item)}) is None
        await client.command("ensemble.accept", {"id": id_of(item)})
        counted = await stats(client)
        assert (counted["accepted"], counted["shown"]) == (1, 1)


async def test_an_accept_is_seen_in_the_document_alone(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        item = await one_item(client, uri)
        client.accept(uri, item)
        client.close_document(uri)
        assert (await stats(client))["accepted"] == 1


async def test_typing_something_else_is_a_refusal(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        item = await one_item(client, uri)
        client.notify("ensemble/didShow", {"id": id_of(item)})
        await client.command("ensemble.reject", {"id": id_of(item)})
        counted = await stats(client)
        assert (counted["accepted"], counted["rejected"]) == (0, 1)


async def test_a_partial_accept_counts_by_its_length(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        item = await one_item(client, uri)
        client.append(uri, "width ")
        client.notify("ensemble/didPartiallyAccept", {"id": id_of(item), "length": 6})
        client.notify("ensemble/didEnd", {"id": id_of(item), "reason": "rejected", "shownMs": 3000})
        counted = await stats(client)
        assert counted["partial"] == 1
        assert 0 < counted["reward"] < 1


async def test_notifications_about_nothing_are_ignored(home: Home, gpt: LoopbackProvider) -> None:
    async with home.server() as client:
        for method in ("didShow", "didPartiallyAccept", "didEnd"):
            client.notify(
                f"ensemble/{method}", {"id": "nothing", "length": 3, "reason": "accepted"}
            )
            client.notify(f"ensemble/{method}", {"wrong": []})
            client.notify(f"ensemble/{method}")
        assert await client.command("ensemble.accept", {"id": "nothing"}) is None
        assert (await stats(client)).get("accepted", 0) == 0


async def test_the_history_holds_no_code(home: Home, gpt: LoopbackProvider, uri: str) -> None:
    async with home.server() as client:
        item = await one_item(client, uri)
        client.accept(uri, item)
        await client.command("ensemble.accept", {"id": id_of(item)})
        await client.shutdown()
    files = list((home.path / "data").glob("history.sqlite3*"))
    assert files
    for file in files:
        assert b"width" not in file.read_bytes()
    with sqlite3.connect(home.path / "data" / "history.sqlite3") as database:
        tables = [
            n for (n,) in database.execute("select name from sqlite_master where type='table'")
        ]
        rows = sum(database.execute(f"select count(*) from {t}").fetchone()[0] for t in tables)
    database.close()
    assert rows > 0


async def test_why_tells_the_scores_of_each_model(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        item = await one_item(client, uri)
        why = await client.command("ensemble.why", {"id": id_of(item)})
        assert "gpt" in why["why"]
        assert why["context"]["language"] == "python"
        assert why["scores"][0]["model"] == "gpt"
        assert {"expected", "latency_ms", "cost", "utility"} <= set(why["scores"][0])
        with pytest.raises(LspError):
            await client.command("ensemble.why", {"id": "nothing"})


async def test_why_says_that_the_model_asked_first_had_nothing(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    home.models.append({"name": "recall", "provider": "recall", "model": "recall"})
    home.tables["selector"] = {"pin": {"complete": "recall"}}
    async with home.server() as client:
        item = await one_item(client, uri)
        why = await client.command("ensemble.why", {"id": id_of(item)})
    assert why["models"] == ["gpt"]
    assert why["scores"][0]["model"] == "recall"
    assert "recall had no answer here in time: this one is gpt's." in why["why"]


async def test_models_can_be_listed_added_pinned_and_removed(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server() as client:
        more = {"name": "two", "provider": "openai", "model": "x", "baseUrl": gpt.base_url}
        await client.command("ensemble.addModel", more)
        listed = {m["name"]: m for m in await client.command("ensemble.models")}
        assert set(listed) == {"gpt", "two"}
        assert listed["two"]["available"] is True
        await client.command("ensemble.pin", {"task": "complete", "name": "two"})
        client.open(uri, CODE)
        item = (await client.inline(uri, kind=2))[0]
        why = await client.command("ensemble.why", {"id": id_of(item)})
        assert why["models"] == ["two"]
        await client.command("ensemble.pin", {"task": "complete", "name": None})
        await client.command("ensemble.removeModel", {"name": "two"})
        assert [m["name"] for m in await client.command("ensemble.models")] == ["gpt"]
        assert "two" not in (home.path / "config.toml").read_text()


async def test_a_model_can_be_saved_in_the_users_config(home: Home, gpt: LoopbackProvider) -> None:
    async with home.server() as client:
        more = {"name": "two", "provider": "openai", "model": "x", "baseUrl": gpt.base_url}
        await client.command("ensemble.addModel", {**more, "save": True})
        assert 'name = "two"' in (home.path / "config.toml").read_text()
        await client.command("ensemble.removeModel", {"name": "two", "save": True})
        assert '"two"' not in (home.path / "config.toml").read_text()


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("ensemble.accept", {}, "id"),
        ("ensemble.pin", {"task": "sing"}, "complete, explain, generate"),
        ("ensemble.pin", {"task": "complete", "name": "gtp"}, "gpt"),
        ("ensemble.removeModel", {"name": "gtp"}, "gpt"),
        ("ensemble.addModel", {"name": "x", "provider": "nope"}, "provider"),
        ("ensemble.explain", {"uri": "file:///nowhere.py", "range": START}, "nowhere.py"),
        ("ensemble.explain", {"uri": "file:///nowhere.py"}, "range"),
        ("ensemble.why", {"task": "complete", "uri": "file:///nowhere.py"}, "position"),
        ("ensemble.generate", {"uri": 3}, "uri"),
    ],
)
async def test_wrong_arguments_get_one_sentence(
    home: Home, gpt: LoopbackProvider, command: str, arguments: dict[str, Any], said: str
) -> None:
    async with home.server() as client:
        with pytest.raises(LspError) as caught:
            await client.command(command, arguments)
        assert said in caught.value.message
        assert "\n" not in caught.value.message
        assert caught.value.data is None


async def test_status_says_what_the_server_does(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    gpt.delay_first = 0.2  # what is over in a blink is not told
    async with home.server() as client:
        await one_item(client, uri)
        await client.until(
            lambda: any(
                p["state"] == "busy" and p.get("model") == "gpt"
                for m, p in client.notifications
                if m == "ensemble/status"
            )
        )
        await client.until(
            lambda: (
                [p for m, p in client.notifications if m == "ensemble/status"][-1]["state"]
                == "idle"
            )
        )


async def test_status_says_offline_when_no_model_can_be_reached(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    gpt.fault = Fault.status(401)
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        status = await client.until(
            lambda: next(
                (
                    p
                    for m, p in client.notifications
                    if m == "ensemble/status" and p["state"] == "offline"
                ),
                None,
            )
        )
        assert "key" in status["message"]
