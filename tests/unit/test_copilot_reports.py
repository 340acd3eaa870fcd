"""What Copilot's clients report about completions: shown, accepted in part."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ensemble_lsp.lsp.routes import ROUTES
from ensemble_lsp.lsp.server import EnsembleServer
from ensemble_lsp.types import Position, Span, Suggestion

TEXT = "log('🎈', id);"
SUGGESTION = Suggestion(
    "a1", "complete", TEXT, ("one",), "file:///a.ts", 1, Span(Position(0, 0), Position(0, 0))
)
ITEM = {"insertText": TEXT, "command": {"command": "ensemble.accept", "arguments": [{"id": "a1"}]}}


def reports_of(method: str, params: Any) -> list[tuple[object, ...]]:
    """Return what the log of suggestions gets from a notification."""
    found: list[tuple[object, ...]] = []
    log = SimpleNamespace(
        find=lambda id_: SUGGESTION if id_ == "a1" else None,
        shown=lambda id_: found.append(("shown", id_)),
        partially_accepted=lambda id_, length: found.append(("part", id_, length)),
    )
    host = SimpleNamespace(app=SimpleNamespace(suggestions=log))
    server = SimpleNamespace(
        host_if_ready=lambda: host, client=SimpleNamespace(neovim=False), documents={}
    )
    handler = next(route.handler for route in ROUTES if route.method == method)
    handler(cast("EnsembleServer", server), params)
    return found


def test_an_item_that_is_shown() -> None:
    assert reports_of("textDocument/didShowCompletion", {"item": ITEM}) == [("shown", "a1")]


@pytest.mark.parametrize(("units", "length"), [(4, 4), (7, 6), (len(TEXT) + 1, len(TEXT))])
def test_a_part_is_counted_in_utf_16(units: int, length: int) -> None:
    params = {"item": {"command": ITEM["command"]}, "acceptedLength": units}
    found = reports_of("textDocument/didPartiallyAcceptCompletion", params)
    assert found == [("part", "a1", length)]


@pytest.mark.parametrize(
    "params",
    [None, [], {}, {"item": ITEM}, {"item": ITEM, "acceptedLength": "4"}, {"acceptedLength": 4},
     {"item": {"command": {"arguments": []}}, "acceptedLength": 4}],
)  # fmt: skip
def test_an_invalid_report_is_ignored(params: Any) -> None:
    assert reports_of("textDocument/didPartiallyAcceptCompletion", params) == []
