"""Neovim's screen: its lines, the highlight of each cell, and a picture of it."""

from __future__ import annotations

import html
import os
from pathlib import Path


from tests.e2e.nvim import Neovim
from tests.support.waiting import wait_until

LINES = """
vim.cmd.redraw()
local lines = {}
for row = 1, vim.o.lines do
  local cells = {}
  for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
  lines[row] = (table.concat(cells):gsub('%s+$', ''))
end
return lines
"""


class Screen:
    """The screen of an editor that has no terminal."""

    def __init__(self, editor: Neovim) -> None:
        self.editor = editor

    @property
    def lines(self) -> list[str]:
        """The text of each line."""
        return list(self.editor.lua(LINES))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def shows(self, text: str) -> None:
        """Wait until a line contains a text."""
        wait_until(lambda: text in str(self), lambda: f"{text!r} on the screen, which is\n{self}")
