"""The commands that a document shows."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Every command of every ``sh`` and ``console`` block, continued lines joined; no comments, no blank lines.

    Where a block has prompts (``$ ``), its other lines are what was printed.
    """
    lines: list[str] = []
    for block in _BLOCK.findall(text):
        all_lines = block.replace("\\\n", " ").splitlines()
        prompted = [line[2:] for line in all_lines if line.startswith("$ ")]
        lines += prompted or all_lines
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
