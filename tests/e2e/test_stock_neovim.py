"""Neovim with the lines of the README and no plugin of ours, 0.12 and 0.11.

The server then infers a suggestion's outcome from the document alone, and from the accept command where the
editor runs it. The tests check each outcome and its source.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.conftest import ROOT
from tests.e2e.nvim import WITH_PLUGIN, Neovim, readme_lines
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def gpt(home: Home, provider: LoopbackProvider) -> LoopbackProvider:
    """One model that suggests ``width * height``."""
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    home.tables = {"complete": {"debounceMs": 10, "budgetMs": 20000}}
    return provider


@pytest.fixture
def stock(gpt: LoopbackProvider, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim 0.12 and the README's lines."""
    with nvim.running(neovims / "0.12" / "nvim", home, readme_lines(home)) as one:
        assert one.lua("package.loaded['ensemble_lsp'] == nil")
        yield one


# An accept without the item's command, as an editor does that runs none: the text alone arrives.
SILENT = """
local function behind_cursor(item)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local at = item.range.start
  local typed = vim.api.nvim_buf_get_text(0, at.row, at.col, row - 1, col, {})[1]
  return item.insert_text:sub(#typed + 1)
end
vim.keymap.set('i', '<C-l>', function()
  vim.lsp.inline_completion.get({ on_accept = function(item)
    vim.api.nvim_put(vim.split(behind_cursor(item), '\\n'), 'c', true, true)
  end })
end)
-- A word at a time, as a stock client would: plain text, no word to the server.
vim.keymap.set('i', '<C-o>', function()
  vim.lsp.inline_completion.get({ on_accept = function(item)
    local word = behind_cursor(item):match('^%s*%S+')
    vim.api.nvim_put(vim.split(word, '\\n'), 'c', true, true)
  end })
end)
return 1"""


def test_tab_accepts_and_the_command_tells(stock: Neovim) -> None:
    stock.open("app.py", CODE)
    stock.type("A")
    stock.shows("width * height")
    stock.type("<Tab>")
    stock.reads(CODE + "width * height")
    stock.counted("accepted")
    assert stock.kinds() == ["accepted"]


def test_an_accept_is_seen_in_the_document_alone(stock: Neovim) -> None:
    stock.lua(SILENT)
    stock.open("app.py", CODE)
    stock.type("A")
    stock.shows("width * height")
    stock.type("<C-l>")
    stock.reads(CODE + "width * height")
    assert stock.counted("accepted")[1] == "document"


def test_a_part_is_seen_in_the_document_alone(stock: Neovim) -> None:
    stock.lua(SILENT)
    stock.open("app.py", CODE)
    stock.type("A")
    stock.shows("width * height")
    stock.type("<C-o>")
    stock.reads(CODE + "width")
    stock.shows(" * height")
    stock.look()
    stock.type(" + 1<CR>x = 1")
    stock.reads(CODE + "width + 1\nx = 1")
    _, source, share = stock.counted("partial")
    assert source == "document"
    assert 0.3 < share < 0.5


def test_word_by_word_to_the_end_is_an_accept(stock: Neovim) -> None:
    stock.lua(SILENT)
    stock.open("app.py", CODE)
    stock.type("A")
    for rest, text in (
        ("width * height", "width"),
        (" * height", "width *"),
        (" height", "width * height"),
    ):
        stock.shows(rest)
        stock.type("<C-o>")
        stock.reads(CODE + text)
    assert stock.counted("accepted")[1] == "document"
    assert stock.kinds() == ["accepted"]


def test_a_rejection_is_seen_in_the_document_alone(stock: Neovim) -> None:
    stock.open("app.py", CODE)
    stock.type("A")
    stock.shows("width * height")
    stock.look()
    stock.type("None")
    stock.reads(CODE + "None")
    assert stock.counted("rejected")[1] == "document"


def test_an_accept_that_is_undone_is_a_rejection(stock: Neovim) -> None:
    stock.open("app.py", CODE)
    stock.type("A")
    stock.shows("width * height")
    stock.type("<Tab>")
    stock.reads(CODE + "width * height")
    stock.counted("accepted")
    stock.type("<Esc>u")
    stock.reads(CODE)
    stock.counted("rejected")


# -- 0.11: the same suggestions as completions ---------------------------------------------------


