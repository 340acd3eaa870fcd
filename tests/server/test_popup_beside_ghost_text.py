"""textDocument/completion for Neovim, which announces inline completion even where ghost text is off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ensemble_lsp.lsp.neovim import UNUSED_AFTER, InlineUse
from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e

NVIM_CMP: dict[str, Any] = {
    "dynamicRegistration": False,
    "completionItem": {
        "snippetSupport": True,
        "commitCharactersSupport": True,
        "deprecatedSupport": True,
        "preselectSupport": True,
        "tagSupport": {"valueSet": [1]},
        "insertReplaceSupport": True,
        "resolveSupport": {
            "properties": [
                "documentation",
                "additionalTextEdits",
                "insertTextFormat",
                "insertTextMode",
                "command",
            ]
        },
        "insertTextModeSupport": {"valueSet": [1, 2]},
        "labelDetailsSupport": True,
    },
    "contextSupport": True,
    "insertTextMode": 1,
    "completionList": {
        "itemDefaults": [
            "commitCharacters",
            "editRange",
            "insertTextFormat",
            "insertTextMode",
            "data",
        ]
    },
}
"""Of cmp-nvim-lsp at cbc7b02, `default_capabilities()`."""
BLINK: dict[str, Any] = {
    "completionItem": {
        "snippetSupport": True,
        "commitCharactersSupport": False,
        "documentationFormat": ["markdown", "plaintext"],
        "deprecatedSupport": True,
        "preselectSupport": False,
        "tagSupport": {"valueSet": [1]},
        "insertReplaceSupport": True,
        "resolveSupport": {
            "properties": ["documentation", "detail", "additionalTextEdits", "command", "data"]
        },
        "insertTextModeSupport": {"valueSet": [1]},
        "labelDetailsSupport": True,
    },
    "completionList": {
        "itemDefaults": [
            "commitCharacters",
            "editRange",
            "insertTextFormat",
            "insertTextMode",
            "data",
        ]
    },
    "contextSupport": True,
    "insertTextMode": 1,
}
"""Of blink.cmp 1.9.1, `get_lsp_capabilities()`."""
MINI: dict[str, Any] = {
    "completionItem": {
        "snippetSupport": True,
        "insertReplaceSupport": True,
        "resolveSupport": {"properties": ["additionalTextEdits", "detail", "documentation"]},
        "insertTextModeSupport": {"valueSet": [1]},
        "labelDetailsSupport": True,
    },
    "contextSupport": True,
    "insertTextMode": 1,
}
"""Of mini.completion, `get_lsp_capabilities()`."""
STOCK: dict[str, Any] = {
    "completionItem": {
        "snippetSupport": True,
        "resolveSupport": {"properties": ["additionalTextEdits", "command"]},
    },
    "contextSupport": True,
}
SNIPPET, EVENT = 15, 23


def neovim(completion: dict[str, Any]) -> dict[str, Any]:
    """The capabilities of Neovim 0.12 with a completion plugin's."""
    caps = CAPABILITIES["neovim"]
    return {**caps, "textDocument": {**caps["textDocument"], "completion": completion}}


