"""Three scripted models for an editor, two of which agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import WITH_PLUGIN, Neovim
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running

ANSWERS = {
    "one": "def area(width, height):\n    return width * height",
    "two": "def area(width, height):\n    return width * height\n",
    "three": "def area(a, b):\n    size = a\n    return size * b",
}


def reply(name: str) -> Any:
    """What a scripted model says to each task."""

    def say(body: dict[str, Any]) -> str:
        text = str(body).lower()
        if "explain" in text:
            return "It multiplies the width by the height."
        return ANSWERS[name] if "rectangle" in text else "width * height"

    return say


@pytest.fixture
def models() -> Iterator[dict[str, LoopbackProvider]]:
    """Three models, two of which agree."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running(LoopbackProvider(reply(name)))) for name in ANSWERS
        }


@pytest.fixture
def three(home: Home, models: dict[str, LoopbackProvider]) -> Home:
    """A user of these models."""
    home.tables["complete"] = {"debounceMs": 10, "budgetMs": 20000}
    for name, provider in models.items():
        home.model(name, provider.base_url)
    return home


@pytest.fixture
def editor(three: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim with the plugin and three models."""
    with nvim.running(neovims / "0.12" / "nvim", three, WITH_PLUGIN) as one:
        yield one
