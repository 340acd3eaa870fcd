"""An embedded model over a child that speaks the engine's protocol and needs no weights."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.providers.llamacpp.llamacpp_model import LlamaCppModel
from ensemble_lsp.settings import ModelSettings
from tests.support import fake_llama

COMMAND = (sys.executable, fake_llama.__file__)


class Bench:
    """An embedded model over the fake child, and what the child was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weights = folder / "tiny.gguf"
        self.settings = ModelSettings(name="tiny", provider="llamacpp", model=str(self.weights))
        self.models: list[LlamaCppModel] = []

    def model(self, *, idle_seconds: float = 600.0, **plan: Any) -> LlamaCppModel:
        self.plan(**plan)
        made = LlamaCppModel(
            self.settings,
            make_profile(self.settings),
            data_dir=self.folder / "data",
            command=COMMAND,
            idle_seconds=idle_seconds,
        )
        self.models.append(made)
        return made

    def plan(self, **plan: Any) -> None:
        self.weights.write_text("GGUF" + json.dumps(plan))

    def notes(self, kind: str) -> list[dict[str, Any]]:
        path = self.folder / "tiny.gguf.requests"
        lines = path.read_text().splitlines() if path.exists() else []
        return [note for note in map(json.loads, lines) if kind in note]

    def asked(self, path: str = "/completion") -> list[dict[str, Any]]:
        return [note for note in self.notes("path") if note["path"] == path]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    # The engine itself is not needed here, only that it looks installed.
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    bench = Bench(tmp_path)
    yield bench
    for model in bench.models:
        await model.close()


OPEN = "f(("
"""A text of whose end nothing is forced back."""