@pytest.fixture
def gpt(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """One model that goes on after ``wi``."""
    provider.reply = "dth * height"
    home.model("gpt", provider.base_url)
    return provider


@pytest.mark.parametrize(
    ("completion", "kind", "text", "form"),
    [
        (NVIM_CMP, SNIPPET, "width * height", 1),
        (BLINK, EVENT, "width * height", 1),
        (MINI, SNIPPET, "width * height$0", 2),
        (STOCK, SNIPPET, "width * height$0", 2),
    ],
    ids=["nvim-cmp", "blink.cmp", "mini.completion", "stock"],
)
async def test_the_menu_has_the_suggestion_until_ghost_text_is_asked_for(
    home: Home,
    gpt: LoopbackProvider,
    uri: str,
    completion: dict[str, Any],
    kind: int,
    text: str,
    form: int,
) -> None:
    async with home.server("Neovim", capabilities=neovim(completion)) as client:
        assert client.capabilities["completionProvider"]["resolveProvider"] is True
        client.open(uri, CODE + "wi")
        result = await client.request("textDocument/completion", client.at(uri))
        item = result["items"][0]
        assert (item["kind"], item["insertTextFormat"]) == (kind, form)
        assert item["textEdit"]["newText"] == text
        word = {"line": 1, "character": len("    return ")}  # of other servers' items, too
        assert (item["textEdit"].get("range") or item["textEdit"]["insert"])["start"] == word
        assert item["label"] == item["filterText"] == "width * height"
        assert item["sortText"] < "0"
        assert item["detail"] == item["labelDetails"]["description"] == "ensemble: gpt"
        await client.inline(uri, kind=2)
        result = await client.request("textDocument/completion", client.at(uri))
        assert result == {"isIncomplete": False, "items": []}


async def test_ghost_text_that_begins_while_the_menu_waits_takes_the_suggestion(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    gpt.delay_first = 1.0
    async with home.server("Neovim", capabilities=neovim(BLINK)) as client:
        client.open(uri, CODE + "wi")
        _, menu = client.start("textDocument/completion", client.at(uri))
        await gpt.until(lambda p: len(p.requests) == 1)
        items = await client.inline(uri, kind=2)
        assert items[0]["insertText"] == "    return width * height"
        assert (await asyncio.wait_for(menu, 20))["items"] == []


async def test_a_word_that_is_typed_on_keeps_its_request(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    """nvim-cmp asks no second time while a word is typed, and filters the answer by the whole word."""
    gpt.delay_first = 1.0
    async with home.server("Neovim", capabilities=neovim(NVIM_CMP)) as client:
        client.open(uri, CODE + "w")
        asked = client.at(uri)
        _, menu = client.start("textDocument/completion", asked)
        await gpt.until(lambda p: len(p.requests) == 1)
        client.append(uri, "i")
        item = (await asyncio.wait_for(menu, 20))["items"][0]
        assert item["filterText"] == "width * height"
        # The client applies it to the text that it asked about.
        start = client.position(CODE, len(CODE))
        edit = {"range": {"start": start, "end": asked["position"]}, "newText": "width * height"}
        assert item["textEdit"] == edit


@pytest.mark.parametrize("typed", [" ", "(", "\n"])
async def test_after_the_word_the_request_is_outdated(
    home: Home, gpt: LoopbackProvider, uri: str, typed: str
) -> None:
    gpt.delay_first = 1.0
    async with home.server("Neovim", capabilities=neovim(NVIM_CMP)) as client:
        client.open(uri, CODE + "w")
        _, menu = client.start("textDocument/completion", client.at(uri))
        await gpt.until(lambda p: len(p.requests) == 1)
        client.append(uri, typed)
        assert (await asyncio.wait_for(menu, 20))["items"] == []


async def test_other_clients_with_inline_completion_have_no_menu_entry(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    async with home.server("vscode") as client:
        assert "completionProvider" not in client.capabilities


async def test_ghost_text_in_neovim_begins_where_its_line_begins(
    home: Home, gpt: LoopbackProvider, uri: str
) -> None:
    text = CODE.replace("return ", "x = '名😀', ")
    async with home.server("Neovim", capabilities=CAPABILITIES["neovim"]) as client:
        client.open(uri, text)
        item = (await client.inline(uri))[0]
        assert item["insertText"] == text.split("\n")[1] + "dth * height"
        start = client.position(text, text.index("    x"))
        assert item["range"] == {"start": start, "end": client.position(text, len(text))}
        client.accept(uri, item)
        assert client.text(uri) == text + "dth * height"


def test_ghost_text_counts_as_off_when_only_menus_are_asked_for() -> None:
    times = [0.0]
    use = InlineUse(clock=lambda: times[-1])
    use.popup_requested()
    assert not use.active
    use.inline_requested()
    for time in (100.0, 101.0):  # a fast typist: the requests for ghost text wait for a pause
        times.append(time)
        use.popup_requested()
        assert use.active
    use.inline_requested()
    times.append(200.0)
    use.popup_requested()
    assert use.active, "the first one comes before the request for ghost text"
    times.append(200.0 + UNUSED_AFTER)
    use.popup_requested()
    assert not use.active
