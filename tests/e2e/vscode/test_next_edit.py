"""Next edits in a real VS Code: drawn, reached and applied with Tab, rejected with Escape."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .next_edit_view import NextEditView, answer
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RENAME = """\
def price(items, discount):
    total = 0
    for item in items:
        total = total + item.price
    log(len(items), total)
    return round(total * (1 - discount), 2)
"""
DELETION = """\
def cost(parts, rebate):
    return sum(parts) * 2


def invoice(order):
    net = cost(order.parts, 0)
    gross = cost(order.parts, 0.2)
    return net, gross
"""
INSERTION = """\
def load(path):
    return open(path).read()


def first(encoding):
    text = load("a.txt")
    more = load("b.txt")
    return text + more
"""
FAR = "def draw(canvas, shape):\n" + "    # a step\n" * 37 + "    return canvas.add(1)\n"
ROOM = """\
class Room:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height

    def perimeter(self):
        return 2 * (self.width + self.height)
"""
TANK = """\
class Tank:
    def __init__(self, radius, depth):
        self.radius = radius
        self.depth = depth

    def drain(self):
        return self.depth / self.radius

    def fill(self):
        return self.depth - 1
"""
SHELF = """\
class Shelf:
    def __init__(self, boards, load):
        self.boards = boards
        self.load = load

    def weight(self):
        return self.boards + self.load

    def room(self):
        return self.boards * 3
"""
AREA = "        return self.width * self.height\n"


@pytest.fixture
def view(vscode: Workbench) -> NextEditView:
    """The drawing of the next edit."""
    return NextEditView(vscode)


def workspace_settings(vscode: Workbench, **settings: Any) -> None:
    """Write the workspace's settings, which VS Code reads at once; dots are written as ``__``."""
    path = vscode.server.workspace / ".vscode" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({key.replace("__", "."): value for key, value in settings.items()}))


def pictures(vscode: Workbench, name: str) -> None:
    """Write a screenshot in a light and in a dark theme."""
    vscode.shots(f"next-edit-{name}")


def goto(vscode: Workbench, line: int, column: int) -> None:
    """Put the cursor at a position, counted from 1."""
    vscode.press("Control+Home", *["ArrowDown"] * (line - 1), *["ArrowRight"] * (column - 1))


def rewrite(vscode: Workbench, column: int, word: str, text: str = RENAME) -> None:
    """Open a file and write another word over the one at a column of the first line."""
    vscode.open(text)
    goto(vscode, 1, column)
    vscode.press("Control+Shift+ArrowRight")
    vscode.type(word)


def cursor_at(vscode: Workbench, line: int, column: int) -> None:
    """Wait until the cursor is at a position, counted from 1."""
    place = vscode.page.locator('[id="status.editor.selection"]')
    expect(place).to_contain_text(f"Ln {line}, Col {column}")


def test_a_rewrite_is_reached_applied_and_undone_at_once(
    vscode: Workbench, view: NextEditView
) -> None:
    rewrite(vscode, 11, "lines")
    once = RENAME.replace("price(items", "price(lines")
    view.offered("Tab: go to line 3 ↓")
    assert (view.removed, view.added) == ("items", ["lines"])
    pictures(vscode, "jump")
    vscode.press("Tab")
    cursor_at(vscode, 3, 17)
    view.offered("Tab: apply")
    pictures(vscode, "rewrite")
    assert vscode.save() == once
    vscode.press("Tab")
    view.offered("Tab: go to line 5 ↓")  # the next one, at once
    assert vscode.save() == once.replace("in items", "in lines")
    assert vscode.settled("accepted", "edit")[0] == {"locator"}
    vscode.press("Tab", "Tab")
    view.gone()
    assert vscode.save() == RENAME.replace("items", "lines")
    vscode.press("Control+z")
    assert vscode.save() == once.replace("in items", "in lines")
    view.gone()


def test_a_deletion(vscode: Workbench, view: NextEditView) -> None:
    vscode.open(DELETION)
    goto(vscode, 1, 15)
    vscode.press(*["Shift+ArrowRight"] * 8, "Delete")
    view.offered("Tab: go to line 6 ↓")
    assert (view.removed, view.added) == (", 0", [])
    vscode.press("Tab")
    view.offered("Tab: apply")
    pictures(vscode, "deletion")
    vscode.press("Tab")
    view.offered("Tab: go to line 7 ↓")
    vscode.press("Tab", "Tab")
    view.gone()
    wanted = re.sub(r", (rebate|0\.2|0)\)", ")", DELETION)
    assert vscode.save() == wanted


