"""Ghost text in a real VS Code, and what the history makes of it."""

from __future__ import annotations

import pytest

from tests.support.providers import LoopbackProvider

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    "


def test_ghost_text_is_accepted_with_tab(vscode: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.type("ret")
    assert vscode.ghost_text() == "urn width * height"
    vscode.shot("completion")
    vscode.press("Tab")
    vscode.no_ghost()
    assert vscode.save() == CODE + "return width * height"
    vscode.settled("alpha", "accepted")
