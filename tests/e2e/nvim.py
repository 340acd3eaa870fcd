"""A real Neovim without a screen, driven over RPC."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from tests.e2e.conftest import ROOT, SERVER
from tests.server.conftest import Home
from tests.support.waiting import wait_until

pynvim: Any = pytest.importorskip("pynvim", reason='pip install -e ".[e2e]"')
T = TypeVar("T")

PLUGIN = ROOT / "clients" / "neovim"

WITH_PLUGIN = f"""
vim.opt.runtimepath:prepend({str(PLUGIN)!r})
vim.cmd.runtime('plugin/ensemble_lsp.lua')
require('ensemble_lsp').setup(SETUP)
"""

PRELUDE = """
_G.messages = {}
vim.notify = function(message) table.insert(_G.messages, message) end
vim.notify_once = vim.notify
vim.o.swapfile = false
vim.o.autoindent = false
vim.o.indentexpr = ''
SETUP = %s
"""

DEFAULT_KEYS = "{ keymaps = 'default' }"

ATTACHED = """
if #vim.lsp.get_clients({ bufnr = 0 }) == 0 then return false end
if not vim.lsp.inline_completion then return true end
local group = 'nvim.lsp.inline_completion:' .. vim.api.nvim_get_current_buf()
local there, commands = pcall(vim.api.nvim_get_autocmds, { group = group, event = 'InsertEnter' })
return there and #commands > 0
"""

GHOST = """
local found = {}
local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
if not space then return '' end
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
  local line = ''
  for _, chunk in ipairs(mark[4].virt_text or {}) do line = line .. chunk[1] end
  table.insert(found, line)
  for _, chunks in ipairs(mark[4].virt_lines or {}) do
    local more = ''
    for _, chunk in ipairs(chunks) do more = more .. chunk[1] end
    table.insert(found, more)
  end
end
return table.concat(found, '\\n')
"""

MARKS = """
local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
return space and vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {}) or {}
"""


def readme_lines(home: Home) -> str:
    """The README's own lines: what it says goes to ``lsp/`` is put there, the rest is ``init.lua``."""
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("### Neovim") :]
    found = re.search(r"```lua\n(.*?)```", section, re.DOTALL)
    assert found is not None
    config, _, init = found[1].partition("-- init.lua")
    folder = home.path / "nvim" / "lsp"
    folder.mkdir(parents=True)
    (folder / "ensemble_lsp.lua").write_text(config)
    return f"vim.opt.runtimepath:prepend({str(folder.parent)!r})\n{init}"


