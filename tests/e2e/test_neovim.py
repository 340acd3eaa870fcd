"""Neovim 0.12 with the plugin: suggestions, their outcomes in the history, and mappings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import WITH_PLUGIN, Neovim
from tests.e2e.one_model import gpt, plugin
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["gpt", "plugin"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Start = Callable[..., AbstractContextManager[Neovim]]


@pytest.fixture
def editor(plugin: Neovim) -> Neovim:
    """Neovim with the plugin and one model."""
    return plugin


def test_ghost_text_appears_and_tab_accepts_it(editor: Neovim) -> None:
    path = editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<Tab>")
    editor.reads(CODE + "width * height")
    editor.counted("accepted")
    editor.type("<Esc>:w<CR>")
    wait_until(lambda: path.read_text() == CODE + "width * height\n", "the file on disk")
    assert editor.kinds() == ["accepted"]
    stats = editor.request("ensemble.models")[0]["stats"]["complete"]
    assert (stats["accepted"], stats["partial"], stats["rejected"]) == (1, 0, 0)


def test_without_a_suggestion_the_key_is_itself(editor: Neovim, gpt: LoopbackProvider) -> None:
    gpt.reply = ""
    editor.open("app.txt", "a")
    editor.type("A<Tab>b")
    editor.reads("a\tb")


def test_word_by_word_is_partial_and_then_accepted(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<M-Right>")
    editor.reads(CODE + "width")
    editor.shows(" * height")
    editor.type("<M-Right>")
    editor.reads(CODE + "width *")
    editor.shows(" height")
    editor.type("<M-Right>")
    editor.reads(CODE + "width * height")
    editor.counted("accepted")
    assert editor.kinds() == ["accepted"]


def test_a_part_alone_counts_as_partial(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<M-Right>")
    editor.reads(CODE + "width")
    editor.shows(" * height")
    editor.look()
    editor.type(" + 1<CR>x = 1<Esc>")
    editor.reads(CODE + "width + 1\nx = 1")
    _kind, _, share = editor.counted("partial")
    assert 0.3 < share < 0.5


def test_a_line_of_several_is_accepted(editor: Neovim, gpt: LoopbackProvider) -> None:
    gpt.reply = 'if width < 0:\n        raise ValueError("width")\n    return width * height'
    editor.open("app.py", "def area(width, height):\n    ")
    editor.type("A")
    wait_until(lambda: "raise ValueError" in editor.ghost(), "ghost text of several lines")
    editor.type("<M-Down>")
    editor.reads("def area(width, height):\n    if width < 0:")
    wait_until(lambda: "raise ValueError" in editor.ghost(), "the rest")
    editor.type("<M-Down>")
    editor.reads('def area(width, height):\n    if width < 0:\n        raise ValueError("width")')


def test_a_bracket_behind_the_cursor_is_replaced(editor: Neovim, gpt: LoopbackProvider) -> None:
    gpt.reply = "width) or height"
    editor.open("app.py", "area = max()")
    editor.type("$i")
    wait_until(lambda: "width" in editor.ghost(), "the ghost text")
    editor.type("<Tab>")
    editor.reads("area = max(width) or height")
    assert editor.counted("accepted")[2] == 1.0


def test_word_by_word_over_a_bracket_behind_the_cursor(
    editor: Neovim, gpt: LoopbackProvider
) -> None:
    gpt.reply = "width) or height"
    editor.open("app.py", "area = max()")
    editor.type("$i")
    wait_until(lambda: "width" in editor.ghost(), "the ghost text")
    editor.type("<M-Right>")
    editor.reads("area = max(width)")
    for text in ("area = max(width)", "area = max(width) or", "area = max(width) or height"):
        wait_until(lambda: "height" in editor.ghost(), "the rest")
        editor.type("<M-Right>")
        editor.reads(text)
    editor.counted("accepted")


def test_typing_over_is_a_rejection(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.look()
    editor.type("None  # no such thing")
    editor.reads(CODE + "None  # no such thing")
    assert editor.counted("rejected")[1] == "document"


def test_typing_what_is_shown_keeps_it_and_counts_as_typed(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    for char in "width ":
        editor.type(char if char != " " else "<Space>")
    editor.shows("* height")
    editor.type("*<Space>height<CR>")
    editor.counted("typed")


def test_escape_hides_the_ghost_text_and_rejects_nothing(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<Esc>")
    editor.shows("")
    assert editor.counted("ignored")
    assert editor.text == CODE


def test_a_suggestion_is_rejected_by_its_key(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<C-]>")
    editor.shows("")
    assert editor.counted("rejected")[1] == "command"


def test_an_accept_handler_of_ones_own_still_runs_the_command(editor: Neovim) -> None:
    editor.lua("""
      vim.keymap.set('i', '<C-l>', function()
        require('ensemble_lsp').accept({ on_accept = function(_, text)
          vim.api.nvim_put({ text:upper() }, 'c', true, true)
        end })
      end)""")
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<C-l>")
    editor.reads(CODE + "WIDTH * HEIGHT")
    assert editor.counted("accepted")[1] == "command"


def test_next_and_previous_go_through_the_candidates(home: Home, neovims: Path) -> None:
    texts = ("width * height", "height * width")
    with ExitStack() as stack:
        for name, text in zip(("one", "two"), texts, strict=True):
            provider = stack.enter_context(running(LoopbackProvider(text)))
            home.model(name, provider.base_url)
        editor = stack.enter_context(nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN))
        editor.open("app.py", CODE)
        editor.type("A")
        first = wait_until(editor.ghost, "ghost text")
        other = texts[1 - texts.index(first)]
        editor.type("<M-]>")
        editor.shows(f"{other} (2/2)")
        editor.type("<M-[>")
        editor.shows(f"{first} (1/2)")
        editor.type("<M-[>")
        editor.shows(f"{other} (2/2)")
        editor.type("<Tab>")
        editor.reads(CODE + other)
        editor.counted("accepted")
        chosen = editor.request("ensemble.models")
        accepted = {m["name"]: m["stats"].get("complete", {}).get("accepted", 0) for m in chosen}
        assert sum(accepted.values()) == 1


def test_trigger_shows_several_candidates_at_once(home: Home, neovims: Path) -> None:
    texts = ("width * height", "height * width")
    with ExitStack() as stack:
        for name, text in zip(("one", "two"), texts, strict=True):
            provider = stack.enter_context(running(LoopbackProvider(text)))
            home.model(name, provider.base_url)
        home.tables["complete"] = {"enabled": True, "debounceMs": 10, "budgetMs": 20000}
        editor = stack.enter_context(nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN))
        editor.open("app.py", CODE)
        editor.type("A<M-\\>")
        first = wait_until(editor.ghost, "ghost text")
        # Neovim itself knows of both: its own function goes from one to the other.
        select = "vim.lsp.inline_completion.select({ count = 1 }); return 1"
        other = texts[1 - texts.index(first)]
        wait_until(
            lambda: editor.lua(select) and editor.ghost() == f"{other} (2/2)", "the other one"
        )


OUR_KEYS = """
local found = {}
for _, mode in ipairs({ 'n', 'x', 'i', 's', 'o', 'c', 't' }) do
  for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
    if (map.desc or ''):find('Ensemble', 1, true) then table.insert(found, map.lhs) end
  end
