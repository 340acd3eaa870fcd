"""Training data from the history: accepted texts, and pairs of chosen and refused answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import FineTuningError
from ensemble_lsp.finetuning.from_history import from_history
from ensemble_lsp.finetuning.training_formats import as_text, line_of
from ensemble_lsp.finetuning.validation import check_file
from ensemble_lsp.history import History, StoredSuggestion, SuggestionRecord
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Outcome, OutcomeKind
from tests.support.secret_detectors import detectors
from tests.support.training_target import PROFILE

__all__ = ["detectors"]  # a fixture


class Past:
    """Suggestions as the history gives them."""

    def __init__(self) -> None:
        self.stored: list[StoredSuggestion] = []

    def add(
        self,
        text: str,
        kind: OutcomeKind,
        *,
        prefix: str = "def f():\n    return ",
        survival: float | None = None,
        path: str = "src/a.py",
        sendable: bool = True,
        **more: Any,
    ) -> None:
        place = {
            "path": path, "language": "python", "prefix": prefix, "suffix": "\n",
            "sendable": sendable,
        }  # fmt: skip
        fields = {"time": float(len(self.stored) * 10), "task": "complete", "models": ("m",)}
        id_ = f"s{len(self.stored)}"
        record = SuggestionRecord(
            **{"id": id_, **fields, "text": text, "context": json.dumps(place), **more}
        )
        outcome = Outcome(id_, kind, "document", survival=survival)
        self.stored.append(StoredSuggestion(record, outcome))

    async def __aiter__(self) -> AsyncIterator[StoredSuggestion]:
        for one in self.stored:
            yield one


async def test_only_what_was_accepted_and_stayed_is_learned() -> None:
    past = Past()
    past.add("a + 1", "accepted", survival=1.0)
    past.add("typed_too", "typed", survival=0.9)
    past.add("rewritten", "accepted", survival=0.3)
    past.add("never_looked_at", "accepted")
    past.add("refused", "rejected")
    past.add("of_an_env_file", "accepted", survival=1.0, path=".env")
    past.add("of_an_ignored_file", "accepted", survival=1.0, sendable=False)
    past.add("without_a_place", "accepted", survival=1.0, context="plain text")
    past.add("explained", "accepted", survival=1.0, task="explain")
    gathered = await from_history(past, PROFILE, PrivacySettings())
    assert [e.answer for e in gathered.examples] == ["a + 1", "typed_too"]
    assert gathered.examples[0].prompt.prefix == "def f():\n    return "
    assert gathered.examples[0].file == "/src/a.py"
    assert sum(gathered.left_out.values()) == 7


async def test_chosen_and_refused_at_the_same_place_make_a_pair() -> None:
    past = Past()
    past.add("good", "accepted", survival=1.0, time=5.0)
    past.add("beside", "superseded", time=5.1)
    past.add("refused_before", "rejected", time=1.0)
    past.add("a_glance_long_ago", "superseded", time=1.0)
    past.add("elsewhere", "rejected", prefix="other = ")
    gathered = await from_history(past, PROFILE, PrivacySettings(), "dpo")
    pairs = {(e.answer, e.rejected) for e in gathered.examples}
    assert pairs == {("good", "beside"), ("good", "refused_before")}
    line = line_of(gathered.examples[0], "preference", PROFILE)
    assert line["preferred_output"] == [{"role": "assistant", "content": "good"}]
    checked = check_file(as_text([line] * 10).encode(), "preference", max_tokens=None)
    assert checked.faults == []


async def test_a_history_without_texts_says_what_to_set(tmp_path: Path) -> None:
    history = History.open(tmp_path / "history.sqlite3")
    history.add_suggestion(
        SuggestionRecord("a", 1.0, "complete", ("m",), text="kept?", context="{}")
    )
    with pytest.raises(FineTuningError, match=r"history\.keepText = true"):
        await from_history(history.suggestions(), PROFILE, PrivacySettings())
    with pytest.raises(FineTuningError, match="holds no texts; work for a while, and run"):
        await from_history(history.suggestions(), PROFILE, PrivacySettings(), keeps_text=True)
    await history.close()
