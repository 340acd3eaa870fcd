"""Clients with wrong ranges, versions and changes: the document is repaired or closed."""

from __future__ import annotations

import pytest

from tests.faults.answering_server import PLACE, alive, shown
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

BIG = 2**31 - 1


@pytest.mark.parametrize(
    ("start", "end", "end_of_text"),
    [
        ((0, 0), (99, 99), "0:1"),
        ((99, 99), (0, 0), "0:1"),
        ((1, 999), (1, 999), "1:12"),
        ((0, 999), (0, 999), "1:11"),
        ((-1, -1), (0, 0), "1:11"),
        ((0, 0), (2**32 - 1, 2**32 - 1), "0:1"),
        ((0, 0), (2**70, 0), "0:1"),
        ((1, BIG), (BIG, 0), "1:12"),
    ],
)
async def test_wrong_ranges_mean_the_nearest_place(
    home: Home, uri: str, start: tuple[int, int], end: tuple[int, int], end_of_text: str
) -> None:
    async with home.server() as client:
        client.open(uri, CODE)
        range_ = {
            "start": {"line": start[0], "character": start[1]},
            "end": {"line": end[0], "character": end[1]},
        }
        change = {
            "textDocument": {"uri": uri, "version": 2},
            "contentChanges": [{"range": range_, "text": "X"}],
        }
        client.notify("textDocument/didChange", change)
        assert await shown(client, uri) == end_of_text


async def test_versions_may_skip_repeat_and_go_back(home: Home, uri: str) -> None:
    async with home.server() as client:
        client.open(uri, "")
        for version in (5, 5, 3, BIG, 1, -4):
            params = {
                "textDocument": {"uri": uri, "version": version},
                "contentChanges": [{"range": {"start": PLACE, "end": PLACE}, "text": "x\n"}],
            }
            client.notify("textDocument/didChange", params)
        assert await shown(client, uri) == "6:0"


async def test_a_change_that_cannot_be_read_closes_the_document_and_says_so(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 60000}
    async with home.server() as client:
        client.open(uri, CODE)
        wrong = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"rnage": 1}]}
        client.notify("textDocument/didChange", wrong)
        # What the editor holds is not known any more: better nothing than what does not fit.
        assert await client.inline(uri) == []
        assert provider.requests == []
        assert any("app.py" in text for text in client.messages())
        client.open(uri, CODE)
        assert await client.inline(uri)


async def test_documents_out_of_order_are_left_alone(home: Home, uri: str) -> None:
    async with home.server() as client:
        never = "file:///w/never.py"
        change = {"textDocument": {"uri": never, "version": 2}, "contentChanges": [{"text": "x"}]}
        client.notify("textDocument/didChange", change)
        client.notify("textDocument/didSave", {"textDocument": {"uri": never}})
        client.notify("textDocument/didClose", {"textDocument": {"uri": never}})
        client.open(uri, "one\n")
        client.open(uri, "one\ntwo\n")
        assert await shown(client, uri) == "2:0"
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        await alive(client)
        assert "Traceback" not in home.log(), home.log()


@pytest.mark.parametrize("text", ["x = '\ud83d'\ny = ", "\udc00", "a\ud83d\nb = "])
async def test_half_an_emoji_is_text_too(
    home: Home, provider: LoopbackProvider, uri: str, text: str
) -> None:
    """Editors split surrogate pairs for the length of a keystroke, and JSON can carry the halves."""
    home.model("gpt", provider.base_url)
    home.tables["history"] = {"keepText": True}
    home.tables["complete"] = {"budgetMs": 60000}
    async with home.server() as client:
        client.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}},
        )
        place = {"line": text.count("\n"), "character": BIG}
        params = {"textDocument": {"uri": uri}, "position": place}
        inline = {**params, "context": {"triggerKind": 1}}
        result = await client.request("textDocument/inlineCompletion", inline)
        assert isinstance(result["items"], list)
        if text.endswith("= "):
            assert result["items"], home.log()
        await client.request("textDocument/hover", params)
        whole = {"start": PLACE, "end": place}
        arguments = {"uri": uri, "range": whole, "instruction": "x", "apply": False}
        assert "text" in await client.command("ensemble.generate", arguments)
        assert "Traceback" not in home.log(), home.log()
