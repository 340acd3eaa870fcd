"""A server that has done much holds what one holds that has done less: objects and tasks."""

from __future__ import annotations

import asyncio
import gc
import itertools
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
    rounds = [typist.held()]
    # What is kept for each request grows in every round; what waits on a busy machine to be let go
    # does not. One a request would be 1,200.
    while len(rounds) < 4 and (len(rounds) == 1 or grown(rounds[-2][0], rounds[-1][0])):
        typist.work(1200)
        rounds.append(typist.held())
    leaked = set.intersection(*(grown(a[0], b[0]) for a, b in itertools.pairwise(rounds)))
    assert not leaked, [told(kind) for kind in leaked]
    assert min(tasks for _, tasks in rounds[1:]) <= rounds[0][1] + 1
    assert rig.faults == []
    rig.close()


def grown(before: Counter[str], after: Counter[str]) -> set[str]:
    """The kinds that there are many more of. Weak references hold nothing; asyncio clears its own at leisure."""
    return {k for k, n in (after - before).items() if n > 800 and k != "ReferenceType"}


def told(kind: str) -> str:
    """What a leaked kind's newest object is and what holds it."""
    newest = [each for each in gc.get_objects() if type(each).__name__ == kind][-1]
    holders = sorted({type(each).__qualname__ for each in gc.get_referrers(newest)})
    return f"{newest!r:.200} is held by {holders}"
