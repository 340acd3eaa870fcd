"""Hover and the command that explains code, over the wire."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.three_providers import CODE, open_code, trio
from tests.support.lsp_client import LspClient, LspError, assert_cancelled
from tests.support.providers import Fault, LoopbackProvider

__all__ = ["trio"]

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


def hover_at(client: LspClient, uri: str, word: str) -> dict[str, Any]:
    return client.at(uri, CODE.index(word) + 1)


async def test_hover_explains_the_symbol_and_names_the_model(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    provider.reply = "Multiplies width by height."
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        assert hover["contents"]["kind"] == "markdown"
        assert "Multiplies width by height." in hover["contents"]["value"]
        assert "gpt" in hover["contents"]["value"]


async def test_a_second_hover_costs_nothing(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        first = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        client.append(uri, "\n# elsewhere\n")
        again = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        assert again["contents"] == first["contents"]
        assert len(provider.requests) == 1


async def test_a_cancelled_hover_never_reaches_a_model(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        await client.command("ensemble.models")
        client.open(uri, CODE)
        id_, future = client.start("textDocument/hover", hover_at(client, uri, "area"))
        client.cancel(id_)
        await assert_cancelled(future)
        assert provider.requests == []


async def test_a_hover_never_holds_back_the_other_servers_of_its_editor(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    del home.tables["explain"]
    provider.reply, provider.delay_first = "Multiplies width by height.", 1.5
    async with home.server("neovim") as client:
        await client.command("ensemble.models")
        client.open(uri, CODE)
        where = hover_at(client, uri, "area")
        begun = time.monotonic()
        first = await client.request("textDocument/hover", where)
        assert time.monotonic() - begun < 1.2
        assert "hover again" in first["contents"]["value"]
        await provider.until(lambda p: len(p.requests) == 1)
        again = await client.request("textDocument/hover", where)  # joins the running explanation
        assert "hover again" in again["contents"]["value"]
        await client.until(lambda: any(m == "ensemble/status" for m, _ in client.notifications))
        await asyncio.sleep(2)
        last = await client.request("textDocument/hover", where)
        assert "Multiplies width by height." in last["contents"]["value"]
        assert len(provider.requests) == 1


async def test_an_editor_that_shows_parts_as_they_come_gets_the_explanation_at_once(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    del home.tables["explain"]
    provider.reply, provider.delay_first = "Multiplies width by height.", 0.6
    async with home.server("vscode") as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        assert "Multiplies width by height." in hover["contents"]["value"]


async def test_hover_can_be_turned_off(home: Home, provider: LoopbackProvider, uri: str) -> None:
    home.model("gpt", provider.base_url)
    home.tables["explain"] = {"hover": False}
    async with home.server() as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        assert hover is None
        assert provider.requests == []


async def test_a_hover_with_no_model_is_silent(home: Home, uri: str) -> None:
    home.models.append({"name": "recall", "provider": "recall"})
    async with home.server() as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        assert hover is None
        assert client.messages() == []


async def test_an_explanation_is_judged_by_commands_and_by_asking_another_model(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        where = open_code(client, uri)

        async def judged() -> dict[str, dict[str, Any]]:
            models = await client.command("ensemble.models")
            return {m["name"]: m["stats"].get("explain") or {} for m in models}

        first = await client.command("ensemble.explain", {**where, "model": "one"})
        assert not (await judged())["one"].get("shown"), "silence teaches nothing"
        second = await client.command("ensemble.explain", {**where, "model": "two"})
        assert [first["models"], second["models"]] == [["one"], ["two"]]
        record = (await judged())["one"]
        assert (record["shown"], record["accepted"]) == (1, 0), "another was asked for the same"
        await client.command("ensemble.accept", {"id": second["id"]})
        record = (await judged())["two"]
        assert (record["shown"], record["accepted"]) == (1, 1)
        await client.command("ensemble.reject", {"id": second["id"]})
        assert (await judged())["two"]["accepted"] == 0, "the latest word counts"
        await client.command("ensemble.explain", {**where, "model": "two"})
        assert (await judged())["two"]["shown"] == 1


async def test_explain_gives_markdown_and_shows_it_when_asked(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[0].reply = "Adds two sides. It returns a number."
    trio[1].reply = "Adds two sides. It is pure."
    trio[2].reply = "Adds two sides."
    async with home.server() as client:
        arguments = open_code(client, uri)
        result = await client.command("ensemble.explain", {**arguments, "show": True})
        assert result["markdown"].count("Adds two sides") == 1
        assert "It is pure" in result["markdown"]
        assert sorted(result["models"]) == ["one", "three", "two"]
        assert any(method == "window/showDocument" for method, _ in client.requests)


async def test_refusals_and_empty_answers_are_no_part_of_an_explanation(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[0].reply = "I'm sorry, but I can't help with that."
    trio[1].reply = "<think>It multiplies.</think>"
    trio[2].reply = "It multiplies width by height."
    async with home.server() as client:
        open_code(client, uri)
        arguments = {"uri": uri, "range": client.range(CODE, 0, len(CODE)), "size": 3}
        result = await client.command("ensemble.explain", arguments)
        assert result["markdown"] == trio[2].reply
        assert len(result["models"]) == 1
        for model in trio:
            model.reply = "<think>It multiplies.</think>"
        with pytest.raises(LspError, match="empty"):
            await client.command("ensemble.explain", {**arguments, "size": 2})


async def test_unsafe_markdown_of_a_model_is_not_passed_on(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = (
        "Fine. <script>alert(1)</script> ![x](https://evil.example/p.png) "
        "[run](command:rm.everything) \x1b[31mred\x1b[0m"
    )
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", hover_at(client, uri, "area"))
        value = hover["contents"]["value"]
        assert "Fine." in value
        for bad in ("<script", "![x](http", "command:", "\x1b"):
            assert bad not in value


async def test_explaining_tells_of_each_model_and_can_be_cancelled(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        where = open_code(client, uri)
        await client.command("ensemble.explain", where)
        bars = [p["value"] for m, p in client.notifications if m == "$/progress"]
        told = {v.get("message") for v in bars}
        assert {"one: answered", "two: answered", "three: answered"} <= told
        assert bars[0]["kind"] == "begin" and bars[-1]["kind"] == "end"
        for provider in trio:
            provider.fault = Fault.never_answer()
        client.append(uri, "\n\ndef more():\n    return 1\n")
        line = client.text(uri).count("\n") - 1
        whole = {
            "start": {"line": line - 1, "character": 0},
            "end": {"line": line, "character": 12},
        }
        params = {"command": "ensemble.explain", "arguments": [{"uri": uri, "range": whole}]}
        _, future = client.start("workspace/executeCommand", params)
        for provider in trio:
            await provider.until(lambda p: len(p.requests) == 2)
        token = [p["token"] for m, p in client.notifications if m == "$/progress"][-1]
        client.notify("window/workDoneProgress/cancel", {"token": token})
        await assert_cancelled(future)
        for provider in trio:
            await provider.until(lambda p: p.requests[1].closed)


async def test_a_question_follows_an_explanation_without_refusing_it(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    home.model("other", provider.base_url)
    provider.reply = "The area is the width times the height."
    async with home.server() as client:
        client.open(uri, CODE)
        place = {"uri": uri, "range": client.range(CODE, 0, CODE.index("\n\n"))}
        first = await client.command("ensemble.explain", place | {"model": "gpt"})
        provider.reply = "It returns zero."
        question = {"question": "What if the width is zero?", "previous": first["markdown"]}
        answer = await client.command("ensemble.explain", place | question | {"model": "other"})
        assert (answer["markdown"], answer["models"]) == ("It returns zero.", ["other"])
        assert answer["id"] != first["id"]
        models = {m["name"]: m["stats"] for m in await client.command("ensemble.models")}
        assert not (models["gpt"].get("explain") or {}).get("shown"), "a question refuses nothing"
        asked = provider.requests[-1].body["messages"][-1]["content"]
        again = await client.command("ensemble.explain", place | {"model": "gpt"})
        assert again["markdown"] == first["markdown"]
    assert "What if the width is zero?" in asked
    assert "The area is the width times the height." in asked
