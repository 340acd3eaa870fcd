"""Ghost text under the keys of everyday editing, in the real Neovim 0.12: with the plugin, and with the README's lines."""

from __future__ import annotations

import pytest

from tests.e2e.nvim import Neovim
from tests.e2e.one_model import editor, gpt, plugin
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "gpt", "plugin"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def no_error(editor: Neovim) -> None:
    """Neovim reports errors of autocommands among its messages."""
    messages = str(editor.api.command_output("messages"))
    assert "Error" not in messages, messages


DELETIONS = {
    "<BS>": "    return",
    "<BS><BS><BS>": "    retu",
    "<C-w>": "    ",
    "<C-u>": "    ",
    "<C-u><C-u>": "",
    "<C-w><C-w>": "",
    "<C-o>db": "     ",
    "<C-o>2X": "    retu ",
    "<Left><BS>": "    retur ",
}
OTHERS = {
    "<CR>pass": CODE + "\npass",
    "<C-r>a": CODE + "pasted",
    "<C-o>k": CODE,
    "<Esc>u": CODE,
    "<Esc>kJ": "def area(width, height): return ",
    "<Esc>ggO#<Esc>": "#\n" + CODE,
    "<Esc>gg0<C-v>jI# <Esc>": "# def area(width, height):\n#     return ",
    "<Home># ": "def area(width, height):\n#     return ",
    "<C-d>": "def area(width, height):\nreturn ",
    "<C-t>": "def area(width, height):\n        return ",
    "<Del>": CODE,
}


def press(editor: Neovim, number: int, keys: str, text: str) -> None:
    """Press keys in a new file while ghost text is shown; then the file holds a text, and there is no error."""
    editor.open(f"app{number}.py", CODE)
    editor.lua("vim.bo.expandtab = true; vim.bo.shiftwidth = 4; return 1")
    editor.type("A")
    editor.shows("width * height")
    editor.type(keys)
    editor.reads(text)
    no_error(editor)
    editor.type("<Esc>")
    editor.shows("")
    no_error(editor)
    editor.api.command("silent update")


def test_deleting_with_ghost_text_is_no_error(editor: Neovim) -> None:
    for number, (keys, line) in enumerate(DELETIONS.items()):
        press(editor, number, keys, CODE.replace("    return ", line))


@pytest.mark.parametrize("part", range(3))
def test_other_keys_with_ghost_text_do_what_they_always_do(plugin: Neovim, part: int) -> None:
    plugin.lua("vim.fn.setreg('a', 'pasted'); return 1")
    for number, (keys, text) in enumerate(list(OTHERS.items())[part::3]):
        press(plugin, number, keys, text)


# From the last line of three, `pass`, with ghost text behind it.
OUT_OF_THE_LINE = {
    "<C-u><BS>": "a = 1\n    return",
    "<C-w><C-w><BS>": "a = 1\n    return",
    "<C-o>dd": "a = 1\n    return",
    "<C-o>u": "a = 1\n    return",
    "<C-o>:1,3d<CR>": "",
    "<C-o>ggx": "a = 1x\n    return\n    pass",
    "<Up>x": "a = 1\n    retuxrn\n    pass",
}


def test_ghost_text_leaves_with_its_line(plugin: Neovim) -> None:
    """Neovim draws it again at each movement, and fails where its line is gone."""
    plugin.lua("vim.o.backspace = 'indent,eol,start'; return 1")
    for number, (keys, text) in enumerate(OUT_OF_THE_LINE.items()):
        plugin.open(f"last{number}.py", "a = 1\n    return")
        plugin.type("o    pass")
        plugin.shows("width * height")
        plugin.type(keys)
        plugin.reads(text)
        no_error(plugin)
        row = plugin.api.current.window.cursor[0] - 1
        assert [line for line, _ in plugin.marks() if line != row] == []
        plugin.type("<Esc>")
        plugin.api.command("silent update")
        no_error(plugin)


def test_text_of_several_bytes_before_and_behind_the_cursor(
    editor: Neovim, gpt: LoopbackProvider
) -> None:
    gpt.reply = "größe, 'Ä😀'"
    editor.open("app.py", "x = ('名前😀', )  # é😀")
    editor.type("0f)i")
    editor.shows("größe, 'Ä😀'")
    editor.type("<Tab>")
    editor.reads("x = ('名前😀', größe, 'Ä😀')  # é😀")
    editor.counted("accepted")
    no_error(editor)


def test_accept_after_deleting_keeps_the_line(plugin: Neovim, gpt: LoopbackProvider) -> None:
    plugin.open("app.py", "area = max() + 1")
    gpt.reply = "width) or height"
    plugin.type("0f)i")
    wait_until(lambda: "width" in plugin.ghost(), "the ghost text")
    gpt.delay_first = 20.0  # the old ghost text stays while the next one is computed
    plugin.type("<BS><BS>")
    plugin.reads("area = ma) + 1")
    plugin.type("<Tab>")
    plugin.reads("area = max(width) or height + 1")
    no_error(plugin)


def test_undo_keeps_what_was_typed_before_an_accept(editor: Neovim) -> None:
    editor.open("app.py", CODE[:-2])
    editor.type("A")
    editor.type("n<Space>")
    editor.shows("width * height")
    editor.type("<Tab>")
    editor.reads(CODE + "width * height")
    editor.type("<Esc>u")
    editor.reads(CODE)
    editor.type("u")
    editor.reads(CODE[:-2])
    editor.type("<C-r><C-r>")
    editor.reads(CODE + "width * height")


def test_undo_takes_back_a_word_at_a_time(plugin: Neovim) -> None:
    plugin.open("app.py", CODE)
    plugin.type("A")
    plugin.shows("width * height")
    plugin.type("<M-Right>")
    plugin.reads(CODE + "width")
    plugin.shows(" * height")
    plugin.type("<M-Right>")
    plugin.reads(CODE + "width *")
    plugin.type("<Esc>u")
    plugin.reads(CODE + "width")
    plugin.type("u")
    plugin.reads(CODE)


def test_a_repeat_repeats_what_was_typed(plugin: Neovim) -> None:
    """As the help says: Neovim repeats keys, and an accepted text is none."""
    plugin.open("app.py", CODE[:-1] + "\n" + CODE[:-1])
    plugin.type("2GA<Space>")
    plugin.shows("width * height")
    plugin.type("<Tab>")
    plugin.reads(CODE + "width * height\n" + CODE[:-1])
    plugin.type("<Esc>G.")
    plugin.reads(CODE + "width * height\n" + CODE)
