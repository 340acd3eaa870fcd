"""Editing sessions through the real process: what a model is shown is the editor's text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance import model, sessions
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient, running_server
from tests.support.providers import LoopbackProvider, running

CONFIG = """
[[models]]
name = "gpt"
provider = "openai"
model = "gpt"
baseUrl = "{}"
api = "completions"
fim = "suffix"
[complete]
budgetMs = 30000
candidates = 1
"""


class Wire:
    """One server of one encoding, and the provider it asks."""

    def __init__(self, client: LspClient, provider: LoopbackProvider, encoding: str) -> None:
        self.client = client
        self.provider = provider
        self.encoding = encoding
        self.count = 0


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"])
def wire(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[asyncio.AbstractEventLoop, Wire]]:
    loop = asyncio.new_event_loop()
    with running(LoopbackProvider(reply="1")) as provider:
        (tmp_path / "config.toml").write_text(CONFIG.format(provider.base_url))
        server = running_server(tmp_path)
        client = loop.run_until_complete(server.__aenter__())
        capabilities = {
            **CAPABILITIES["neovim"],
            "general": {"positionEncodings": [request.param]},
        }
        loop.run_until_complete(client.initialize(capabilities=capabilities))
        yield loop, Wire(client, provider, request.param)
        loop.run_until_complete(server.__aexit__(None, None, None))
    loop.close()


async def session(wire: Wire, text: str, data: st.DataObject) -> None:
    """Open, edit, complete; compare what the provider was shown; close."""
    client, encoding = wire.client, wire.encoding
    wire.count += 1
    uri = client.open(f"file:///w/f{wire.count}.py", text)
    version = 1

    def change(changes: list[Any]) -> None:
        nonlocal text, version
        for each in changes:
            text = model.changed(text, each, encoding)
        version += 1
        identifier = {"uri": uri, "version": version}
        client.notify(
            "textDocument/didChange", {"textDocument": identifier, "contentChanges": changes}
        )

    for _ in range(data.draw(st.integers(0, 6))):
        change([data.draw(sessions.changes(text, encoding))])
    place = data.draw(sessions.places(text, encoding, exact=True))
    at = model.offset(text, place, encoding)
    typed = f"\nvalue{wire.count} = \n"
    change([{"range": {"start": place, "end": place}, "text": typed}])
    cursor = at + len(typed) - 1
    asked = len(wire.provider.requests)
    params = {
        "textDocument": {"uri": uri},
        "position": model.position(text, cursor, encoding),
        "context": {"triggerKind": 1},
    }
    await client.request("textDocument/inlineCompletion", params)
    assert len(wire.provider.requests) == asked + 1, text
    body = wire.provider.requests[asked].body
    assert body["prompt"].endswith(plain(text[:cursor])), (text, body)
    assert body["suffix"] == plain(text[cursor:]), (text, body)
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def plain(text: str) -> str:
    """Models are shown line feeds alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_model_is_shown_what_the_editor_holds(
    wire: tuple[asyncio.AbstractEventLoop, Wire],
) -> None:
    loop, one = wire

    @settings(
        max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(text=sessions.texts, data=st.data())
    def each(text: str, data: st.DataObject) -> None:
        loop.run_until_complete(session(one, text, data))

    each()
