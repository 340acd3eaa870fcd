"""Neovim 0.12 with the plugin: ``:Ensemble``, its completion, status line, help, health."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.e2e import nvim
from tests.e2e.nvim import Neovim, health, server_pid
from tests.e2e.three_models import ANSWERS, editor, models, three
from tests.server.conftest import Home
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "models", "three"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


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


def test_a_models_name_runs_nothing_in_the_status_line(editor: Neovim) -> None:
    """Some status lines evaluate the text once more; the name may come from another program."""
    editor.open("app.py", CODE)
    text = editor.lua("""
      local plugin = require('ensemble_lsp')
      plugin.on_status({ state = 'idle', model = 'a%{execute("let g:ran = 1")}b%#Error#' })
      return vim.api.nvim_eval_statusline(plugin.statusline(), {}).str""")
    assert editor.lua("vim.g.ran == nil") and text.endswith("b#Error#"), text


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
