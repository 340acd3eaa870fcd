"""What a person sees on the terminal while models are asked."""

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
"""Characters of an answer under way that are kept to be shown."""


class Answers:
    """The answers as they come, by model, drawn anew a few times a second."""

    def __init__(self, what: str, height: int) -> None:
        self._what = what
        self._height = height
        self._texts: dict[str, str] = {}

    def see(self, model: str, text: str) -> None:
        """One more piece of a model's answer."""
        self._texts[model] = (self._texts.get(model, "") + text)[-_LONGEST:]

    def __rich__(self) -> RenderableType:
        """A spinner, and the last lines of each answer."""
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.text import Text

        texts = dict(self._texts)  # the drawing thread must not meet a change
        shown: list[RenderableType] = [Spinner("dots", Text(self._what))]
        room = max(2, (self._height - 2) // max(1, len(texts)) - 1)
        for model, text in texts.items():
            if len(texts) > 1:
                shown.append(Text(safe(model), style="bold"))
            # Whole, then made safe: an escape sequence may come in two pieces.
            lines = safe(text).strip("\n").split("\n")[-room:]
            shown.append(Text("\n".join(lines), style="dim", overflow="crop", no_wrap=True))
        return Group(*shown)


@contextmanager
def answers_shown(app: AppContext, what: str, *, quiet: bool = False) -> Generator[None]:
    """Show on standard error what models write while they write it; gone when they are done.

    Nothing is shown where standard error is no terminal, or with ``quiet``.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    answers = Answers(what, console.height)
    app.activity.on_text = answers.see
    try:
        with Live(answers, console=console, transient=True, refresh_per_second=10):
            yield
    finally:
        app.activity.on_text = None
