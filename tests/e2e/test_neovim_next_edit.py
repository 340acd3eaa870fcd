"""The next edit in Neovim with the plugin, as it is on the screen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nvim
from tests.e2e.neovim_screen import Screen
from tests.e2e.nvim import WITH_PLUGIN, Neovim
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

COLOURED = """
vim.o.termguicolors, vim.o.laststatus, vim.o.lines, vim.o.columns = true, 0, 14, 60
vim.o.ruler = false
return 1"""

ADDED, REMOVED = "EnsembleEditAdd", "EnsembleEditDelete"

RENAMED = """\
def area(width, height):
    result = width * height
    print(result)
    return result"""

LOOP = """\
def total(items):
    total = 0
    for item in items:
        total += item.price
    return total"""


@pytest.fixture(params=["0.12", "0.11"])
def editor(request: pytest.FixtureRequest, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim with the plugin and no model: the locator alone predicts."""
    with nvim.running(neovims / str(request.param) / "nvim", home, WITH_PLUGIN) as one:
        one.lua(COLOURED)
        yield one


@pytest.fixture
def rewriter(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """A model that predicts edits."""
    home.model("gpt", provider.base_url, tasks=["edit"])
    home.tables["nextEdit"] = {"debounceMs": 10, "budgetMs": 20000}
    return provider


@pytest.fixture
def modelled(rewriter: LoopbackProvider, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim 0.12 with the plugin and a model that predicts edits."""
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN) as one:
        one.lua(COLOURED)
        yield one


def replacing(old: str, new: str) -> Any:
    """Answer with the region of the prompt in which a text is replaced."""

    def reply(body: dict[str, Any]) -> str:
        user = body["messages"][-1]["content"]
        region = user.split("<region>\n")[1].split("\n</region>")[0].replace("<|cursor|>", "")
        done = new in region if len(new) > len(old) else old not in region
        return "NO_CHANGE" if done else f"```python\n{region.replace(old, new)}\n```"

    return reply


def rename(editor: Neovim) -> Screen:
    """Rename ``result`` where it is assigned; the next edit is on line 3."""
    editor.open("app.py", RENAMED)
    editor.type("2G^cwtotal<Esc>")
    screen = Screen(editor)
    screen.shows("print(resulttotal)")
    return screen


def edits(home: Home) -> list[tuple[str, str]]:
    """Outcome and source of each edit in the history."""
    file = home.path / "data" / "history.sqlite3"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(file)) as database:
        return list(
            database.execute(
                "SELECT o.kind, o.source FROM suggestions s JOIN outcomes o ON o.n = s.n"
                " WHERE s.task = 'edit' ORDER BY s.n"
            )
        )
    return []


def settled(home: Home, *wanted: tuple[str, str]) -> None:
    """Wait until the history begins with these outcomes."""
    count = len(wanted)
    wait_until(lambda: edits(home)[:count] == [*wanted], lambda: f"{wanted}, is {edits(home)}")


def test_a_rename_goes_from_place_to_place(editor: Neovim, home: Home) -> None:
    screen = rename(editor)
    assert screen.highlighted(REMOVED) == ["result"]
    assert screen.highlighted(ADDED) == ["total"]
    editor.type("<Tab>")
    screen.shows("return resulttotal")
    assert editor.text == RENAMED.replace("result", "total", 2)
    editor.type("<Tab>")
    editor.reads(RENAMED.replace("result", "total"))
    screen.is_text(*RENAMED.replace("result", "total").split("\n"))
    assert editor.mode == "n"
    settled(home, ("accepted", "command"), ("accepted", "command"))


def test_one_undo_takes_one_edit_back(editor: Neovim) -> None:
    screen = rename(editor)
    editor.type("<Tab>")
    screen.shows("return resulttotal")
    editor.type("u")
    editor.reads(RENAMED.replace("result", "total", 1))
    editor.type("u")
    editor.reads(RENAMED)


SHOWN = "require('ensemble_lsp.next_edit').shown() ~= nil"


def is_hidden(editor: Neovim) -> None:
    """Wait until no edit is shown."""
    wait_until(lambda: not editor.lua(SHOWN), "no edit")
    assert Screen(editor).highlighted(ADDED) == []


def test_insert_mode_has_it_too(editor: Neovim) -> None:
    editor.open("app.py", RENAMED)
    screen = Screen(editor)
    editor.type("2G^cwtotal")
    screen.shows("print(resulttotal)")
    assert editor.mode == "i"
    editor.type("<Tab>")
    editor.reads(RENAMED.replace("result", "total", 2))
    screen.shows("return resulttotal")
    assert editor.mode == "i"
    editor.type("<C-]>")
    is_hidden(editor)
    editor.type("#<Esc>u")
    editor.reads(RENAMED.replace("result", "total", 2))
    editor.type("u")
    editor.reads(RENAMED.replace("result", "total", 1))


def test_without_an_edit_the_keys_have_their_usual_effect(editor: Neovim) -> None:
    editor.open("app.txt", "one\ntwo\nthree")
    editor.type("ggmaG<C-o>")
    wait_until(lambda: editor.lua("vim.fn.line('.')") == 1, "the first line")
    editor.type("<Tab>")
    wait_until(lambda: editor.lua("vim.fn.line('.')") == 3, "the last line")
    editor.type("A<Tab>b<Esc>")
    editor.reads("one\ntwo\nthree\tb")


def test_an_edit_off_the_screen_is_jumped_to(editor: Neovim) -> None:
    filler = "".join(f"    print({number})\n" for number in range(20))
    text = f"def area(width, height):\n    result = width * height\n{filler}    return result"
    editor.open("app.py", text)
    screen = Screen(editor)
    editor.type("2G^cwtotal<Esc>")
    screen.shows("total = width * height → line 23")
    assert screen.highlighted("EnsembleEditHint") == ["→ line 23"]
    screen.picture("nvim-jump")
    assert "→ line 23" in editor.lua("require('ensemble_lsp').statusline()")
    editor.type("<Tab>")
    screen.shows("return resulttotal")
    assert editor.lua("vim.api.nvim_win_get_cursor(0)") == [23, 11]
    assert "→" not in str(screen)
    assert editor.text == text.replace("result", "total", 1)
    editor.type("<Tab>")
    editor.reads(text.replace("result", "total"))
    assert editor.lua("vim.api.nvim_win_get_cursor(0)") == [23, 15]
    editor.type("<C-o>")
    wait_until(lambda: editor.lua("vim.fn.line('.')") == 2, "the line that the jump left")


def test_what_is_dismissed_is_not_offered_again(editor: Neovim, home: Home) -> None:
    screen = rename(editor)
    editor.look()
    editor.type("<Esc>")
    is_hidden(editor)
    screen.is_text(*RENAMED.replace("result", "total", 1).split("\n"))
    settled(home, ("rejected", "command"))
    editor.type("i<Esc>")
    screen.shows("return resulttotal")
    assert "resulttotal)" not in str(screen)


def test_typing_something_else_hides_it(editor: Neovim) -> None:
    screen = rename(editor)
    editor.type("3G^f(lcwnone")
    wait_until(lambda: "resulttotal)" not in str(screen), "no edit there")
    editor.type("<Esc>")
    assert editor.text == RENAMED.replace("result", "total", 1).replace("(result)", "(none)")


def test_reading_the_file_again_hides_it(editor: Neovim) -> None:
    rename(editor)
    editor.type(":e!<CR>")
    is_hidden(editor)
    editor.reads(RENAMED)
    editor.attached()
    editor.type("2G^cwtotal<Esc>")
    Screen(editor).shows("print(resulttotal)")


def test_typing_the_same_keeps_the_rest(editor: Neovim, home: Home) -> None:
    rename(editor)
    editor.look()
    editor.type("3G^f(lct)to")
    screen = Screen(editor)
    # The plugin itself moves the edit: no request is needed for this.
    assert "print(total)" in str(screen)
    assert screen.highlighted(ADDED)[0].endswith("tal")
    editor.type("tal")
    screen.shows("return resulttotal")
    settled(home, ("typed", "document"))


@pytest.mark.parametrize("setup", ["{ next_edit = false }", "{}"])
def test_it_can_be_switched_off(home: Home, neovims: Path, setup: str) -> None:
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN, setup=setup) as editor:
        editor.open("app.py", RENAMED)
        editor.type(":Ensemble edit<CR>")
        editor.notified("no next edit is predicted here")
        if setup == "{}":
            editor.type(":Ensemble edit off<CR>")
        editor.type("2G^cwtotal<Esc>")
        editor.look()
        is_hidden(editor)
        editor.type(":Ensemble edit<CR>")
        screen = Screen(editor)
        screen.shows("print(resulttotal)")
        editor.type(":Ensemble edit dismiss<CR>")
        is_hidden(editor)
        editor.type(":Ensemble edit on<CR>i<Esc>")
        screen.shows("return resulttotal")
        editor.type(":Ensemble edit<CR>:Ensemble edit<CR>")
        editor.reads(RENAMED.replace("result", "total").replace("(total)", "(result)"))


def test_it_can_be_snoozed(editor: Neovim) -> None:
    screen = rename(editor)
    editor.type(":Ensemble snooze 5<CR>")
    editor.notified("no automatic suggestions for 5 minutes")
    is_hidden(editor)
    statusline = "require('ensemble_lsp').statusline()"
    wait_until(lambda: "(snoozed)" in editor.lua(statusline), "the status line says it")
    editor.type("i<Esc>")
    editor.look()
    is_hidden(editor)
    editor.type(":Ensemble snooze 0<CR>")
    editor.notified("suggestions are automatic again")
    editor.type("i<Esc>")
    screen.shows("print(resulttotal)")


def test_a_mapping_of_ones_own(home: Home, neovims: Path) -> None:
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN, setup="{}") as editor:
        editor.lua("""
          vim.keymap.set({ 'n', 'i' }, '<C-l>', function()
            return require('ensemble_lsp.next_edit').jump_or_apply() and '' or '<C-l>'
          end, { expr = true })
          vim.keymap.set('n', '<Space>a', '<Plug>(ensemble-edit-apply)')
          vim.keymap.set('n', '<Space>x', '<Plug>(ensemble-edit-dismiss)')
          return 1""")
        screen = rename(editor)
        editor.type("<C-l>")
        screen.shows("return resulttotal")
        # What is typed before the edit is applied comes after it.
        editor.type("a<C-l>!<Esc>")
        editor.reads(RENAMED.replace("result", "total") + "!")
        editor.type("uu<Space>x")
        is_hidden(editor)


# -- with a model ----------------------------------------------------------------------------------


def test_an_insertion(modelled: Neovim, rewriter: LoopbackProvider, home: Home) -> None:
    line = "        total += item.price"
    rewriter.reply = replacing(line, f"{line}\n        print(item)\n        print(total)")
    modelled.open("shop.py", LOOP)
    modelled.type("3GA  # all<Esc>")
    screen = Screen(modelled)
    lines = LOOP.replace("items:", "items:  # all").split("\n")
    expected = [*lines[:4], "        print(item)", "        print(total)", lines[4]]
    screen.shows("print(item)")
    assert screen.highlighted(ADDED) == expected[4:6]
    assert screen.highlighted(REMOVED) == []
    screen.picture("nvim-insertion")
    modelled.type("j<Tab>")
    modelled.reads("\n".join(expected))
    assert modelled.lua("vim.api.nvim_win_get_cursor(0)")[0] == 6
    settled(home, ("accepted", "command"))
    modelled.type("u")
    modelled.reads("\n".join(lines))


def test_a_deletion(modelled: Neovim, rewriter: LoopbackProvider) -> None:
    rewriter.reply = replacing("    print(items)\n", "")
    start = LOOP.replace("    for", "    print(items)\n    for")
    modelled.open("shop.py", start)
    modelled.type("2GA.0<Esc>")
    screen = Screen(modelled)
    wait_until(lambda: screen.highlighted(REMOVED) == ["    print(items)"], lambda: str(screen))
    assert screen.highlighted(ADDED) == []
    screen.picture("nvim-deletion")
    modelled.type("<Tab>")
    modelled.reads(LOOP.replace("= 0", "= 0.0"))


def test_a_rewrite(modelled: Neovim, rewriter: LoopbackProvider) -> None:
    old, new = (
        "total += item.price",
        "assert item.count > 0\n        total += item.cost * item.count",
    )
    rewriter.reply = replacing(old, new)
    modelled.open("shop.py", LOOP)
    modelled.type("3GA  # all<Esc>")
    screen = Screen(modelled)
    screen.shows("total += item.pricecost * item.count")
    assert screen.highlighted(REMOVED) == ["price"]
    assert screen.highlighted(ADDED) == ["        assert item.count > 0", "cost * item.count"]
    screen.picture("nvim-rewrite")
    modelled.type("j<Tab>")
    modelled.reads(LOOP.replace("items:", "items:  # all").replace(old, new))


def test_another_line_is_shown_below_the_old_one(
    modelled: Neovim, rewriter: LoopbackProvider
) -> None:
    rewriter.reply = replacing("total += item.price", "yield from item")
    modelled.open("shop.py", LOOP)
    modelled.type("3GA  # all<Esc>")
    screen = Screen(modelled)
    screen.shows("yield from item")
    assert screen.highlighted(REMOVED) == ["        total += item.price"]
    assert screen.highlighted(ADDED) == ["        yield from item"]


def test_lines_above_the_first_are_seen(modelled: Neovim, rewriter: LoopbackProvider) -> None:
    rewriter.reply = replacing("def total", "import shop\n\n\ndef total")
    modelled.open("shop.py", LOOP)
    modelled.type("2GA.0<Esc>")
    screen = Screen(modelled)
    screen.shows("import shop")
    changed = LOOP.replace("= 0", "= 0.0")
    screen.is_text("import shop", "", "", *changed.split("\n"))
    modelled.type("<Tab>")
    modelled.reads("import shop\n\n\n" + changed)


def test_a_request_is_cancelled_when_the_user_types_on(
    modelled: Neovim, rewriter: LoopbackProvider
) -> None:
    rewriter.reply, rewriter.delay_first = "NO_CHANGE", 60.0
    modelled.open("shop.py", LOOP)
    modelled.type("3GA  # all<Esc>")
    rewriter.wait_for(lambda p: len(p.requests) == 1)
    modelled.type("A!<Esc>")
    rewriter.wait_for(lambda p: p.requests[0].closed)


def test_a_completion_has_priority_on_its_lines(
    home: Home, provider: LoopbackProvider, neovims: Path
) -> None:
    provider.reply = "  # m2"
    home.model("gpt", provider.base_url, tasks=["complete"])
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN) as editor:
        editor.open("app.py", RENAMED)
        editor.type("2G^cwtotal<Esc>")
        screen = Screen(editor)
        screen.shows("print(resulttotal)")
        editor.type("A")
        editor.shows("  # m2")
        wait_until(lambda: "resulttotal)" not in str(screen), "only the completion")
        editor.type("<Tab>")
        screen.shows("print(resulttotal)")
        assert "# m2" in editor.text


def test_the_reason_of_an_edit_is_shown(editor: Neovim) -> None:
    rename(editor)
    editor.type(":Ensemble why<CR>")
    assert "rename" in editor.float()
