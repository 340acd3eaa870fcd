"""Outcomes that the history holds after reports that come late, twice or not at all, and after judged explanations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from itertools import permutations
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.outcomes import outcomes, three_items, three_models
from tests.support.lsp_client import LspClient
from tests.support.providers import Fault, LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = "def area(width, height):\n    return "
REPLY = "width * height + border(width)"
Act = Callable[[LspClient, str, str, dict[str, Any]], Awaitable[None]]


def id_of(item: dict[str, Any]) -> str:
    return str(item["command"]["arguments"][0]["id"])


def save(client: LspClient, uri: str) -> None:
    client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})


async def accepted(client: LspClient, id_: str) -> None:
    await client.command("ensemble.accept", {"id": id_})


async def after_words(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    """Two words, and much later the command for the whole."""
    client.append(uri, "width *")
    client.notify("ensemble/didPartiallyAccept", {"id": id_, "length": 7})
    client.notify("ensemble/didEnd", {"id": id_, "reason": "ignored", "shownMs": 2000})
    client.append(uri, REPLY[7:])
    await accepted(client, id_)


async def after_ignored(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    """The client ends it before the text is in the document."""
    client.notify("ensemble/didEnd", {"id": id_, "reason": "ignored", "shownMs": 900})
    client.append(uri, REPLY)
    await accepted(client, id_)


async def after_rejected(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    """The client guessed a rejection, and then runs the command."""
    client.notify("ensemble/didEnd", {"id": id_, "reason": "rejected", "shownMs": 1500})
    client.append(uri, REPLY)
    await accepted(client, id_)


async def after_typed(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    """Key by key, then the command."""
    for key in REPLY:
        client.append(uri, key)
    await accepted(client, id_)


async def then_ended(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    """The command, then a late notification that says less."""
    client.append(uri, REPLY)
    await accepted(client, id_)
    client.notify("ensemble/didPartiallyAccept", {"id": id_, "length": 5})
    client.notify("ensemble/didEnd", {"id": id_, "reason": "ignored", "shownMs": 100})


LATE = (after_words, after_ignored, after_rejected, after_typed, then_ended)


@pytest.fixture
def gpt(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """A model that suggests ``REPLY``."""
    provider.reply = REPLY
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000}
    return provider


async def test_a_late_accept_stays_accepted_when_its_survival_is_measured(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    ids: dict[str, str] = {}
    async with home.server() as client:
        for number, act in enumerate(LATE):
            one = f"{uri}.{number}.py"
            client.open(one, CODE)
            item = (await client.inline(one))[0]
            ids[act.__name__] = id_of(item)
            await act(client, one, id_of(item), item)
            save(client, one)
            client.close_document(one)
        assert await client.shutdown() == 0
    found = outcomes(home.path)
    for name, id_ in ids.items():
        assert found[id_] == ("accepted", "command", 1.0, 1.0, 1.0), name


async def redo_after_typing(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    client.accept(uri, item)
    end = len(client.text(uri))
    client.append(uri, " # x")
    client.insert(uri, end, "", 4)
    client.insert(uri, len(CODE), "", len(REPLY))
    client.append(uri, REPLY)
    client.append(uri, " # x")


async def undo_redo_undo(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    client.accept(uri, item)
    client.insert(uri, len(CODE), "", len(REPLY))
    client.append(uri, REPLY)
    client.insert(uri, len(CODE), "", len(REPLY))


async def reload_without(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    client.accept(uri, item)
    client.close_document(uri)
    client.open(uri, CODE)


async def reload_with(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    client.accept(uri, item)
    client.close_document(uri)
    client.open(uri, "# a new line\n" + CODE + REPLY + "\n")


async def removed_and_undone(client: LspClient, uri: str, id_: str, item: dict[str, Any]) -> None:
    client.accept(uri, item)
    client.insert(uri, len(CODE), "", len(REPLY))


LATER: tuple[tuple[Act, str], ...] = (
    (redo_after_typing, "accepted"),
    (undo_redo_undo, "rejected"),
    (reload_without, "rejected"),
    (reload_with, "accepted"),
    (removed_and_undone, "rejected"),
)


async def test_redo_and_reload_change_the_outcome(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    ids: dict[str, str] = {}
    async with home.server("vscode") as client:
        for number, (act, _) in enumerate(LATER):
            one = f"{uri}.{number}.py"
            client.open(one, CODE)
            item = (await client.inline(one))[0]
            ids[act.__name__] = id_of(item)
            await act(client, one, id_of(item), item)
            client.close_document(one)
        assert await client.shutdown() == 0
    found = outcomes(home.path)
    assert {name: found[id_][0] for name, id_ in ids.items()} == {
        act.__name__: kind for act, kind in LATER
    }


async def test_an_undone_text_is_not_offered_again_from_the_cache(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    home.tables["complete"] |= {"debounceMs": 1}
    async with home.server() as client:
        client.open(uri, CODE)
        item = (await client.inline(uri, kind=2))[0]
        client.accept(uri, item)
        client.insert(uri, len(CODE), "", len(REPLY))
        gpt.reply = "side ** 2"
        assert [one["insertText"] for one in await client.inline(uri, kind=2)] == ["side ** 2"]


async def test_a_file_that_another_tool_writes_is_no_accept(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server("vscode", clientInfo={"name": "Visual Studio Code"}) as client:
        client.open(uri, CODE + "\n\n\nlast()\n")
        item = (await client.inline(uri, len(CODE)))[0]
        text = client.text(uri)
        new = f"import x\n\n{CODE}{REPLY}\n\n\nlast(1)\nmore()\n"
        client.insert(uri, 0, new, len(text))
        client.close_document(uri)
        assert await client.shutdown() == 0
    assert outcomes(home.path)[id_of(item)][0] != "accepted"


async def test_a_deleted_text_that_an_undo_brings_back_is_no_accept(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server("vscode") as client:
        client.open(uri, CODE + REPLY + "\n")
        await client.inline(uri)  # outcomes are followed from the first suggestion on
        client.insert(uri, len(CODE), "", len(REPLY))
        item = (await client.inline(uri, len(CODE)))[0]
        client.insert(uri, len(CODE), REPLY)
        client.close_document(uri)
        assert await client.shutdown() == 0
    assert outcomes(home.path)[id_of(item)][0] != "accepted"


# -- candidates that nobody saw ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "rewarded", "taken"),
    [("type", {0}, None), ("accept 2", {0, 2}, 2), ("hand 1", {1}, 1), ("leave", set(), None)],
)
async def test_of_several_candidates_only_those_on_the_screen_teach(
    home: Home, uri: str, act: str, rewarded: set[int], taken: int | None
) -> None:
    with three_models(home):
        async with home.server() as client:
            client.open(uri, CODE)
            items = await three_items(client, uri)
            await asyncio.sleep(0.9)
            verb, _, number = act.partition(" ")
            if verb == "type":
                for key in "None if 4711":
                    client.append(uri, key)
            elif verb == "accept":
                client.accept(uri, items[int(number)])
            elif verb == "hand":
                for key in items[int(number)]["insertText"]:
                    client.append(uri, key)
            client.close_document(uri)
            assert await client.shutdown() == 0
    found = outcomes(home.path)
    ids = [id_of(item) for item in items]
    got = {n for n, id_ in enumerate(ids) if found[id_][3] is not None}
    if act == "hand 1":
        got.discard(0)  # other text was written where the first one was on the screen
    if act == "leave":
        got.discard(0)  # it may have been seen and ignored
    assert got == rewarded
    if taken is not None:
        assert found[ids[taken]][0] in ("accepted", "typed")


# -- explanations and ensembles ------------------------------------------------------------------


@pytest.fixture
def trio(home: Home) -> Iterator[list[LoopbackProvider]]:
    """Three models."""
    with ExitStack() as stack:
        providers = [
            stack.enter_context(running(LoopbackProvider(reply=f"    return {n}")))
            for n in ("width * height", "width * height", "width + height")
        ]
        for name, provider in zip(("one", "two", "three"), providers, strict=True):
            home.model(name, provider.base_url)
        yield providers


def place(client: LspClient, uri: str) -> dict[str, Any]:
    text = client.text(uri)
    return {"uri": uri, "range": client.range(text, 0, len(text))}


async def test_explanations_are_judged_and_silence_teaches_nothing(
    home: Home, trio: list[LoopbackProvider], uri: str
) -> None:
    codes = [f"def f{n}(width):\n    return width * {n}\n" for n in range(5)]
    async with home.server() as client:
        ids: list[str] = []
        for number, code in enumerate(codes):
            one = f"{uri}.{number}.py"
            client.open(one, code)
            result = await client.command(
                "ensemble.explain", {**place(client, one), "model": "one"}
            )
            ids.append(result["id"])
        await client.command("ensemble.accept", {"id": ids[0]})
        await client.command("ensemble.reject", {"id": ids[1]})
        await client.command(
            "ensemble.explain", {**place(client, f"{uri}.2.py"), "model": "two"}
        )  # another model: a refusal
        await client.command(
            "ensemble.explain", {**place(client, f"{uri}.3.py"), "model": "one"}
        )  # the same one again: none
        for number in range(5):
            client.close_document(f"{uri}.{number}.py")
        assert await client.shutdown() == 0
    found = outcomes(home.path)
    kinds = [found.get(id_, ("",) * 5)[0] for id_ in ids]
    assert kinds[:3] == ["accepted", "rejected", "rejected"]
    assert [found[id_][3] for id_ in ids[3:] if id_ in found] == [None] * sum(
        id_ in found for id_ in ids[3:]
    )


@pytest.mark.parametrize("failing", [(), (2,), (1, 2), (0, 1)])
async def test_consensus_needs_two_models_and_failures_are_named(
    home: Home, trio: list[LoopbackProvider], uri: str, failing: tuple[int, ...]
) -> None:
    names = ("one", "two", "three")
    for number, provider in enumerate(trio):
        if number in failing:
            provider.fault = Fault.html()
        else:  # two early answers that agree would stop the third before it fails
            provider.delay_first = 2.0 if failing else 0.0
    code = "def area(width, height):\n    pass\n"
    async with home.server() as client:
        client.open(uri, code)
        at = client.range(code, code.index("pass"), code.index("pass"))
        result = await client.command("ensemble.generate", {"uri": uri, "range": at})
        failed = {names[n] for n in failing}
        assert set(result["errors"]) == failed
        if failed:
            orders = [" and ".join(order) for order in permutations(failed)]
            await client.until(
                lambda: any(f"{said} did not answer." in client.messages() for said in orders)
            )
        await client.until(lambda: client.text(uri) != code)
        text = client.text(uri)
        at = client.range(text, text.index("return"), text.index("return"))
        params = {"textDocument": {"uri": uri}, "range": at, "context": {"diagnostics": []}}
        offered = await client.request("textDocument/codeAction", params)
        titles = [action["title"] for action in offered]
    agreeing = [c["models"] for c in result["candidates"] if len(c["models"]) > 1]
    assert any("consensus" in title for title in titles) == bool(agreeing), titles
    for candidate in result["candidates"]:
        if len(candidate["models"]) == 1:
            assert any(f"Use {candidate['models'][0]}'s answer" in title for title in titles), (
                titles
            )
