"""Neovim beside other plugins and servers: keys, completion menus, windows, documents of our own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.conftest import ROOT
from tests.e2e.nvim import WITH_PLUGIN, Neovim, readme_lines
from tests.e2e.one_model import editor, gpt, plugin
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "gpt", "plugin"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def mapped(rhs: str, **options: str) -> str:
    """A mapping of ``<Tab>`` that is there before ours."""
    more = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"vim.keymap.set('i', '<Tab>', {rhs}, {{ {more} }})\n"


EARLIER = {
    "a string": mapped("'<C-v>!'"),
    "a function": mapped("function() vim.api.nvim_put({ '!' }, 'c', false, true) end"),
    "an expression": mapped("function() return '!' end", expr="true"),
    "a mapping of a mapping": "vim.keymap.set('i', '<Plug>(x)', '!')\n"
    + mapped("'<Plug>(x)'", remap="true"),
}


# -- <Tab> ---------------------------------------------------------------------------------------


def test_tab_jumps_in_a_snippet_whatever_is_suggested(editor: Neovim) -> None:
    editor.open("app.py", "area = ")
    editor.type("A")
    editor.shows("width * height")
    editor.lua("vim.snippet.expand('max(${1:a}, ${2:b})'); return 1")
    editor.type("x")
    editor.reads("area = max(x, b)")
    wait_until(editor.ghost, "ghost text in the snippet")
    editor.type("<Tab>")
    wait_until(lambda: editor.mode == "s", "the next placeholder")
    editor.type("y<Esc>")
    editor.reads("area = max(x, y)")


@pytest.mark.parametrize("init", EARLIER.values(), ids=EARLIER)
def test_tab_falls_back_to_the_mapping_that_was_there(
    gpt: LoopbackProvider, home: Home, neovims: Path, init: str
) -> None:
    # A second setup, as when a configuration is sourced again, keeps the fallback.
    again = init + WITH_PLUGIN + "require('ensemble_lsp').setup(SETUP)\n"
    with nvim.running(neovims / "0.12" / "nvim", home, again) as editor:
        editor.open("app.py", CODE)
        editor.type("A")
        editor.shows("width * height")
        editor.type("<Tab>")
        editor.reads(CODE + "width * height")
        gpt.reply = ""
        editor.type("<Esc>o<Tab>")
        wait_until(lambda: editor.text.endswith("!"), "the earlier mapping")
        assert "Error" not in str(editor.api.command_output("messages"))


# -- completion menus ----------------------------------------------------------------------------

MENU_AS_YOU_TYPE = """
vim.lsp.config('ensemble_lsp', { cmd = { 'ensemble-lsp' }, root_markers = { '.git' } })
vim.lsp.config('words', { cmd = { %r, %r } })
vim.lsp.enable({ 'ensemble_lsp', 'words' })
vim.api.nvim_create_autocmd('LspAttach', { callback = function(event)
  vim.bo[event.buf].completeopt = 'menuone,noselect'
  vim.lsp.completion.enable(true, event.data.client_id, event.buf, { autotrigger = true })
end })
"""
BOTH = """
local function ready(client) return client.initialized end
return #vim.tbl_filter(ready, vim.lsp.get_clients({ bufnr = 0 })) == 2
"""


def menu(editor: Neovim) -> list[tuple[str, str]]:
    """The words of the completion menu, each with its mark."""
    items = editor.lua("vim.fn.complete_info({ 'items' }).items")
    return [(str(item["abbr"] or item["word"]), str(item["menu"])) for item in items]


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_without_ghost_text_the_suggestion_is_first_in_the_menu(
    gpt: LoopbackProvider, home: Home, neovims: Path, version: str
) -> None:
    words = ROOT / "tests" / "support" / "words_server.py"
    init = MENU_AS_YOU_TYPE % (sys.executable, str(words))
    with nvim.running(neovims / version / "nvim", home, init) as editor:
        editor.open("app.py", CODE[:-1], attached=False)
        wait_until(lambda: editor.lua(BOTH), "both servers")
        editor.type("A<Space>")
        ours = ("width * height", "ensemble: gpt")
        wait_until(lambda: ours in menu(editor), lambda: f"the suggestion, not {menu(editor)}")
        assert menu(editor)[0] == ours
        editor.type("<C-n><C-y>")
        editor.reads(CODE + "width * height")
        editor.counted("accepted")
        if version == "0.11":
            return
        # Once ghost text is used, the menu belongs to the other server.
        editor.lua("vim.lsp.inline_completion.enable(); return 1")
        editor.type("<Esc>S    return")
        wait_until(lambda: editor.ghost() != "", "ghost text")
        editor.type("<Space>")
        wait_until(lambda: len(menu(editor)) == 3, lambda: f"three words, not {menu(editor)}")


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_an_item_in_the_middle_of_a_word_keeps_the_word(
    gpt: LoopbackProvider, home: Home, neovims: Path, version: str
) -> None:
    gpt.reply = "dth * height"
    words = ROOT / "tests" / "support" / "words_server.py"
    init = MENU_AS_YOU_TYPE % (sys.executable, str(words))
    with nvim.running(neovims / version / "nvim", home, init) as editor:
        editor.open("app.py", CODE, attached=False)
        wait_until(lambda: editor.lua(BOTH), "both servers")
        editor.type("Awi<C-x><C-o>")
        ours = ("width * height", "ensemble: gpt")
        wait_until(lambda: ours in menu(editor), lambda: f"the suggestion, not {menu(editor)}")
        editor.type("<C-n>")
        editor.reads(CODE + "width * height")
        editor.type("<C-y>")
        editor.counted("accepted")
        editor.reads(CODE + "width * height")


def test_the_readmes_lines_work_in_neovim_011(
    gpt: LoopbackProvider, home: Home, neovims: Path
) -> None:
    with nvim.running(neovims / "0.11" / "nvim", home, readme_lines(home)) as editor:
        assert editor.api.command_output("messages") == ""
        editor.open("app.py", CODE)
        editor.type("A<C-x><C-o>")
        wait_until(lambda: ("width * height", "ensemble: gpt") in menu(editor), "the suggestion")
        editor.type("<C-y>")
        editor.reads(CODE + "width * height")


# -- windows and documents -----------------------------------------------------------------------


def test_each_window_shows_its_own_command(plugin: Neovim) -> None:
    plugin.open("app.py", CODE)
    plugin.type("A")
    plugin.shows("width * height")
    plugin.type("<Esc>:Ensemble<CR>")
    overview = plugin.float()
    for name in ("accept", "models", "compare", "restart"):
        assert f"`{name}" in overview
    plugin.type(":Ensemble models<CR>")
    wait_until(lambda: "gpt" in plugin.float(), "the models")
    plugin.type(":Ensemble why<CR>")
    wait_until(lambda: "expected reward" in plugin.float(), "the choice")
    plugin.type(":Ensemble models<CR>")
    wait_until(lambda: "openai" in plugin.float(), "the models again")
    floats = """
    local function floats(window) return vim.api.nvim_win_get_config(window).relative ~= '' end
    return #vim.tbl_filter(floats, vim.api.nvim_list_wins())"""
    assert plugin.lua(floats) == 1
    plugin.type(":Ensemble models<CR>")
    current = "vim.api.nvim_win_get_config(0).relative"
    wait_until(lambda: plugin.lua(current) != "", "the cursor in the window")


