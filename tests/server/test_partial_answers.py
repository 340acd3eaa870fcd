"""The answer of ``ensemble.generate`` is reported to the client while a model writes it, over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, schema_faults
from tests.support.providers import Fault, LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = "def perimeter(width, height):\n    pass\n"
LONG = "\n".join(
    [
        "def perimeter(width, height):",
        *(f"    side_{n} = width * {n}" for n in range(8)),
        "    return side_7",
    ]
)
FENCED = f"Here is the code:\n\n```python\n{LONG}\n```\nHope that helps!"
OTHER = LONG.replace("side", "edge")


def arguments(client: LspClient, uri: str, **more: Any) -> dict[str, Any]:
    """The whole function, with a token for partial answers."""
    return {
        "uri": uri,
        "range": client.range(CODE, 0, len(CODE) - 1),
        "instruction": "write the sides",
        "apply": False,
        "partialResultToken": "partial",
        **more,
    }


def reports(client: LspClient) -> list[dict[str, Any]]:
    """The partial answers so far."""
    return [
        params["value"]
        for method, params in client.notifications
        if method == "$/progress" and params["token"] == "partial"
    ]


async def test_a_growing_answer_is_reported_without_the_text_around_the_code(
    home: Home, uri: str
) -> None:
    with running(LoopbackProvider(FENCED, delay_chunk=0.03)) as provider:
        home.model("one", provider.base_url)
        async with home.server() as client:
            client.conformance.allow("partial")
            client.open(uri, CODE)
            result = await client.command("ensemble.generate", arguments(client, uri))
            assert result["text"] == LONG
            partial = reports(client)
            assert len(partial) > 2
            for one in partial:
                assert schema_faults("PartialAnswer", one) == []
                assert (one["model"], one["uri"]) == ("one", uri)
                assert one["range"] == result["range"]
                assert LONG.startswith(one["text"].rstrip())
            lengths = [len(one["text"]) for one in partial]
            assert lengths == sorted(lengths)
            assert lengths[0] < len(LONG) / 2
            assert client.text(uri) == CODE


async def test_without_a_token_nothing_is_reported(home: Home, uri: str) -> None:
    with running(LoopbackProvider(FENCED, delay_chunk=0.01)) as provider:
        home.model("one", provider.base_url)
        async with home.server() as client:
            client.conformance.allow("partial")
            client.open(uri, CODE)
            wanted = arguments(client, uri)
            del wanted["partialResultToken"]
            await client.command("ensemble.generate", wanted)
            values = [p["value"] for m, p in client.notifications if m == "$/progress"]
            assert not [value for value in values if "text" in value]


async def test_one_model_is_reported_and_another_only_after_its_failure(
    home: Home, uri: str
) -> None:
    with (
        running(LoopbackProvider(FENCED, delay_chunk=0.05, fault=Fault.cut(after=40))) as first,
        running(LoopbackProvider(OTHER, delay_first=0.5, delay_chunk=0.06)) as second,
    ):
        home.model("first", first.base_url)
        home.model("second", second.base_url)
        async with home.server() as client:
            client.conformance.allow("partial")
            client.open(uri, CODE)
            result = await client.command("ensemble.generate", arguments(client, uri))
            assert result["text"] == OTHER
            names = [one["model"] for one in reports(client)]
            assert names == sorted(names), "the models do not alternate"
            assert set(names) == {"first", "second"}


async def test_a_preset_needs_a_whole_answer(home: Home, uri: str) -> None:
    fixed = CODE.replace("pass", "return 2 * (width + height)")
    with running(LoopbackProvider(fixed, delay_chunk=0.03)) as provider:
        home.model("one", provider.base_url)
        async with home.server() as client:
            client.conformance.allow("partial")
            client.open(uri, CODE)
            problem = {"message": "nothing is returned", "range": client.range(CODE, 34, 38)}
            wanted = arguments(client, uri, preset="fix", diagnostics=[problem])
            result = await client.command("ensemble.generate", wanted)
            assert "2 * (width + height)" in result["text"]
            assert reports(client) == []
