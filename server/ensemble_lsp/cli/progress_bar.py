"""The live display of answers on a terminal while models are asked."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..app import AppContext
from .console import safe

if TYPE_CHECKING:
    from rich.console import RenderableType

_LONGEST = 20_000
"""Maximum characters of an unfinished answer that are kept for the display."""


class LiveAnswers:
    """The unfinished answers by model, redrawn a few times a second."""

    def __init__(self, title: str, height: int) -> None:
        self._title = title
        self._height = height
        self._texts: dict[str, str] = {}

    def append(self, model: str, text: str) -> None:
        """Append a piece to a model's answer."""
        self._texts[model] = (self._texts.get(model, "") + text)[-_LONGEST:]

    def __rich__(self) -> RenderableType:
        """Render a spinner and the last lines of each answer."""
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.text import Text

        texts = dict(self._texts)  # a copy for the drawing thread
        shown: list[RenderableType] = [Spinner("dots", Text(self._title))]
        room = max(2, (self._height - 2) // max(1, len(texts)) - 1)
        for model, text in texts.items():
            if len(texts) > 1:
                shown.append(Text(safe(model), style="bold"))
            # Cleaned as a whole: an escape sequence may arrive in two pieces.
            lines = safe(text).strip("\n").split("\n")[-room:]
            shown.append(Text("\n".join(lines), style="dim", overflow="crop", no_wrap=True))
        return Group(*shown)


@contextmanager
def answers_shown(app: AppContext, title: str, *, quiet: bool = False) -> Generator[None]:
    """Show unfinished answers on standard error, and remove them at the end.

    Shows nothing if ``quiet`` or if standard error is not a terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    answers = LiveAnswers(title, console.height)
    app.activity.on_text = answers.append
    try:
        with Live(answers, console=console, transient=True, refresh_per_second=10):
            yield
    finally:
        app.activity.on_text = None
