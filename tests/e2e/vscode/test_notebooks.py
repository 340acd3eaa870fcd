"""A notebook in a real VS Code: a cell is completed and written with the names of the other cells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIRST = "import pandas as pd\nquarterly_prices = pd.read_csv('prices.csv')"


def cell(kind: str, text: str) -> dict[str, Any]:
    lines = text.splitlines(keepends=True)
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": lines, **code}


def notebook(*cells: dict[str, Any]) -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book)


class OpenNotebook:
    """The notebook that is open."""

    def __init__(self, vscode: Workbench) -> None:
        self.vscode = vscode
        self.view = vscode.page.locator(".notebookOverlay:visible").first

    def editor(self, text: str) -> Locator:
        """The editor of the code cell that has this text."""
        return self.view.locator(".cell.code .monaco-editor", has_text=text).first

    def ghost(self, text: str) -> None:
        shown = self.view.locator(".ghost-text-decoration, .ghost-text")

        def all_of_it() -> str:
            return "".join(shown.all_inner_texts()).replace("\u00a0", " ")

        wait_until(lambda: all_of_it() == text, lambda: f"{text!r} (there is {all_of_it()!r})", 60)


@pytest.fixture
def book(vscode: Workbench, alpha: LoopbackProvider) -> OpenNotebook:
    """A notebook with two cells of code and one of text, the cursor at the end of the last one."""
    alpha.reply = ""
    vscode.name = "prices.ipynb"
    cells = cell("markdown", "# Prices of today"), cell("code", FIRST), cell("code", "quart")
    vscode.path.write_text(notebook(*cells))
    vscode.page.get_by_role("treeitem", name=vscode.name, exact=True).dblclick()
    vscode.page.get_by_role("tab", name=vscode.name, selected=True).wait_for()
    vscode.ready()
    opened = OpenNotebook(vscode)
    opened.editor("quart").locator(".view-lines").last.wait_for()
    return opened


def asked(provider: LoopbackProvider) -> str:
    return "\n".join(str(m["content"]) for m in provider.requests[-1].body["messages"])


def test_a_cell_is_completed_with_a_name_of_another_cell(
    book: OpenNotebook, vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "ly_prices.describe()"
    editor = book.view.locator(".cell-list-container .monaco-list-row .monaco-editor").last
    editor.locator(".view-lines").click()
    vscode.press("Control+End")
    vscode.page.keyboard.type("er")
    book.ghost("ly_prices.describe()")
    vscode.shots("notebook")
    vscode.shot("notebook", clip={"x": 352, "y": 36, "width": 924, "height": 364})
    prompt = asked(alpha)
    assert "# Prices of today" in prompt
    assert "pd.read_csv('prices.csv')\n# %%\nquarter" in prompt
    vscode.press("Tab")
    expect(book.view).to_contain_text("quarterly_prices.describe()")
    vscode.press("Control+s")
    wait_until(
        lambda: "quarterly_prices.describe()" in vscode.path.read_text(), lambda: "the saved file"
    )
    assert vscode.settled("accepted")[0] == {"alpha"}


def test_a_generated_cell_is_previewed_in_its_language_and_edited_in_a_box_of_its_own(
    book: OpenNotebook, vscode: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    for provider in providers.values():
        provider.reply = "erly_prices.describe()"
    editor = book.view.locator(".cell-list-container .monaco-list-row .monaco-editor").last
    for command in ("Generate with ensemble", "Edit in Place"):
        editor.locator(".view-lines").click()
        vscode.press("Control+End")
        vscode.command(f"Ensemble: {command}")
        vscode.answer("What should the code do?", "describe the prices")
        preview = vscode.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor")
        expect(preview).to_contain_text("prices.describe()")
        # As JSON, which the notebook's own name stands for, the code would be an error.
        expect(
            vscode.page.locator('[id="status.problems"] [aria-label="No Problems"]')
        ).to_be_visible()
        vscode.shots("notebook-generate")
        vscode.press("Escape")
        expect(preview).to_have_count(0)
