"""The next edit in Neovim with the plugin, as it is on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nvim
from tests.e2e.neovim_screen import Screen
from tests.e2e.nvim import WITH_PLUGIN, Neovim
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

RENAMED = """\
def area(width, height):
    result = width * height
    print(result)
    return result
"""


@pytest.fixture(params=["0.12", "0.11"])
def editor(request: pytest.FixtureRequest, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim with the plugin and no model: the locator alone predicts."""
    with nvim.running(neovims / str(request.param) / "nvim", home, WITH_PLUGIN) as one:
        yield one


def rename(editor: Neovim, text: str = RENAMED) -> Screen:
    """Rename ``result`` where it is assigned; the next edit is on line 3."""
    editor.open("app.py", text)
    editor.type("2G^cwtotal<Esc>")
    screen = Screen(editor)
    screen.shows("print(resulttotal)")
    return screen


def test_a_rename_goes_from_place_to_place(editor: Neovim) -> None:
    screen = rename(editor)
    print(screen)
    editor.type("<Tab>")
    screen.shows("return resulttotal")
    print(screen)
    editor.type("<Tab><Tab>")
    editor.reads(RENAMED.replace("result", "total").rstrip("\n"))
    print(screen)
    assert 0
