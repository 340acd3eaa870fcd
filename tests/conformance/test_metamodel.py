"""The judge of what the server sends: what it must refuse, or every test that relies on it is blind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.metamodel import Conformance

PLACE = {"line": 0, "character": 1}
RANGE = {"start": PLACE, "end": PLACE}
ITEM = {"insertText": "x", "range": RANGE}


def answer(method: str, result: Any) -> list[str]:
    return Conformance().faults({"jsonrpc": "2.0", "id": 1, "result": result}, method)


def call(method: str, params: Any, id_: int | None = None) -> list[str]:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return Conformance().faults(message if id_ is None else {**message, "id": id_}, None)


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("textDocument/hover", None),
        ("textDocument/hover", {"contents": {"kind": "markdown", "value": "x"}}),
        ("textDocument/inlineCompletion", {"items": [ITEM]}),
        ("textDocument/completion", {"isIncomplete": True, "items": [{"label": "x"}]}),
        ("textDocument/codeAction", [{"title": "x", "kind": "refactor.rewrite.ensemble"}]),
        ("workspace/executeCommand", {"any": ["thing"]}),
        ("shutdown", None),
    ],
)
def test_what_fits_passes(method: str, result: Any) -> None:
    assert answer(method, result) == []


@pytest.mark.parametrize(
    ("method", "result", "said"),
    [
        ("textDocument/hover", {"contents": {"kind": "html", "value": "x"}}, "contents"),
        ("textDocument/hover", {"contents": "x", "size": 1}, "not known"),
        ("textDocument/hover", {"contents": "x", "range": None}, "left out"),
        ("textDocument/inlineCompletion", None, "in place of a list object"),
        ("textDocument/inlineCompletion", {"items": [{"insertText": "x"}]}, "missing"),
        ("textDocument/inlineCompletion", {"items": [{**ITEM, "insertText": 1}]}, "insertText"),
        (
            "textDocument/inlineCompletion",
            {"items": [{**ITEM, "range": {"start": PLACE, "end": {"line": 1, "character": 0}}}]},
            "several lines",
        ),
        (
            "textDocument/inlineCompletion",
            {"items": [{**ITEM, "range": {"start": PLACE, "end": {"line": 0, "character": -1}}}]},
            "character",
        ),
        ("textDocument/completion", {"items": []}, "isIncomplete"),
        ("textDocument/codeAction", {"title": "x"}, "no array"),
        ("shutdown", {}, "null"),
    ],
)
def test_what_does_not_fit_is_named(method: str, result: Any, said: str) -> None:
    assert said in "; ".join(answer(method, result))


@pytest.mark.parametrize(
    ("method", "params", "id_", "said"),
    [
        ("window/showMessage", {"type": 9, "message": "x"}, None, "MessageType"),
        ("window/showMessage", {"type": 1, "message": "x"}, 3, "id"),
        ("window/workDoneProgress/create", {"token": "t"}, None, "id"),
        ("window/nonsense", {}, None, "not in the meta-model"),
        ("textDocument/didOpen", {}, None, "only clients send it"),
        ("$/progress", {"token": "t", "value": {"kind": "end"}}, None, "never made"),
    ],
)
def test_calls_are_held_to_it_too(method: str, params: Any, id_: int | None, said: str) -> None:
    assert said in "; ".join(call(method, params, id_))


def test_an_answer_is_one_thing_and_comes_once() -> None:
    rules = Conformance()
    assert rules.faults({"jsonrpc": "2.0", "id": 1, "result": None}, "shutdown") == []
    assert "twice" in rules.faults({"jsonrpc": "2.0", "id": 1, "result": None}, "shutdown")[0]
    both = {"jsonrpc": "2.0", "id": 2, "result": None, "error": {"code": 1, "message": "x"}}
    assert "a result and an error" in rules.faults(both, "shutdown")[0]
    assert "neither" in rules.faults({"jsonrpc": "2.0", "id": 3}, "shutdown")[0]
    assert rules.faults({"id": 4, "result": None}, "shutdown")


def test_a_client_is_not_asked_for_what_it_cannot_do() -> None:
    rules = Conformance()
    rules.capabilities = {"workspace": {"applyEdit": True}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "workspace/configuration"}
    said = rules.faults({**message, "params": {"items": [{"section": "ensemble"}]}}, None)
    assert said == ["workspace/configuration: the client did not announce it"]


def test_progress_follows_the_token_the_client_agreed_to() -> None:
    rules = Conformance()
    create = {"jsonrpc": "2.0", "id": 1, "method": "window/workDoneProgress/create"}
    begin = {"token": "t", "value": {"kind": "begin", "title": "x"}}
    report = {"jsonrpc": "2.0", "method": "$/progress", "params": begin}
    assert rules.faults({**create, "params": {"token": "t"}}, None) == []
    assert rules.faults(report, None) == []
    wrong = {**report, "params": {"token": "t", "value": {"kind": "begin"}}}
    assert "title" in rules.faults(wrong, None)[0]
