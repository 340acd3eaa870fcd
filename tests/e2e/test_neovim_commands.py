"""Neovim 0.12 with the plugin: hover, code actions, ``:Ensemble``, help, health."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.e2e import nvim
from tests.e2e.nvim import Neovim, health, server_pid
from tests.e2e.three_models import ANSWERS, editor, models, three
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "models", "three"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ASK = "# Return the area of a rectangle\n"


# -- tasks ---------------------------------------------------------------------------------------


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


# -- models --------------------------------------------------------------------------------------


def test_models_are_listed_added_pinned_and_removed(editor: Neovim, three: Home) -> None:
    editor.open("app.py", CODE)
    url = three.models[0]["baseUrl"]
    editor.type(f":Ensemble add name=four provider=openai model=x baseUrl={url}<CR>")
    editor.notified("four is added for this session")
    assert [m["name"] for m in editor.request("ensemble.models")][-1] == "four"
    editor.type(":Ensemble pin complete four<CR>")
    editor.notified("four is pinned for complete")
    editor.type("A")
    editor.shows("width * height")
    editor.type("<Tab>")
    editor.reads(CODE + "width * height")
    editor.type("<Esc>:Ensemble why<CR>")
    assert "four" in editor.float()
    editor.type(":Ensemble pin complete<CR>")
    editor.notified("no model is pinned for complete")
    editor.type(":Ensemble remove four<CR>")
    editor.notified("four is removed")
    assert "four" not in [m["name"] for m in editor.request("ensemble.models")]
    assert "four" not in (three.path / "config.toml").read_text()


def test_a_model_is_saved_in_the_config(editor: Neovim, three: Home) -> None:
    editor.open("app.py", CODE)
    url = three.models[0]["baseUrl"]
    editor.type(f":Ensemble add name=four provider=openai model=x baseUrl={url} save<CR>")
    editor.notified("four is added and saved")
    assert '"four"' in (three.path / "config.toml").read_text()


def test_models_in_a_window(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type(":Ensemble models<CR>")
    shown = editor.float()
    assert all(name in shown for name in ANSWERS)


def test_why_before_any_suggestion_names_the_models_that_would_be_asked(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type(":Ensemble why<CR>")
    shown = editor.float()
    assert "expected reward" in shown


def test_what_is_wrong_is_said_in_one_sentence(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    for line, said in {
        "sing": "not a command",
        "pin sing": "usage: Ensemble pin",
        "pin complete gtp": "gtp",
        "add name": "usage: Ensemble add",
        "remove nobody": "nobody",
        "report sing": "usage: Ensemble report",
        "set x": "usage: Ensemble set",
        "accept half": "usage: Ensemble accept",
        "cancel": "no request is running",
        "reject": "there is no suggestion",
    }.items():
        editor.lua("_G.messages = {}; return 1")
        editor.type(f":Ensemble {line}<CR>")
        assert "\n" not in editor.notified(said)


def test_the_report_opens(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type("A")
    editor.shows("width * height")
    editor.type("<Tab>")
    editor.counted("accepted")
    editor.type("<Esc>:Ensemble report<CR>")
    wait_until(lambda: editor.api.current.buffer.name.endswith(".md"), "the report's window")
    assert "one" in editor.text


def test_a_modeline_in_a_report_sets_nothing(editor: Neovim, home: Home) -> None:
    report = home.path / "report.md"
    report.write_text("gpt:\n\nvim: set tabstop=3 shiftwidth=7 foldmethod=expr foldexpr=evil():\n")
    editor.open("app.py", CODE)
    editor.lua("vim.go.modeline = true; return 1")
    editor.lua(f"require('ensemble_lsp.ui').split({str(report)!r}); return 1")
    assert editor.api.current.buffer.name.endswith("report.md")
    assert editor.lua("return { vim.bo.shiftwidth, vim.wo.foldexpr }") != [7, "evil()"]
    assert editor.lua("return vim.bo.shiftwidth") != 7
    assert editor.lua("return vim.go.modeline") is True


# -- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("Ensemble pi", ["pin"]),
        ("Ensemble re", ["reject", "remove", "report", "restart"]),
        ("Ensemble accept ", ["word", "line"]),
        ("Ensemble pin ", ["complete", "explain", "generate", "edit"]),
        ("Ensemble pin complete t", ["two", "three"]),
        ("Ensemble remove ", ["one", "two", "three"]),
        ("Ensemble add provider=a", ["provider=anthropic"]),
        ("Ensemble report g", ["generate"]),
        ("Ensemble set explain.", ["explain.hover=false", "explain.hover=true"]),
        ("Ensemble models ", []),
        ("Ensemble nothing ", []),
        ("2,3Ensemble gen", ["generate"]),
    ],
)
def test_the_command_line_completes(editor: Neovim, line: str, offered: list[str]) -> None:
    editor.open("app.py", CODE)
    editor.request("ensemble.models")  # the server has started
    complete = "vim.fn.getcompletion(...,'cmdline')"
    wait_until(lambda: editor.lua(complete, line) == offered, f"{offered} for {line!r}")


def test_completing_the_command_line_does_not_wait_for_the_server(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    complete = "vim.fn.getcompletion('Ensemble remove ', 'cmdline')"
    wait_until(lambda: editor.lua(complete) == list(ANSWERS), "the names of the models")
    process = psutil.Process(server_pid(editor))
    process.suspend()
    try:
        time.sleep(3.1)  # the names are older than their refresh interval
        start = time.monotonic()
        assert editor.lua(complete) == list(ANSWERS)
        assert time.monotonic() - start < 0.5
    finally:
        process.resume()
    url = editor.home.models[0]["baseUrl"]
    settings = {"name": "four", "provider": "openai", "model": "x", "baseUrl": url}
    editor.request("ensemble.addModel", settings)
    wait_until(lambda: editor.lua(complete) == [*ANSWERS, "four"], "the refreshed names")


def test_every_command_of_the_server_can_be_given(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    server = editor.lua("vim.lsp.get_clients()[1].server_capabilities.executeCommandProvider")
    names = set(editor.lua("require('ensemble_lsp.commands').names()"))
    given = {
        "ensemble.accept": "accept",
        "ensemble.reject": "reject",
        "ensemble.choose": None,  # for clients whose code actions are commands only
        "ensemble.generate": "generate",
        "ensemble.explain": "explain",
        "ensemble.models": "models",
        "ensemble.providers": None,  # for completion on the command line
        "ensemble.pin": "pin",
        "ensemble.addModel": "add",
        "ensemble.removeModel": "remove",
        "ensemble.nextEdit": None,  # the editors' own requests ask for it
        "ensemble.snooze": "snooze",
        "ensemble.status": None,  # for a status bar; the status line has the notifications
        "ensemble.packagedModels": None,  # for a set-up in the editor; `models add` downloads too
        "ensemble.downloadModel": None,
        "ensemble.findModels": None,
        "ensemble.testModel": None,
        "ensemble.why": "why",
        "ensemble.report": "report",
        "ensemble.compare": "compare",
    }
    assert set(server["commands"]) <= set(given)
    assert {name for name in given.values() if name} <= names


# -- status line, health, help -------------------------------------------------------------------


def test_the_status_line_names_the_model(editor: Neovim) -> None:
    editor.lua("""
      _G.seen = {}
      vim.api.nvim_create_autocmd('User', { pattern = 'EnsembleStatus', callback = function(event)
        table.insert(_G.seen, event.data.state)
      end })
      return 1""")
    assert editor.lua("require('ensemble_lsp').statusline()") == ""
    editor.open("app.py", CODE)
    assert editor.lua("require('ensemble_lsp').statusline()").startswith("ensemble")
    editor.type("A")
    editor.shows("width * height")
    wanted = {f"ensemble: {name}" for name in ANSWERS}
    line = "require('ensemble_lsp').statusline()"
    wait_until(lambda: editor.lua(line) in wanted, "the model's name in the status line")
    assert "busy" in editor.lua("_G.seen")


def test_checkhealth_is_green(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    report = health(editor)
    assert "ghost text) is available" in report
    assert "the server is running, version 0." in report
    assert all(f"{name} (openai): complete" in report for name in ANSWERS)
    assert "ERROR" not in report


def test_help_has_tags_for_all(editor: Neovim, tmp_path: Path) -> None:
    # A plugin manager makes the tags in the plugin's folder; here it is done in a copy.
    copy = tmp_path / "plugin" / "doc"
    copy.mkdir(parents=True)
    source = (nvim.PLUGIN / "doc" / "ensemble_lsp.txt").read_text()
    (copy / "ensemble_lsp.txt").write_text(source)
    editor.api.command(f"set runtimepath^={copy.parent}")
    editor.api.command(f"helptags {copy}")
    for name in editor.lua("require('ensemble_lsp.commands').names()"):
        assert f":Ensemble-{name}*" in source, f"{name} is not in the help"
        editor.api.command(f"help :Ensemble-{name}")
        assert editor.api.current.buffer.name.endswith("ensemble_lsp.txt")
    for tag in ("ensemble-lsp", "ensemble_lsp.setup()", "ensemble-lsp-statusline"):
        editor.api.command(f"help {tag}")
    for word in ("accept_part", "configure", "reject", "next", "previous", "trigger", "client"):
        editor.api.command(f"help ensemble_lsp.{word}()")


# -- problems ------------------------------------------------------------------------------------

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