def test_an_insertion_becomes_ghost_text_at_the_cursor(
    vscode: Workbench, view: NextEditView
) -> None:
    vscode.open(INSERTION)
    goto(vscode, 1, 14)
    vscode.type(", encoding")
    view.offered("Tab: go to line 6 ↓")
    assert (view.removed, view.added) == ("", [", encoding"])
    pictures(vscode, "insertion")
    vscode.press("Tab")
    vscode.ghosts(", encoding")
    view.gone()
    vscode.type(", enc")  # the rest stays
    vscode.ghosts("oding")
    pictures(vscode, "ghost")
    vscode.press("Tab")
    view.offered("Tab: go to line 7 ↓")
    vscode.press("Tab")
    vscode.ghosts(", encoding")
    vscode.press("Tab")
    vscode.no_ghost()
    view.gone()
    wanted = INSERTION.replace("load(path)", "load(path, encoding)")
    assert vscode.save() == wanted.replace('.txt")', '.txt", encoding)')


def test_an_edit_beyond_the_window_is_announced_at_the_cursor(
    vscode: Workbench, view: NextEditView
) -> None:
    rewrite(vscode, 10, "page", FAR)
    view.offered("Tab: go to line 39 ↓")
    button = vscode.page.locator('[id="ensemble-lsp.ensemble-lsp.ensemble.nextEdit"]')
    expect(button).to_contain_text("Edit in line 39")
    vscode.shot("next-edit-far")
    vscode.press("Tab")
    cursor_at(vscode, 39, 12)
    view.offered("Tab: apply")
    assert (view.removed, view.added) == ("canvas", ["page"])
    button.click()
    view.gone()
    assert vscode.save() == FAR.replace("canvas", "page")


def test_escape_rejects_and_the_edit_is_not_offered_again(
    vscode: Workbench, view: NextEditView
) -> None:
    rewrite(vscode, 11, "goods")
    view.offered("Tab: go to line 3 ↓")
    vscode.press("Escape")
    view.gone()
    assert vscode.settled("rejected", "edit")[2] == "notification"
    assert vscode.save() == RENAME.replace("price(items", "price(goods")
    vscode.focus()
    vscode.type("# end")
    view.offered("Tab: go to line 5 ↑")
    vscode.press("Tab", "Tab")
    view.gone()
    wanted = RENAME.replace("price(items", "price(goods").replace("len(items", "len(goods")
    assert vscode.save() == wanted + "# end"


def test_tab_belongs_to_the_editor_without_an_edit_and_with_several_cursors(
    vscode: Workbench, view: NextEditView
) -> None:
    vscode.open("x = 1\ny = 2\n")
    vscode.press("Control+Home", "Tab")
    assert vscode.save() == "    x = 1\ny = 2\n"
    vscode.close()
    rewrite(vscode, 11, "wares")
    view.offered("Tab: go to line 3 ↓")
    vscode.command("Add Cursor Below")
    view.gone()
    vscode.press("Escape")  # one cursor again
    view.offered("Tab: go to line 3 ↓")
    vscode.press("Tab", "Tab")
    view.offered("Tab: go to line 5 ↓")
    assert "in wares:" in vscode.save()


def test_typing_elsewhere_dismisses_it_and_typing_it_finishes_it(
    vscode: Workbench, view: NextEditView
) -> None:
    rewrite(vscode, 11, "stock")
    view.offered("Tab: go to line 3 ↓")
    vscode.press("Tab")
    view.offered("Tab: apply")
    vscode.press("Control+Shift+ArrowRight")
    vscode.type("stock")
    view.offered("Tab: go to line 5 ↓")
    vscode.press("Tab")
    cursor_at(vscode, 5, 13)
    vscode.press("Tab")
    view.gone()
    assert vscode.save() == RENAME.replace("items", "stock")


