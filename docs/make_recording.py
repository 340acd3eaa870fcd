"""Record the demo: ``python docs/make_recording.py [--small]`` writes docs/images/demo.cast and demo.svg.

The recording is asciinema's format (version 2), so that ``asciinema play docs/images/demo.cast`` plays it.
The picture is an SVG whose lines appear in the recording's order; a viewer without animation shows the end.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
COLUMNS = 100
LONGEST = 3.0
"""Seconds of the picture at most between two lines: a model's thought is not worth watching."""
SHOWN = 12.0
"""Seconds of the picture."""
COMMAND = "ensemble-lsp demo"


def record(arguments: list[str]) -> list[tuple[float, str]]:
    """Play the demo; return its lines, each with the seconds from the start."""
    command = [sys.executable, "-u", "-m", "ensemble_lsp", "demo", *arguments]
    lines: list[tuple[float, str]] = []
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        for line in process.stdout or ():
            lines.append((time.monotonic() - started, line.rstrip("\n")))
            sys.stdout.write(line)
    if process.returncode:
        raise SystemExit(process.returncode)
    return lines


def styled(line: str) -> Text:
    """Colour a line as a terminal would: marks, ghost text, models."""
    text = Text(line)
    text.highlight_regex(r"^✓ .*", "bold green")
    text.highlight_regex(r"^[✗–] .*", "bold yellow")
    text.highlight_regex(r"⟦.*?⟧", "italic #9a9a9a")
    text.highlight_regex(r"^\s+by .*|←.*", "cyan")
    text.highlight_regex(r"^\s+✓", "green")
    return text


def cast(lines: list[tuple[float, str]]) -> str:
    """Return the recording."""
    head = {"version": 2, "width": COLUMNS, "height": len(lines) + 2, "title": COMMAND}
    console = Console(force_terminal=True, color_system="standard", width=COLUMNS)
    rows = [json.dumps(head), json.dumps([0.0, "o", f"$ {COMMAND}\r\n"])]
    for seconds, line in lines:
        with console.capture() as captured:
            console.print(styled(line), soft_wrap=True)
        rows.append(json.dumps([round(seconds, 3), "o", captured.get().replace("\n", "\r\n")]))
    return "\n".join(rows) + "\n"


def picture(lines: list[tuple[float, str]]) -> str:
    """Return the SVG: each line appears when it was printed, long waits shortened."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    delays: list[float] = []
    clock = last = 0.0
    for seconds, line in [(0.0, f"$ {COMMAND}"), *lines]:
        clock += min(LONGEST, seconds - last)
        last = seconds
        rows = styled(line).wrap(console, COLUMNS) or [Text("")]
        for row in rows:
            console.print(row)
        delays += [clock] * max(1, len(rows))
    svg = console.export_svg(title=COMMAND, theme=MONOKAI, unique_id="demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from a server
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    scale = SHOWN / max(clock, SHOWN)
    rules = "".join(
        f'[clip-path="url(#demo-line-{n})"]{{animation:show .01s {delay * scale:.2f}s backwards}}'
        for n, delay in enumerate(delays)
    )
    return svg.replace("</style>", f"@keyframes show{{from{{opacity:0}}}}{rules}</style>", 1)


def main() -> None:
    """Play, and write both files."""
    lines = record(sys.argv[1:])
    (IMAGES / "demo.cast").write_text(cast(lines), encoding="utf-8")
    (IMAGES / "demo.svg").write_text(picture(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