@pytest.fixture
def old(gpt: LoopbackProvider, home: Home, neovims: Path) -> Iterator[Neovim]:
    """Neovim 0.11 with the plugin."""
    with nvim.running(neovims / "0.11" / "nvim", home, WITH_PLUGIN) as one:
        yield one


def menu(editor: Neovim) -> list[str]:
    """The words of the completion menu."""
    return [str(i["abbr"] or i["word"]) for i in editor.lua("vim.fn.complete_info().items")]


def complete_in_menu(editor: Neovim, code: str, word: str) -> None:
    """Open a file, type a space at its end, and wait for the word in the menu."""
    editor.open("app.py", code)
    editor.type("A<Space>")
    wait_until(lambda: word in menu(editor), "the suggestion in the menu")


def test_before_012_the_suggestion_is_a_completion(old: Neovim) -> None:
    complete_in_menu(old, CODE[:-1], "width * height")
    assert old.text == CODE, "nothing is inserted before it is chosen"
    old.type("<C-n><C-y>")
    old.reads(CODE + "width * height")
    old.counted("accepted")
    assert old.kinds() == ["accepted"]


def test_before_012_a_block_keeps_its_indentation(old: Neovim, gpt: LoopbackProvider) -> None:
    block = "if width < 0:\n        raise ValueError(f'{width} $')\n    return width * height"
    gpt.reply = block
    complete_in_menu(old, "def area(width, height):\n   ", "if width < 0:")
    old.type("<C-n><C-y>")
    old.reads(f"def area(width, height):\n    {block}")


def test_before_012_brackets_behind_the_cursor_are_not_doubled(
    old: Neovim, gpt: LoopbackProvider
) -> None:
    gpt.reply = "width) or height"
    old.open("app.py", "area = max(1,)")
    old.type("$i<Space>")
    wait_until(lambda: any("width" in word for word in menu(old)), "the suggestion in the menu")
    old.type("<C-n><C-y>")
    old.reads("area = max(1, width)")


def test_before_012_typing_over_it_is_a_rejection(old: Neovim) -> None:
    complete_in_menu(old, CODE[:-1], "width * height")
    old.look()
    old.type("None")
    old.reads(CODE + "None")
    assert old.counted("rejected")[1] == "document"


def test_before_012_checkhealth_says_so(old: Neovim) -> None:
    old.open("app.py", CODE)
    old.api.command("checkhealth ensemble_lsp")
    assert "suggestions are offered as completions" in old.text
    assert "the server is running" in old.text
    assert "ERROR" not in old.text


def test_before_012_the_readme_lines_attach_too(
    gpt: LoopbackProvider, home: Home, neovims: Path
) -> None:
    with nvim.running(neovims / "0.11" / "nvim", home, readme_lines(home)) as editor:
        editor.open("app.py", CODE)
        editor.type("A<C-x><C-o>")
        wait_until(lambda: "width * height" in menu(editor), "the suggestion by omnifunc")


def test_a_slow_model_does_not_hold_back_the_hover_of_another_server(
    stock: Neovim, gpt: LoopbackProvider
) -> None:
    gpt.reply, gpt.delay_first = "Multiplies the width by the height.", 3.0
    stock.open("app.py", CODE + "width * height")
    stock.lua(
        """
        local config = { name = 'quick', cmd = { ... }, root_dir = vim.fn.getcwd() }
        vim.lsp.start(config, { bufnr = 0 })""",
        sys.executable,
        str(ROOT / "tests" / "support" / "quick_server.py"),
    )
    both = "return #vim.tbl_filter(function(c) return c.initialized end, vim.lsp.get_clients())"
    wait_until(lambda: stock.lua(both) == 2, "both servers")
    stock.type("gg0fa")
    begun = time.monotonic()
    stock.type("K")
    shown = stock.float()
    took = time.monotonic() - begun
    assert "area: a function" in shown
    assert "hover again" in shown
    assert took < 2, f"{took:.2f} s: as long as the model"
    wait_until(lambda: len(gpt.requests) == 1)
    stock.type("<Esc>l")

    def again() -> bool:
        stock.type("hK")
        text = stock.float()
        stock.type("l")
        return "Multiplies the width" in text

    wait_until(again, "the explanation at a later hover")
    assert len(gpt.requests) == 1
