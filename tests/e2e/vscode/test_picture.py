"""The pictures of the documents in docs/images; other tests take those of notebooks and settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.providers import LoopbackProvider, running
from tests.support.tiny_catalogue import program

from .code_server import CodeServer, install
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


@pytest.fixture
def ollama() -> Iterator[LoopbackProvider]:
    """Ollama of a user who has not started it yet; the program shows its usual port."""
    with running(LoopbackProvider("", models=())) as provider:
        yield provider


@pytest.fixture
def newcomer(
    page: Page, vsix: Path, ollama: LoopbackProvider, tmp_path: Path
) -> Iterator[Workbench]:
    """The window of a user who has configured nothing, with the packaged models of the program."""
    server = CodeServer(install(), vsix, tmp_path)
    server.settings()
    origin = {"OLLAMA_ORIGIN": ollama.origin}
    path = program(tmp_path, origin, "tests.support.fake_ollama")
    server.machine({"ensemble.server.path": str(path)})
    server.start()
    expect.set_options(timeout=20_000)
    tab = page.context.new_page()
    workbench = Workbench(tab, server)
    workbench.goto()
    workbench.ready()
    yield workbench
    tab.close()
    server.stop()


def test_the_set_up(newcomer: Workbench, ollama: LoopbackProvider) -> None:
    offer = newcomer.notification("Set up a model to complete, explain and generate")
    offer.wait_for()
    newcomer.shot("first-offer")
    ollama.models = ["qwen2.5-coder:1.5b-base", "llama3.2:3b"]
    offer.get_by_role("button", name="Set Up a Model").click()
    expect(newcomer.entry("Download Qwen2.5-Coder")).to_contain_text("MB")
    expect(newcomer.entry("llama3.2:3b")).to_contain_text("Ollama serves it on port 11434")
    newcomer.entry("Another model").wait_for()
    offer.wait_for(state="detached")
    newcomer.shot("set-up")