def test_the_overview_names_every_command(plugin: Neovim) -> None:
    names = plugin.lua("require('ensemble_lsp.commands').names()")
    text = str(
        plugin.lua("return require('ensemble_lsp.overview').markdown({ 'dance', ... })", *names)
    )
    assert len(names) > 15
    for name in ("dance", *names):
        assert f"`{name}" in text


EXPLAIN = """
vim.lsp.buf.code_action({ apply = true, filter = function(action)
  return action.title == 'Explain with ensemble'
end })
return 1"""
SERVERS = "return #vim.lsp.get_clients()"
# Without `filetypes` a configuration matches every file.
EVERY_FILETYPE = """
vim.lsp.config('ensemble_lsp', { cmd = { 'ensemble-lsp' }, root_markers = { '.git' } })
vim.lsp.enable('ensemble_lsp')
"""


@pytest.mark.parametrize("init", [EVERY_FILETYPE, WITH_PLUGIN], ids=["lines", "plugin"])
def test_an_explanation_starts_no_second_server(
    gpt: LoopbackProvider, home: Home, neovims: Path, init: str
) -> None:
    gpt.reply = "# Area\n\nMultiplies the width by the height."
    (home.workspace / ".git").mkdir()
    with nvim.running(neovims / "0.12" / "nvim", home, init) as editor:
        editor.open("app.py", CODE + "width * height", attached=False)
        wait_until(lambda: editor.lua(SERVERS) == 1, "the server")
        wait_until(lambda: editor.lua("return vim.lsp.get_clients()[1].initialized"), "it is ready")
        editor.lua(EXPLAIN)
        windows = """
        local text = ''
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          local buffer = vim.api.nvim_win_get_buf(window)
          text = text .. table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\\n')
        end
        return text"""
        wait_until(lambda: "Multiplies" in str(editor.lua(windows)), "the explanation")
        # Neovim attaches servers at FileType, which has run by now.
        assert editor.lua(SERVERS) == 1


def test_a_report_starts_no_second_server(plugin: Neovim, home: Home) -> None:
    (home.workspace / ".git").mkdir()
    plugin.open("app.py", CODE)
    plugin.type(":Ensemble report<CR>")
    wait_until(lambda: len(plugin.api.windows) == 2, "the report's window")
    assert plugin.lua("vim.bo.filetype") == "markdown"
    assert plugin.lua(SERVERS) == 1
    assert plugin.lua("return #vim.lsp.get_clients({ bufnr = 0 })") == 0
