"""Ghost text in a real VS Code, and its outcomes in the history."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    "
GLANCE_MS = 900
"""Longer than 750 ms: a suggestion shown for less counts as not seen."""


@pytest.fixture
def ghost(vscode: Workbench, alpha: LoopbackProvider) -> Workbench:
    """A file with ghost text after ``ret``."""
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.type("ret")
    vscode.ghosts("urn width * height")
    return vscode


def test_ghost_text_is_accepted_with_tab(ghost: Workbench) -> None:
    expect(ghost.status).to_contain_text("alpha")
    ghost.shot("completion")
    ghost.press("Tab")
    ghost.no_ghost()
    assert ghost.save() == CODE + "return width * height"
    assert ghost.settled("accepted")[0] == {"alpha"}
    expect(ghost.status).to_contain_text("ready")


def test_ghost_text_writes_through_a_bracket_that_the_editor_closed(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "width): return height"
    vscode.open(CODE)
    vscode.type("if bool(")  # VS Code adds the closing bracket
    expect(vscode.editor.locator(".view-line").nth(1)).to_contain_text("if\u00a0bool(")
    vscode.ghosts("width): return height")
    vscode.shot("through")
    vscode.press("Tab")
    vscode.no_ghost()
    assert vscode.save() == CODE + "if bool(width): return height"
    assert vscode.settled("accepted")[0] == {"alpha"}


def test_a_part_accepted_word_by_word_is_partial(ghost: Workbench) -> None:
    ghost.press("Control+ArrowRight", "Control+ArrowRight")
    expect(ghost.editor.locator(".view-lines")).to_contain_text("return\u00a0width")
    ghost.close()
    *_, share = ghost.settled("partial")
    assert 0 < share < 1
    assert "accepted" not in [kind for _, kind, *_ in ghost.outcomes()]


def test_word_by_word_and_then_the_rest_is_accepted(ghost: Workbench) -> None:
    ghost.press("Control+ArrowRight")
    expect(ghost.editor.locator(".view-line").nth(1)).to_contain_text("return")
    ghost.ghosts(" width * height")
    ghost.press("Tab")
    ghost.no_ghost()
    assert ghost.save() == CODE + "return width * height"
    ghost.settled("accepted")
    assert "partial" not in [kind for _, kind, *_ in ghost.outcomes()]


def test_typing_over_is_a_rejection(ghost: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = ""
    ghost.page.wait_for_timeout(GLANCE_MS)
    ghost.type("ries = 5")
    ghost.no_ghost()
    ghost.settled("rejected")
    assert ghost.save() == CODE + "retries = 5"


def test_escape_is_a_rejection_and_leaves_the_file_alone(
    ghost: Workbench, alpha: LoopbackProvider
) -> None:
    ghost.press("Escape")
    ghost.no_ghost()
    assert ghost.settled("rejected")[2] == "notification"
    assert ghost.save() == CODE + "ret"


def test_the_palette_accepts_too(ghost: Workbench) -> None:
    ghost.command("Ensemble: Accept Suggestion")
    expect(ghost.editor.locator(".view-lines")).to_contain_text(
        "return\u00a0width\u00a0*\u00a0height"
    )
    assert ghost.settled("accepted")[0] == {"alpha"}
    assert ghost.save() == CODE + "return width * height"


def test_a_cursor_that_goes_elsewhere_ignores_it(ghost: Workbench) -> None:
    ghost.press("Control+Home")
    ghost.no_ghost()
    assert ghost.settled("ignored")[2] == "notification"


def test_completions_are_turned_off_and_on_for_a_language(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.status.click()
    vscode.pick("Turn completions off for python")
    off = vscode.status.locator(".codicon-circle-slash")
    expect(off).to_be_visible()
    try:
        vscode.focus()
        vscode.type("only_by_hand = ")
        expect(vscode.ghost).to_have_count(0)
        vscode.page.wait_for_timeout(GLANCE_MS)
        asked = [str(request.body) for request in alpha.requests]
        assert not [body for body in asked if "only_by_hand" in body and "next edit" not in body]
        vscode.command("Trigger Inline Suggestion")
        vscode.ghosts("return width * height")
        vscode.press("Escape")
    finally:
        vscode.status.click()
        vscode.pick("Turn completions on for python")
    expect(off).to_have_count(0)


def test_completions_go_on_after_a_restart_of_the_server(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.command("Ensemble: Restart Server")
    expect(vscode.status).to_contain_text("starting")
    vscode.ready()
    vscode.focus()
    vscode.type("ret")
    vscode.ghosts("urn width * height")
    vscode.press("Tab")
    vscode.settled("accepted")