end
return found
"""


def test_no_key_is_mapped_that_the_user_did_not_ask_for(
    gpt: LoopbackProvider, home: Home, neovims: Path
) -> None:
    program = neovims / "0.12" / "nvim"
    with nvim.running(program, home, WITH_PLUGIN, setup="{}") as editor:
        keys = editor.lua(OUR_KEYS)
        assert keys, "the plugin defines its <Plug> mappings"
        assert [key for key in keys if not key.startswith("<Plug>(ensemble-")] == []
    with nvim.running(
        program, home, WITH_PLUGIN, setup="{ keymaps = { accept = '<C-l>' } }"
    ) as one:
        assert [key for key in one.lua(OUR_KEYS) if not key.startswith("<Plug>")] == ["<C-L>"]
    with nvim.running(program, home, WITH_PLUGIN, setup="{ keymaps = { sing = 'x' } }") as one:
        assert "accept" in one.notified("is not an action")


def test_plug_mappings_act_and_are_documented(
    gpt: LoopbackProvider, home: Home, neovims: Path
) -> None:
    text = (nvim.PLUGIN / "doc" / "ensemble_lsp.txt").read_text()
    with nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN, setup="{}") as editor:
        for key in set(editor.lua(OUR_KEYS)):
            assert f"*{key}*" in text, f"{key} is not in the help"
        editor.lua("""
          vim.keymap.set('i', '<C-l>', '<Plug>(ensemble-accept-word)')
          vim.keymap.set('i', '<C-j>', '<Plug>(ensemble-accept)')
          vim.keymap.set('n', '<Space>w', '<Plug>(ensemble-why)')
          return 1""")
        editor.open("app.py", CODE)
        editor.type("A")
        editor.shows("width * height")
        editor.type("<C-l>")
        editor.reads(CODE + "width")
        editor.shows(" * height")
        editor.type("<C-j>")
        editor.reads(CODE + "width * height")
        editor.counted("accepted")
        editor.type("<Esc><Space>w")
        assert "gpt" in editor.float()


def test_the_plugin_uses_only_the_public_interface_of_neovim() -> None:
    private = re.compile(r"vim\.(\w+\.)*_|['\"]_\w+['\"]|\b_uninitialized\b")
    files = list(nvim.PLUGIN.rglob("*.lua"))
    assert files
    for file in files:
        for line in file.read_text().splitlines():
            assert not private.search(line), f"{file.name}: {line}"


@pytest.mark.parametrize(
    ("text", "by", "part"),
    [
        ("width * height", "word", "width"),
        (" * height", "word", " *"),
        ("größe_1 + 2", "word", "größe_1"),
        ("\n    return x", "word", "\n    return"),
        ("名前 = 1", "word", "名前"),
        ("(a, b)", "word", "("),
        ("   ", "word", "   "),
        ("a\nb\nc", "line", "a"),
        ("\nb\nc", "line", "\nb"),
    ],
)
def test_a_part_is_a_whole_word_or_line(editor: Neovim, text: str, by: str, part: str) -> None:
    assert editor.lua("require('ensemble_lsp.ghost').part(...)", text, by) == part
    assert json.dumps(part)
