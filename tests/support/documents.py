"""The commands that a document shows."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Every line of every ``sh`` block, continued lines joined; no comments, no blank lines."""
    lines: list[str] = []
    for block in _BLOCK.findall(text):
        lines += block.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
