"""Neovim 0.12 with one model, by the plugin or by the README's lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import WITH_PLUGIN, Neovim, readme_lines
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider


@pytest.fixture
def gpt(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """One model that suggests ``width * height``."""
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    # On a busy machine a server that has just started is slow to answer the first time.
    home.tables["complete"] = {"debounceMs": 10, "budgetMs": 20000}
    return provider


@pytest.fixture(params=["plugin", "readme"])
def editor(
    request: pytest.FixtureRequest, gpt: LoopbackProvider, home: Home, neovims: Path
) -> Iterator[Neovim]:
    """Neovim 0.12 with the plugin, and with the README's lines alone."""
    init = WITH_PLUGIN if request.param == "plugin" else readme_lines(home)
    with nvim.running(neovims / "0.12" / "nvim", home, init) as one:
        yield one


@pytest.fixture
def plugin(gpt: LoopbackProvider, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim 0.12 with the plugin."""
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN) as one:
        yield one
