"""Neovim's screen: its lines, the highlight of each cell, and a picture of it."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT
from tests.e2e.nvim import Neovim
from tests.support.waiting import wait_until

SHOTS = Path(os.environ.get("ENSEMBLE_E2E_SHOTS", ROOT / "artifacts" / "neovim"))

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

# The first call begins to record the groups' names, and with that their numbers change.
CELLS = """
vim.api.nvim__inspect_cell(1, 0, 0)
vim.cmd('redraw!')
local cells = {}
for row = 0, vim.o.lines - 1 do
  cells[row + 1] = {}
  for column = 0, vim.o.columns - 1 do
    local cell = vim.api.nvim__inspect_cell(1, row, column)
    cells[row + 1][column + 1] = { cell[1], cell[2] }
  end
end
return cells
"""

# The colours of `Normal` and of a highlight group, as the screen's cells have them.
COLOURS = """
local group = vim.api.nvim_get_hl(0, { name = ..., link = false })
return { foreground = group.fg, background = group.bg, bold = group.bold }
"""

Attributes = dict[str, Any]


class Screen:
    """The screen of an editor that has no terminal."""

    def __init__(self, editor: Neovim) -> None:
        self.editor = editor

    @property
    def lines(self) -> list[str]:
        """The text of each line."""
        return list(self.editor.lua(LINES))

    @property
    def text(self) -> list[str]:
        """The lines of the window's text, without the rows below its end and the last two."""
        return [line for line in self.lines[:-2] if line != "~"]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def is_text(self, *lines: str) -> None:
        """Wait until the window shows these lines."""
        wait_until(lambda: self.text == list(lines), lambda: f"{lines} on\n{self}")

    def shows(self, text: str) -> None:
        """Wait until a line contains a text."""
        wait_until(lambda: text in str(self), lambda: f"{text!r} on the screen, which is\n{self}")

    def highlighted(self, group: str) -> list[str]:
        """Return the text with the colours of a highlight group, by line."""
        colours = self.editor.lua(COLOURS, group)
        if not colours:  # the plugin has shown nothing yet
            return []
        found: list[str] = []
        for row in self.editor.lua(CELLS):
            part = "".join(
                char for char, attributes in row if colours.items() <= attributes.items()
            )
            if part.strip():
                found.append(part.rstrip())
        return found

    def picture(self, name: str) -> None:
        """Write a picture, for people and as an artefact of CI, if there is a Chromium."""
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if chromium is None:
            return
        cells, normal = self.editor.lua(CELLS), self.editor.lua(COLOURS, "Normal")
        SHOTS.mkdir(parents=True, exist_ok=True)
        page = SHOTS / f"{name}-{os.getpid()}.html"
        page.write_text(_page(cells, normal))
        size = f"--window-size={len(cells[0]) * 8 + 16},{len(cells) * 18 + 16}"
        shot = f"--screenshot={SHOTS / name}.png"
        command = [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", size, shot]
        subprocess.run([*command, page.as_uri()], check=False, capture_output=True, timeout=100)
        page.unlink()


def _page(cells: list[list[tuple[str, Attributes]]], normal: Attributes) -> str:
    rows = "\n".join("".join(_cell(*cell, normal) for cell in row) for row in cells)
    style = f"margin:8px;font:13px/18px 'DejaVu Sans Mono',monospace;{_colours(normal)}"
    return f'<meta charset="utf-8"><body style="{style}"><pre style="font:inherit;margin:0">{rows}</pre>'


def _cell(char: str, attributes: Attributes, normal: Attributes) -> str:
    used = {**normal, **attributes}
    if attributes.get("reverse"):
        used["foreground"], used["background"] = used["background"], used["foreground"]
    weight = "font-weight:bold;" if attributes.get("bold") else ""
    box = "display:inline-block;width:8px;height:18px;vertical-align:top;"
    return f'<span style="{box}{weight}{_colours(used)}">{html.escape(char) or ""}</span>'


def _colours(attributes: Attributes) -> str:
    return f"color:#{attributes['foreground']:06x};background:#{attributes['background']:06x}"