class Neovim:
    """One editor, with the folders of its user."""

    def __init__(self, api: Any, home: Home) -> None:
        self.api = api
        self.home = home

    def lua(self, code: str, *arguments: Any) -> Any:
        """Run a chunk of Lua and return its value; an expression needs no ``return``."""
        whole = code if "return" in code or "\n" in code else f"return {code}"
        return self.api.exec_lua(whole, *arguments)

    def open(self, name: str, text: str, attached: bool = True) -> Path:
        """Open a new file of the workspace, with the cursor at its end."""
        path = self.home.workspace / name
        path.write_text(text)
        self.api.command(f"edit {path}")
        self.api.input("G$")
        if attached:
            self.attached()
        return path

    def attached(self) -> None:
        """Wait until the server is initialized and ghost text is enabled."""
        wait_until(lambda: self.lua(ATTACHED), "no server")

    def type(self, keys: str) -> None:
        """Press keys, with names such as ``<Tab>``."""
        self.api.input(keys)

    @property
    def text(self) -> str:
        """The buffer."""
        return "\n".join(self.api.current.buffer[:])

    @property
    def mode(self) -> str:
        """``n``, ``i``, …"""
        return str(self.api.api.get_mode()["mode"])

    def ghost(self) -> str:
        """Return the ghost text on the screen, or an empty string."""
        return str(self.lua(GHOST))

    def marks(self) -> list[tuple[int, int]]:
        """Return the rows and columns at which ghost text is drawn."""
        found = self.lua(MARKS)
        return [(int(row), int(column)) for _, row, column in found]

    def shows(self, text: str) -> None:
        """Wait for a ghost text."""
        wait_until(lambda: self.ghost() == text, f"ghost text {text!r}, is {self.ghost()!r}")

    def reads(self, text: str) -> None:
        """Wait for the buffer to hold a text."""
        wait_until(lambda: self.text == text, f"buffer {text!r}, is {self.text!r}")

    def notified(self, part: str) -> str:
        """Wait for a message to the user that contains a text."""
        messages: Callable[[], list[str]] = lambda: self.lua("_G.messages")
        return wait_until(
            lambda: next((str(m) for m in messages() if part in str(m)), ""),
            f"a message with {part!r}; there are {messages()}",
        )

    def look(self) -> None:
        """Wait longer than 750 ms: a suggestion shown for less counts as not seen."""
        time.sleep(0.9)

    def float(self) -> str:
        """Wait for a floating window and return its text."""
        code = """
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          if vim.api.nvim_win_get_config(window).relative ~= '' then
            local buffer = vim.api.nvim_win_get_buf(window)
            return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\\n')
          end
        end
        return ''"""
        return wait_until(lambda: str(self.lua(code)), "a floating window")

    def request(self, command: str, argument: dict[str, Any] | None = None) -> Any:
        """Run one of the server's commands and return its result."""
        return self.lua(
            """
            local argument = ...
            if vim.tbl_isempty(argument) then argument = vim.empty_dict() end
            local params = { command = vim.g.command, arguments = { argument } }
            local client = vim.lsp.get_clients()[1]
            return client:request_sync('workspace/executeCommand', params, 20000).result
            """.replace("vim.g.command", repr(command)),
            argument or {},
        )

    def outcomes(self) -> list[tuple[str, str, float]]:
        """Return kind, source and share of every outcome, in the order of the suggestions."""
        file = self.home.path / "data" / "history.sqlite3"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            rows = database.execute(
                "select kind, source, share from outcomes join suggestions using (n) order by n"
            )
            return [(str(kind), str(source), float(share)) for kind, source, share in rows]

    def counted(self, kind: str, source: str | None = None) -> tuple[str, str, float]:
        """Wait for an outcome of that kind in the history."""

        def find() -> tuple[str, str, float] | None:
            with suppress(sqlite3.OperationalError):
                for outcome in self.outcomes():
                    if outcome[0] == kind and source in (None, outcome[1]):
                        return outcome
            return None

        found = wait_until(find, f"an outcome {kind!r}; there are {self.outcomes()}")
        assert found is not None
        return found

    def kinds(self) -> list[str]:
        """Return the kinds of the outcomes, without those that carry no reward."""
        silent = {"superseded", "ignored", "cancelled"}
        return [kind for kind, _, _ in self.outcomes() if kind not in silent]


@contextmanager
def running(
    program: Path,
    home: Home,
    init: str,
    *,
    setup: str = DEFAULT_KEYS,
    env: dict[str, str] | None = None,
) -> Iterator[Neovim]:
    """Start an editor with an ``init.lua``, and quit it at the end as a user does."""
    home.write()
    script = home.path / "init.lua"
    script.write_text(PRELUDE % setup + init)
    folders = {
        f"XDG_{name}_HOME": str(home.path / "xdg" / name.lower())
        for name in ("CONFIG", "DATA", "STATE", "CACHE")
    }
    clean = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_HOME"))}
    variables = {
        **clean,
        **folders,
        "PATH": f"{SERVER.parent}{os.pathsep}{os.environ['PATH']}",
        "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
        "NVIM_LOG_FILE": str(home.path / "nvim.log"),
        **(env or {}),
    }
    given = [f"{k}={v}" for k, v in variables.items()]
    command = ["env", "-i", *given, str(program), "--embed", "--headless", "--clean"]
    api = pynvim.attach("child", argv=[*command, "-u", str(script)])
    try:
        api.chdir(str(home.workspace))
        yield Neovim(api, home)
    finally:
        with suppress(OSError, EOFError, pynvim.NvimError):
            api.command("qall!")
        api.close()


def server_pid(editor: Neovim) -> int | None:
    """The process id of the server that an editor runs."""
    code = "vim.fn.getpid()"
    children = psutil.Process(editor.lua(code)).children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            if any("ensemble-lsp" in part for part in child.cmdline()):
                return child.pid
    return None


def health(editor: Neovim) -> str:
    """The report of ``:checkhealth``."""
    editor.api.command("checkhealth ensemble_lsp")
    return editor.text
