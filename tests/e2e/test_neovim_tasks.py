"""Neovim 0.12 with the plugin: hover, generate, explain and fix."""

from __future__ import annotations

import pytest

from tests.e2e.nvim import Neovim
from tests.e2e.three_models import ANSWERS, editor, models, three
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "models", "three"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ASK = "# Return the area of a rectangle\n"


def test_hover_explains(editor: Neovim) -> None:
    editor.open("app.py", CODE + "width * height\n")
    editor.type("gg4lK")
    shown = editor.float()
    assert "multiplies the width" in shown
    assert "ensemble-lsp" in shown


CHOOSE = """
_G.titles = {}
vim.ui.select = function(items, options, done)
  for _, item in ipairs(items) do
    local title = options.format_item(item)
    table.insert(_G.titles, title)
    if title:find(_G.wanted, 1, true) then return done(item) end
  end
  done(nil)
end
"""


def test_generate_as_a_code_action_then_another_candidate_then_undo(
    editor: Neovim, models: dict[str, LoopbackProvider]
) -> None:
    # A majority ends the waiting: who disagrees must be there before it.
    for name in ("one", "two"):
        models[name].delay_first = 0.5
    editor.lua(CHOOSE + "return 1")
    editor.open("app.py", ASK)
    before = editor.text
    editor.type("gg")
    editor.lua("_G.wanted = 'Generate with ensemble'; vim.lsp.buf.code_action(); return 1")
    wait_until(lambda: "return width * height" in editor.text, "the consensus")
    consensus = editor.text
    assert ASK.strip() in consensus

    editor.lua("_G.titles = {}; _G.wanted = 'three'; vim.lsp.buf.code_action(); return 1")
    titles = [str(title) for title in wait_until(lambda: editor.lua("_G.titles"), "a menu")]
    wait_until(lambda: "return size * b" in editor.text, f"the other answer, of {titles}")
    assert any("2 of 3 models agree" in title for title in titles), titles
    assert "return width * height" not in editor.text

    stats = wait_until(
        lambda: {
            m["name"]: s
            for m in editor.request("ensemble.models")
            if (s := m["stats"].get("generate")) and m["name"] == "three" and s["accepted"]
        },
        "the chosen candidate in the history",
    )
    assert stats["three"]["accepted"] == 1

    editor.type("u")
    editor.reads(consensus)
    editor.type("u")
    editor.reads(before)


def test_where_the_models_do_not_agree_the_user_is_asked(
    editor: Neovim, models: dict[str, LoopbackProvider]
) -> None:
    for name, text in {
        "one": "def area(width, height):\n    return width * height",
        "two": "class Rectangle:\n    def area(self):\n        raise NotImplementedError",
        "three": "import shapes\n\nprint(shapes.rectangle(3, 4).surface())",
    }.items():
        models[name].reply = text
    editor.lua("""
      _G.asked = ''
      vim.fn.inputlist = function(lines)
        _G.asked = table.concat(lines, '\\n')
        for _, line in ipairs(lines) do
          if line:find("two's answer", 1, true) then return tonumber(line:match('^%d+')) end
        end
        return 0
      end
      return 1""")
    editor.open("app.py", "\n")
    editor.type(":Ensemble generate area of a rectangle<CR>")
    question = wait_until(lambda: editor.lua("_G.asked"), "the question")
    wait_until(lambda: "class Rectangle" in editor.text, f"the answer to {question}")
    assert "Which answer" in question
    editor.notified("do not agree")


def test_generate_by_an_instruction_and_what_else_there_is(editor: Neovim) -> None:
    editor.open("app.py", "\n")
    editor.type(":Ensemble generate area of a rectangle<CR>")
    wait_until(lambda: "return width * height" in editor.text, "the answer")
    editor.notified("agreement")


