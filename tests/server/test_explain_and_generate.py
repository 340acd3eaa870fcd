"""Hover, code actions and the commands that ask models, over the wire."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import Fault, LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = '''def area(width, height):
    """The area of a rectangle."""
    return width * height


# Return the perimeter of a rectangle
def perimeter(width, height):
    pass
'''
GOOD = "def perimeter(width, height):\n    return 2 * (width + height)"
OTHER = "def perimeter(width, height):\n    return width + height"


@pytest.fixture
def trio(home: Home) -> Iterator[list[LoopbackProvider]]:
    """Three models; two write the same code, differently laid out."""
    with ExitStack() as stack:
        replies = [
            f"Here is the code:\n\n```python\n{GOOD}\n```\nHope that helps!",
            GOOD.replace("2 * (width + height)", "2*(width+height)") + "\n",
            OTHER,
        ]
        providers = [stack.enter_context(running(LoopbackProvider(reply=r))) for r in replies]
        for name, provider in zip(("one", "two", "three"), providers, strict=True):
            home.model(name, provider.base_url)
        # The two that agree settle the outcome; whoever is not heard by then is not asked further.
        providers[0].delay_first = 0.4
        yield providers


def hover_at(client: LspClient, uri: str, word: str) -> dict[str, Any]:
    return client.at(uri, CODE.index(word) + 1)


def actions_params(client: LspClient, uri: str, start: int, end: int) -> dict[str, Any]:
    range_ = client.range(client.text(uri), start, end)
    return {
        "textDocument": {"uri": uri},
        "range": range_,
        "context": {"diagnostics": []},
    }


async def actions(client: LspClient, uri: str, start: int, end: int) -> dict[str, Any]:
    found = await client.request("textDocument/codeAction", actions_params(client, uri, start, end))
    return {action["title"]: action for action in found}


def the_function() -> tuple[int, int]:
    return CODE.index("def perimeter"), len(CODE) - 1


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
        with pytest.raises(LspError) as caught:
            await future
        assert caught.value.code == -32800
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


async def test_code_actions_are_offered_without_asking_a_model(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        at_comment = CODE.index("# Return")
        offered = await actions(client, uri, at_comment, at_comment)
        assert offered["Generate with ensemble"]["kind"] == "refactor.rewrite.ensemble"
        assert "edit" not in offered["Generate with ensemble"]
        assert "Explain with ensemble" in offered
        in_body = CODE.index("pass")
        assert "Generate with ensemble" in await actions(client, uri, in_body, in_body)
        in_code = CODE.index("return width")
        assert "Generate with ensemble" not in await actions(client, uri, in_code, in_code)
        selected = await actions(client, uri, in_code, in_code + 10)
        assert "Generate with ensemble" in selected
        assert provider.requests == []


async def test_only_the_kinds_asked_for_are_offered(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        params = actions_params(client, uri, *the_function())
        params["context"]["only"] = ["refactor.rewrite"]
        found = await client.request("textDocument/codeAction", params)
        titles = ["Generate with ensemble", "Write documentation with ensemble"]
        assert [a["title"] for a in found] == titles
        params["context"]["only"] = ["quickfix"]
        assert await client.request("textDocument/codeAction", params) == []


async def test_resolving_runs_the_ensemble_with_progress_and_gives_the_consensus(
    home: Home, trio: list[LoopbackProvider], editor: str, uri: str
) -> None:
    async with home.server(editor) as client:
        client.open(uri, CODE)
        action = (await actions(client, uri, *the_function()))["Generate with ensemble"]
        resolved = await client.request("codeAction/resolve", action, 30)
        assert resolved["command"]["command"] == "ensemble.accept"
        client.apply(resolved["edit"])
        assert "2 * (width + height)" in client.text(uri) or "2*(width+height)" in client.text(uri)
        assert "```" not in client.text(uri)
        assert "Hope" not in client.text(uri)
        kinds = [p["value"]["kind"] for m, p in client.notifications if m == "$/progress"]
        assert kinds[0] == "begin"
        assert "report" in kinds
        assert kinds[-1] == "end"


async def test_afterwards_there_is_one_action_a_candidate(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        action = (await actions(client, uri, *the_function()))["Generate with ensemble"]
        resolved = await client.request("codeAction/resolve", action, 30)
        client.apply(resolved["edit"])
        start = client.text(uri).index("def perimeter")
        offered = await actions(client, uri, start, start)
        consensus = next(title for title in offered if title.startswith("Use consensus"))
        assert re.fullmatch(r"Use consensus \(2 of 3 models agree\) · \d+%", consensus)
        assert "Use three's answer" in offered
        assert "Discard ensemble answers" in offered
        other = offered["Use three's answer"]
        client.apply(other["edit"])
        assert "    return width + height" in client.text(uri)
        assert "2 *" not in client.text(uri)
        assert client.text(uri).count("def perimeter") == 1
        discard = offered["Discard ensemble answers"]["command"]
        await client.command(discard["command"], discard["arguments"][0])
        assert "Use three's answer" not in await actions(client, uri, start, start)


async def test_a_client_without_resolve_gets_a_command_that_applies_the_edit(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server("plain") as client:
        client.open(uri, CODE)
        offered = await actions(client, uri, *the_function())
        command = offered["Generate with ensemble"]
        assert command["command"] == "ensemble.generate"
        result = await client.request(
            "workspace/executeCommand",
            {"command": command["command"], "arguments": command["arguments"]},
        )
        assert len(result["candidates"]) == 2
        assert 0 < result["agreement"] <= 1
        assert "(width" in client.text(uri).split("def perimeter")[1]
        assert "pass" not in client.text(uri)


async def test_generate_can_be_asked_not_to_apply(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        arguments = {"uri": uri, "range": client.range(CODE, start, end), "apply": False}
        result = await client.command("ensemble.generate", {**arguments, "instruction": "write it"})
        assert client.text(uri) == CODE
        assert result["text"] == result["candidates"][0]["text"]
        assert sorted(n for c in result["candidates"] for n in c["models"]) == sorted(
            ["one", "two", "three"]
        )
        single = await client.command("ensemble.generate", {**arguments, "model": "three"})
        assert [c["models"] for c in single["candidates"]] == [["three"]]


async def test_cancelling_the_progress_stops_every_model(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    for provider in trio:
        provider.fault = Fault.never_answer()
    async with home.server() as client:
        client.open(uri, CODE)
        action = (await actions(client, uri, *the_function()))["Generate with ensemble"]
        _, future = client.start("codeAction/resolve", action)
        for provider in trio:
            await provider.until(lambda p: len(p.requests) == 1)
        token = next(p["token"] for m, p in client.notifications if m == "$/progress")
        client.notify("window/workDoneProgress/cancel", {"token": token})
        with pytest.raises(LspError) as caught:
            await asyncio.wait_for(future, 10)
        assert caught.value.code == -32800
        for provider in trio:
            await provider.until(lambda p: p.requests[0].closed)
        assert client.text(uri) == CODE


async def test_one_failing_model_does_not_spoil_the_ensemble(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[2].fault = Fault.html()
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        arguments = {"uri": uri, "range": client.range(CODE, start, end), "apply": False}
        result = await client.command("ensemble.generate", arguments)
        assert len(result["candidates"]) == 1
        assert "three" in result["errors"]
        await client.command("ensemble.generate", {**arguments, "apply": True})
        await client.until(lambda: "three did not answer." in client.messages())


async def test_an_explanation_is_judged_by_commands_and_by_asking_another_model(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        where = {"uri": uri, "range": client.range(CODE, start, end)}

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


async def test_when_every_model_fails_the_message_says_what_to_do(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault = Fault.status(401)
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        arguments = {"uri": uri, "range": client.range(CODE, start, end)}
        with pytest.raises(LspError) as caught:
            await client.command("ensemble.generate", arguments)
        assert caught.value.code == -32803
        assert "gpt" in caught.value.message
        assert "key" in caught.value.message
        assert client.text(uri) == CODE


async def test_a_document_that_changed_meanwhile_is_not_edited(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = GOOD
    provider.delay_first = 0.5
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        arguments = {"uri": uri, "range": client.range(CODE, start, end)}
        work = asyncio.ensure_future(client.command("ensemble.generate", arguments))
        await provider.until(lambda p: len(p.requests) == 1)
        client.insert(uri, start + 4, "X")
        with pytest.raises(LspError) as caught:
            await work
        assert "changed" in caught.value.message
        assert client.text(uri) == CODE[: start + 4] + "X" + CODE[start + 4 :]


async def test_explain_gives_markdown_and_shows_it_when_asked(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[0].reply = "Adds two sides. It returns a number."
    trio[1].reply = "Adds two sides. It is pure."
    trio[2].reply = "Adds two sides."
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        arguments = {"uri": uri, "range": client.range(CODE, start, end)}
        result = await client.command("ensemble.explain", {**arguments, "show": True})
        assert result["markdown"].count("Adds two sides") == 1
        assert "It is pure" in result["markdown"]
        assert sorted(result["models"]) == ["one", "three", "two"]
        assert any(method == "window/showDocument" for method, _ in client.requests)


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


async def generate_stats(client: LspClient) -> dict[str, tuple[int, int]]:
    """Of each model: how often its code was judged, and taken."""
    listed = await client.command("ensemble.models")
    found = {m["name"]: m["stats"].get("generate", {}) for m in listed}
    return {name: (s.get("shown", 0), s.get("accepted", 0)) for name, s in found.items()}


async def test_switching_to_another_candidate_is_feedback_for_each_model(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        where = {"uri": uri, "range": client.range(CODE, start, end)}
        await client.command("ensemble.generate", where)
        first = await generate_stats(client)
        assert (first["one"][1], first["two"][1], first["three"][1]) == (1, 1, 0)
        start = client.text(uri).index("def perimeter")
        other = (await actions(client, uri, start, start))["Use three's answer"]
        client.apply(other["edit"])
        await client.command(other["command"]["command"], other["command"]["arguments"][0])
        client.close_document(uri)
        # What was taken first stays taken, and does not last: its reward is what is left of it.
        then = await generate_stats(client)
        assert then["three"] == (1, 1)
        listed = await client.command("ensemble.models")
        reward = {m["name"]: m["stats"]["generate"]["reward"] for m in listed}
        assert reward["three"] > reward["one"]


async def test_explaining_tells_of_each_model_and_can_be_cancelled(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        start, end = the_function()
        where = {"uri": uri, "range": client.range(CODE, start, end)}
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
        with pytest.raises(LspError) as caught:
            await asyncio.wait_for(future, 10)
        assert caught.value.code == -32800
        for provider in trio:
            await provider.until(lambda p: p.requests[1].closed)


async def test_one_line_below_a_docstring_the_body_is_generated(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    provider.reply = "return 2 * (width + height)"
    code = 'def perimeter(width, height):\n    """The perimeter."""\n\n'
    async with home.server() as client:
        client.open(uri, code)
        assert "Generate with ensemble" in await actions(client, uri, len(code), len(code))
        range_ = client.range(code, len(code), len(code))
        await client.command("ensemble.generate", {"uri": uri, "range": range_})
        assert client.text(uri) == code[:-1] + "    return 2 * (width + height)\n\n"


async def test_a_follow_up_changes_the_earlier_answer(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    provider.reply = OTHER
    async with home.server() as client:
        client.open(uri, CODE)
        place = {"uri": uri, "range": client.range(CODE, *the_function()), "apply": False}
        place["instruction"] = "Add the sides."
        first = await client.command("ensemble.generate", place)
        follow_up = {"draft": first["text"], "followUp": "multiply the sum by two"}
        await client.command("ensemble.generate", place | follow_up)
    asked = provider.requests[-1].body["messages"][-1]["content"]
    assert "multiply the sum by two" in asked
    assert first["text"] in asked
    assert "Add the sides." in asked
    assert "multiply" not in provider.requests[-2].body["messages"][-1]["content"]


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
