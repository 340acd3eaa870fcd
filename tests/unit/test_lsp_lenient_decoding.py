"""Messages that are not quite LSP, as real clients send them, are decoded as far as they can be."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from lsprotocol import types

from ensemble_lsp.bootstrap import create_server
from ensemble_lsp.lsp.protocol import EnsembleProtocol
from ensemble_lsp.lsp.server import ClientFeatures

URI = "file:///w/app.py"
PLACE = {"line": 0, "character": 0}
RANGE = {"start": PLACE, "end": PLACE}


class Sent(list[Any]):
    """A writer that keeps the server's messages."""

    def write(self, data: bytes) -> None:
        self.append(json.loads(data))

    def close(self) -> None:
        pass


def connected() -> tuple[EnsembleProtocol, Sent]:
    protocol, sent = create_server().protocol, Sent()
    protocol.set_writer(sent, include_headers=False)
    return protocol, sent


def decoded(method: str, params: Any) -> Any:
    protocol, sent = connected()
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    found = protocol._decoded(method, message)
    assert found is not None, sent
    return found.params


@pytest.mark.parametrize(
    "more",
    [
        {"trace": "compact"},  # VS Code's client
        {"trace": ""},
        {"capabilities": None},
        {"clientInfo": {}},
        {"clientInfo": "vim"},
        {"processId": "none"},
        {"workspaceFolders": False},
        {"capabilities": {"window": {"showDocument": True}}},
        {"capabilities": {"general": {"markdown": {}, "regularExpressions": []}}},
        {"capabilities": {"workspace": {"symbol": {"symbolKind": {"valueSet": [0, 1, 27]}}}}},
        {"capabilities": {"workspace": {"workspaceEdit": {"failureHandling": "none"}}}},
        {"capabilities": {"textDocument": {"semanticTokens": []}}},
        {"capabilities": {"textDocument": {"publishDiagnostics": {"tagSupport": True}}}},
    ],
)
def test_an_odd_value_does_not_cost_the_initialization(more: dict[str, Any]) -> None:
    folder = {"uri": "file:///w", "name": "w"}
    base = {"rootUri": "file:///w", "workspaceFolders": [folder], "capabilities": {}}
    params = decoded("initialize", base | more)
    assert params.root_uri == "file:///w"
    assert ClientFeatures.of(params).name == ""


def test_only_the_odd_value_is_lost() -> None:
    text: dict[str, Any] = {
        "inlineCompletion": True,
        "hover": {"contentFormat": ["asciidoc", "markdown"]},
        "completion": {"completionItem": {"documentationFormat": "plaintext"}},
        "codeAction": {"resolveSupport": {"properties": ["edit"]}, "tagSupport": {"valueSet": [7]}},
        "rename": False,
    }
    params = decoded("initialize", {"capabilities": {"textDocument": text}})
    features = ClientFeatures.of(params)
    assert features.inline_completion and features.markdown and features.resolves_edit
    given = params.capabilities.text_document
    assert given.completion.completion_item.documentation_format == (types.MarkupKind.PlainText,)
    assert given.rename is None


def test_a_folder_needs_no_name() -> None:
    folders = [{"uri": "file:///a"}, {"uri": "file:///b", "name": "b"}, "file:///c"]
    params = decoded("initialize", {"capabilities": {}, "workspaceFolders": folders})
    assert [folder.uri for folder in params.workspace_folders] == ["file:///a", "file:///b"]


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"diagnostics": None},
        {"diagnostics": [], "triggerKind": 0},
        {"diagnostics": [], "only": None},
    ],
)
def test_code_actions_need_no_context(context: Any) -> None:
    params = {"textDocument": {"uri": URI}, "range": RANGE, "context": context}
    assert not decoded("textDocument/codeAction", params).context.diagnostics


@pytest.mark.parametrize(
    "odd",
    [
        {"severity": 0},
        {"severity": "error"},
        {"tags": [1, 9]},
        {"codeDescription": {}},
        {"relatedInformation": [{"message": "no place"}]},
    ],
)
def test_an_odd_diagnostic_of_another_server_is_kept(odd: dict[str, Any]) -> None:
    context = {"diagnostics": [{"range": RANGE, "message": "m"} | odd, {"message": "nowhere"}]}
    params = {"textDocument": {"uri": URI}, "range": RANGE, "context": context}
    (kept,) = decoded("textDocument/codeAction", params).context.diagnostics
    assert kept.message == "m"


@pytest.mark.parametrize("context", [None, {}, {"triggerKind": None}, {"triggerKind": 3}, []])
def test_an_inline_completion_without_a_known_trigger_is_automatic(context: Any) -> None:
    params = {"textDocument": {"uri": URI}, "position": PLACE, "context": context}
    kind = decoded("textDocument/inlineCompletion", params).context.trigger_kind
    assert kind is types.InlineCompletionTriggerKind.Automatic


