"""Providers that fail: the next model answers, or one sentence does; the server goes on."""

from __future__ import annotations

import socket

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspError
from tests.support.providers import Fault, LoopbackProvider, running
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

FAULTS = {
    "bad request": Fault.status(400),
    "wrong key": Fault.status(401),
    "forbidden": Fault.status(403),
    "no such model": Fault.status(404),
    "too long": Fault.status(413),
    "rate limited": Fault.status(429, headers={"retry-after": "1"}),
    "server error": Fault.status(500),
    "overloaded": Fault.status(529),
    "html": Fault.html(),
    "error in 200": Fault.body_of({"error": {"message": "no", "type": "x"}}),
    "wrong content type": Fault.wrong_content_type("text/html"),
    "cut stream": Fault.cut(),
    "half stream": Fault.ends_early(),
    "disconnect": Fault.disconnect(),
    "garbage": Fault.garbage(),
    "invalid utf-8": Fault.invalid_utf8(),
    "empty": Fault.empty_choices(),
    "huge token": Fault.huge_token(),
    "refusal": Fault.refusal(),
    "content filter": Fault.content_filter(),
    "stall": Fault.stall(),
    "never answers": Fault.never_answer(),
    "endless": Fault.endless(),
}
PARTIAL = ("cut stream", "half stream", "huge token", "wrong content type", "stall", "endless")
"""What came of these may be an answer of its own."""

FUNCTION = "# Return the area of a circle\n"


@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in PARTIAL])
async def test_the_next_model_answers_when_the_first_fails(
    home: Home, uri: str, fault: str
) -> None:
    with running(LoopbackProvider(reply="bad", fault=FAULTS[fault])) as first:
        with running(LoopbackProvider(reply="width * height")) as second:
            home.model("first", first.base_url)
            home.model("second", second.base_url)
            home.tables["selector"] = {"strategy": "fixed"}
            home.tables["complete"] = {"budgetMs": 20000}
            async with home.server() as client:
                client.open(uri, CODE)
                items = await client.inline(uri, kind=2)
                assert [i["insertText"] for i in items] == ["width * height"]
                assert client.messages() == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_the_user_asked_for_fails_with_one_sentence(
    home: Home, uri: str, fault: str
) -> None:
    with running(LoopbackProvider(reply="x = 1", fault=FAULTS[fault])) as provider:
        home.model("gpt", provider.base_url, timeout=3.0)
        home.tables["ensemble"] = {"budgetMs": 4000}
        async with home.server() as client:
            client.open(uri, FUNCTION)
            arguments = {"uri": uri, "range": client.range(FUNCTION, 0, 0), "apply": False}
            try:
                result = await client.command("ensemble.generate", arguments, 20)
                assert "text" in result
            except LspError as error:
                assert "gpt" in error.message or "model" in error.message
                assert set(error.data or {}) <= {"problem"}
                assert len(error.message) < 500
            assert await client.command("ensemble.models")


async def test_an_unreachable_server_is_named(home: Home, uri: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home.model("gpt", f"http://127.0.0.1:{port}/v1")
    async with home.server() as client:
        client.open(uri, FUNCTION)
        arguments = {"uri": uri, "range": client.range(FUNCTION, 0, 0)}
        with pytest.raises(LspError) as caught:
            await client.command("ensemble.generate", arguments)
        assert "gpt" in caught.value.message
        assert f"127.0.0.1:{port}" in caught.value.message


@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
async def test_every_wire_api_of_openai_completes(home: Home, uri: str, api: str) -> None:
    with running(LoopbackProvider(reply="width * height")) as provider:
        home.model("gpt", provider.base_url, api=api)
        async with home.server() as client:
            client.open(uri, CODE)
            items = await client.inline(uri)
            assert items[0]["insertText"] == "width * height"


async def test_anthropic_completes_explains_and_generates(home: Home, uri: str) -> None:
    with running(LoopbackProvider(reply="width * height")) as provider:
        home.env["ANTHROPIC_API_KEY"] = "sk-ant-test"
        home.models.append(
            {"name": "claude", "provider": "anthropic", "model": "claude-haiku-4-5"}
            | {"baseUrl": provider.origin, "apiKeyEnv": "ANTHROPIC_API_KEY"}
        )
        async with home.server() as client:
            client.open(uri, CODE)
            assert (await client.inline(uri))[0]["insertText"] == "width * height"
            hover = await client.request("textDocument/hover", client.at(uri, 5))
            assert "claude" in hover["contents"]["value"]
            result = await client.command(
                "ensemble.generate",
                {"uri": uri, "range": client.range(CODE, len(CODE), len(CODE)), "apply": False}
                | {"instruction": "the product"},
            )
            assert result["candidates"][0]["models"] == ["claude"]
