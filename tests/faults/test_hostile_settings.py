"""Settings as clients send them, over the wire: none gets lost, and an untrusted workspace only restricts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CODE = "def area(width, height):\n    return "
LOST: dict[str, Any] = {"privacy": {"exclude": ["private/**"]}, "ensemble": {"budgetMs": 9000}}


@pytest.fixture
def remote(home: Home) -> Iterator[LoopbackProvider]:
    """A model that is not on this machine, reached through a proxy."""
    with running(LoopbackProvider("width * height")) as provider:
        home.model("far", "http://models.example/v1", apiKeyEnv="FAR_KEY", api="chat")
        home.env |= {"HTTP_PROXY": provider.origin, "http_proxy": provider.origin}
        home.env |= {"FAR_KEY": "sk-far", "NO_PROXY": "", "no_proxy": ""}
        home.tables["complete"] = {"budgetMs": 30000, "candidates": 1}
        yield provider


@pytest.mark.parametrize("way", ["options", "pulled", "pushed"])
@pytest.mark.parametrize("shape", ["flat", "wrapped", "twice", "both", "dotted"])
async def test_an_exclusion_beside_a_table_ensemble_holds(
    home: Home, remote: LoopbackProvider, way: str, shape: str
) -> None:
    settings: dict[str, Any] = {
        "flat": LOST,
        "wrapped": {"ensemble": LOST},
        "twice": {"ensemble": {"ensemble": LOST}},
        "both": {**LOST, "ensemble": {"complete": {"maxLines": 3}, "budgetMs": 9000}},
        "dotted": {"ensemble.privacy.exclude": ["private/**"], "ensemble.ensemble.budgetMs": 9000},
    }[shape]
    editor = "plain" if way == "pushed" else "neovim"
    async with home.server(editor, initialize=False) as client:
        client.settings = settings if way == "pulled" else {}
        await client.initialize(home.workspace, settings if way == "options" else {})
        if way == "pushed":
            client.notify("workspace/didChangeConfiguration", {"settings": settings})
            await client.command("ensemble.models")
        uri = (home.workspace / "private" / "app.py").as_uri()
        client.open(uri, f"# private_mark\n{CODE}")
        start = {"line": 0, "character": 0}
        arguments = {"uri": uri, "range": {"start": start, "end": start}}
        with pytest.raises(Exception, match=r"exclude"):
            await client.command("ensemble.explain", arguments)
        assert not any("private_mark" in str(request.body) for request in remote.requests)
        assert not client.messages()


COSTS_MORE: dict[str, Any] = {
    "complete": {"debounceMs": 0, "budgetMs": 60000, "maxLines": 200, "candidates": 8}
    | {"ensemble": 3, "threshold": 1},
    "selector": {"pin": {"complete": "far"}, "strategy": "fixed", "costWeight": 0},
    "ensemble": {"size": 9, "judge": "far", "runTests": "touch ran", "maxCost": 99},
}


@pytest.mark.parametrize("trust", [False, "false", 0, {"a": 1}])
async def test_an_untrusted_workspace_cannot_pin_a_remote_model(
    home: Home, remote: LoopbackProvider, provider: LoopbackProvider, trust: Any
) -> None:
    home.model("near", provider.base_url)
    home.tables["selector"] = {"strategy": "fixed", "pin": {"complete": "near"}}
    async with home.server(initialize=False) as client:
        client.settings = {"ensemble": COSTS_MORE}
        await client.initialize(home.workspace, {"ensemble": {"workspaceTrusted": trust}})
        for key in ("selector.pin", "complete.debounceMs", "complete.budgetMs", "ensemble.size"):
            await client.until(lambda key=key: key in " ".join(client.messages()))
        uri = (home.workspace / "app.py").as_uri()
        client.open(uri, CODE)
        assert await client.inline(uri, kind=2)
        assert provider.requests and not remote.requests


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"Ensemble": {"workspace_trusted": False}}, COSTS_MORE),
        ([{"ensemble": {"WorkspaceTrusted": "no"}}], COSTS_MORE),
        ({}, {**COSTS_MORE, "workspaceTrusted": False}),
        ({}, {"ensemble": {**COSTS_MORE, "workspaceTrusted": False}}),
    ],
)
async def test_a_denial_of_trust_counts_in_every_spelling_and_layer(
    home: Home, remote: LoopbackProvider, provider: LoopbackProvider, options: Any, settings: Any
) -> None:
    home.model("near", provider.base_url)
    home.tables["selector"] = {"strategy": "fixed", "pin": {"complete": "near"}}
    async with home.server(initialize=False) as client:
        client.settings = settings
        await client.initialize(home.workspace, options)
        await client.until(lambda: "selector.pin" in " ".join(client.messages()))
        uri = (home.workspace / "app.py").as_uri()
        client.open(uri, CODE)
        assert await client.inline(uri, kind=2)
        assert provider.requests and not remote.requests


async def test_an_untrusted_workspace_may_hold_back_more(
    home: Home, remote: LoopbackProvider
) -> None:
    async with home.server(initialize=False) as client:
        client.settings = {"privacy": {"exclude": ["app.py"]}, "complete": {"maxLines": 1}}
        await client.initialize(home.workspace, {"workspaceTrusted": False})
        uri = (home.workspace / "app.py").as_uri()
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        assert not remote.requests and not client.messages()


@pytest.mark.parametrize("options", ["text", 7, [1], {"ensemble": "text"}])
async def test_options_of_another_type_are_named(home: Home, options: Any) -> None:
    async with home.server(initialize=False) as client:
        await client.initialize(home.workspace, options)
        message = await client.until(lambda: " ".join(client.messages()))
        assert "must be a table" in message
