"""The activity bar and the editor's title menu in a real VS Code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def explorer(vscode: Workbench) -> Iterator[None]:
    """The list of files is shown again after each test."""
    yield
    vscode.press("Escape", "Control+Shift+E")
    vscode.page.locator(".explorer-viewlet").wait_for()


MEDIAN = 'def median(values):\n    """The middle value of a list of odd length."""\n'
SORTED = "return sorted(values)[len(values) // 2]"
LIBRARY = "return statistics.median(values)"


def test_the_activity_bar_holds_models_answers_and_dashboard(
    vscode: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    providers["alpha"].reply = providers["beta"].reply = SORTED
    providers["gamma"].reply = LIBRARY
    vscode.open(MEDIAN, name="sample.py")
    vscode.page.locator(".activitybar").get_by_role("tab", name="Ensemble").click()
    models = vscode.page.get_by_role("tree", name="Models")
    for name in ("alpha", "beta", "gamma"):
        models.get_by_role("treeitem", name=name).wait_for()
    vscode.page.get_by_role("button", name="Generate Code").wait_for()
    vscode.webview("Completions")
    vscode.focus()
    vscode.press("ArrowUp", "End")
    vscode.command("Ensemble: Generate with ensemble")
    vscode.answer("What should the code do?", "")
    vscode.entry("Consensus").wait_for()
    vscode.press("Escape")
    expect(vscode.page.locator(".monaco-diff-editor")).to_have_count(0)
    answers = vscode.page.get_by_role("tree", name="Last Answers")
    answers.get_by_role("treeitem", name="Consensus").wait_for()
    answers.get_by_role("treeitem", name="gamma").click()
    diff = vscode.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines")
    expect(diff).to_contain_text("statistics.median")
    vscode.shots("activity-bar")
    answers.get_by_role("treeitem", name="gamma").hover()
    answers.get_by_role("button", name="Apply This Answer").last.click()
    expect(vscode.editor.locator(".view-lines")).to_contain_text("statistics.median")
    assert vscode.settled("accepted", "generate")[0] == {"gamma"}
    vscode.page.get_by_role("button", name="Generate Code").wait_for()
    models.get_by_role("treeitem", name="alpha").hover()
    models.get_by_role("treeitem", name="alpha").get_by_role("button", name="Test").click()
    vscode.notification("alpha works: it answered in").wait_for()


def test_the_editors_title_menu_has_the_commands(vscode: Workbench) -> None:
    vscode.open(MEDIAN)
    title = vscode.page.locator(".editor-group-container .title .editor-actions")
    title.get_by_role("button", name="Ensemble").click()
    menu = vscode.page.get_by_role("menu")
    for command in ("Generate with ensemble", "Explain with ensemble", "Set Up a Model"):
        menu.get_by_role("menuitem", name=command).wait_for()
    vscode.shots("title-menu")
    menu.get_by_role("menuitem", name="Set Up a Model").click()
    vscode.entry("Another model").wait_for()
    vscode.press("Escape")
