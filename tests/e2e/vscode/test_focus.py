"""Commands of the palette while a page, a panel or another kind of editor has the focus, in a real VS Code."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.support.providers import LoopbackProvider

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Providers = dict[str, LoopbackProvider]

# No other test explains this line: explanations are kept by the explained code.
CODE = "def area(width, height):\n    return (width * height)\n"
TEST = "def test_area():\n    assert area(2, 3) == 6"


@pytest.fixture
def area(vscode: Workbench, providers: Providers) -> Workbench:
    """A function, the cursor in its body."""
    for provider in providers.values():
        provider.reply = "Multiplies the sides."
    vscode.open(CODE)
    vscode.press("Control+Home", "ArrowDown")
    return vscode


def preview(vscode: Workbench) -> Locator:
    """The answer's side of the preview."""
    return vscode.page.locator(
        ".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines[role=presentation]"
    )


def applied(vscode: Workbench, text: str) -> None:
    """Apply the answer of the preview and wait until its text is in the file."""
    vscode.press("Enter")
    expect(preview(vscode)).to_have_count(0)
    expect(vscode.editor.locator(".view-lines").first).to_contain_text(text)


def box(vscode: Workbench) -> Locator:
    """The box of an edit in place."""
    return vscode.editor.locator(".review-widget .monaco-editor.focused")


def test_the_dashboard_has_the_focus_and_the_code_is_explained_and_generated(
    area: Workbench, providers: Providers
) -> None:
    area.command("Ensemble: Open Dashboard")
    dashboard = area.webview("Models that would be asked at")
    dashboard.get_by_role("heading", name="Usage").click()
    area.command("Ensemble: Explain with ensemble")
    area.webview("Multiplies the sides.").locator("p").first.click()
    for provider in providers.values():
        provider.reply = "return height * width"
    area.command("Ensemble: Generate with ensemble")
    area.answer("What should the code do?", "swap the factors")
    expect(preview(area)).to_contain_text("height * width")
    area.press("Escape")
    expect(preview(area)).to_have_count(0)


def test_the_output_has_the_focus_and_the_code_is_edited_in_place(area: Workbench) -> None:
    area.command("Ensemble: Show Log")
    output = area.page.locator(".panel .monaco-editor")
    output.locator(".view-lines").first.click()
    expect(area.page.locator(".panel .monaco-editor.focused")).to_be_visible()
    area.command("Ensemble: Edit in Place")
    expect(box(area)).to_be_visible()
    area.shots("edit-from-output")
    area.press("Escape")
    expect(box(area)).to_have_count(0)
    area.press("Control+j")


def test_an_editor_without_code_of_a_file_is_refused_in_plain_words(area: Workbench) -> None:
    area.command("Search Editor: New Search Editor")
    area.page.locator(".search-editor").wait_for()
    results = area.page.locator(".search-editor .search-results .monaco-editor")
    results.locator(".view-lines").click()
    area.command("Ensemble: Explain with ensemble")
    area.notification("Open the file itself").wait_for()


def test_tests_and_documentation_are_written_from_the_palette(
    area: Workbench, providers: Providers
) -> None:
    for provider in providers.values():
        provider.reply = TEST
    area.command("Ensemble: Write Tests")
    expect(preview(area)).to_contain_text("def test_area")
    applied(area, "def test_area")
    assert TEST in area.save()
    area.press("Control+Home")
    for provider in providers.values():
        provider.reply = '"""Multiply the sides."""'
    area.command("Ensemble: Write Documentation")
    expect(preview(area)).to_contain_text("Multiply the sides.")
    applied(area, "Multiply the sides.")
    assert '"""Multiply the sides."""' in area.save()
