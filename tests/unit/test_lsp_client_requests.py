"""The server's requests to a client that refuses them, knows them not, or answers with nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from ensemble_lsp.bootstrap import create_server
from ensemble_lsp.lsp import candidate_picker
from ensemble_lsp.lsp.handlers import hover, popup_completion
from ensemble_lsp.lsp.handlers.configuration import request_configuration
from ensemble_lsp.lsp.message_requests import ask_user
from ensemble_lsp.lsp.server import ClientFeatures, EnsembleServer
from ensemble_lsp.lsp.show_document import show_markdown

Answer = Callable[[Any], dict[str, Any] | None]
UNKNOWN = {"error": {"code": -32601, "message": "Method not found"}}


class Client:
    """A server, and a client that answers each of its requests alike."""

    def __init__(self, answer: dict[str, Any] | None, capabilities: Any = None) -> None:
        self.answer = answer
        self.messages: list[str] = []
        self.server: EnsembleServer = create_server()
        self.server.protocol.set_writer(self, include_headers=False)
        params = {"processId": None, "rootUri": None, "capabilities": capabilities or {}}
        self.receive({"id": 1, "method": "initialize", "params": params})

    def receive(self, message: dict[str, Any]) -> None:
        self.server.protocol.receive(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def write(self, data: bytes) -> None:
        message = json.loads(data)
        if message.get("method") == "window/showMessage":
            self.messages.append(message["params"]["message"])
        elif "method" in message and "id" in message and self.answer is not None:
            answer = {"id": message["id"], **self.answer}
            asyncio.get_running_loop().call_soon(self.receive, answer)

    def close(self) -> None:
        pass


async def applied(answer: dict[str, Any] | None) -> tuple[bool, list[str]]:
    client = Client(answer)
    edit = types.WorkspaceEdit(changes={})
    return await candidate_picker.apply_edit(client.server, "Title", edit), client.messages


@pytest.mark.parametrize(
    ("answer", "confirmed", "message"),
    [
        ({"result": {"applied": True}}, True, ""),
        (
            {"result": {"applied": False, "failureReason": "read-only"}},
            False,
            "did not apply the edit (read-only)",
        ),
        ({"result": {"applied": False}}, False, "did not apply the edit; try again"),
        (UNKNOWN, False, "cannot apply edits (Method not found)"),
        ({"result": None}, False, ""),  # it may have applied the edit
        ({"result": {}}, False, ""),
        ({"result": True}, False, ""),
    ],
)
async def test_an_edit_that_is_not_applied_is_one_sentence(
    answer: dict[str, Any], confirmed: bool, message: str
) -> None:
    result, messages = await applied(answer)
    assert result == confirmed
    assert bool(messages) == bool(message)
    assert all(message in each for each in messages)


async def test_a_client_that_never_confirms_an_edit_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidate_picker, "APPLY_TIMEOUT", 0.05)
    assert await applied(None) == (False, [])


@pytest.mark.parametrize(
    ("answer", "chosen", "shown"),
    [
        ({"result": {"title": "A"}}, "A", []),
        ({"result": None}, None, []),
        (UNKNOWN, None, ["Which?"]),
    ],
)
async def test_a_question_to_an_editor_without_buttons_is_shown(
    answer: dict[str, Any], chosen: str | None, shown: list[str]
) -> None:
    client = Client(answer)
    got = await ask_user(client.server, types.MessageType.Info, "Which?", ["A", "B"])
    assert (got, client.messages) == (chosen, shown)


@pytest.mark.parametrize("answer", [UNKNOWN, {"result": {"success": False}}, {"result": None}])
async def test_what_an_editor_does_not_open_is_shown_as_plain_text(
    answer: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    client = Client(answer, {"window": {"showDocument": {"support": True}}})
    await show_markdown(client.server, "**Adds** `a`")
    assert client.messages == ["Adds a"]


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        ({"result": [{"a": 1}]}, {"a": 1}),
        ({"result": [None]}, None),
        ({"result": []}, {}),
        (UNKNOWN, {"known": True}),
        ({"error": {"code": -32800, "message": "cancelled"}}, {"known": True}),
    ],
)
async def test_settings_are_kept_if_the_editor_does_not_answer(
    answer: dict[str, Any], settings: Any
) -> None:
    client = Client(answer, {"workspace": {"configuration": True}})
    assert await request_configuration(client.server, {"known": True}) == settings


def test_a_hover_in_plain_text_has_no_markdown() -> None:
    plain = hover._contents("`a` **b**", False)
    assert plain == types.MarkupContent(types.MarkupKind.PlainText, "a b")
    marked = hover._contents("`a` **b**", True)
    assert marked == types.MarkupContent(types.MarkupKind.Markdown, "`a` **b**")


@pytest.mark.parametrize(
    ("formats", "kind"),
    [
        (None, types.MarkupKind.Markdown),
        ([], types.MarkupKind.Markdown),
        (["markdown", "plaintext"], types.MarkupKind.Markdown),
        (["plaintext"], types.MarkupKind.PlainText),
    ],
)
async def test_the_documentation_of_a_completion_is_in_the_clients_format(
    formats: Any, kind: types.MarkupKind
) -> None:
    completion = {"completionItem": {"documentationFormat": formats}}
    client = Client(None, {"textDocument": {"completion": completion}})
    assert isinstance(client.server.client, ClientFeatures)
    item = types.CompletionItem("x", data={"text": "a_b()", "models": ["m"], "language": "python"})
    resolved = await popup_completion.resolve_completion(client.server, item)
    documentation: Any = resolved.documentation
    assert documentation.kind is kind
    assert ("```" in documentation.value) == (kind is types.MarkupKind.Markdown)
    assert "a_b()" in documentation.value and "Written by m." in documentation.value
