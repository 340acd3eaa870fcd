"""The extension's page of settings in a real VS Code, as a user reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .code_server import EXTENSION
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GROUPS: list[dict[str, Any]] = json.loads((EXTENSION / "package.json").read_text())["contributes"][
    "configuration"
]


@pytest.fixture
def settings(vscode: Workbench) -> Iterator[Locator]:
    """The page with all settings: a remote machine's tab has those of the machine too."""
    vscode.command("Ensemble: Open Settings")
    shown = vscode.page.locator(".settings-editor")
    shown.get_by_text("Remote [").click()
    shown.locator('[data-key="ensemble.models"]').wait_for()
    yield shown
    vscode.press("Escape", "Escape")
    expect(vscode.page.locator(".settings-editor")).to_have_count(0)


def test_the_settings_are_in_groups_with_whole_titles(vscode: Workbench, settings: Locator) -> None:
    contents = settings.locator(".settings-toc-container")
    for group in GROUPS:
        title = contents.get_by_text(group["title"], exact=True)
        title.click()
        assert title.evaluate("label => label.scrollWidth <= label.clientWidth + 1"), group["title"]
        for key in list(group["properties"])[:2]:
            expect(settings.locator(f'[data-key="{key}"]').first).to_be_visible()
        vscode.shots(f"settings-{group['order']}")


def test_the_list_of_models_leads_to_the_set_up(vscode: Workbench, settings: Locator) -> None:
    settings.get_by_text("Set up a model").click()
    vscode.page.locator(".quick-input-widget:visible", has_text="Another model").wait_for()
    vscode.press("Escape")
