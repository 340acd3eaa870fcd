"""Code actions and the command that write code, over the wire."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.three_providers import CODE, GOOD, OTHER, open_code, the_function, trio
from tests.support.lsp_client import LspClient, LspError, assert_cancelled
from tests.support.providers import Fault, LoopbackProvider

__all__ = ["trio"]

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


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
        arguments = {**open_code(client, uri), "apply": False}
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
        await assert_cancelled(future)
        for provider in trio:
            await provider.until(lambda p: p.requests[0].closed)
        assert client.text(uri) == CODE


async def test_one_failing_model_does_not_spoil_the_ensemble(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[2].fault = Fault.html()
    async with home.server() as client:
        arguments = {**open_code(client, uri), "apply": False}
        result = await client.command("ensemble.generate", arguments)
        assert len(result["candidates"]) == 1
        assert "three" in result["errors"]
        await client.command("ensemble.generate", {**arguments, "apply": True})
        await client.until(lambda: "three did not answer." in client.messages())


async def test_a_rewrite_that_leaves_code_out_is_no_answer(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    text = "def total(items):\n    check(items)\n    log(items)\n    return sum(items)\n"
    whole = text.replace("sum(items)", "fsum(items)")
    trio[0].reply = trio[1].reply = (
        "def total(items):\n    # ... existing code ...\n    return fsum(items)"
    )
    trio[2].reply = whole
    async with home.server() as client:
        client.open(uri, text)
        arguments = {"uri": uri, "range": client.range(text, 0, len(text) - 1), "apply": False}
        result = await client.command("ensemble.generate", {**arguments, "instruction": "use fsum"})
        assert [one["text"] for one in result["candidates"]] == [whole.rstrip("\n")]


async def test_an_answer_with_the_whole_file_changes_the_selection_alone(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    text = (
        "import math\n\n\nclass Shop:\n    def tax(self):\n        return 1\n\n"
        "    def total(self):\n        return sum(self.items)\n"
    )
    whole = text.replace("sum(self", "math.fsum(self").replace("return 1", "return 2")
    trio[0].reply = trio[1].reply = trio[2].reply = f"```python\n{whole}```"
    async with home.server() as client:
        client.open(uri, text)
        start = text.index("    def total")
        arguments = {"uri": uri, "range": client.range(text, start, len(text)), "apply": False}
        result = await client.command("ensemble.generate", {**arguments, "instruction": "use fsum"})
        assert [one["text"] for one in result["candidates"]] == [
            "def total(self):\n        return math.fsum(self.items)"
        ]


async def test_a_paused_model_is_named_with_the_reason_in_the_next_answers_too(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    trio[2].fault = Fault.status(401)
    async with home.server() as client:
        arguments = {**open_code(client, uri), "apply": False}
        await client.command("ensemble.generate", arguments)
        result = await client.command("ensemble.generate", arguments)
        assert len(trio[2].requests) == 1
        assert list(result["errors"]) == ["three"]
        assert "paused" in result["errors"]["three"]
        alone = await client.command("ensemble.generate", {**arguments, "model": "one"})
        assert alone["errors"] == {}


async def test_when_every_model_fails_the_message_says_what_to_do(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault = Fault.status(401)
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        arguments = open_code(client, uri)
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
        arguments = open_code(client, uri)
        work = asyncio.ensure_future(client.command("ensemble.generate", arguments))
        await provider.until(lambda p: len(p.requests) == 1)
        at = CODE.index("perimeter(")
        client.insert(uri, at, "X")
        with pytest.raises(LspError) as caught:
            await work
        assert "changed" in caught.value.message
        assert client.text(uri) == CODE[:at] + "X" + CODE[at:]


async def generate_stats(client: LspClient) -> dict[str, tuple[int, int]]:
    """Of each model: how often its code was judged, and taken."""
    listed = await client.command("ensemble.models")
    found = {m["name"]: m["stats"].get("generate", {}) for m in listed}
    return {name: (s.get("shown", 0), s.get("accepted", 0)) for name, s in found.items()}


async def test_switching_to_another_candidate_is_feedback_for_each_model(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    async with home.server() as client:
        where = open_code(client, uri)
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
        place = {**open_code(client, uri), "apply": False}
        place["instruction"] = "Add the sides."
        first = await client.command("ensemble.generate", place)
        follow_up = {"draft": first["text"], "followUp": "multiply the sum by two"}
        await client.command("ensemble.generate", place | follow_up)
    asked = provider.requests[-1].body["messages"][-1]["content"]
    assert "multiply the sum by two" in asked
    assert first["text"] in asked
    assert "Add the sides." in asked
    assert "multiply" not in provider.requests[-2].body["messages"][-1]["content"]
