"""Problems that another extension reports are fixed and explained, and presets are previewed, in a real VS Code."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Providers = dict[str, LoopbackProvider]

BROKEN = ".title {\n  colr: red;\n}\n"
FIXED = BROKEN.replace("colr", "color")
AREA = "export function area(radius: number): number {\n  return Math.PI * radius ** 2;\n}\n"


@pytest.fixture
def broken(vscode: Workbench, providers: Providers) -> Workbench:
    """A file with a problem that VS Code's own extension for CSS reports, the cursor on it."""
    for provider in providers.values():
        provider.reply = "```css\ncolor: red;\n```"
    vscode.open(BROKEN, ".css")
    squiggle = vscode.editor.locator(".squiggly-warning")
    wait_until(squiggle.count, lambda: "the extension's warning", 120)
    vscode.press("Control+Home", "ArrowDown", "End", "Home", "ArrowRight")
    return vscode


def diff(vscode: Workbench) -> Locator:
    return vscode.page.locator(
        ".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines[role=presentation]"
    )


def asked(provider: LoopbackProvider, text: str) -> bool:
    """Whether a prompt had this text; the model also predicts edits by itself."""
    return any(text in str(request.body) for request in provider.requests)


def applied(vscode: Workbench, text: str) -> None:
    vscode.press("Enter")
    expect(diff(vscode)).to_have_count(0)
    expect(vscode.editor.locator(".view-lines")).to_contain_text(text)


def test_a_reported_problem_is_fixed_with_a_preview(
    broken: Workbench, alpha: LoopbackProvider
) -> None:
    action = broken.code_action("Fix with ensemble")
    broken.shots("fix-menu")
    action.click()
    broken.entry("alpha").wait_for()
    expect(diff(broken)).to_contain_text("color: red")
    broken.shots("fix")
    assert broken.path.read_text() == BROKEN
    assert asked(alpha, "unknownProperties (css): Unknown property")
    applied(broken, "color: red")
    assert broken.save() == FIXED
    assert "alpha" in broken.settled("accepted", "generate")[0]


def test_an_error_is_explained_on_a_page(broken: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "The name is misspelt."
    broken.code_action("Explain this error").click()
    broken.webview("The name is misspelt.")
    assert asked(alpha, "You explain code") and asked(alpha, "Explain the problems")


def test_the_palette_fixes_the_problem_at_the_cursor(broken: Workbench) -> None:
    broken.command("Ensemble: Fix the Problem Here")
    expect(diff(broken)).to_contain_text("color: red")
    broken.press("Escape")
    expect(diff(broken)).to_have_count(0)
    assert broken.path.read_text() == BROKEN


def test_documentation_is_written_above_a_function(vscode: Workbench, providers: Providers) -> None:
    for provider in providers.values():
        provider.reply = "/** Returns the area of a circle. */"
    vscode.open(AREA, ".ts")
    vscode.press("Control+Home")
    vscode.code_action("Write documentation").click()
    expect(diff(vscode)).to_contain_text("Returns the area")
    applied(vscode, "Returns the area")
    assert vscode.save() == "/** Returns the area of a circle. */\n" + AREA