@pytest.mark.parametrize("params", [{}, None, [], {"settings": None}])
def test_a_change_of_the_configuration_needs_no_settings(params: Any) -> None:
    assert decoded("workspace/didChangeConfiguration", params).settings is None


def test_folders_may_be_added_without_a_list_of_removed_ones() -> None:
    event = {"added": [{"uri": "file:///a"}]}
    params = decoded("workspace/didChangeWorkspaceFolders", {"event": event})
    assert params.event.added[0].uri == "file:///a" and not params.event.removed


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("initialize", {"capabilities": 5}),
        ("textDocument/hover", {"textDocument": {"uri": URI}, "position": {"line": 1}}),
        ("textDocument/codeAction", {"textDocument": {"uri": URI}, "context": {}}),
        ("workspace/executeCommand", {"arguments": []}),
    ],
)
def test_a_request_without_what_it_needs_is_refused(method: str, params: Any) -> None:
    protocol, sent = connected()
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    assert protocol._decoded(method, message) is None
    assert sent[0]["error"]["code"] == -32602


class Editing:
    """A server with one open document, and a client that changes it."""

    def __init__(self, **item: Any) -> None:
        self.server = create_server()
        self.protocol = self.server.protocol
        self.protocol.set_writer(Sent(), include_headers=False)
        initialize = {"processId": None, "rootUri": None, "capabilities": {}}
        self.send("initialize", initialize, id=1)
        self.send("textDocument/didOpen", {"textDocument": {"uri": URI, "text": "one\n"} | item})

    def send(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more})
        self.protocol.receive(body.encode("utf-8", "surrogateescape"))

    def change(self, *changes: Any, **identifier: Any) -> None:
        params = {"textDocument": {"uri": URI} | identifier, "contentChanges": list(changes)}
        self.send("textDocument/didChange", params)

    @property
    def document(self) -> Any:
        return self.server.documents.get(URI)


@pytest.fixture
def loop() -> Any:
    """A current loop: the server makes futures in it."""
    one = asyncio.new_event_loop()
    asyncio.set_event_loop(one)
    yield one
    asyncio.set_event_loop(None)
    one.close()


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize(
    ("item", "version", "language", "text"),
    [
        ({}, 0, "python", "one\n"),
        ({"version": None, "languageId": None}, 0, "python", "one\n"),
        ({"version": 3.0, "languageId": "python", "text": None}, 3, "python", ""),
    ],
)
def test_a_document_is_opened_without_version_or_language(
    item: dict[str, Any], version: int, language: str, text: str
) -> None:
    document = Editing(**item).document
    assert (document.version, document.language, document.text) == (version, language, text)


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("identifier", [{}, {"version": None}])
def test_a_change_without_a_version_is_a_later_one(identifier: dict[str, Any]) -> None:
    editing = Editing(version=4)
    editing.change({"range": RANGE, "text": "a"}, **identifier)
    assert (editing.document.version, editing.document.text) == (5, "aone\n")


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"range": None, "text": "new"}, "new"),
        ({"range": None, "rangeLength": None, "text": "new"}, "new"),
        ({"range": RANGE, "rangeLength": -1, "text": "a"}, "aone\n"),
        ({"range": {"start": PLACE, "end": {"line": 1, "character": 0}}, "text": None}, ""),
    ],
)
def test_null_and_obsolete_members_of_a_change(change: dict[str, Any], text: str) -> None:
    editing = Editing(version=1)
    editing.change(change, version=2)
    assert editing.document.text == text


@pytest.mark.usefixtures("loop")
def test_the_id_of_a_request_may_be_written_with_a_fraction() -> None:
    editing = Editing()
    sent: Any = Sent()
    editing.protocol.set_writer(sent, include_headers=False)
    editing.send("x/unknown", {}, id=7.0)
    editing.send("x/unknown", {}, id=7.5)
    assert [message["id"] for message in sent] == [7, None]


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_bytes_that_are_not_utf_8_keep_their_width(encoding: str) -> None:
    """Neovim sends the bytes of a file in Latin-1 that it reads as UTF-8."""
    editing = Editing()
    editing.server.protocol.server_capabilities.position_encoding = encoding
    text = r"x = 'caf" + "\udce9\udcff" + "'"
    body = json.dumps({"uri": URI, "version": 1, "languageId": "python", "text": "T"})
    item = body.replace("T", text)
    message = (
        f'{{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{{"textDocument":{item}}}}}'
    )
    editing.protocol.receive(message.encode("utf-8", "surrogateescape"))
    assert editing.document.text == "x = 'caf??'"
    at = {"line": 0, "character": 10}
    editing.change({"range": {"start": at, "end": at}, "text": "!"}, version=2)
    assert editing.document.text == "x = 'caf??!'"
