"""The pictures of the documents in docs/images; other tests take those of the set-up, notebooks and settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .next_edit_view import NextEditView, answer
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SHAPES = '''\
"""Shapes of a floor plan."""


class Room:
    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height

    def area(self) -> float:
        """Square metres of the floor."""
        return self.width * self.height

    def perimeter(self) -> float:
        """Metres around the floor."""
        return 2 * (self.width + self.height)


class Garden:
    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height

    def area(self) -> float:
        """Square metres of the lawn."""
        '''


EXPLAINED = """\
Computes the floor's **area** in square metres.

- `width` and `height` are the sides that `__init__` stored.
- Their product is returned; nothing is changed.
"""


def test_a_completion_beside_an_explanation(vscode: Workbench, alpha: LoopbackProvider) -> None:
    vscode.open(SHAPES, name="plan.py")
    vscode.press("Control+Home", *["ArrowDown"] * 8)
    alpha.reply = EXPLAINED
    vscode.command("Ensemble: Explain with ensemble")
    vscode.webview("Computes the floor's")
    alpha.reply = "return self.width * self.height"
    vscode.press("Control+b")
    vscode.page.set_viewport_size({"width": 1180, "height": 620})
    vscode.focus()
    vscode.type("ret")
    vscode.ghosts("urn self.width * self.height")
    expect(vscode.status).to_contain_text("alpha")
    vscode.shot("working")
    vscode.press("Tab")
    vscode.no_ghost()
    vscode.page.set_viewport_size({"width": 1280, "height": 800})
    vscode.press("Control+b")
    vscode.page.locator(".explorer-viewlet").wait_for()


CART = """\
def checkout(basket, voucher):
    weight = 0
    for article in basket:
        weight = weight + article.weight
    return Parcel(basket, weight)
"""
CHECKED = """\
    if voucher and not voucher.expired:
        weight = weight * voucher.factor
    return Parcel(articles, round(weight, 2))"""


def test_next_edits(vscode: Workbench, alpha: LoopbackProvider) -> None:
    view = NextEditView(vscode)
    vscode.open(CART, name="cart.py")
    vscode.press("Control+b")
    vscode.page.set_viewport_size({"width": 900, "height": 300})
    vscode.press("Control+Home", *["ArrowRight"] * 13, "Control+Shift+ArrowRight")
    vscode.type("articles")
    view.offered("Tab: go to line 3 ↓")
    vscode.shot("next-edit")
    vscode.press(*["Tab"] * 2)
    view.offered("Tab: go to line 5 ↓")
    vscode.press(*["Tab"] * 2)
    view.gone()
    changed = CART.replace("basket", "articles")
    assert vscode.save() == changed
    last = "    return Parcel(articles, weight)"
    alpha.reply = answer(lambda text: text.replace(last, CHECKED))
    vscode.press("Control+Home", "ArrowDown", "End")
    vscode.type(".0")
    view.offered("Tab: go to line 5 ↓")
    vscode.shot("next-edit-lines")
    vscode.press("Escape")
    vscode.page.set_viewport_size({"width": 1280, "height": 800})
    vscode.press("Control+b")
    vscode.page.locator(".explorer-viewlet").wait_for()


@pytest.fixture
def wide(vscode: Workbench) -> Iterator[Workbench]:
    """The window without the explorer."""
    vscode.open(SHAPES, name="plan.py")
    vscode.press("Control+b")
    vscode.page.locator(".explorer-viewlet").wait_for(state="hidden")
    yield vscode
    vscode.press("Escape", "Escape", "Control+Shift+E")
    vscode.page.locator(".explorer-viewlet").wait_for()


PERIMETER = """\
    def perimeter(self) -> float:
        \"\"\"Metres around the floor.\"\"\"
        if self.width <= 0 or self.height <= 0:
            raise ValueError("a room has two positive sides")
        return 2 * (self.width + self.height)"""


def test_an_edit_in_place(wide: Workbench, providers: dict[str, LoopbackProvider]) -> None:
    for provider in providers.values():
        provider.reply = PERIMETER
    wide.press("Control+Home", *["ArrowDown"] * 12, *["Shift+ArrowDown"] * 2, "Shift+End")
    wide.press("Control+Alt+e")
    box = wide.editor.locator(".review-widget")
    expect(box.locator(".monaco-editor.focused")).to_be_visible()
    wide.type("refuse sides that are not positive")
    wide.press("Enter")
    expect(box).to_contain_text("3 of 3 models agree")
    expect(box).to_contain_text("raise ValueError")
    expect(wide.editor.get_by_text("Accept (Ctrl+Enter)")).to_be_visible()
    wide.shot("edit-in-place-picture")


def test_the_dashboard_and_the_menu(wide: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "return self.width * self.height"
    wide.type("ret")
    wide.ghosts("urn self.width * self.height")
    alpha.reply = ""  # no next edit
    wide.press("Tab")
    wide.settled("accepted")
    wide.command("Ensemble: Open Dashboard")
    wide.webview("Models that would be asked at plan.py")
    wide.shot("dashboard-picture")
    wide.focus()
    wide.status.click()
    wide.entry("Automatic").wait_for()
    wide.shot("menu-picture")
