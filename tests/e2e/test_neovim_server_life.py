"""Neovim 0.12 with the plugin: the server restarts, ends, is missing, is switched off and gets new settings."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import WITH_PLUGIN, Neovim, health, server_pid
from tests.e2e.three_models import editor, models, three
from tests.server.conftest import Home
from tests.support.sources import CODE
from tests.support.waiting import wait_until

__all__ = ["editor", "models", "three"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_restart_in_the_middle_of_a_session(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    first = server_pid(editor)
    editor.type(":Ensemble restart<CR>")
    wait_until(lambda: server_pid(editor) not in (None, first), "another server")
    editor.attached()
    editor.type("A")
    editor.shows("width * height")
    editor.type("<Tab>")
    editor.reads(CODE + "width * height")
    editor.counted("accepted")


def test_a_server_that_is_killed_comes_back_with_the_buffers(editor: Neovim) -> None:
    editor.open("app.py", "def area(width, height):\n    ")
    first = server_pid(editor)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: server_pid(editor) not in (None, first), "another server")
    editor.attached()
    # What was typed while it was away is known to the new one.
    editor.type("Areturn ")
    editor.shows("width * height")


def test_a_server_that_keeps_ending_is_left_alone(three: Home, neovims: Path) -> None:
    setup = "{ config = { cmd = { 'false' } } }"
    with nvim.running(neovims / "0.12" / "nvim", three, WITH_PLUGIN, setup=setup) as editor:
        editor.open("app.py", CODE, attached=False)
        assert "checkhealth" in editor.notified("the server crashed 4 times")
        editor.type("Ax<Esc>")
        editor.reads(CODE + "x")
        editor.type(":Ensemble models<CR>")
        editor.notified("the server is not running")


def test_a_server_that_is_not_there_is_said_by_checkhealth(three: Home, neovims: Path) -> None:
    setup = "{ keymaps = 'default', config = { cmd = { '/nowhere/ensemble-lsp' } } }"
    with nvim.running(neovims / "0.12" / "nvim", three, WITH_PLUGIN, setup=setup) as editor:
        editor.open("app.txt", "a", attached=False)
        editor.type("A<Tab>b<Esc>")
        editor.reads("a\tb")
        report = health(editor)
        assert "/nowhere/ensemble-lsp is not installed" in report
        assert "pip install" in report


def test_disable_and_enable(editor: Neovim) -> None:
    editor.open("app.py", CODE)
    editor.type(":Ensemble disable<CR>")
    wait_until(lambda: server_pid(editor) is None, "no server")
    wait_until(lambda: editor.lua("require('ensemble_lsp').statusline()") == "", "an empty status")
    editor.type(":Ensemble enable<CR>")
    editor.attached()


def test_settings_change_without_a_restart(editor: Neovim, three: Home) -> None:
    editor.open("app.py", CODE)
    first = server_pid(editor)
    editor.type(":Ensemble set complete.enabled=false<CR>A")
    editor.type("w")
    editor.reads(CODE + "w")
    # Nothing comes: the next request's answer, which is asked for here, is empty.
    empty = """
      local client = vim.lsp.get_clients()[1]
      local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
      params.context = { triggerKind = 2 }
      return #client:request_sync('textDocument/inlineCompletion', params, 20000).result.items"""
    assert editor.lua(empty) == 0
    assert editor.ghost() == ""
    editor.type("<BS><Esc>:Ensemble set complete.enabled=true<CR>A")
    editor.shows("width * height")
    assert server_pid(editor) == first
