"""A server that has done much holds what one holds that has done less: objects and tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.rig import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

URI = "file:///w/a.py"
CODE = "def area(w, h):\n    return w * h\n\n\ndef again(w, h):\n    ret"


class Typist:
    """Edits, completions of both kinds, cancels, accepts, closes and opens."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.version = 1
        self.open()

    def open(self) -> None:
        item = {"uri": URI, "languageId": "python", "version": self.version, "text": CODE}
        self.rig.tell("textDocument/didOpen", {"textDocument": item})

    def work(self, requests: int) -> None:
        rig = self.rig
        for _ in range(requests):
            self.version += 1
            number = self.version
            if number % 25 == 0:
                rig.tell("textDocument/didClose", {"textDocument": {"uri": URI}})
                self.open()
            identifier = {"uri": URI, "version": number}
            changes = [{"text": CODE + " " * (number % 5)}]
            rig.tell(
                "textDocument/didChange", {"textDocument": identifier, "contentChanges": changes}
            )
            asked = rig.ask(
                "textDocument/inlineCompletion",
                {
                    "textDocument": {"uri": URI},
                    "position": {"line": 5, "character": 7},
                    "context": {"triggerKind": 1 + number % 2},
                },
            )
            if number % 7 == 0:
                rig.tell("$/cancelRequest", {"id": asked})
            items = (rig.answer(asked).get("result") or {}).get("items") or []
            if items and number % 5 == 0:
                rig.answer(rig.ask("workspace/executeCommand", items[0]["command"]))
            rig.sent.clear()
            rig.asked.clear()
            rig.rules._answered.clear()

    def held(self) -> tuple[Counter[str], int]:
        self.rig.run(asyncio.sleep(0.5))
        gc.collect()
        kinds = Counter(type(each).__name__ for each in gc.get_objects())
        return kinds, len(asyncio.all_tasks(self.rig.loop))


def test_objects_and_tasks_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pytest keeps records
    rig = Rig(tmp_path)
    typist = Typist(rig)
    # More than what is kept on purpose: the reasons of the latest thousand suggestions.
    typist.work(2000)
    before, tasks = typist.held()
    typist.work(1200)
    after, tasks_after = typist.held()
    # One a request would be 1,200. Weak references hold nothing; asyncio clears its own at leisure.
    grown = {k: n for k, n in (after - before).items() if n > 800 and k != "ReferenceType"}
    assert grown == {}
    assert tasks_after <= tasks + 1
    assert rig.faults == []
    rig.close()
