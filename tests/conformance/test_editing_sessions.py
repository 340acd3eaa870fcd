"""Random editing sessions against a model of the documents: text equal after each step, one answer each."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conformance import model, sessions
from tests.conformance.rig import Rig

URIS = ("file:///w/one.py", "file:///w/two.py", "untitled:three")


class EditingSession(RuleBasedStateMachine):
    """An editor that opens, types, asks, cancels and closes, as wildly as the protocol allows."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.version = 0
        self.cancelled: set[int | str] = set()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.rig: Rig | None = None

    @initialize(encoding=sessions.encodings)
    def begin(self, encoding: str) -> None:
        self.encoding = encoding
        self.rig = Rig(Path(self.folder.name), encoding)
        sync = self.rig.answer(1)["result"]["capabilities"]
        assert sync["positionEncoding"] == encoding

    @property
    def client(self) -> Rig:
        assert self.rig is not None
        return self.rig

    @rule(uri=st.sampled_from(URIS), text=sessions.texts)
    def open(self, uri: str, text: str) -> None:
        # A client may, against the specification, open what is open: the text is replaced.
        self.version += 1
        item = {"uri": uri, "languageId": "python", "version": self.version, "text": text}
        self.client.tell("textDocument/didOpen", {"textDocument": item})
        self.texts[uri] = text

    @precondition(lambda self: self.texts)
    @rule(data=st.data(), skipped=st.integers(1, 3), count=st.integers(1, 3))
    def edit(self, data: st.DataObject, skipped: int, count: int) -> None:
        uri = data.draw(st.sampled_from(sorted(self.texts)))
        text, changes = self.texts[uri], []
        for _ in range(count):
            change = data.draw(sessions.changes(text, self.encoding))
            changes.append(change)
            text = model.changed(text, change, self.encoding)
        self.version += skipped
        identifier = {"uri": uri, "version": self.version}
        self.client.tell(
            "textDocument/didChange", {"textDocument": identifier, "contentChanges": changes}
        )
        self.texts[uri] = text

    @precondition(lambda self: self.texts)
    @rule(data=st.data())
    def type_on(self, data: st.DataObject) -> None:
        """Character by character at the end, with a request after each, as editors do."""
        uri = data.draw(st.sampled_from(sorted(self.texts)))
        for char in data.draw(st.sampled_from(("retu", "x=😀", "\r\n"))):
            text = self.texts[uri]
            lines = model.line_starts(text)
            # Between a carriage return and its line feed there is no position.
            place = {"line": len(lines) - 1, "character": len(text) * 4}
            self.version += 1
            self.client.tell(
                "textDocument/didChange",
                {
                    "textDocument": {"uri": uri, "version": self.version},
                    "contentChanges": [{"range": {"start": place, "end": place}, "text": char}],
                },
            )
            self.texts[uri] = text + char
            self._inline(uri, place, 2)

    @rule(data=st.data(), kind=st.sampled_from((1, 2)), uri=st.sampled_from(URIS))
    def complete(self, data: st.DataObject, kind: int, uri: str) -> None:
        place = data.draw(sessions.places(self.texts.get(uri, ""), self.encoding))
        self._inline(uri, place, kind)

    def _inline(self, uri: str, place: dict[str, int], kind: int) -> None:
        params = {
            "textDocument": {"uri": uri},
            "position": place,
            "context": {"triggerKind": kind},
        }
        self.client.ask("textDocument/inlineCompletion", params)

    @rule(data=st.data(), uri=st.sampled_from(URIS))
    def look(self, data: st.DataObject, uri: str) -> None:
        text = self.texts.get(uri, "")
        place = data.draw(sessions.places(text, self.encoding))
        other = data.draw(sessions.places(text, self.encoding))
        params: dict[str, Any] = {"textDocument": {"uri": uri}}
        range_ = {"start": place, "end": other}
        context: dict[str, Any] = {"diagnostics": []}
        self.client.ask("textDocument/hover", {**params, "position": place})
        self.client.ask("textDocument/codeAction", {**params, "range": range_, "context": context})

    @rule(method=st.sampled_from(("textDocument/nonsense", "textDocument/hover", "x")))
    def ask_nonsense(self, method: str) -> None:
        self.client.ask(method, {"position": "here"})

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id_ = data.draw(st.integers(1, max(self.client.asked.keys(), default=1)))
        self.client.tell("$/cancelRequest", {"id": id_})
        self.cancelled.add(id_)

    @precondition(lambda self: self.texts)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        uri = data.draw(st.sampled_from(sorted(self.texts)))
        self.client.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
        del self.texts[uri]

    @rule()
    def wait(self) -> None:
        self.client.settle()

    @invariant()
    def texts_are_equal(self) -> None:
        if self.rig is not None:
            assert {u: self.rig.text(u) for u in URIS} == {u: self.texts.get(u) for u in URIS}

    def teardown(self) -> None:
        try:
            if self.rig is not None:
                self.rig.settle()
                self.texts_are_equal()
                answers = self.rig.answers()
                assert set(answers) == set(self.rig.asked)
                assert set(answers.values()) <= {1}
                codes = {m["id"]: m["error"]["code"] for m in self.rig.sent if "error" in m}
                assert set(codes.values()) <= {-32601, -32602, -32800}
                assert {i for i, code in codes.items() if code == -32800} <= self.cancelled
                assert self.rig.faults == []
                self.rig.close()
        finally:
            self.folder.cleanup()


def sessions_of(count: int) -> None:
    run_state_machine_as_test(
        EditingSession,
        settings=settings(
            max_examples=count,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_texts_stay_equal_and_each_request_is_answered_once() -> None:
    sessions_of(25)


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_three_hundred_sessions() -> None:
    sessions_of(300)
