"""The pictures of the documents: a completion beside an explanation, and next edits."""

from __future__ import annotations

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
    vscode.command("Ensemble: Explain with Ensemble")
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
