"""A client that asks for next edits and applies them, and their outcomes in the history."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

from ensemble_lsp.types import common_prefix_length
from tests.server.conftest import Home
from tests.support.lsp_client import LspClient

CODE = """\
def area(width, height):
    result = width * height
    print(result)
    return result


print(area(2, 3))
"""
REQUEST = "textDocument/copilotInlineEdit"


def params(client: LspClient, uri: str, offset: int, **more: Any) -> dict[str, Any]:
    """The parameters that every client sends."""
    at = client.at(uri, offset)
    at["textDocument"]["version"] = client.documents[uri][0]
    return {**at, **more}


async def edits(client: LspClient, uri: str, offset: int, **more: Any) -> list[dict[str, Any]]:
    """Ask for the next edit; the answer is always an object with a list."""
    answer = await client.request(REQUEST, params(client, uri, offset, **more))
    assert len(answer["edits"]) <= 1
    for edit in answer["edits"]:
        assert edit["textDocument"] == {"uri": uri, "version": client.documents[uri][0]}
    return answer["edits"]


def rename(client: LspClient, uri: str, old: str = "result", new: str = "total") -> int:
    """Rename the first occurrence of a name; the cursor's offset."""
    at = client.text(uri).index(old)
    client.insert(uri, at, new, delete=len(old))
    return at + len(new)


def changed(client: LspClient, uri: str, edit: dict[str, Any]) -> tuple[int, int, str]:
    """The smallest difference that an edit makes, as Neovim computes it for didChange."""
    text = client.text(uri)
    start = client.offset(text, edit["range"]["start"])
    end = client.offset(text, edit["range"]["end"])
    old, new = text[start:end], edit["text"]
    head = common_prefix_length(old, new)
    tail = common_prefix_length(old[head:][::-1], new[head:][::-1])
    return start + head, len(old) - head - tail, new[head : len(new) - tail]


def apply(client: LspClient, uri: str, edit: dict[str, Any]) -> None:
    """Apply an edit and send only the smallest difference."""
    at, delete, text = changed(client, uri, edit)
    client.insert(uri, at, text, delete)


def outcomes(home: Home) -> list[tuple[str, str, str]]:
    """Model, outcome and source of each edit in the history."""
    path = home.path / "data" / "history.sqlite3"
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT s.models, o.kind, o.source FROM suggestions s JOIN outcomes o ON o.n = s.n"
            " WHERE s.task = 'edit' ORDER BY s.n"
        ).fetchall()
    return [(json.loads(models)[0], kind, source) for models, kind, source in rows]


async def settled(home: Home, wanted: list[tuple[str, str, str]]) -> None:
    """Wait until the history has these outcomes."""
    for _ in range(100):
        if outcomes(home) == wanted:
            return
        await asyncio.sleep(0.1)
    assert outcomes(home) == wanted
