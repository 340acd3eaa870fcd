"""Next edits in a real VS Code: drawn, reached and applied with Tab, rejected with Escape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .next_edit_view import NextEditView
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


@pytest.fixture(params=["Light 2026", "Dark 2026"])
def theme(vscode: Workbench, request: pytest.FixtureRequest) -> Iterator[str]:
    """A colour theme; its first word."""
    name: str = request.param
    workspace_settings(vscode, workbench__colorTheme=name)
    kind = "vs-dark" if name.startswith("Dark") else "vs"
    expect(vscode.page.locator(f".monaco-workbench.{kind}")).to_be_visible()
    yield name.split()[0].lower()
    workspace_settings(vscode)
    expect(vscode.page.locator(".monaco-workbench.vs")).to_be_visible()


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


def answer(change: Callable[[str], str]) -> Callable[[dict[str, Any]], str]:
    """Reply to a request for a next edit with the changed region, and to any other with nothing."""

    def reply(body: dict[str, Any]) -> str:
        text = "\n".join(str(message["content"]) for message in body["messages"])
        regions = re.findall(r"<region>\n(.*?)\n</region>", text, re.DOTALL)
        if not regions:
            return ""
        region = regions[-1].replace("<|cursor|>", "")
        changed = change(region)
        return f"```\n{changed}\n```" if changed != region else "NO_CHANGE"

    return reply


def test_a_rewrite_is_reached_applied_and_undone_at_once(
    vscode: Workbench, view: NextEditView, theme: str
) -> None:
    rewrite(vscode, 11, "lines")
    once = RENAME.replace("price(items", "price(lines")
    view.offered("Tab: go to line 3 ↓")
    assert (view.removed, view.added) == ("items", ["lines"])
    vscode.shot(f"next-edit-jump-{theme}")
    vscode.press("Tab")
    cursor_at(vscode, 3, 17)
    view.offered("Tab: apply")
    vscode.shot(f"next-edit-rewrite-{theme}")
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


def test_a_deletion(vscode: Workbench, view: NextEditView, theme: str) -> None:
    vscode.open(DELETION)
    goto(vscode, 1, 15)
    vscode.press(*["Shift+ArrowRight"] * 8, "Delete")
    view.offered("Tab: go to line 6 ↓")
    assert (view.removed, view.added) == (", 0", [])
    vscode.press("Tab")
    view.offered("Tab: apply")
    vscode.shot(f"next-edit-deletion-{theme}")
    vscode.press("Tab")
    view.offered("Tab: go to line 7 ↓")
    vscode.press("Tab", "Tab")
    view.gone()
    wanted = re.sub(r", (rebate|0\.2|0)\)", ")", DELETION)
    assert vscode.save() == wanted


def test_an_insertion_becomes_ghost_text_at_the_cursor(
    vscode: Workbench, view: NextEditView, theme: str
) -> None:
    vscode.open(INSERTION)
    goto(vscode, 1, 14)
    vscode.type(", encoding")
    view.offered("Tab: go to line 6 ↓")
    assert (view.removed, view.added) == ("", [", encoding"])
    vscode.shot(f"next-edit-insertion-{theme}")
    vscode.press("Tab")
    vscode.ghosts(", encoding")
    view.gone()
    vscode.type(", enc")  # the rest stays
    vscode.ghosts("oding")
    vscode.shot(f"next-edit-ghost-{theme}")
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
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider, theme: str
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
    vscode.shot(f"next-edit-lines-{theme}")
    vscode.press("Tab")
    view.offered("Tab: apply")
    vscode.press("Tab")
    view.gone()
    typed = ROOM.replace("= height\n", "= height\n        self.cellar = cellar\n")
    assert vscode.save() == typed.replace(AREA, new)
    assert vscode.settled("accepted", "edit")[0] == {"alpha"}


def test_a_model_removes_lines(
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider, theme: str
) -> None:
    gone = "    def area(self):\n" + AREA + "\n"
    alpha.reply = answer(lambda text: f"{text}\n".replace(gone, "")[:-1])
    vscode.open(ROOM)
    goto(vscode, 4, 29)
    vscode.type("\n        self.floor = 0")
    view.offered("Tab: go to line 6 ↓")
    vscode.press("Tab")
    view.offered("Tab: apply")
    vscode.shot(f"next-edit-removal-{theme}")
    vscode.press("Tab")
    view.gone()
    typed = ROOM.replace("= height\n", "= height\n        self.floor = 0\n")
    assert vscode.save() == typed.replace(gone, "")


def test_a_model_adds_lines(
    vscode: Workbench, view: NextEditView, alpha: LoopbackProvider, theme: str
) -> None:
    new = "\n    def volume(self):\n        return self.area() * self.depth\n"
    alpha.reply = answer(lambda text: f"{text}\n".replace(AREA, AREA + new)[:-1])
    vscode.open(ROOM)
    goto(vscode, 4, 29)
    vscode.type("\n        self.depth = 3")
    view.offered("Tab: go to line 10 ↓")
    vscode.shot(f"next-edit-new-lines-{theme}")
    vscode.press("Tab")
    expect(vscode.ghost.first).to_be_visible()
    view.gone()
    vscode.shot(f"next-edit-new-lines-ghost-{theme}")
    vscode.press("Tab")
    vscode.no_ghost()
    typed = ROOM.replace("= height\n", "= height\n        self.depth = 3\n")
    assert vscode.save() == typed.replace(AREA, AREA + new)


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
