"""A model that counts as remote, and requests to it about the files of a workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

MARK = "outside_of_the_workspace_9f3a"
KEY = "sk-proj-Zk3vQ8mN2xR7tW5yB1cD4fG6hJ9kL0pA"
FUNCTION = f"def {MARK}(secret_argument):\n    return secret_argument\n"


@pytest.fixture
def remote(home: Home) -> Iterator[LoopbackProvider]:
    """A model that is not on this machine, as far as the program can tell."""
    with running(LoopbackProvider("width * height")) as provider:
        home.model("far", "http://models.example/v1", apiKeyEnv="FAR_KEY", api="chat")
        home.env |= {"HTTP_PROXY": provider.origin, "http_proxy": provider.origin, "FAR_KEY": KEY}
        home.env |= {"NO_PROXY": "", "no_proxy": ""}
        home.tables["complete"] = {"budgetMs": 30000, "candidates": 1}
        yield provider


def file(home: Home, name: str, text: str | bytes) -> Path:
    path = home.workspace / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


async def everything(client: LspClient, uri: str) -> None:
    """All three tasks at the end of a document."""
    assert await client.inline(uri)
    await asks(client, uri)


async def asks(client: LspClient, uri: str) -> None:
    place = client.position(client.text(uri), len(client.text(uri)))
    await client.request("textDocument/hover", client.at(uri, 0))
    arguments: dict[str, Any] = {"uri": uri, "range": {"start": place, "end": place}}
    await client.command("ensemble.explain", arguments)
    await client.command(
        "ensemble.generate", {**arguments, "instruction": "the area", "apply": False}
    )


LIKE = "def {0}(first_part, second_part):\n    return first_part + second_part\n"

APP = "def total(first_part, second_part):\n    return first_part + "


def sent(provider: LoopbackProvider) -> str:
    return "\n".join(json.dumps(request.body) for request in provider.requests)
