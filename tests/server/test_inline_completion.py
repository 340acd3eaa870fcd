"""textDocument/inlineCompletion and textDocument/completion, over the wire."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import assert_cancelled
from tests.support.providers import Fault, LoopbackProvider, running
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e


async def test_an_invoked_request_gives_items_with_text_range_and_accept_command(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        items = await client.inline(uri)
        item = items[0]
        assert item["insertText"] == "width * height"
        place = client.position(CODE, len(CODE))
        assert item["range"] == {"start": place, "end": place}
        assert item["command"]["command"] == "ensemble.accept"
        assert item["command"]["arguments"][0]["id"]


async def test_several_models_give_several_distinct_candidates(home: Home, uri: str) -> None:
    with running(LoopbackProvider(reply="width * height")) as one:
        with running(LoopbackProvider(reply="height * width")) as two:
            home.model("one", one.base_url)
            home.model("two", two.base_url)
            async with home.server() as client:
                client.open(uri, CODE)
                texts = [item["insertText"] for item in await client.inline(uri)]
                assert sorted(texts) == ["height * width", "width * height"]


async def test_an_automatic_request_is_debounced(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, "def area(width, height):\n    ")
        futures = []
        for char in "return ":
            client.append(uri, char)
            futures.append(client.start_inline(uri, kind=2)[1])
        results = [await future for future in futures]
        assert all(result == {"items": []} for result in results[:-1])
        assert results[-1]["items"][0]["insertText"] == "width * height"
        assert len(provider.requests) == 1


async def test_typing_what_was_suggested_asks_no_model_again(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        await client.inline(uri, kind=2)
        for typed in "width":
            client.append(uri, typed)
            items = await client.inline(uri, kind=2)
        assert items[0]["insertText"] == " * height"
        assert len(provider.requests) == 1


async def test_a_newer_automatic_request_supersedes_the_one_before(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault = Fault.never_answer()
    home.tables["complete"] = {"budgetMs": 6000}
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        _, first = client.start_inline(uri, kind=2)
        await provider.until(lambda p: len(p.requests) == 1)
        client.append(uri, "w")
        _, second = client.start_inline(uri, kind=2)
        assert await asyncio.wait_for(first, 5) == {"items": []}
        await provider.until(lambda p: p.requests[0].closed)
        assert (await asyncio.wait_for(second, 20)) == {"items": []}


async def test_a_pinned_model_is_waited_for(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.delay_first = 1.5  # longer than it takes until the next model is asked too
    with running(LoopbackProvider(reply="quick")) as quick:
        home.model("quick", quick.base_url)
        home.model("gpt", provider.base_url)
        home.tables["selector"] = {"pin": {"complete": "gpt"}}
        async with home.server() as client:
            client.open(uri, CODE)
            items = await client.inline(uri, kind=2)
            assert items[0]["insertText"] == provider.reply
            assert not quick.requests


async def test_a_cancelled_request_closes_the_providers_connection(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault = Fault.never_answer()
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        id_, future = client.start_inline(uri)
        await provider.until(lambda p: len(p.requests) >= 1)
        client.cancel(id_)
        await assert_cancelled(future)
        await provider.until(lambda p: all(r.closed for r in p.requests))


async def test_a_cancelled_stream_of_anthropic_is_closed_in_the_middle(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault, provider.reply = Fault.endless(), "x"
    provider.delay_chunk = 0.01
    home.tables["complete"] |= {"budgetMs": 60000}
    # The SDK's own path begins at the origin: ``/v1/messages``.
    home.model("claude", provider.origin, provider="anthropic", model="claude-test")
    async with home.server() as client:
        client.open(uri, "def area(width, height):\n    ")  # a block: one line would be enough soon
        id_, future = client.start_inline(uri)
        await provider.until(lambda p: p.requests and p.requests[0].sent >= 3, 60)
        assert provider.requests[0].path == "/v1/messages"
        client.cancel(id_)
        await assert_cancelled(future)
        await provider.until(lambda p: all(r.closed for r in p.requests))


async def test_a_closed_document_ends_its_request(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.fault = Fault.never_answer()
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        _, future = client.start_inline(uri, kind=2)
        await provider.until(lambda p: len(p.requests) == 1)
        client.close_document(uri)
        assert await asyncio.wait_for(future, 5) == {"items": []}
        await provider.until(lambda p: p.requests[0].closed)


async def test_an_answer_for_an_older_version_is_dropped(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.delay_first = 0.5
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        _, future = client.start_inline(uri)
        await provider.until(lambda p: len(p.requests) >= 1)
        client.insert(uri, 0, "# changed\n")
        assert (await asyncio.wait_for(future, 10)) == {"items": []}


async def test_the_selected_item_of_the_editors_list_is_gone_on_from(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "(1, 2)"
    home.model("gpt", provider.base_url)
    text = "from shapes import area\n\nar"
    async with home.server("vscode") as client:
        client.open(uri, text)
        range_ = client.range(text, len(text) - 2, len(text))
        info = {"text": "area", "range": range_}
        items = await client.inline(uri, selectedCompletionInfo=info)
        assert items[0]["insertText"] == "area(1, 2)"
        assert items[0]["range"] == range_


async def test_trigger_kind_0_is_taken_for_what_the_client_meant(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server("vscode") as client:
        client.open(uri, CODE)
        assert (await client.inline(uri, kind=0))[0]["insertText"] == "width * height"
        # Such a client's 1 is automatic: of two in a row the first is superseded.
        client.insert(uri, 0, "#\n")
        _, first = client.start_inline(uri, kind=1)
        _, second = client.start_inline(uri, kind=1)
        assert await first == {"items": []}
        assert (await second)["items"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_are_right_after_an_emoji(
    home: Home, provider: LoopbackProvider, uri: str, encoding: str
) -> None:
    from tests.support.client_capabilities import CAPABILITIES

    provider.reply = "lower()"
    home.model("gpt", provider.base_url)
    text = "x = '😀é'.upper().\n"
    caps = {**CAPABILITIES["neovim"], "general": {"positionEncodings": [encoding]}}
    async with home.server(capabilities=caps) as client:
        client.open(uri, text)
        items = await client.inline(uri, len(text) - 1)
        client.accept(uri, items[0])
        assert client.text(uri) == "x = '😀é'.upper().lower()\n"


async def test_a_client_without_inline_completion_gets_the_same_as_completions(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    async with home.server("plain") as client:
        client.open(uri, CODE)
        result = await client.request("textDocument/completion", client.at(uri))
        assert result["isIncomplete"] is True
        item = result["items"][0]
        assert item["textEdit"]["newText"] == "width * height"
        assert item["command"]["command"] == "ensemble.accept"
        resolved = await client.request("completionItem/resolve", item)
        assert "width * height" in resolved["documentation"]["value"]
        assert "gpt" in resolved["documentation"]["value"]


ROW = "total = merge([])"
"""Brackets that the editor closed: the cursor is between the inner ones."""


@pytest.mark.parametrize(
    ("reply", "inserted", "covered", "result"),
    [
        ("left, right])", "left, right", 0, "merge([left, right])"),
        ("left, right]", "left, right", 0, "merge([left, right])"),
        ("left] + right)", "left] + right", 1, "merge([left] + right)"),
        ("left]) or None", "left]) or None", 2, "merge([left]) or None"),
        ("f(left)", "f(left)", 0, "merge([f(left)])"),
    ],
)
async def test_the_range_covers_what_the_text_contains_of_the_rest_of_the_line(
    home: Home,
    provider: LoopbackProvider,
    uri: str,
    reply: str,
    inserted: str,
    covered: int,
    result: str,
) -> None:
    provider.reply = reply
    home.model("gpt", provider.base_url)
    cursor = ROW.index("])")
    async with home.server("vscode") as client:
        client.open(uri, ROW + "\n")
        item = (await client.inline(uri, cursor))[0]
        assert item["insertText"] == inserted
        assert item["range"] == client.range(ROW, cursor, cursor + covered)
        client.accept(uri, item)
        assert client.text(uri) == f"total = {result}\n"


async def test_a_completion_replaces_the_bracket_behind_the_cursor(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    from tests.support.client_capabilities import CAPABILITIES

    provider.reply = "a) or b"
    home.model("gpt", provider.base_url)
    async with home.server("plain") as client:
        client.open(uri, "x = f()\n")
        result = await client.request("textDocument/completion", client.at(uri, 6))
        edit = result["items"][0]["textEdit"]
        assert edit == {"range": client.range("x = f()\n", 6, 7), "newText": "a) or b"}
    # Neovim's own completion inserts the rest of the line again behind a snippet.
    async with home.server("Neovim", capabilities=CAPABILITIES["plain"]) as client:
        client.open(uri, "x = f()\n")
        result = await client.request("textDocument/completion", client.at(uri, 6))
        edit = result["items"][0]["textEdit"]
        assert edit == {"range": client.range("x = f()\n", 6, 6), "newText": "a$0"}
        assert result["items"][0]["insertTextFormat"] == 2


async def test_the_selected_item_and_the_rest_of_the_line_are_both_replaced(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "(a)) + 1"
    home.model("gpt", provider.base_url)
    text = "x = f(ab)\n"
    async with home.server("vscode") as client:
        client.open(uri, text)
        item = (
            await client.inline(
                uri,
                8,
                selectedCompletionInfo={"range": client.range(text, 6, 8), "text": "abs"},
            )
        )[0]
        client.accept(uri, item)
        assert client.text(uri) == "x = f(abs(a)) + 1\n"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", ""),
        ("no line end", "x"),
        ("binary", "\x00\x01\x02PNG\x00"),
        ("50,000 lines", "value = compute(1, 2, 3)\n" * 50_000),
        ("one line of a megabyte", "x" * 1_000_000),
        ("carriage returns", "a = 1\r\nb = 2\r\n"),
    ],
)
async def test_odd_files_are_served_or_left_alone(
    home: Home, provider: LoopbackProvider, uri: str, name: str, text: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, text)
        items = await client.inline(uri)
        assert isinstance(items, list)
        hover = await client.request("textDocument/hover", client.at(uri, 0))
        assert hover is None or "contents" in hover
        actions = await client.request(
            "textDocument/codeAction",
            {"textDocument": {"uri": uri}, "range": client.range(text, 0, 0)}
            | {"context": {"diagnostics": []}},
        )
        assert isinstance(actions, list)


async def test_a_document_that_is_not_open_gives_nothing(home: Home, tmp_path: Path) -> None:
    params = {
        "textDocument": {"uri": (tmp_path / "never.py").as_uri()},
        "position": {"line": 3, "character": 1},
    }
    async with home.server() as client:
        inline = {**params, "context": {"triggerKind": 1}}
        assert await client.request("textDocument/inlineCompletion", inline) == {"items": []}
        assert await client.request("textDocument/hover", params) is None


async def test_an_excluded_file_goes_to_no_remote_model(
    home: Home, provider: LoopbackProvider
) -> None:
    (home.workspace / ".gitignore").write_text("secret/\n")
    home.model("gpt", provider.base_url.replace("127.0.0.1", "localhost.localdomain"))
    uri = (home.workspace / "secret" / "a.py").as_uri()
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        assert provider.requests == []
