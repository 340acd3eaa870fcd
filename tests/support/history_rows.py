"""Suggestions and outcomes of a history, and the file that it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble_lsp.history import SuggestionRecord
from ensemble_lsp.types import Outcome

DAY = 86400.0
NOW = 20_000 * DAY + 1000.0


def suggestion(id: str, model: str = "a", time: float = NOW, **more: object) -> SuggestionRecord:
    return SuggestionRecord(id, time, "complete", (model,), "python", 20, 1, **more)


def outcome(id: str, kind: str, reward: float | None, **more: object) -> Outcome:
    return Outcome(id, kind, "document", reward=reward, **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"