def test_a_running_generation_is_cancelled(editor: Neovim, three: Home) -> None:
    with running(LoopbackProvider("never", delay_first=60)) as slow:
        settings = {"name": "slow", "provider": "openai", "model": "slow"}
        editor.open("app.py", "\n\n")
        editor.request("ensemble.addModel", {**settings, "baseUrl": slow.base_url})
        for name in ANSWERS:
            editor.request("ensemble.removeModel", {"name": name})
        editor.type(":Ensemble generate a thing<CR>")
        slow.wait_for(lambda p: p.requests)
        editor.type(":Ensemble cancel<CR>")
        slow.wait_for(lambda p: p.requests[0].closed)
        editor.notified("cancelled")
    assert editor.text == "\n"


def test_explain_opens_a_window(editor: Neovim) -> None:
    editor.open("app.py", CODE + "width * height\n")
    editor.type("gg:Ensemble explain<CR>")
    assert "multiplies the width" in editor.float()


def explained(editor: Neovim, outcome: str) -> None:
    """Wait until an explanation has this outcome."""
    editor.counted(outcome, "command")


def test_an_explanation_is_helpful_or_not_by_one_key(editor: Neovim) -> None:
    editor.open("app.py", CODE + "width * height\n")
    editor.type("gg:Ensemble explain<CR>")
    assert "multiplies the width" in editor.float()
    assert editor.kinds() == [], "silence teaches nothing"
    editor.lua(
        """
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          if vim.api.nvim_win_get_config(window).relative ~= '' then
            vim.api.nvim_set_current_win(window)
          end
        end
        return 1"""
    )
    editor.type("+")
    editor.notified("noted as helpful")
    explained(editor, "accepted")
    editor.type(":Ensemble unhelpful<CR>")
    editor.notified("noted as not helpful")
    explained(editor, "rejected")


MISSPELT = "def area(width, height):\n    return widht * height\n"
REPORT = """
local buffer = vim.api.nvim_get_current_buf()
local space = vim.api.nvim_create_namespace('a linter')
vim.diagnostic.set(space, buffer, { {
  lnum = 1, col = 11, end_lnum = 1, end_col = 16, source = 'Pyright', code = 'reportUndefined',
  severity = vim.diagnostic.severity.ERROR, message = '"widht" is not defined',
} })
return 1
"""
FIX = """
_G.wanted = 'Fix with ensemble'
local found = vim.diagnostic.get(0, { lnum = vim.api.nvim_win_get_cursor(0)[1] - 1 })
vim.lsp.buf.code_action({ context = { diagnostics = vim.lsp.diagnostic.from(found) } })
return 1
"""


@pytest.fixture
def misspelt(editor: Neovim, models: dict[str, LoopbackProvider]) -> Neovim:
    """A file in which a linter reports a problem on the cursor's line."""
    for provider in models.values():
        provider.reply = MISSPELT.replace("widht", "width")
    editor.lua(CHOOSE + "return 1")
    editor.open("app.py", MISSPELT)
    editor.type("2G")
    editor.lua(REPORT)
    return editor


def test_a_problem_of_another_tool_is_fixed_by_a_code_action(
    misspelt: Neovim, models: dict[str, LoopbackProvider]
) -> None:
    misspelt.lua(FIX)
    misspelt.reads(MISSPELT.replace("widht", "width").rstrip())
    prompts = [str(r.body) for p in models.values() for r in p.requests]
    assert any('reportUndefined (Pyright): "widht" is not defined' in p for p in prompts)
    misspelt.type("u")
    misspelt.reads(MISSPELT.rstrip())


def test_a_problem_is_fixed_by_the_command(misspelt: Neovim) -> None:
    misspelt.type(":Ensemble fix<CR>")
    misspelt.reads(MISSPELT.replace("widht", "width").rstrip())
    misspelt.lua("vim.diagnostic.reset(); return 1")
    misspelt.type(":Ensemble fix<CR>")
    misspelt.notified("no problem is reported here")
