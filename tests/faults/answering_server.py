"""Checks that a server still answers and has the same document as its client."""

from __future__ import annotations

from tests.support.lsp_client import LspClient

PLACE = {"line": 0, "character": 0}


async def alive(client: LspClient) -> None:
    """The server answers; what it was sent before this has been dealt with."""
    assert isinstance(await client.command("ensemble.models"), list)


async def shown(client: LspClient, uri: str) -> str:
    """The document as the server has it, as far as a code action's range can tell: its last line."""
    end = {"line": 2**31 - 1, "character": 2**31 - 1}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": PLACE, "end": end},
        "context": {"diagnostics": []},
    }
    actions = await client.request("textDocument/codeAction", params)
    data = next(a["data"] for a in actions if a["title"] == "Generate with ensemble")
    return f"{data['end'][0]}:{data['end'][1]}"