def test_a_model_rewrites_lines_beside_the_code(
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider
) -> None:
    new = (
        "        if self.cellar:\n"
        "            return 2 * self.width * self.height\n"
        "        return max(1, self.width) * self.height\n"
    )
    alpha.reply = answer(lambda text: f"{text}\n".replace(AREA, new)[:-1])
    vscode.open(ROOM)
    goto(vscode, 4, 29)
    vscode.type("\n        self.cellar = cellar")
    view.offered("Tab: go to line 8 ↓")
    pictures(vscode, "lines")
    vscode.press("Tab")
    view.offered("Tab: apply")
    vscode.press("Tab")
    view.gone()
    typed = ROOM.replace("= height\n", "= height\n        self.cellar = cellar\n")
    assert vscode.save() == typed.replace(AREA, new)
    assert vscode.settled("accepted", "edit")[0] == {"alpha"}


def test_a_model_removes_lines(
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider
) -> None:
    gone = "    def drain(self):\n        return self.depth / self.radius\n\n"
    alpha.reply = answer(lambda text: f"{text}\n".replace(gone, "")[:-1])
    vscode.open(TANK)
    goto(vscode, 4, 27)
    vscode.type("\n        self.floor = 0")
    view.offered("Tab: go to line 7 ↓")
    vscode.press("Tab")
    view.offered("Tab: apply")
    pictures(vscode, "removal")
    vscode.press("Tab")
    view.gone()
    typed = TANK.replace("= depth\n", "= depth\n        self.floor = 0\n")
    assert vscode.save() == typed.replace(gone, "")


def test_a_model_adds_lines(vscode: Workbench, view: NextEditView, alpha: LoopbackProvider) -> None:
    weight = "        return self.boards + self.load\n"
    new = "\n    def strain(self):\n        return self.weight() / self.feet\n"
    alpha.reply = answer(lambda text: f"{text}\n".replace(weight, weight + new)[:-1])
    vscode.open(SHELF)
    goto(vscode, 4, 25)
    vscode.type("\n        self.feet = 4")
    view.offered("Tab: go to line 10 ↓")
    pictures(vscode, "new-lines")
    vscode.press("Tab")
    expect(vscode.ghost.first).to_be_visible()
    view.gone()
    pictures(vscode, "new-lines-ghost")
    vscode.press("Tab")
    vscode.no_ghost()
    typed = SHELF.replace("= load\n", "= load\n        self.feet = 4\n")
    assert vscode.save() == typed.replace(weight, weight + new)


def test_snoozed_or_turned_off_nothing_is_shown(vscode: Workbench, view: NextEditView) -> None:
    rewrite(vscode, 11, "crates")
    view.offered("Tab: go to line 3 ↓")
    vscode.command("Ensemble: Snooze Next Edits")
    vscode.pick("For 5 minutes")
    view.gone()
    vscode.focus()
    vscode.type("# more")
    vscode.command("Ensemble: Apply the Next Edit")  # asked for by hand it still comes
    view.offered("Tab: go to line 5 ↑")
    vscode.command("Ensemble: Dismiss the Next Edit")
    view.gone()
    vscode.command("Ensemble: Snooze Next Edits")
    vscode.pick("Show next edits again")
    vscode.focus()
    vscode.type("!")
    view.offered("Tab: go to line 3 ↑")
    workspace_settings(vscode, ensemble__nextEdit__showInEditor=False)
    view.gone()
    workspace_settings(vscode)


def test_the_switch_of_completions_turns_next_edits_off_and_on(
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider
) -> None:
    switch = "Ensemble: Turn Completions On or Off for This Language"
    rewrite(vscode, 11, "crates")
    view.offered("Tab: go to line 3 ↓")
    vscode.command(switch)
    try:
        view.gone()
        expect(vscode.status).to_contain_text("off for python")
        before = len(alpha.requests)
        vscode.focus()
        vscode.type("# more")
        vscode.command("Ensemble: Apply the Next Edit")  # asked for by hand it still comes
        view.offered("Tab: go to line 5 ↑")
        assert len(alpha.requests) <= before + 1, "only the edit that was asked for"
        vscode.command("Ensemble: Dismiss the Next Edit")
        view.gone()
    finally:
        vscode.command(switch)
    expect(vscode.status).not_to_contain_text("off")
    vscode.focus()
    vscode.type("!")
    view.offered("Tab: go to line 3 ↑")
    user = (vscode.server.user_data / "User" / "settings.json").read_text()
    assert "disabledLanguages" not in user
