"""The configuration of each editor, as ``init`` prints it. The command is the program's own path if needed."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = "ensemble-lsp"
_COMMAND = re.compile(r'(?P<before>(?:cmd = \{ |command = |"command": \[|\. \())"ensemble-lsp"')
"""The command in each editor's form; elsewhere the same word is the server's name."""


@dataclass(frozen=True, slots=True)
class Editor:
    """One editor: its title, the text to print, and its page in the documentation."""

    title: str
    text: str
    page: str


EDITORS = {
    "vscode": Editor(
        "VS Code",
        """make package                                        # in a clone of this project
code --install-extension dist/ensemble-lsp.vsix""",
        "docs/editors/vscode.md",
    ),
    "neovim": Editor(
        "Neovim",
        """-- ~/.config/nvim/lsp/ensemble_lsp.lua
return {
  cmd = { "ensemble-lsp" },
  filetypes = { "python", "lua", "javascript", "typescript", "go", "rust", "c", "cpp" }, -- add your own
  root_markers = { ".git" },
}

-- init.lua
vim.lsp.enable("ensemble_lsp")
if vim.lsp.inline_completion then -- 0.12: ghost text
  vim.lsp.inline_completion.enable()
  local before = vim.fn.maparg("<Tab>", "i", false, true).callback -- Neovim's own: it jumps in snippets
  vim.keymap.set("i", "<Tab>", function()
    local jumps = vim.snippet.active({ direction = 1 })
    if not jumps and vim.lsp.inline_completion.get() then return "<C-g>u" end
    return before and before() or "<Tab>"
  end, { expr = true, desc = "Accept the suggestion" })
end""",
        "docs/editors/neovim.md",
    ),
    "helix": Editor(
        "Helix",
        """# ~/.config/helix/languages.toml
[language-server.ensemble-lsp]
command = "ensemble-lsp"

[[language]]
name = "python"
language-servers = ["pylsp", "ensemble-lsp"]""",
        "docs/editors/others.md",
    ),
    "emacs": Editor(
        "Emacs (eglot)",
        """(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ("ensemble-lsp"))))""",
        "docs/editors/emacs.md",
    ),
    "sublime": Editor(
        "Sublime Text (LSP package)",
        """{
  "ensemble-lsp": {
    "enabled": true,
    "command": ["ensemble-lsp"],
    "selector": "source.python | source.js | source.ts | source.go | source.rust"
  }
}""",
        "docs/editors/others.md",
    ),
}


def snippet(name: str) -> str:
    """Return what to print for an editor, with a command that the editor finds."""
    editor = EDITORS[name]
    text = _COMMAND.sub(lambda found: found["before"] + f'"{_command()}"', editor.text)
    return f"{editor.title}:\n\n{text}\n\nMore: {editor.page}"


def _command() -> str:
    """Return the program's name, or its path where an editor would not find it by name.

    An editor that is started from the desktop does not see a virtual environment.
    """
    found = shutil.which(_PROGRAM)
    if found and Path(found).parent != Path(sys.executable).parent:
        return _PROGRAM
    own = Path(sys.executable).with_name(_PROGRAM + (".exe" if os.name == "nt" else ""))
    in_environment = sys.prefix != sys.base_prefix
    return own.as_posix() if own.exists() and (in_environment or not found) else _PROGRAM
